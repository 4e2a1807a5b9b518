/* human: a table that grows by one line a trial, what broke below its line, and a summary. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "report/formats.h"
#include "run/fairness.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

static const char *paint(const struct sink *sink, const char *code)
{
    return sink->colour ? code : "";
}

static const char *verdict_paint(enum verdict verdict, bool as_expected)
{
    if (verdict == VERDICT_INCONCLUSIVE || verdict == VERDICT_UNSUPPORTED)
        return YELLOW;
    return as_expected ? GREEN : RED;
}

static void human_begin(struct sink *sink, const json_t *host)
{
    const char *cpu = json_string_value(json_object_get(host, "cpu_model"));
    const char *kernel = json_string_value(json_object_get(host, "kernel"));
    fprintf(sink->out, "shmoo %s, run %s, seed %llu: %u trial%s on %s, Linux %s\n", SHMOO_VERSION, sink->run->id,
            (unsigned long long)sink->run->seed, sink->run->trials, sink->run->trials == 1 ? "" : "s", cpu ? cpu : "this machine",
            kernel ? kernel : "");
    fprintf(sink->out, "%79s  %26s\n", "", "time to acquire (1)");
    fprintf(sink->out, "%9s  %-9s %-15s %5s %5s %9s  %-12s %9s  %8s %8s %8s  %9s\n", "trial", "load", "sync", "write", "read",
            "size", "verdict", "ops/s", "p50", "p99", "max", "hand-offs");
}

/* Time to acquire, of all workers together; loads with a histogram of their own show that one. */
static void waiting(const struct trial_spec *spec, const struct trial_result *result, struct histogram *merged)
{
    uint32_t kind = result->ledger.kinds > HISTOGRAM_OWN && !spec->load->uses_system ? HISTOGRAM_OWN : HISTOGRAM_ACQUIRE;
    memset(merged, 0, sizeof *merged);
    for (uint32_t i = 0; result->gate_ns && result->ledger.kinds && i < result->ledger.workers; i++)
        histogram_merge(merged, &ledger_histograms(&result->ledger, i)[kind]);
}

static void put_time(FILE *out, uint64_t ns, bool known)
{
    char text[UNITS_TEXT] = "-";
    if (known)
        units_print(&units_duration, (double)ns, text);
    fprintf(out, " %8s", text);
}

/* What came out of a queue: messages and bytes a second. */
static void put_messages(FILE *out, const struct trial_result *r)
{
    char text[UNITS_TEXT];
    double per_s = trial_messages_per_s(r);
    if (per_s > 0)
        fprintf(out, "  %s msg/s, %.3g GB/s", units_print(&units_count, round(per_s), text),
                per_s * (double)r->bytes / (double)r->messages / 1e9);
}

/* "2 syscalls/msg", "0.41 syscalls/op" */
static void put_syscalls(FILE *out, const struct trial_result *r)
{
    const struct syscalls *calls = &r->syscalls;
    if (calls->known && calls->ops)
        fprintf(out, "  %.3g syscalls/%s", (double)calls->within / (double)(calls->messages ? calls->messages : calls->ops),
                calls->messages ? "msg" : "op");
}

/* A long name takes its room from the two numbers behind it, so that the other columns stay where they are. */
static void put_crew(FILE *out, const struct trial_spec *spec)
{
    int over = (int)strlen(spec->sync->name) - 15, first = 5, second = 5;
    for (; over > 0 && first > 1; over--)
        first--;
    for (; over > 0 && second > 1; over--)
        second--;
    fprintf(out, "%-15s %*u %*u", spec->sync->name, first, spec->shape.writers, second, spec->shape.readers);
}

static void put_row(struct sink *sink, const struct trial_event *event)
{
    const struct trial_spec *spec = event->spec;
    const struct trial_result *r = event->result;
    static struct histogram merged;
    char size[UNITS_TEXT], rate[UNITS_TEXT] = "-", count[32], placement[SPEC_PLACEMENT];
    snprintf(count, sizeof count, "%u/%u", spec->number, sink->run->trials);
    if (r->window_ns)
        units_print(&units_count, round((double)r->window_ops / ((double)r->window_ns / 1e9)), rate);
    fprintf(sink->out, "%9s  %-9s ", count, spec->load->name);
    put_crew(sink->out, spec);
    fprintf(sink->out, " %9s  %s%-12s%s %9s ", units_print(&units_size, (double)spec->shape.size, size),
            paint(sink, verdict_paint(r->verdict, r->as_expected)), verdict_name(r->verdict), paint(sink, PLAIN), rate);
    waiting(spec, r, &merged);
    put_time(sink->out, histogram_quantile(&merged, 0.5), merged.count > 0);
    put_time(sink->out, histogram_quantile(&merged, 0.99), merged.count > 0);
    put_time(sink->out, merged.max, merged.count > 0);
    fprintf(sink->out, "  %9llu", (unsigned long long)r->handoffs);
    put_messages(sink->out, r);
    put_syscalls(sink->out, r);
    if (strcmp(spec->fault_text, "none") != 0)
        fprintf(sink->out, "  fault %s", spec->fault_text);
    if (spec_placement(spec, placement)[0])
        fprintf(sink->out, " %s", placement);
    fputc('\n', sink->out);
}

