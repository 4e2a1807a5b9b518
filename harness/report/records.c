/* The records of a run and of a trial's frame: run, trial, verdict, end. */
#define _GNU_SOURCE
#include "report/records.h"
#include "report/records_measure.h"
#include "run/exposure.h"
#include "run/mortality.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define SECONDS(ns) ((double)(ns) / 1e9)

static void put(json_t *record, const char *key, json_t *value)
{
    json_object_set_new(record, key, value);
}

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)(value > INT64_MAX ? INT64_MAX : value));
}

json_t *record_text(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char mended[4096];
    text_mend(text, mended, sizeof mended);
    return json_string(mended);
}

static json_t *signal_text(int signal)
{
    return json_sprintf("SIG%s", sigabbrev_np(signal));
}

json_t *record_run(const struct run_info *run)
{
    char cwd[4096];
    json_t *record = json_pack("{s:s, s:s, s:s, s:s}", "type", "run", "schema", SHMOO_SCHEMA, "id", run->id, "version",
                               SHMOO_VERSION);
    json_t *command = json_array();
    for (int i = 0; i < run->command_count; i++)
        json_array_append_new(command, record_text(run->command[i]));
    put(record, "command", command);
    put(record, "cwd", record_text(getcwd(cwd, sizeof cwd) ? cwd : "unknown"));
    put(record, "started", json_string(run->started));
    put(record, "seed", integer(run->seed));
    put(record, "trials", integer(run->trials));
    put(record, "clock", json_pack("{s:s, s:I, s:I}", "name", run->clock.name, "cost_ns", (json_int_t)run->clock.cost_ns,
                                   "resolution_ns", (json_int_t)run->clock.resolution_ns));
    return record;
}

/* What trial and verdict have in common. */
static json_t *trial_base(const char *type, const struct trial_spec *spec)
{
    json_t *record = json_object();
    put(record, "type", json_string(type));
    put(record, "trial", integer(spec->number));
    put(record, "load", json_string(spec->load->name));
    put(record, "sync", json_string(spec->sync->name));
    put(record, "fault", record_text(spec->fault_text));
    put(record, "writers", integer(spec->shape.writers));
    put(record, "readers", integer(spec->shape.readers));
    put(record, "size", integer(spec->shape.size));
    put(record, "repeat", integer(spec->repeat));
    put(record, "seed", integer(spec->shape.seed));
    put(record, "expect", json_string(verdict_name(spec->expect)));
    return record;
}

/* The words and the number that the fault came to, with what was left to its defaults: charts need not take its text apart. */
static void put_fault(json_t *record, const struct trial_spec *spec)
{
    const struct fault_ops *fault = spec->fault;
    json_t *words = json_array();
    for (int list = 0; list < FAULT_CHOICES && fault->choices[list]; list++)
        json_array_append_new(words, json_string(fault->choices[list][spec->fault_choices[list]]));
    put(record, "fault_name", json_string(fault->name));
    put(record, "fault_words", words);
    put(record, "fault_parameter", fault->parameter ? json_real(spec->fault_parameter) : json_null());
}

json_t *record_trial(const struct run_info *run, const struct trial_spec *spec, uint64_t started_ns, const char *replay)
{
    const struct shape *shape = &spec->shape;
    json_t *record = trial_base("trial", spec);
    put_fault(record, spec);
    put(record, "job", record_text(spec->job));
    put(record, "family", json_string(sync_family_name(spec->sync->family)));
    if (spec->sync->origin)
        put(record, "plugin", record_text(spec->sync->origin));
    put(record, "duration_s", spec->duration_ns ? json_real(SECONDS(spec->duration_ns)) : json_null());
    put(record, "ops_limit", shape->ops_limit ? integer(shape->ops_limit) : json_null());
    put(record, "hold_ns", integer(shape->hold_ns));
    put(record, "think_ns", integer(shape->think_ns));
    put(record, "rate", shape->rate > 0 ? json_real(shape->rate) : json_null());
    put(record, "pin", json_string(spec->pin));
    for (int i = 0; i < LAYOUT_AXES; i++)
        put(record, layout_rows[i].name, json_string(layout_word(&shape->layout, (enum layout_axis)i)));
    put(record, "sampling", integer(shape->sampling));
    put(record, "history", integer(shape->history));
    if (spec->silent)
        put(record, "prove_no_syscalls", json_true());
    put(record, "at_s", json_real(SECONDS(started_ns - run->started_ns)));
    put(record, "replay", record_text(replay ? replay : ""));
    return record;
}

