/* Tests of the records: what a trial's record and its verdict share, what adds up, and that all of it is JSON. */
#include "report/records.h"

#include "base/testing.h"

enum { WORKERS = 3 };

static struct error error;
static struct run_info run;
static struct trial_spec spec;
static struct trial_result result;
static struct worker_end ends[WORKERS];
static struct interval intervals[2];
static struct fault_note faults[1];
static json_t *records; /* all that records_of_trial() gave */

static void keep(void *user, const json_t *record)
{
    (void)user;
    char *text = json_dumps(record, JSON_COMPACT);
    ck_assert_ptr_nonnull(text);
    json_t *copy = json_loads(text, JSON_REJECT_DUPLICATES, NULL); /* as a reader would see it */
    ck_assert_msg(copy != NULL, "%s", text);
    json_array_append_new(records, copy);
    free(text);
}

static void begin(void)
{
    run = (struct run_info){.id = "id", .started = "2026-01-02T03:04:05Z", .started_ns = 1000, .seed = 5, .trials = 1};
    spec = (struct trial_spec){
        .number = 7,
        .job = "job",
        .load = contents_load("quit"),
        .sync = contents_sync("mutex"),
        .fault = contents_fault("kill"),
        .fault_text = "kill:5",
        .shape = {.writers = 1, .readers = 2, .size = 4, .seed = 9007199254740991ULL, .sampling = 64},
        .repeat = 2,
        .duration_ns = NS_PER_S / 4,
        .pin = "none",
        .expect = VERDICT_CRASHED,
    };
    memset(&result, 0, sizeof result);
    testing_ok(ledger_create(&result.ledger, WORKERS, spec_histograms(&spec), &error));
    result.gate_ns = 1000000;
    result.ran_ns = NS_PER_S;
    result.ends = ends;
    result.workers = WORKERS;
    result.intervals = intervals;
    result.faults = faults;
    for (uint32_t i = 0; i < WORKERS; i++) {
        ends[i] = (struct worker_end){.pid = 100 + (pid_t)i, .phase = PHASE_DONE};
        snprintf(ends[i].exit, sizeof ends[i].exit, "exited 0");
        result.ledger.slots[i].ops = 10 * (i + 1);
        result.ledger.slots[i].started_ns = result.gate_ns + NS_PER_S / 2;
    }
    records = json_array();
}

static void finish(void)
{
    json_decref(records);
    ledger_destroy(&result.ledger);
}

static void emit(void)
{
    records_of_trial(&spec, &result, keep, NULL);
}

static const char *text_in(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));
    ck_assert_msg(text != NULL, "no text \"%s\"", key);
    return text;
}

static json_int_t integer_in(const json_t *record, const char *key)
{
    ck_assert_msg(json_is_integer(json_object_get(record, key)), "no integer \"%s\"", key);
    return json_integer_value(json_object_get(record, key));
}

/* The n-th record of a type, counted from 0; NULL when there are not so many. */
static const json_t *find(const char *type, int n)
{
    for (size_t i = 0; i < json_array_size(records); i++)
        if (strcmp(text_in(json_array_get(records, i), "type"), type) == 0 && n-- == 0)
            return json_array_get(records, i);
    return NULL;
}

START_TEST(a_verdict_repeats_what_its_trial_says)
{
    static const char *const keys[] = {"trial", "load", "sync", "fault", "writers", "readers", "size", "repeat", "seed"};
    begin();
    json_t *trial = record_trial(&run, &spec, 2000, "shmoo run"), *verdict = record_verdict(&spec, &result);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        ck_assert_msg(json_object_get(trial, keys[i]) != NULL, "%s", keys[i]);
        ck_assert_msg(json_equal(json_object_get(trial, keys[i]), json_object_get(verdict, keys[i])), "%s", keys[i]);
    }
    ck_assert_str_eq(text_in(trial, "type"), "trial");
    ck_assert_str_eq(text_in(verdict, "type"), "verdict");
    ck_assert_int_eq(integer_in(verdict, "seed"), 9007199254740991LL);
    ck_assert_str_eq(text_in(verdict, "fault"), "kill:5");
    json_decref(trial);
    json_decref(verdict);
    finish();
}
END_TEST

