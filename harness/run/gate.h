/* The gate: lets all workers start at one moment, and tells them to stop. Lives in shared memory. */
#ifndef RUN_GATE_H
#define RUN_GATE_H

#include <stdint.h>

#include "contract/slot.h"
#include "run/distance.h"

struct gate {
    _Alignas(SLOT_ALIGN) uint32_t open; /* 0: closed; waited on by futex */
    _Alignas(SLOT_ALIGN) uint32_t stop; /* read in every operation, written once */
    _Alignas(SLOT_ALIGN) uint64_t opened_ns;
    struct distance distance; /* for when it is over */
};

/* Worker: sleeps until the gate is open. */
void gate_wait(struct gate *gate);

/* Harness: opens the gate, wakes everybody, and returns the moment, which is noted for them, too. */
uint64_t gate_open(struct gate *gate);

/* Harness: asks all workers to end after the operation under way. Idempotent. */
void gate_stop(struct gate *gate);

#endif