/* Names who starved: a throughput does not show it. Whom the scheduler passed over is another matter. */
static void put_starved(struct sink *sink, const struct trial_event *event, bool writers)
{
    struct fairness f;
    const char *role = writers ? "writers" : "readers";
    if (!fairness_of(event->spec, event->result, writers, &f))
        return;
    if (f.starved_count)
        fprintf(sink->out,
                "           %sstarved%s: %u of %u %s got less than a tenth of an equal share, though they ran or waited while others "
                "were served; worker %u got %.2g %% of one\n",
                paint(sink, YELLOW), paint(sink, PLAIN), f.starved_count, f.workers, role, f.most_starved,
                100 * f.most_starved_least);
    if (f.unscheduled_count)
        fprintf(sink->out,
                "           not scheduled: %u of %u %s hardly had a CPU (%u of them none before the end), which tells nothing about "
                "the primitive; try a longer --duration\n",
                f.unscheduled_count, f.workers, role, f.late_count);
}

/* Open loop: from the intended start, and from the actual one. */
static void put_open_loop(struct sink *sink, const struct trial_event *event)
{
    static struct histogram merged[2];
    static const enum histogram_kind kinds[2] = {HISTOGRAM_RESPONSE, HISTOGRAM_SERVICE};
    static const char *const from[2] = {"intended start", "actual start"};
    const struct ledger *ledger = &event->result->ledger;
    if (event->spec->shape.rate <= 0 || !event->result->gate_ns || !ledger->kinds)
        return;
    fprintf(sink->out, "           open loop:");
    for (int k = 0; k < 2; k++) {
        memset(&merged[k], 0, sizeof merged[k]);
        for (uint32_t i = 0; i < ledger->workers; i++)
            histogram_merge(&merged[k], &ledger_histograms(ledger, i)[kinds[k]]);
        fprintf(sink->out, "%s from the %s p50", k ? ";" : "", from[k]);
        put_time(sink->out, histogram_quantile(&merged[k], 0.5), merged[k].count > 0);
        fprintf(sink->out, ", p99");
        put_time(sink->out, histogram_quantile(&merged[k], 0.99), merged[k].count > 0);
    }
    fputc('\n', sink->out);
}

static void human_trial_end(struct sink *sink, const struct trial_event *event)
{
    const struct trial_result *r = event->result;
    put_row(sink, event);
    put_open_loop(sink, event);
    put_starved(sink, event, true);
    put_starved(sink, event, false);
    if (!r->as_expected) {
        fprintf(sink->out, "           %sunexpected%s (expected %s): %s\n", paint(sink, RED), paint(sink, PLAIN),
                verdict_name(event->spec->expect), r->reason);
        fprintf(sink->out, "           replay: %s\n", event->replay);
    } else if (r->verdict != VERDICT_CLEAN && event->spec->repeat == 1) {
        fprintf(sink->out, "           as expected: %s\n", r->reason);
    }
}

#define MOVED 3 /* times as far: more than where on one chip two CPUs are */

/* Where all trials had the same pinning, nothing of theirs has moved the CPUs apart. */
static void put_distances(struct sink *sink, const struct run_summary *summary)
{
    char least[UNITS_TEXT], most[UNITS_TEXT];
    if (!summary->pin || summary->line_most_ns < MOVED * summary->line_least_ns)
        return;
    fprintf(sink->out, "note: a cache line took %s in one trial and %s in another from one worker's CPU to the next one's and back: speeds "
            "differ for that alone. ", units_print(&units_duration, (double)summary->line_least_ns, least),
            units_print(&units_duration, (double)summary->line_most_ns, most));
    fprintf(sink->out, "%s\n", strcmp(summary->pin, "none") == 0
            ? "Pin the workers (--pin); in a virtual machine the host may have moved its CPUs"
            : "In a virtual machine: the host has moved its CPUs; compare trials of like meter.line_ns");
}

static void human_end(struct sink *sink, const struct run_summary *summary)
{
    fprintf(sink->out, "(1) of sampled operations; load quit: from the change of the flag until it was seen; pingpong: a round trip\n");
    put_distances(sink, summary);
    fprintf(sink->out, "%u of %u trials in %.1f s:", summary->done, summary->planned, summary->seconds);
    for (int i = 0; i < VERDICTS; i++)
        if (summary->verdicts[i])
            fprintf(sink->out, " %u %s", summary->verdicts[i], verdict_name((enum verdict)i));
    fprintf(sink->out, "; %u as expected, %s%u unexpected%s\n", summary->as_expected,
            summary->unexpected ? paint(sink, RED) : "", summary->unexpected, summary->unexpected ? paint(sink, PLAIN) : "");
}

const struct format_ops format_human = {
    .name = "human",
    .summary = "a table for the eye",
    .begin = human_begin,
    .trial_end = human_trial_end,
    .end = human_end,
};
