/* Checks for people: a line each, what was expected and observed of those that did not pass, a line of counts. */
#include <string.h>

#include "base/units.h"
#include "report/checks.h"

static const char *paint(const struct check_sink *sink, enum check_outcome outcome)
{
    static const char *const colours[CHECK_OUTCOMES] = {
        [CHECK_PASS] = "\033[32m",        [CHECK_FAIL] = "\033[31m",  [CHECK_DEVIATES] = "\033[33m",
        [CHECK_UNSUPPORTED] = "\033[33m", [CHECK_ERROR] = "\033[31m",
    };
    return sink->colour ? colours[outcome] : "";
}

static const char *plain(const struct check_sink *sink)
{
    return sink->colour ? "\033[0m" : "";
}

static void put_line(FILE *out, const char *key, const char *text)
{
    if (*text)
        fprintf(out, "             %-9s %s\n", key, text);
}

static void human_one(struct check_sink *sink, const struct check_event *event)
{
    const struct check_report *report = &event->result->report;
    char time[UNITS_TEXT];
    if (report->outcome == CHECK_PASS && sink->quiet)
        return;
    fprintf(sink->out, "%s%-11s%s  %-42s %8s  %s\n", paint(sink, report->outcome), check_outcome_name(report->outcome),
            plain(sink), event->row->id, units_print(&units_duration, (double)event->result->ns, time), event->row->summary);
    if (report->outcome == CHECK_PASS)
        return;
    put_line(sink->out, "clause", event->row->clause);
    put_line(sink->out, "expected", report->expected);
    put_line(sink->out, "observed", report->observed);
    put_line(sink->out, report->outcome == CHECK_UNSUPPORTED ? "missing" : "reason", report->reason);
}

static void human_end(struct check_sink *sink, const struct check_summary *summary)
{
    check_counts(sink->out, summary);
    fputc('\n', sink->out);
}

const struct check_format check_human = {
    .name = "human",
    .summary = "a line a check, for the eye",
    .one = human_one,
    .end = human_end,
};
