/* tap: the Test Anything Protocol, version 14; one test point a trial, diagnostics as YAML. */
#include "report/escape.h"
#include "report/formats.h"

static void tap_begin(struct sink *sink, const json_t *host)
{
    (void)host;
    fprintf(sink->out, "TAP version 14\n1..%u\n", sink->run->trials);
}

static void tap_trial_end(struct sink *sink, const struct trial_event *event)
{
    const struct trial_spec *spec = event->spec;
    const struct trial_result *result = event->result;
    bool skipped = result->verdict == VERDICT_UNSUPPORTED || (result->verdict == VERDICT_INCONCLUSIVE && result->as_expected);
    char title[256];
    fprintf(sink->out, "%s %u - ", result->as_expected || skipped ? "ok" : "not ok", spec->number);
    escape_tap(sink->out, trial_title(spec, title));
    fprintf(sink->out, " repeat %u: %s", spec->repeat, verdict_name(result->verdict));
    if (skipped) {
        fputs(" # SKIP ", sink->out);
        escape_tap(sink->out, result->reason);
    }
    fputc('\n', sink->out);
    if (result->as_expected || skipped)
        return;
    fputs("  ---\n", sink->out);
    escape_yaml(sink->out, "verdict", verdict_name(result->verdict));
    escape_yaml(sink->out, "expected", verdict_name(spec->expect));
    escape_yaml(sink->out, "reason", result->reason);
    escape_yaml(sink->out, "replay", event->replay);
    fputs("  ...\n", sink->out);
}

static void tap_end(struct sink *sink, const struct run_summary *summary)
{
    if (summary->done < summary->planned)
        fprintf(sink->out, "Bail out! %u of %u trials were run\n", summary->done, summary->planned);
}

const struct format_ops format_tap = {
    .name = "tap",
    .summary = "Test Anything Protocol 14, one test point a trial",
    .begin = tap_begin,
    .trial_end = tap_trial_end,
    .end = tap_end,
};
