/* What a run has come to. */
#include "cmd/summary.h"

#include <string.h>

#include "base/error.h"

void summary_count(struct run_summary *summary, enum verdict verdict, bool as_expected, bool control)
{
    bool undecided = verdict == VERDICT_INCONCLUSIVE || verdict == VERDICT_UNSUPPORTED;
    summary->done++;
    summary->verdicts[verdict]++;
    summary->decided += control ? !as_expected : !undecided;
    if (as_expected)
        summary->as_expected++;
    else
        summary->unexpected++;
}

void summary_distance(struct run_summary *summary, const char *pin, uint64_t line_ns)
{
    bool first = summary->line_most_ns == 0;
    if (line_ns == 0)
        return;
    if (first || (summary->pin && strcmp(summary->pin, pin) != 0))
        summary->pin = first ? pin : NULL;
    if (first || line_ns < summary->line_least_ns)
        summary->line_least_ns = line_ns;
    if (line_ns > summary->line_most_ns)
        summary->line_most_ns = line_ns;
}

int summary_status(const struct run_summary *summary, int interrupted)
{
    uint32_t broken = summary->environment_failed ? summary->verdicts[VERDICT_ERROR] : 0;
    if (interrupted)
        return 128 + interrupted;
    if (summary->decided == 0)
        return STATUS_NOTHING;
    if (summary->unexpected > broken)
        return STATUS_UNEXPECTED;
    return summary->environment_failed ? STATUS_ENVIRONMENT : STATUS_AS_EXPECTED;
}
