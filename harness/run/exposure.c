/* Exposure: what proves that the crew met. */
#include "run/exposure.h"

#include <math.h>
#include <string.h>

#include "run/pin.h"

/* A clean verdict asks for sampled operations that met another process: so many, and one in so many of the sample. In parallel
 * meetings are one in 10 to 1,000, and a lock without an atomic test-and-set is caught within milliseconds. On one CPU, where
 * processes meet only when one is switched out inside, such a lock went uncaught however many met: there the answer is
 * INCONCLUSIVE unless a fault gives the CPU away inside. */
#define ENOUGH_MEETINGS 5
#define MEETINGS_ONE_IN 1000

bool exposure_met(uint64_t contended, uint64_t sampled)
{
    if (contended * 3 >= sampled && contended) /* few were looked at, and of these many met somebody */
        return true;
    return contended >= ENOUGH_MEETINGS && contended * MEETINGS_ONE_IN >= sampled;
}

/* Did the crew run in parallel? Pinned to several CPUs, workers of two of them must have run; otherwise the CPU time tells. */
static bool ran_in_parallel(const struct trial_result *result)
{
    uint64_t here_ns = 0, elsewhere_ns = 0;
    for (uint32_t i = 0; i < result->workers; i++) {
        const struct slot *slot = &result->ledger.slots[i];
        bool same_place = strcmp(result->ends[i].cpus, result->ends[0].cpus) == 0;
        *(same_place ? &here_ns : &elsewhere_ns) += slot->user_ns + slot->system_ns;
    }
    uint64_t less_ns = here_ns < elsewhere_ns ? here_ns : elsewhere_ns;
    return (double)(here_ns + elsewhere_ns) > 1.1 * (double)result->ran_ns || (double)less_ns > 0.1 * (double)result->ran_ns;
}

bool exposure_in_turns(const struct trial_result *result)
{
    for (uint32_t i = 0; i < result->workers; i++)
        if (result->ends[i].cpus[0] == '\0' || strcmp(result->ends[i].cpus, result->ends[0].cpus) != 0)
            return pin_cpus_allowed() == 1;
    return true;
}

/* Meetings at the primitive prove exposure; in a large crew the sampled looks seldom hit the right one, and many hand-offs
 * between processes that ran in parallel do as well. */
bool exposure_enough(const struct trial_spec *spec, const struct trial_result *result)
{
    if (spec->load->uses_system || spec->enough == 0)
        return true;
    /* inside() is called by the holders of a lock; with another primitive it is no more than a pause between operations */
    bool preempts = spec->fault->preempts || (spec->fault->inside && spec->sync->family == SYNC_LOCK);
    if (exposure_in_turns(result) && !preempts)
        return false;
    if (exposure_met(result->contended, result->sampled))
        return true;
    return result->handoffs >= EXPOSURE_MANY && ran_in_parallel(result);
}

uint64_t exposure_late(const struct trial_result *result, uint64_t objects)
{
    double early = (double)EXPOSURE_LATE * (double)objects, ops = (double)result->ops;
    return ops > early ? (uint64_t)((double)result->handoffs * (1 - early / ops)) : 0;
}

double exposure_upper_95(uint64_t exposures)
{
    return exposures ? -expm1(log(0.05) / (double)exposures) : 1;
}