START_TEST(a_verdict_tells_all_that_the_manual_promises)
{
    begin();
    result.verdict = VERDICT_CRASHED;
    result.as_expected = true;
    result.violation_count = 3;
    result.violations[VIOLATION_TORN] = 2;
    result.violations[VIOLATION_LOST] = 1;
    result.handoffs = 12;
    json_t *verdict = record_verdict(&spec, &result);
    ck_assert_str_eq(text_in(verdict, "verdict"), "CRASHED");
    ck_assert(json_is_true(json_object_get(verdict, "as_expected")));
    ck_assert_int_eq(integer_in(verdict, "violations"), 3);
    const json_t *kinds = json_object_get(verdict, "violations_by_kind");
    ck_assert_uint_eq(json_object_size(kinds), 2);
    ck_assert_int_eq(integer_in(kinds, "torn"), 2);
    ck_assert_int_eq(integer_in(kinds, "lost"), 1);
    ck_assert_int_eq(integer_in(json_object_get(verdict, "exposure"), "handoffs"), 12);
    ck_assert(json_real_value(json_object_get(verdict, "seconds")) == 1.0);
    ck_assert_ptr_nonnull(json_object_get(verdict, "ops"));
    json_decref(verdict);
    finish();
}
END_TEST

START_TEST(a_trial_that_never_started_has_no_figures)
{
    begin();
    result.gate_ns = result.ran_ns = 0;
    result.workers = 0;
    result.verdict = VERDICT_ERROR;
    json_t *verdict = record_verdict(&spec, &result);
    const json_t *seconds = json_object_get(verdict, "seconds");
    ck_assert(seconds == NULL || json_is_null(seconds));
    json_decref(verdict);
    emit();
    ck_assert_uint_eq(json_array_size(records), 1);
    ck_assert_ptr_nonnull(find("verdict", 0));
    finish();
}
END_TEST

START_TEST(every_worker_has_a_record_with_its_role_and_its_end)
{
    begin();
    emit();
    for (int i = 0; i < WORKERS; i++) {
        const json_t *worker = find("worker", i);
        ck_assert_int_eq(integer_in(worker, "worker"), i);
        ck_assert_int_eq(integer_in(worker, "trial"), 7);
        ck_assert_int_eq(integer_in(worker, "ops"), 10 * (i + 1));
        ck_assert_str_eq(text_in(worker, "role"), i == 0 ? "writer" : "reader");
        ck_assert_str_eq(text_in(worker, "exit"), "exited 0");
        ck_assert_str_eq(text_in(worker, "phase"), "done");
        ck_assert(json_real_value(json_object_get(worker, "start_s")) == 0.5);
        ck_assert_ptr_null(json_object_get(worker, "end_s")); /* it never came to its end */
    }
    ck_assert_ptr_null(find("worker", WORKERS));
    finish();
}
END_TEST

/* What a `course` record holds, added up. */
static json_int_t samples_in(const json_t *course)
{
    json_int_t sum = 0;
    const json_t *rows = json_object_get(course, "intervals");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *steps = json_array_get(json_array_get(rows, i), 2);
        for (size_t k = 1; k < json_array_size(steps); k += 2)
            sum += json_integer_value(json_array_get(steps, k));
    }
    return sum;
}

START_TEST(latencies_over_time_are_added_up_by_role_at_the_coarsest_width)
{
    struct course_cursor first, second;
    begin();
    course_begin(&first, ledger_course(&result.ledger, 1), HISTOGRAM_OWN, result.gate_ns, 10 * NS_PER_MS, 10 * NS_PER_MS);
    course_begin(&second, ledger_course(&result.ledger, 2), HISTOGRAM_OWN, result.gate_ns, 10 * NS_PER_MS, 10 * NS_PER_MS);
    for (uint64_t i = 0; i < 30; i++)
        course_note(&first, HISTOGRAM_OWN, result.gate_ns + i * 10 * NS_PER_MS, 100 + i);
    course_note(&second, HISTOGRAM_OWN, result.gate_ns + NS_PER_S, 7000);
    emit();
    const json_t *course = find("course", 0), *rows = json_object_get(course, "intervals");
    ck_assert_ptr_null(find("course", 1));
    ck_assert_str_eq(text_in(course, "name"), "sighting");
    ck_assert_str_eq(text_in(course, "role"), "reader");
    ck_assert_int_eq(integer_in(course, "workers"), 2);
    ck_assert(json_real_value(json_object_get(course, "interval_s")) == 0.02);
    ck_assert_uint_eq(json_array_size(rows), 16);
    ck_assert_int_eq(samples_in(course), 31);
    ck_assert_int_eq(json_integer_value(json_array_get(json_array_get(rows, 15), 0)), 50);
    ck_assert_int_eq(json_integer_value(json_array_get(json_array_get(rows, 15), 1)), 7000);
    ck_assert_int_eq(json_integer_value(json_array_get(json_array_get(rows, 1), 1)), 103);
    finish();
}
END_TEST

