/* Checks as records: `check` and `end`, one a line. */
#define _GNU_SOURCE
#include <jansson.h>
#include <signal.h>
#include <string.h>

#include "report/checks.h"
#include "report/host.h"
#include "report/records.h"

static void put_text(json_t *record, const char *key, const char *text)
{
    json_object_set_new(record, key, *text ? record_text(text) : json_null());
}

static json_t *record_check(const struct check_event *event)
{
    const struct check_ops *row = event->row;
    const struct check_report *report = &event->result->report;
    json_t *record = json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s}", "type", "check", "check", (json_int_t)event->number, "id",
                               row->id, "interface", row->interface, "clause", row->clause, "level",
                               check_level_name(row->level), "summary", row->summary);
    json_t *needs = json_array();
    for (unsigned i = 0; i < CHECK_NEED_KINDS; i++)
        if (row->needs & 1u << i)
            json_array_append_new(needs, json_string(check_need_name(1u << i)));
    json_object_set_new(record, "needs", needs);
    json_object_set_new(record, "outcome", json_string(check_outcome_name(report->outcome)));
    json_object_set_new(record, "seconds", json_real((double)event->result->ns / 1e9));
    put_text(record, "expected", report->expected);
    put_text(record, "observed", report->observed);
    put_text(record, "reason", report->reason);
    return record;
}

static json_t *record_check_end(const struct check_summary *summary)
{
    json_t *outcomes = json_object();
    for (int i = 0; i < CHECK_OUTCOMES; i++)
        if (summary->outcomes[i])
            json_object_set_new(outcomes, check_outcome_name((enum check_outcome)i), json_integer(summary->outcomes[i]));
    struct run_summary run = {
        .seconds = summary->seconds,
        .exit_status = summary->exit_status,
        .interrupted = summary->interrupted,
    };
    json_t *record = record_end(&run);
    json_object_set_new(record, "checks_done", json_integer(summary->done));
    json_object_set_new(record, "checks_planned", json_integer(summary->planned));
    json_object_set_new(record, "outcomes", outcomes);
    return record;
}

static void write_and_drop(FILE *out, json_t *record)
{
    json_dumpf(record, out, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', out);
    json_decref(record);
}

static void jsonl_begin(struct check_sink *sink)
{
    write_and_drop(sink->out, record_run(sink->run));
    write_and_drop(sink->out, host_record());
}

static void jsonl_one(struct check_sink *sink, const struct check_event *event)
{
    write_and_drop(sink->out, record_check(event));
}

static void jsonl_end(struct check_sink *sink, const struct check_summary *summary)
{
    write_and_drop(sink->out, record_check_end(summary));
}

const struct check_format check_jsonl = {
    .name = "jsonl",
    .summary = "records, one a line",
    .begin = jsonl_begin,
    .one = jsonl_one,
    .end = jsonl_end,
};
