/* The formats for findings: what is wrong first, the worst at the top, then what was seen. */
#define _GNU_SOURCE
#include "report/findings.h"

#include <string.h>

#include "base/text.h"
#include "report/host.h"
#include "report/records.h"

/* ---- human ---- */

static const char *paint(const struct finding_sink *sink, enum severity severity)
{
    static const char *const colours[SEVERITIES] = {
        [SEVERITY_NOTE] = "\033[36m", [SEVERITY_WARNING] = "\033[33m", [SEVERITY_SERIOUS] = "\033[31m"};
    return sink->colour ? colours[severity] : "";
}

/* A text of several lines, the later ones indented like the first. */
static void put_lines(FILE *out, const char *key, const char *text)
{
    fprintf(out, "         %-12s", key);
    text_put_lines(out, text, 21);
}

static void human_finding(const struct finding_sink *sink, const struct diagnosis *d, const struct finding *finding)
{
    char fix[FINDING_FIX];
    fprintf(sink->out, "%s%-8s%s %s: ", paint(sink, finding->severity), severity_name(finding->severity),
            sink->colour ? "\033[0m" : "", finding->row->id);
    text_put(sink->out, finding->evidence); /* names of others are in it */
    fputc('\n', sink->out);
    put_lines(sink->out, "so", finding->row->consequence);
    put_lines(sink->out, "fix", finding_fix(finding->row, d, fix, sizeof fix));
}

static void human_facts(const struct finding_sink *sink, const struct diagnosis *d)
{
    const char *area = "";
    for (unsigned i = 0; i < d->fact_count; i++) {
        const struct finding_ops *row = d->facts[i].row;
        fprintf(sink->out, "%-8s %-18s ", strcmp(area, row->area) == 0 ? "" : row->area, row->title);
        text_put(sink->out, d->facts[i].text);
        fputc('\n', sink->out);
        area = row->area;
    }
}

static void human_write(const struct finding_sink *sink, const struct diagnosis *d)
{
    unsigned counts[SEVERITIES] = {0};
    for (int severity = SEVERITIES - 1; severity >= 0; severity--)
        for (unsigned i = 0; i < d->found_count; i++)
            if ((int)d->found[i].severity == severity) {
                counts[severity]++;
                human_finding(sink, d, &d->found[i]);
            }
    if (!sink->quiet) {
        if (d->found_count)
            fputc('\n', sink->out);
        human_facts(sink, d);
        fputc('\n', sink->out);
    }
    fprintf(sink->out, "%u finding%s (%u serious, %u warning%s, %u note%s) in %.1f s; runtime: %s%s%s\n", d->found_count,
            d->found_count == 1 ? "" : "s", counts[SEVERITY_SERIOUS], counts[SEVERITY_WARNING],
            counts[SEVERITY_WARNING] == 1 ? "" : "s", counts[SEVERITY_NOTE], counts[SEVERITY_NOTE] == 1 ? "" : "s",
            sink->seconds, runtime_names[d->runtime], d->unit[0] ? ", " : "", d->unit);
}

/* ---- jsonl ---- */

static void write_and_drop(FILE *out, json_t *record)
{
    json_dumpf(record, out, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', out);
    json_decref(record);
}

json_t *record_finding(const struct diagnosis *d, const struct finding *finding)
{
    char fix[FINDING_FIX];
    json_t *record = json_pack("{s:s, s:s, s:s, s:s}", "type", "finding", "id", finding->row->id, "area", finding->row->area,
                               "severity", severity_name(finding->severity));
    json_object_set_new(record, "evidence", record_text(finding->evidence));
    json_object_set_new(record, "consequence", json_string(finding->row->consequence));
    json_object_set_new(record, "fix", record_text(finding_fix(finding->row, d, fix, sizeof fix)));
    json_object_set_new(record, "runtime", json_string(runtime_names[d->runtime]));
    return record;
}

static void jsonl_write(const struct finding_sink *sink, const struct diagnosis *d)
{
    write_and_drop(sink->out, record_run(sink->run));
    write_and_drop(sink->out, host_record());
    for (unsigned i = 0; i < d->fact_count; i++) {
        const struct finding_ops *row = d->facts[i].row;
        json_t *record =
            json_pack("{s:s, s:s, s:s, s:s}", "type", "fact", "id", row->id, "area", row->area, "title", row->title);
        json_object_set_new(record, "text", record_text(d->facts[i].text));
        write_and_drop(sink->out, record);
    }
    for (unsigned i = 0; i < d->found_count; i++)
        write_and_drop(sink->out, record_finding(d, &d->found[i]));
    struct run_summary summary = {.seconds = sink->seconds, .exit_status = sink->exit_status};
    json_t *end = record_end(&summary);
    json_object_set_new(end, "findings", json_integer(d->found_count));
    write_and_drop(sink->out, end);
}

/* ---- the table ---- */

static const struct finding_format formats[] = {
    {.name = "human", .summary = "findings and facts, for the eye", .write = human_write},
    {.name = "jsonl", .summary = "records, one a line", .write = jsonl_write},
};
enum { FORMATS = sizeof formats / sizeof formats[0] };

const struct finding_format *finding_format_find(const char *name)
{
    for (int i = 0; i < FORMATS; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

const char *const *finding_format_names(void)
{
    static const char *names[FORMATS + 1];
    for (int i = 0; i < FORMATS; i++)
        names[i] = formats[i].name;
    return names;
}