START_TEST(histograms_are_merged_by_role_and_their_buckets_add_up)
{
    begin();
    for (uint64_t v = 1; v < 100000; v = v * 3 / 2 + 1) {
        histogram_record(&ledger_histograms(&result.ledger, 1)[HISTOGRAM_ACQUIRE], v, v, 1);
        histogram_record(&ledger_histograms(&result.ledger, 2)[HISTOGRAM_ACQUIRE], 2 * v, v, 2);
    }
    histogram_record(&ledger_histograms(&result.ledger, 0)[HISTOGRAM_OWN], 77, 0, 0);
    emit();
    const json_t *acquire = find("histogram", 0), *sighting = find("histogram", 1);
    ck_assert_str_eq(text_in(acquire, "name"), "acquire");
    ck_assert_str_eq(text_in(acquire, "role"), "reader");
    ck_assert_str_eq(text_in(sighting, "name"), "sighting");
    ck_assert_str_eq(text_in(sighting, "role"), "writer");
    ck_assert_ptr_null(find("histogram", 2));
    json_int_t sum = 0;
    const json_t *buckets = json_object_get(acquire, "buckets");
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *bucket = json_array_get(buckets, i);
        ck_assert_int_gt(json_integer_value(json_array_get(bucket, 1)), 0);
        sum += json_integer_value(json_array_get(bucket, 1));
    }
    ck_assert_int_eq(sum, integer_in(acquire, "count"));
    ck_assert_int_eq(integer_in(acquire, "max_worker"), 2);
    ck_assert_int_eq(integer_in(acquire, "min"), 1);
    finish();
}
END_TEST

START_TEST(intervals_and_faults_are_told_with_their_moments)
{
    begin();
    intervals[0] = (struct interval){.at_ns = NS_PER_S / 2, .length_ns = NS_PER_S / 4, .ops = 5, .inside = 1, .acquiring = 2};
    result.interval_count = 1;
    faults[0] = (struct fault_note){.at_ns = NS_PER_S / 8, .worker = 2};
    snprintf(faults[0].detail, sizeof faults[0].detail, "killed");
    result.fault_count = 1;
    emit();
    const json_t *interval = find("interval", 0), *fault = find("fault", 0);
    ck_assert(json_real_value(json_object_get(interval, "at_s")) == 0.5);
    ck_assert(json_real_value(json_object_get(interval, "seconds")) == 0.25);
    ck_assert_int_eq(integer_in(interval, "ops"), 5);
    ck_assert(json_real_value(json_object_get(fault, "at_s")) == 0.125);
    ck_assert_int_eq(integer_in(fault, "worker"), 2);
    ck_assert_str_eq(text_in(fault, "detail"), "killed");
    finish();
}
END_TEST

static struct evidence *add_evidence(uint32_t slot, enum evidence_form form)
{
    struct slot *s = &result.ledger.slots[slot];
    struct evidence *e = &s->evidence[s->evidence_count++];
    *e = (struct evidence){.kind = VIOLATION_TORN, .form = form, .at_ns = result.gate_ns + NS_PER_S, .offset = 16};
    snprintf(e->text, sizeof e->text, "told");
    return e;
}

START_TEST(evidence_is_told_whole)
{
    begin();
    struct evidence *writes = add_evidence(1, EVIDENCE_WRITES), *values = add_evidence(1, EVIDENCE_VALUES);
    add_evidence(WORKERS, EVIDENCE_TEXT);
    writes->expected = (struct evidence_write){12, 0};
    writes->found = (struct evidence_write){0, -1};
    writes->bytes_count = 3;
    writes->bytes_at = 15;
    memcpy(writes->bytes, "\x00\xab\xff", 3);
    values->expected.version = 100;
    values->found.version = 99;
    emit();
    const json_t *first = find("violation", 0), *second = find("violation", 1), *audit = find("violation", 2);
    ck_assert_int_eq(integer_in(first, "worker"), 1);
    ck_assert_str_eq(text_in(first, "kind"), "torn");
    ck_assert_int_eq(integer_in(first, "offset"), 16);
    ck_assert_int_eq(integer_in(json_object_get(first, "expected"), "version"), 12);
    ck_assert_int_eq(integer_in(json_object_get(first, "found"), "writer"), -1);
    ck_assert_str_eq(text_in(first, "bytes"), "00abff");
    ck_assert_int_eq(integer_in(first, "bytes_at"), 15);
    ck_assert(json_real_value(json_object_get(first, "at_s")) == 1.0);
    ck_assert_int_eq(integer_in(json_object_get(second, "found"), "value"), 99);
    ck_assert_int_eq(integer_in(audit, "worker"), -1);
    ck_assert_str_eq(text_in(audit, "role"), "audit");
    ck_assert_ptr_null(json_object_get(audit, "expected"));
    ck_assert_str_eq(text_in(audit, "text"), "told");
    finish();
}
END_TEST

