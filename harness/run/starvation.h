/* The oracle of starvation: has a primitive that promises turns (SYNC_FAIR) passed somebody over?
 *
 * Whoever has asked, and has had a CPU for long enough to have joined the queue or sleeps in it, is served before anybody is
 * served many times over. Only then is it counted what the others get: a worker that was switched out on its way into the
 * queue has no turn yet.
 */
#ifndef RUN_STARVATION_H
#define RUN_STARVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "run/crew.h"
#include "run/ledger.h"
#include "run/spec.h"

struct starvation_wait {
    uint64_t ops, beats; /* of the worker, when it was first seen waiting: an operation may ask several times */
    uint64_t cpu_ns;     /* that it had used then */
    uint64_t served_ops; /* of the whole crew when it had joined for certain; 0: not yet */
    uint64_t joined_ns;
    bool waiting, told;
};

struct starvation {
    struct starvation_wait *waits; /* one a worker; NULL: the sync promises nothing, or memory is short */
};

void starvation_start(struct starvation *starvation, const struct trial_spec *spec);
void starvation_free(struct starvation *starvation);

/* To be called now and then. Writes evidence into the auditor's slot. */
void starvation_look(struct starvation *starvation, const struct crew *crew, const struct ledger *ledger,
                     const struct trial_spec *spec, uint64_t crew_ops, uint64_t now);

#endif
