/* Processes beside the workers that may have a hand in the primitive: helpers that its create() has started, and what its code has
 * forked in the workers. A crew that sleeps may wait for one of them. */
#ifndef RUN_KIN_H
#define RUN_KIN_H

#include <stdbool.h>
#include <stdint.h>

#include "run/crew.h"

struct kin {
    uint32_t seen;    /* alive */
    uint32_t running; /* of these, not asleep */
    uint64_t cpu_ns;  /* that they have used together */
};

struct kin kin_look(const struct crew *crew);

#endif
