/* The records that a trial leaves behind: workers, intervals, histograms, faults, violations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/records.h"
#include "report/records_course.h"
#include "report/records_measure.h"

#define SECONDS(ns) ((double)(ns) / 1e9)

typedef void emit_fn(void *user, const json_t *record);

static json_t *record_of(const char *type, const struct trial_spec *spec)
{
    return json_pack("{s:s, s:I}", "type", type, "trial", (json_int_t)spec->number);
}

static void put(json_t *record, const char *key, json_t *value)
{
    json_object_set_new(record, key, value);
}

static void put_integer(json_t *record, const char *key, uint64_t value)
{
    put(record, key, json_integer((json_int_t)(value > INT64_MAX ? INT64_MAX : value)));
}

/* A moment as seconds since the gate opened; nothing for what never happened. */
static void put_moment(json_t *record, const char *key, uint64_t clock, const struct trial_result *result)
{
    if (clock && result->gate_ns)
        put(record, key, json_real(((double)clock - (double)result->gate_ns) / 1e9));
}

/* In a hunt the crew is that of the slice which decided. */
static const char *role_of(const struct trial_spec *spec, const struct trial_result *result, uint32_t worker)
{
    return worker < (result->slices ? result->slice.writers : spec->shape.writers) ? "writer" : "reader";
}

static json_t *worker_record(const struct trial_spec *spec, const struct trial_result *result, uint32_t i)
{
    const struct slot *slot = &result->ledger.slots[i];
    const struct worker_end *end = &result->ends[i];
    json_t *record = record_of("worker", spec);
    uint64_t violations = 0;
    for (int k = 0; k < VIOLATIONS; k++)
        violations += slot->violations[k];
    put_integer(record, "worker", i);
    put(record, "role", json_string(role_of(spec, result, i)));
    put_integer(record, "pid", (uint64_t)end->pid);
    if (end->cpus[0])
        put(record, "cpus", json_string(end->cpus));
    put_integer(record, "ops", slot->ops);
    put_moment(record, "start_s", slot->started_ns, result);
    put_moment(record, "end_s", slot->ended_ns, result);
    put_integer(record, "handoffs", slot->handoffs);
    put_integer(record, "contended", slot->contended);
    put_integer(record, "preempted", slot->preempted);
    put_integer(record, "sampled", slot->sampled);
    put_integer(record, "violations", violations);
    put_integer(record, "voluntary_switches", slot->voluntary_switches);
    put_integer(record, "involuntary_switches", slot->involuntary_switches);
    if (slot->fault.region_base)
        put(record, "region_at", json_sprintf("0x%llx", (unsigned long long)slot->fault.region_base));
    if (slot->map_ns)
        put_integer(record, "map_ns", slot->map_ns);
    records_put_pages(record, &(struct page_sizes){slot->page_bytes, slot->mapped_bytes, slot->huge_bytes});
    put_integer(record, "minor_faults", slot->minor_faults);
    put_integer(record, "major_faults", slot->major_faults);
    put(record, "user_s", json_real(SECONDS(slot->user_ns)));
    put(record, "system_s", json_real(SECONDS(slot->system_ns)));
    if (slot->delay_known)
        put(record, "delayed_s", json_real(SECONDS(slot->delayed_ns)));
    if (slot->lives)
        put_integer(record, "replaced", slot->lives);
    put(record, "phase", json_string(phase_name(end->phase)));
    put(record, "exit", json_string(end->exit));
    return record;
}

static json_t *interval_record(const struct trial_spec *spec, const struct interval *interval)
{
    json_t *record = record_of("interval", spec);
    put(record, "at_s", json_real(SECONDS(interval->at_ns)));
    put(record, "seconds", json_real(SECONDS(interval->length_ns)));
    put_integer(record, "ops", interval->ops);
    put_integer(record, "inside", interval->inside);
    put_integer(record, "acquiring", interval->acquiring);
    if (interval->slice[0]) {
        put(record, "slice", record_text(interval->slice));
        put(record, "verdict", json_string(verdict_name(interval->verdict)));
        put_integer(record, "handoffs", interval->handoffs);
        put_integer(record, "contended", interval->contended);
    }
    return record;
}

static json_t *histogram_record_of(const struct trial_spec *spec, const struct trial_result *result, const char *name,
                                   const char *role, const struct histogram *h)
{
    json_t *record = record_of("histogram", spec);
    json_t *buckets = json_array();
    for (uint32_t i = 0; i < HISTOGRAM_STEPS; i++)
        if (h->steps[i])
            json_array_append_new(buckets, json_pack("[i, I]", (int)i, (json_int_t)h->steps[i]));
    put(record, "name", json_string(name));
    put(record, "role", json_string(role));
    put(record, "unit", json_string("ns"));
    put_integer(record, "count", h->count);
    put_integer(record, "sum", h->sum);
    put_integer(record, "min", h->min);
    put_integer(record, "max", h->max);
    put_integer(record, "max_worker", h->max_worker);
    put_moment(record, "max_at_s", h->max_at_ns, result);
    put_integer(record, "sub_bits", HISTOGRAM_SUB_BITS);
    put(record, "relative_error", json_real(HISTOGRAM_RELATIVE_ERROR));
    records_put_quantiles(record, h);
    put(record, "buckets", buckets);
    return record;
}

