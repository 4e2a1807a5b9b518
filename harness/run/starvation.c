/* The oracle of starvation. */
#include "run/starvation.h"

#include <stdlib.h>

#include "base/clock.h"
#include "contract/worker.h"
#include "run/mortality.h"
#include "run/process.h"

/* CPU time in which a worker has joined the queue for certain. */
#define JOIN_NS (4 * NS_PER_MS)
#define JOIN_SLOWED_NS (200 * NS_PER_MS)
/* How often everybody else may be served meanwhile. A fair primitive serves each once; the rest is for operations that enter
 * several times, and for what others had under way. */
#define SERVED_EACH 200

void starvation_start(struct starvation *starvation, const struct trial_spec *spec)
{
    starvation->waits = NULL;
    bool promised = spec->sync->family == SYNC_LOCK && spec->sync->traits & SYNC_FAIR;
    if (promised && !mortality_strikes(spec)) /* nobody promises turns to a line that somebody dies in */
        starvation->waits = calloc(shape_workers(&spec->shape), sizeof *starvation->waits);
}

void starvation_free(struct starvation *starvation)
{
    free(starvation->waits);
    starvation->waits = NULL;
}

static bool has_joined(const struct starvation_wait *wait, pid_t pid, bool slowed)
{
    if (process_cpu_ns(pid) > wait->cpu_ns + (slowed ? JOIN_SLOWED_NS : JOIN_NS))
        return true;
    return process_look(pid).state == 'S' && process_call(pid).wait == PROCESS_WAITS;
}

static void report_wait(const struct ledger *ledger, const struct trial_spec *spec, uint32_t i, uint64_t served, uint64_t waited_ns)
{
    struct worker auditor = {.slot = ledger_auditor(ledger)};
    worker_violation_values(&auditor, VIOLATION_STARVED, shape_workers(&spec->shape), served,
                            "worker %u has waited for %.3f s while %llu other operations were served, although %s promises turns", i,
                            (double)waited_ns / 1e9, (unsigned long long)served, spec->sync->name);
}

void starvation_look(struct starvation *starvation, const struct crew *crew, const struct ledger *ledger,
                     const struct trial_spec *spec, uint64_t crew_ops, uint64_t now)
{
    uint64_t bound = (uint64_t)SERVED_EACH * crew->count;
    for (uint32_t i = 0; starvation->waits && i < crew->count; i++) {
        struct starvation_wait *wait = &starvation->waits[i];
        const struct slot *slot = &ledger->slots[i];
        pid_t pid = crew->members[i].pid;
        uint64_t ops = slot_load(&slot->ops), beats = slot_load(&slot->beats);
        bool waiting = slot_load(&slot->phase) == PHASE_ACQUIRING && crew->members[i].exit == EXIT_NOT_YET;
        if (!waiting || !wait->waiting || ops != wait->ops || beats != wait->beats) {
            *wait = (struct starvation_wait){.ops = ops, .beats = beats, .waiting = waiting, .told = wait->told};
            wait->cpu_ns = waiting ? process_cpu_ns(pid) : 0;
        } else if (wait->served_ops == 0) {
            wait->served_ops = has_joined(wait, pid, spec->fault->slows) ? crew_ops : 0;
            wait->joined_ns = now;
        } else if (crew_ops - wait->served_ops > bound && !wait->told) {
            wait->told = true;
            report_wait(ledger, spec, i, crew_ops - wait->served_ops, now - wait->joined_ns);
        }
    }
}
