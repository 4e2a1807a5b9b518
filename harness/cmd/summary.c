/* What a run has come to. */
#include "cmd/summary.h"

#include "base/error.h"

void summary_count(struct run_summary *summary, enum verdict verdict, bool as_expected)
{
    summary->done++;
    summary->verdicts[verdict]++;
    if (as_expected)
        summary->as_expected++;
    else
        summary->unexpected++;
}

int summary_status(const struct run_summary *summary, int interrupted)
{
    uint32_t undecided = summary->verdicts[VERDICT_INCONCLUSIVE] + summary->verdicts[VERDICT_UNSUPPORTED];
    uint32_t broken = summary->environment_failed ? summary->verdicts[VERDICT_ERROR] : 0;
    if (interrupted)
        return 128 + interrupted;
    if (summary->done == undecided)
        return STATUS_NOTHING;
    if (summary->unexpected > broken)
        return STATUS_UNEXPECTED;
    return summary->environment_failed ? STATUS_ENVIRONMENT : STATUS_AS_EXPECTED;
}