START_TEST(evidence_in_bytes_that_are_not_utf_8_is_json_all_the_same)
{
    begin();
    snprintf(add_evidence(0, EVIDENCE_TEXT)->text, EVIDENCE_TEXT_MAX, "bad \377\376 byte \303");
    emit();
    testing_has(text_in(find("violation", 0), "text"), "bad ");
    testing_has(text_in(find("violation", 0), "text"), " byte ");
    finish();
}
END_TEST

START_TEST(the_verdict_comes_last)
{
    begin();
    add_evidence(0, EVIDENCE_TEXT);
    emit();
    ck_assert_str_eq(text_in(json_array_get(records, json_array_size(records) - 1), "type"), "verdict");
    ck_assert_ptr_null(find("verdict", 1));
    finish();
}
END_TEST

START_TEST(a_run_is_told_with_its_command_and_its_clock)
{
    char program[] = "shmoo", argument[] = "--out=\377\303\244";
    char *command[] = {program, argument};
    run = (struct run_info){.id = "id", .started = "now", .command = command, .command_count = 2, .seed = 12, .trials = 3,
                            .clock = {"CLOCK_MONOTONIC", 20, 1}};
    json_t *record = record_run(&run);
    ck_assert_str_eq(text_in(record, "schema"), SHMOO_SCHEMA);
    ck_assert_int_eq(integer_in(record, "seed"), 12);
    const json_t *words = json_object_get(record, "command");
    ck_assert_uint_eq(json_array_size(words), 2);
    ck_assert_str_eq(json_string_value(json_array_get(words, 0)), "shmoo");
    ck_assert_int_eq(strncmp(json_string_value(json_array_get(words, 1)), "--out=", 6), 0);
    ck_assert_int_eq(integer_in(json_object_get(record, "clock"), "cost_ns"), 20);
    json_decref(record);
}
END_TEST

START_TEST(an_end_counts_its_verdicts)
{
    struct run_summary summary = {.done = 3, .planned = 4, .as_expected = 2, .unexpected = 1, .exit_status = 1, .seconds = 1.5,
                                  .interrupted = SIGINT};
    summary.verdicts[VERDICT_CLEAN] = 2;
    summary.verdicts[VERDICT_CORRUPT] = 1;
    json_t *record = record_end(&summary);
    ck_assert_int_eq(integer_in(record, "trials_done"), 3);
    ck_assert_int_eq(integer_in(record, "trials_planned"), 4);
    ck_assert_uint_eq(json_object_size(json_object_get(record, "verdicts")), 2);
    ck_assert_int_eq(integer_in(json_object_get(record, "verdicts"), "CLEAN"), 2);
    ck_assert_int_eq(integer_in(record, "exit_status"), 1);
    ck_assert_str_eq(text_in(record, "interrupted"), "SIGINT");
    json_decref(record);
}
END_TEST

int main(void)
{
    return testing_run("records", (const TTest *[]){
                                      a_verdict_repeats_what_its_trial_says,
                                      a_verdict_tells_all_that_the_manual_promises,
                                      a_trial_that_never_started_has_no_figures,
                                      every_worker_has_a_record_with_its_role_and_its_end,
                                      histograms_are_merged_by_role_and_their_buckets_add_up,
                                      latencies_over_time_are_added_up_by_role_at_the_coarsest_width,
                                      intervals_and_faults_are_told_with_their_moments,
                                      evidence_is_told_whole,
                                      evidence_in_bytes_that_are_not_utf_8_is_json_all_the_same,
                                      the_verdict_comes_last,
                                      a_run_is_told_with_its_command_and_its_clock,
                                      an_end_counts_its_verdicts,
                                      NULL,
                                  });
}
