/* The preflight: is there room for a plan, before anything is started? */
#ifndef RUN_PREFLIGHT_H
#define RUN_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "run/spec.h"

/* What the most demanding trial of a plan needs. Trials run one after the other, so needs do not add up. */
struct need {
    uint64_t shm_bytes;    /* in /dev/shm */
    uint64_t shm_objects;
    uint64_t memory_bytes; /* shm, ledger and processes together */
    uint64_t largest_object;
    uint32_t processes;
    uint32_t descriptors;
    uint32_t mappings;  /* of objects of states, in one process */
    uint64_t worker_ns; /* so long may a worker run */
    uint32_t shm_trial, memory_trial, processes_trial, mappings_trial, longest_trial; /* the trials that need most */
};

/* Of a hunt it is the most demanding slice that fits; where none does, the least demanding one. */
struct need need_of(const struct trial_spec *specs, size_t count);

/* What there is at this moment. */
struct preflight_room {
    uint64_t shm_bytes, memory_bytes;
};

struct preflight_room preflight_room(void);

/* Has one trial room enough? */
bool preflight_fits(const struct preflight_room *room, const struct trial_spec *spec);

/* Can the crews be pinned as the trials ask? Fails as pin_create() does. */
int preflight_pins(const struct trial_spec *specs, size_t count, struct error *error);

/* Can system calls be watched, if a trial asks for a proof that there are none? Fails with status ENVIRONMENT. */
int preflight_silence(const struct trial_spec *specs, size_t count, struct error *error);

/* Compares a need with /dev/shm, the memory cgroup, the memory, and this process's limits; raises the soft limit on open
 * files where that is enough. Fails with status ENVIRONMENT, naming the limit and the way out. */
int preflight(const struct need *need, struct error *error);

#endif
