/* jsonl: the records themselves, one a line. */
#include "report/formats.h"
#include "report/host.h"
#include "report/records.h"

static void write_record(void *user, const json_t *record)
{
    struct sink *sink = user;
    json_dumpf(record, sink->out, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', sink->out);
}

static void write_and_drop(struct sink *sink, json_t *record)
{
    write_record(sink, record);
    json_decref(record);
}

static void jsonl_begin(struct sink *sink, const json_t *host)
{
    write_and_drop(sink, record_run(sink->run));
    write_record(sink, host);
}

static void jsonl_trial_begin(struct sink *sink, const struct trial_event *event)
{
    write_and_drop(sink, record_trial(sink->run, event->spec, event->started_ns, event->replay));
}

static void jsonl_trial_end(struct sink *sink, const struct trial_event *event)
{
    records_of_trial(event->spec, event->result, write_record, sink);
}

static void jsonl_end(struct sink *sink, const struct run_summary *summary)
{
    write_and_drop(sink, record_end(summary));
}

const struct format_ops format_jsonl = {
    .name = "jsonl",
    .summary = "the records of run.jsonl",
    .begin = jsonl_begin,
    .trial_begin = jsonl_trial_begin,
    .trial_end = jsonl_trial_end,
    .end = jsonl_end,
};
