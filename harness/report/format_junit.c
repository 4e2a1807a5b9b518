/* junit: one test case a trial, in the XML that CI systems read; written whole at the end. */
#include <stdlib.h>
#include <string.h>

#include "report/escape.h"
#include "report/formats.h"

/* The cases are collected in memory, because the counts stand in the first line. */
struct junit {
    FILE *cases;
    char *text;
    size_t size;
    unsigned tests, failures, errors, skipped;
};

static void junit_begin(struct sink *sink, const json_t *host)
{
    (void)host;
    struct junit *junit = calloc(1, sizeof *junit);
    if (junit)
        junit->cases = open_memstream(&junit->text, &junit->size);
    sink->state = junit;
}

static void put_outcome(struct junit *junit, const char *element, const struct trial_event *event)
{
    const struct trial_result *result = event->result;
    fprintf(junit->cases, "      <%s message=\"%s, expected %s: ", element, verdict_name(result->verdict),
            verdict_name(event->spec->expect));
    escape_xml(junit->cases, result->reason);
    fprintf(junit->cases, "\" type=\"%s\">replay: ", verdict_name(result->verdict));
    escape_xml(junit->cases, event->replay);
    fprintf(junit->cases, "</%s>\n", element);
}

static void junit_trial_end(struct sink *sink, const struct trial_event *event)
{
    struct junit *junit = sink->state;
    const struct trial_spec *spec = event->spec;
    const struct trial_result *result = event->result;
    char title[256];
    if (!junit || !junit->cases)
        return;
    junit->tests++;
    fprintf(junit->cases, "    <testcase classname=\"shmoo.");
    escape_xml(junit->cases, spec->job);
    fprintf(junit->cases, "\" name=\"%u ", spec->number);
    escape_xml(junit->cases, trial_title(spec, title));
    fprintf(junit->cases, " repeat %u\" time=\"%.3f\">\n", spec->repeat, (double)result->ran_ns / 1e9);
    if (result->verdict == VERDICT_UNSUPPORTED || (result->verdict == VERDICT_INCONCLUSIVE && result->as_expected)) {
        junit->skipped++;
        fputs("      <skipped message=\"", junit->cases);
        escape_xml(junit->cases, result->reason);
        fputs("\"/>\n", junit->cases);
    } else if (!result->as_expected && result->verdict == VERDICT_ERROR) {
        junit->errors++;
        put_outcome(junit, "error", event);
    } else if (!result->as_expected) {
        junit->failures++;
        put_outcome(junit, "failure", event);
    }
    fputs("    </testcase>\n", junit->cases);
}

static void junit_end(struct sink *sink, const struct run_summary *summary)
{
    struct junit *junit = sink->state;
    if (!junit || !junit->cases)
        return;
    fclose(junit->cases);
    fprintf(sink->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"shmoo\" tests=\"%u\" "
                       "failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\" timestamp=\"%.19s\">\n",
            junit->tests, junit->failures, junit->errors, junit->skipped, summary->seconds, sink->run->started);
    fputs(junit->text ? junit->text : "", sink->out);
    fputs("  </testsuite>\n</testsuites>\n", sink->out);
    free(junit->text);
    free(junit);
    sink->state = NULL;
}

const struct format_ops format_junit = {
    .name = "junit",
    .summary = "JUnit XML, one test case a trial",
    .begin = junit_begin,
    .trial_end = junit_trial_end,
    .end = junit_end,
};