static json_t *violations_by_kind(const struct trial_result *result)
{
    json_t *kinds = json_object();
    for (int k = 0; k < VIOLATIONS; k++)
        if (result->violations[k])
            put(kinds, violation_name((enum violation)k), integer(result->violations[k]));
    return kinds;
}

static json_t *exposure(const struct trial_result *result)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "handoffs", (json_int_t)result->handoffs, "contended",
                     (json_int_t)result->contended, "preempted", (json_int_t)result->preempted, "sampled",
                     (json_int_t)result->sampled, "overlaps", (json_int_t)result->overlaps, "sleeps",
                     (json_int_t)result->sleeps, "idle_workers", (json_int_t)result->idle_workers);
}

/* What a clean verdict excludes: with no failure in n hand-offs the chance of one is below 1 - 0.05^(1/n) at 95 %. */
static json_t *strength(const struct trial_result *result)
{
    if (result->verdict != VERDICT_CLEAN || result->handoffs == 0)
        return json_null();
    json_t *record = json_pack("{s:s, s:I, s:f}", "per", "handoff", "exposures", (json_int_t)result->handoffs, "upper_95",
                               exposure_upper_95(result->handoffs));
    if (result->slices)
        json_object_set_new(record, "late_exposures", json_integer((json_int_t)result->late_handoffs));
    return record;
}

static void put_hunt(json_t *record, const struct trial_result *result)
{
    put(record, "found_s", result->found_ns ? json_real(SECONDS(result->found_ns)) : json_null());
    put(record, "strength", strength(result));
    if (result->slices)
        put(record, "slices", json_pack("{s:I, s:I}", "run", (json_int_t)result->slices, "exposed",
                                        (json_int_t)result->slices_clean));
}

static json_t *lifecycle(const struct trial_result *result)
{
    json_t *steps = json_object();
    char key[32];
    for (int i = 0; i < REGION_STEPS; i++) {
        if (!result->region_step_done[i])
            continue;
        snprintf(key, sizeof key, "%s_ns", region_step_name((enum region_step)i));
        put(steps, key, integer(result->region_step_ns[i]));
    }
    if (result->reserved_by)
        put(steps, "reserved_by", json_string(result->reserved_by));
    return steps;
}

static void put_run_figures(json_t *record, const struct trial_result *result)
{
    bool window = result->window_ns > 0;
    put(record, "seconds", result->gate_ns ? json_real(SECONDS(result->ran_ns)) : json_null());
    put(record, "ops_per_s", window ? json_real((double)result->window_ops / SECONDS(result->window_ns)) : json_null());
    put(record, "window_s", json_real(SECONDS(result->window_ns)));
    if (result->gate_ns)
        put(record, "crew", json_pack("{s:I, s:I, s:I}", "fork_ns", (json_int_t)result->fork_ns, "ready_ns",
                                  (json_int_t)result->ready_ns, "reap_ns", (json_int_t)result->reap_ns));
}

/* Messages of a queue: how many, and how fast in the common window. */
static void put_messages(json_t *record, const struct trial_result *result)
{
    double per_s = trial_messages_per_s(result);
    if (result->messages == 0)
        return;
    double size = (double)result->bytes / (double)result->messages;
    put(record, "messages",
        json_pack("{s:o, s:o, s:o, s:o}", "count", integer(result->messages), "bytes", integer(result->bytes), "per_s",
                  per_s > 0 ? json_real(per_s) : json_null(), "bytes_per_s", per_s > 0 ? json_real(per_s * size) : json_null()));
}

static void put_deaths(json_t *record, const struct trial_result *result)
{
    put(record, "deaths", integer(result->deaths));
    json_t *times = json_object();
    put(times, "count", integer(result->recoveries));
    if (result->recoveries) {
        put(times, "min_s", json_real(SECONDS(result->recovery_min_ns)));
        put(times, "median_s", json_real(SECONDS(result->recovery_median_ns)));
        put(times, "max_s", json_real(SECONDS(result->recovery_max_ns)));
    }
    put(record, "recoveries", times);
}

static json_t *calls_by_name(const struct syscalls *calls, bool within)
{
    json_t *names = json_object();
    char name[32];
    for (uint32_t k = 0; k < calls->kinds; k++) {
        uint64_t count = within ? calls->calls[k].within : calls->calls[k].beside;
        if (count)
            put(names, syscalls_name(calls->calls[k].number, name), integer(count));
    }
    if (calls->others && within)
        put(names, "others", integer(calls->others));
    return names;
}

