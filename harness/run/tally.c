/* The tally: whether to count, and the second trial. */
#include "run/tally.h"

#include "run/interrupt.h"
#include "run/syscalls.h"
#include "run/trial.h"

/* Once for each point: the calls of an operation are the same in all its repeats. What is broken on purpose may wedge, and nobody
 * chooses it by its price; the control shows what nothing costs. */
static bool is_wanted(const struct trial_spec *spec, const struct trial_result *result)
{
    bool ran = result->gate_ns && (result->verdict == VERDICT_CLEAN || result->verdict == VERDICT_CORRUPT ||
                                   result->verdict == VERDICT_INCONCLUSIVE);
    bool broken = spec->sync->traits & SYNC_BUSTED && !(spec->sync->traits & SYNC_CONTROL);
    return spec->count_ns && spec->repeat == 1 && ran && !broken && !spec->silent && !spec->slice && !spec->load->uses_system &&
           !spec_acts_inside(spec) && !interrupt_pending() && !syscalls_missing();
}

/* The times of the second trial are those of the handler: nothing in it is timed. */
static struct trial_spec counting(const struct trial_spec *spec)
{
    struct trial_spec pass = *spec;
    pass.counts = true;
    pass.count_ns = 0;
    pass.duration_ns = spec->count_ns;
    pass.shape.ops_limit = spec->shape.ops_limit && spec->shape.ops_limit < TALLY_OPS ? spec->shape.ops_limit : 0;
    pass.shape.sampling = UINT32_MAX;
    pass.shape.history = 0;
    return pass;
}

void tally_run(const struct trial_spec *spec, struct trial_result *result)
{
    struct trial_result counted;
    if (!is_wanted(spec, result))
        return;
    struct trial_spec pass = counting(spec);
    trial_run(&pass, &counted);
    if (counted.verdict == VERDICT_CLEAN || counted.verdict == VERDICT_CORRUPT || counted.verdict == VERDICT_INCONCLUSIVE)
        result->syscalls = counted.syscalls;
    trial_result_free(&counted);
}
