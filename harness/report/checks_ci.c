/* Checks for CI systems: TAP 14, and JUnit XML. */
#include <stdlib.h>

#include "report/checks.h"
#include "report/escape.h"

static bool counts_against(enum check_outcome outcome)
{
    return outcome == CHECK_FAIL || outcome == CHECK_ERROR;
}

/* ---- tap: a deviation is a TODO: known, not in order, and no failure ---- */

static void tap_begin(struct check_sink *sink)
{
    fprintf(sink->out, "TAP version 14\n1..%u\n", sink->planned);
}

static void tap_one(struct check_sink *sink, const struct check_event *event)
{
    const struct check_report *report = &event->result->report;
    bool ok = report->outcome == CHECK_PASS || report->outcome == CHECK_UNSUPPORTED;
    fprintf(sink->out, "%s %u - ", ok ? "ok" : "not ok", event->number);
    escape_tap(sink->out, event->row->id);
    fputs(": ", sink->out);
    escape_tap(sink->out, event->row->summary);
    if (report->outcome == CHECK_UNSUPPORTED || report->outcome == CHECK_DEVIATES) {
        fputs(report->outcome == CHECK_UNSUPPORTED ? " # SKIP " : " # TODO known deviation: ", sink->out);
        escape_tap(sink->out, report->reason);
    }
    fputc('\n', sink->out);
    if (ok)
        return;
    fputs("  ---\n", sink->out);
    escape_yaml(sink->out, "outcome", check_outcome_name(report->outcome));
    escape_yaml(sink->out, "clause", event->row->clause);
    escape_yaml(sink->out, "expected", report->expected);
    escape_yaml(sink->out, "observed", report->observed);
    escape_yaml(sink->out, "reason", report->reason);
    fputs("  ...\n", sink->out);
}

static void tap_end(struct check_sink *sink, const struct check_summary *summary)
{
    if (summary->done < summary->planned)
        fprintf(sink->out, "Bail out! %u of %u checks were run\n", summary->done, summary->planned);
}

const struct check_format check_tap = {
    .name = "tap",
    .summary = "Test Anything Protocol 14, one test point a check",
    .begin = tap_begin,
    .one = tap_one,
    .end = tap_end,
};

/* ---- junit: written whole at the end, because the counts stand in its first line ---- */

struct junit {
    FILE *cases;
    char *text;
    size_t size;
};

static void junit_begin(struct check_sink *sink)
{
    struct junit *junit = calloc(1, sizeof *junit);
    if (junit)
        junit->cases = open_memstream(&junit->text, &junit->size);
    sink->state = junit;
}

static void put_detail(FILE *out, const char *element, const struct check_event *event)
{
    const struct check_report *report = &event->result->report;
    fprintf(out, "      <%s message=\"", element);
    escape_xml(out, *report->observed ? report->observed : report->reason);
    fprintf(out, "\" type=\"%s\">clause: ", check_outcome_name(report->outcome));
    escape_xml(out, event->row->clause);
    fputs("\nexpected: ", out);
    escape_xml(out, report->expected);
    fputs("\nobserved: ", out);
    escape_xml(out, report->observed);
    fputs("\nreason: ", out);
    escape_xml(out, report->reason);
    fprintf(out, "</%s>\n", element);
}

/* What is skipped, or known to deviate, is told as skipped: JUnit has no third word. */
static void junit_one(struct check_sink *sink, const struct check_event *event)
{
    struct junit *junit = sink->state;
    const struct check_report *report = &event->result->report;
    if (!junit || !junit->cases)
        return;
    fputs("    <testcase classname=\"shmoo.check\" name=\"", junit->cases);
    escape_xml(junit->cases, event->row->id);
    fprintf(junit->cases, "\" time=\"%.3f\">\n", (double)event->result->ns / 1e9);
    if (counts_against(report->outcome)) {
        put_detail(junit->cases, report->outcome == CHECK_ERROR ? "error" : "failure", event);
    } else if (report->outcome != CHECK_PASS) {
        fprintf(junit->cases, "      <skipped message=\"%s: ", check_outcome_name(report->outcome));
        escape_xml(junit->cases, *report->observed ? report->observed : report->reason);
        if (*report->observed) {
            fputs("; ", junit->cases);
            escape_xml(junit->cases, report->reason);
        }
        fputs("\"/>\n", junit->cases);
    }
    fputs("    </testcase>\n", junit->cases);
}

static void junit_end(struct check_sink *sink, const struct check_summary *summary)
{
    struct junit *junit = sink->state;
    if (!junit || !junit->cases)
        return;
    fclose(junit->cases);
    fprintf(sink->out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"shmoo check\" tests=\"%u\" "
            "failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\" timestamp=\"%.19s\">\n",
            summary->done, summary->outcomes[CHECK_FAIL], summary->outcomes[CHECK_ERROR],
            summary->outcomes[CHECK_UNSUPPORTED] + summary->outcomes[CHECK_DEVIATES], summary->seconds, sink->run->started);
    fputs(junit->text ? junit->text : "", sink->out);
    fputs("  </testsuite>\n</testsuites>\n", sink->out);
    free(junit->text);
    free(junit);
    sink->state = NULL;
}

const struct check_format check_junit = {
    .name = "junit",
    .summary = "JUnit XML, one test case a check",
    .begin = junit_begin,
    .one = junit_one,
    .end = junit_end,
};
