/* Distance: how long a cache line takes from one worker's CPU to another's and back.
 *
 * What is contended costs such ways. They depend on where the CPUs are, and a host may run a virtual machine's CPUs anywhere, and
 * elsewhere a minute later: then the same trial has another result, and this tells why. The two first workers of a trial measure it
 * when their loops are over and all is counted: two words, each in lines of its own, each written by one side and waited for by the
 * other. It takes some microseconds, and DISTANCE_PATIENCE_NS at the most.
 */
#ifndef RUN_DISTANCE_H
#define RUN_DISTANCE_H

#include <stdint.h>

#include "base/clock.h"
#include "contract/slot.h"

#define DISTANCE_SIDES 2u
/* So long one side waits for the other: it may have another operation to end, or no CPU. */
#define DISTANCE_PATIENCE_NS (500 * NS_PER_US)

struct distance {
    struct {
        _Alignas(SLOT_ALIGN) uint64_t value;
    } turns[DISTANCE_SIDES]; /* zeroed at first, and used once */
};

/* Called by both sides, 0 and 1, in processes of their own. Nanoseconds there and back, for side 0; 0 if the other one was not
 * there in time. */
uint64_t distance_measure(struct distance *distance, uint32_t side);

#endif