static void emit_histograms(const struct trial_spec *spec, const struct trial_result *result, emit_fn *emit, void *user)
{
    for (uint32_t kind = 0; kind < result->ledger.kinds; kind++) {
        for (int reader = 0; reader < 2; reader++) {
            struct histogram *merged = calloc(1, sizeof *merged);
            uint32_t from = reader ? spec->shape.writers : 0;
            uint32_t to = reader ? result->ledger.workers : spec->shape.writers;
            for (uint32_t i = from; merged && i < to; i++)
                histogram_merge(merged, &ledger_histograms(&result->ledger, i)[kind]);
            if (merged && merged->count) {
                json_t *record = histogram_record_of(spec, result, spec_histogram_name(spec, kind),
                                                     reader ? "reader" : "writer", merged);
                emit(user, record);
                json_decref(record);
            }
            free(merged);
        }
    }
}

static void emit_courses(const struct trial_spec *spec, const struct trial_result *result, emit_fn *emit, void *user)
{
    for (int reader = 0; reader < 2; reader++) {
        json_t *record = record_of("course", spec);
        put(record, "role", json_string(reader ? "reader" : "writer"));
        if (records_put_course(record, spec, result, reader))
            emit(user, record);
        json_decref(record);
    }
}

static json_t *fault_record(const struct trial_spec *spec, const struct trial_result *result, const struct fault_note *note)
{
    json_t *record = record_of("fault", spec);
    put(record, "at_s", json_real(SECONDS(note->at_ns)));
    put(record, "fault", json_string(spec->fault->name));
    if (note->until_ns)
        put(record, "until_s", json_real(SECONDS(note->until_ns)));
    if (note->worker < result->ledger.workers)
        put_integer(record, "worker", note->worker);
    put(record, "detail", json_string(note->detail));
    return record;
}

static json_t *write_object(const struct evidence_write *write, enum evidence_form form)
{
    if (form == EVIDENCE_VALUES)
        return json_pack("{s:I}", "value", (json_int_t)write->version);
    return json_pack("{s:I, s:i}", "version", (json_int_t)write->version, "writer", (int)write->writer);
}

static json_t *hex(const unsigned char *bytes, uint32_t count)
{
    char text[2 * EVIDENCE_BYTES + 1] = "";
    for (uint32_t i = 0; i < count && i < EVIDENCE_BYTES; i++)
        snprintf(text + 2 * (size_t)i, 3, "%02x", bytes[i]);
    return json_string(text);
}

static json_t *violation_record(const struct trial_spec *spec, const struct trial_result *result, uint32_t worker,
                                const struct evidence *evidence)
{
    json_t *record = record_of("violation", spec);
    bool audit = worker == result->ledger.workers;
    put(record, "worker", json_integer(audit ? -1 : (json_int_t)worker));
    put(record, "role", json_string(audit ? "audit" : role_of(spec, result, worker)));
    put_moment(record, "at_s", evidence->at_ns, result);
    put(record, "kind", json_string(violation_name(evidence->kind)));
    if (evidence->form != EVIDENCE_TEXT) {
        put_integer(record, "offset", evidence->offset);
        put(record, "expected", write_object(&evidence->expected, evidence->form));
        put(record, "found", write_object(&evidence->found, evidence->form));
    }
    if (evidence->bytes_count) {
        put(record, "bytes", hex(evidence->bytes, evidence->bytes_count));
        put_integer(record, "bytes_at", evidence->bytes_at);
    }
    put(record, "text", record_text(evidence->text));
    return record;
}

static void emit_violations(const struct trial_spec *spec, const struct trial_result *result, emit_fn *emit, void *user)
{
    for (uint32_t i = 0; result->ledger.slots && i <= result->ledger.workers; i++) {
        const struct slot *slot = &result->ledger.slots[i];
        for (uint32_t k = 0; k < slot->evidence_count && k < SLOT_EVIDENCE; k++) {
            json_t *record = violation_record(spec, result, i, &slot->evidence[k]);
            emit(user, record);
            json_decref(record);
        }
    }
}

static void emit_one(json_t *record, emit_fn *emit, void *user)
{
    emit(user, record);
    json_decref(record);
}

void records_of_trial(const struct trial_spec *spec, const struct trial_result *result, emit_fn *emit, void *user)
{
    for (uint32_t i = 0; i < result->workers; i++)
        emit_one(worker_record(spec, result, i), emit, user);
    for (uint32_t i = 0; i < result->interval_count; i++)
        emit_one(interval_record(spec, &result->intervals[i]), emit, user);
    if (result->gate_ns)
        emit_histograms(spec, result, emit, user);
    if (result->gate_ns)
        emit_courses(spec, result, emit, user);
    for (uint32_t i = 0; i < result->fault_count; i++)
        emit_one(fault_record(spec, result, &result->faults[i]), emit, user);
    if (result->gate_ns)
        emit_violations(spec, result, emit, user);
    emit_one(record_verdict(spec, result), emit, user);
}