/* Of a watched crew: the proof's own, or the one that ran after the trial to be counted. */
static void put_syscalls(json_t *record, const struct trial_spec *spec, const struct trial_result *result)
{
    const struct syscalls *calls = &result->syscalls;
    if (!calls->known || calls->ops == 0)
        return;
    json_t *object = json_pack("{s:s, s:s, s:o, s:o, s:f, s:o, s:o}", "method", SYSCALLS_METHOD, "crew",
                               spec->silent ? "the trial's" : "a second one", "ops", integer(calls->ops), "calls",
                               integer(calls->within), "per_op", (double)calls->within / (double)calls->ops, "by_name",
                               calls_by_name(calls, true), "beside", calls_by_name(calls, false));
    if (calls->messages)
        put(object, "per_message", json_real((double)calls->within / (double)calls->messages));
    put(record, "syscalls", object);
}

/* What the crew had of the region. Page faults are of its loops: first touches of pages, mostly. */
static void put_mapping(json_t *record, const struct trial_result *result)
{
    records_put_pages(record, &result->pages);
    if (result->region_objects)
        put(record, "region_objects", integer(result->region_objects));
    if (result->region_addresses)
        put(record, "region_addresses", integer(result->region_addresses));
    if (result->gate_ns)
        put(record, "page_faults", json_pack("{s:o, s:o}", "minor", integer(result->minor_faults), "major",
                                             integer(result->major_faults)));
}

static void put_switches(json_t *record, const struct trial_result *result)
{
    double ops = (double)result->ops;
    if (result->ops == 0)
        return;
    put(record, "switches",
        json_pack("{s:o, s:o, s:f, s:f}", "voluntary", integer(result->voluntary_switches), "involuntary",
                  integer(result->involuntary_switches), "voluntary_per_op", (double)result->voluntary_switches / ops,
                  "involuntary_per_op", (double)result->involuntary_switches / ops));
}

json_t *record_verdict(const struct trial_spec *spec, const struct trial_result *result)
{
    json_t *record = trial_base("verdict", spec);
    put(record, "verdict", json_string(verdict_name(result->verdict)));
    put(record, "as_expected", json_boolean(result->as_expected));
    put(record, "reason", record_text(result->reason));
    if (result->setting[0])
        put(record, "setting", record_text(result->setting));
    put(record, "ops", integer(result->ops));
    put(record, "writer_ops", integer(result->writer_ops));
    put(record, "reader_ops", integer(result->reader_ops));
    put_run_figures(record, result);
    put_messages(record, result);
    put_syscalls(record, spec, result);
    put_switches(record, result);
    put_mapping(record, result);
    records_put_meter(record, spec, result);
    records_put_fairness(record, spec, result);
    put(record, "violations", integer(result->violation_count));
    put(record, "violations_by_kind", violations_by_kind(result));
    put(record, "exposure", exposure(result));
    put(record, "lifecycle", lifecycle(result));
    put_hunt(record, result);
    if (spec->fault->deadly && result->gate_ns)
        put(record, "outcome", json_string(mortality_outcome(spec, result)));
    if (result->death_ns) {
        put(record, "dead_worker", integer(result->dead_worker));
        put(record, "death_s", json_real(SECONDS(result->death_ns)));
        put(record, "recovery_s", result->recovery_ns ? json_real(SECONDS(result->recovery_ns)) : json_null());
        put(record, "recovered", integer(result->recovered));
        put_deaths(record, result);
        if (result->remains != REMAINS_UNKNOWN)
            put(record, "data_after_death", json_string(result->remains == REMAINS_TORN ? "torn" : "whole"));
    }
    if (spec->control)
        put(record, "control", json_true());
    if (result->interrupted)
        put(record, "interrupted", signal_text(result->interrupted));
    return record;
}

json_t *record_end(const struct run_summary *summary)
{
    json_t *verdicts = json_object();
    for (int i = 0; i < VERDICTS; i++)
        if (summary->verdicts[i])
            put(verdicts, verdict_name((enum verdict)i), integer(summary->verdicts[i]));
    json_t *record = json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:f, s:i}", "type", "end", "trials_done",
                               (json_int_t)summary->done, "trials_planned", (json_int_t)summary->planned, "as_expected",
                               (json_int_t)summary->as_expected, "unexpected", (json_int_t)summary->unexpected, "verdicts",
                               verdicts, "seconds", summary->seconds, "exit_status", summary->exit_status);
    if (summary->interrupted)
        put(record, "interrupted", signal_text(summary->interrupted));
    return record;
}
