/* tap: the Test Anything Protocol, version 14; one test point a trial, diagnostics as YAML. */
#include "base/text.h"
#include "report/formats.h"

static void tap_begin(struct sink *sink, const json_t *host)
{
    (void)host;
    fprintf(sink->out, "TAP version 14\n1..%u\n", sink->run->trials);
}

/* Writes the character at the start of `text`, or what stands for one that could end the line or is not UTF-8. Returns its
 * length. */
static size_t put_plain(FILE *out, const char *text)
{
    size_t length = text_utf8_length(text);
    unsigned char c = (unsigned char)*text;
    if (length == 0)
        fputc('?', out);
    else if (c < 0x20 || c == 0x7f)
        fputc(' ', out);
    else
        fwrite(text, 1, length, out);
    return length ? length : 1;
}

/* In a description '#' would begin a directive. */
static void put_description(FILE *out, const char *text)
{
    while (*text) {
        if (*text == '#' || *text == '\\')
            fputc('\\', out);
        text += put_plain(out, text);
    }
}

/* A YAML string in double quotes. */
static void put_yaml(FILE *out, const char *key, const char *text)
{
    fprintf(out, "  %s: \"", key);
    while (*text) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        text += put_plain(out, text);
    }
    fputs("\"\n", out);
}

static void tap_trial_end(struct sink *sink, const struct trial_event *event)
{
    const struct trial_spec *spec = event->spec;
    const struct trial_result *result = event->result;
    bool skipped = result->verdict == VERDICT_UNSUPPORTED || (result->verdict == VERDICT_INCONCLUSIVE && result->as_expected);
    char title[256];
    fprintf(sink->out, "%s %u - ", result->as_expected || skipped ? "ok" : "not ok", spec->number);
    put_description(sink->out, trial_title(spec, title));
    fprintf(sink->out, " repeat %u: %s", spec->repeat, verdict_name(result->verdict));
    if (skipped) {
        fputs(" # SKIP ", sink->out);
        put_description(sink->out, result->reason);
    }
    fputc('\n', sink->out);
    if (result->as_expected || skipped)
        return;
    fputs("  ---\n", sink->out);
    put_yaml(sink->out, "verdict", verdict_name(result->verdict));
    put_yaml(sink->out, "expected", verdict_name(spec->expect));
    put_yaml(sink->out, "reason", result->reason);
    put_yaml(sink->out, "replay", event->replay);
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
