/* csv: one line a trial, RFC 4180, with a header. */
#include <string.h>

#include "report/formats.h"

static void csv_begin(struct sink *sink, const json_t *host)
{
    (void)host;
    fputs("trial,job,load,sync,fault,writers,readers,size,pin,", sink->out);
    for (int i = 0; i < LAYOUT_AXES; i++)
        fprintf(sink->out, "%s,", layout_rows[i].name);
    fputs("repeat,seed,verdict,expect,as_expected,ops,seconds,ops_per_s,window_s,"
          "violations,handoffs,contended,sampled,minor_faults,acquire_p50_ns,acquire_p99_ns,acquire_max_ns,reason,replay\r\n",
          sink->out);
}

static void put_text(FILE *out, const char *text, char after)
{
    bool quote = strpbrk(text, ",\"\r\n") != NULL;
    if (quote)
        fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    if (quote)
        fputc('"', out);
    fputc(after, out);
}

/* Acquire times of all workers; fields stay empty where nothing was timed. */
static void put_acquire(FILE *out, const struct trial_result *result)
{
    static struct histogram merged;
    memset(&merged, 0, sizeof merged);
    for (uint32_t i = 0; result->gate_ns && result->ledger.kinds && i < result->ledger.workers; i++)
        histogram_merge(&merged, &ledger_histograms(&result->ledger, i)[HISTOGRAM_ACQUIRE]);
    if (merged.count)
        fprintf(out, "%llu,%llu,%llu,", (unsigned long long)histogram_quantile(&merged, 0.5),
                (unsigned long long)histogram_quantile(&merged, 0.99), (unsigned long long)merged.max);
    else
        fputs(",,,", out);
}

static void csv_trial_end(struct sink *sink, const struct trial_event *event)
{
    const struct trial_spec *spec = event->spec;
    const struct trial_result *r = event->result;
    FILE *out = sink->out;
    fprintf(out, "%u,", spec->number);
    put_text(out, spec->job, ',');
    fprintf(out, "%s,%s,", spec->load->name, spec->sync->name);
    put_text(out, spec->fault_text, ',');
    fprintf(out, "%u,%u,%llu,", spec->shape.writers, spec->shape.readers, (unsigned long long)spec->shape.size);
    put_text(out, spec->pin, ',');
    for (int i = 0; i < LAYOUT_AXES; i++)
        fprintf(out, "%s,", layout_word(&spec->shape.layout, (enum layout_axis)i));
    fprintf(out, "%u,%llu,%s,%s,%s,%llu,", spec->repeat, (unsigned long long)spec->shape.seed, verdict_name(r->verdict),
            verdict_name(spec->expect), r->as_expected ? "true" : "false", (unsigned long long)r->ops);
    if (r->gate_ns)
        fprintf(out, "%.6f,", (double)r->ran_ns / 1e9);
    else
        fputc(',', out);
    if (r->window_ns)
        fprintf(out, "%.1f,%.6f,", (double)r->window_ops / ((double)r->window_ns / 1e9), (double)r->window_ns / 1e9);
    else
        fputs(",,", out);
    fprintf(out, "%llu,%llu,%llu,%llu,%llu,", (unsigned long long)r->violation_count, (unsigned long long)r->handoffs,
            (unsigned long long)r->contended, (unsigned long long)r->sampled, (unsigned long long)r->minor_faults);
    put_acquire(out, r);
    put_text(out, r->reason, ',');
    put_text(out, event->replay, '\r');
    fputc('\n', out);
}

const struct format_ops format_csv = {
    .name = "csv",
    .summary = "one line a trial, with a header",
    .begin = csv_begin,
    .trial_end = csv_trial_end,
};
