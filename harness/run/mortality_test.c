/* Tests of planned deaths: what they should make of a trial, who counts as doomed, and the word for what became of the others. */
#include "run/mortality.h"

#include "base/testing.h"
#include "cmd/fault_text.h"

enum { WORKERS = 3 };

static struct error error;
static struct trial_spec spec;
static struct trial_result result;
static struct worker_end ends[WORKERS];
static struct crew_member members[WORKERS];
static struct crew crew;

static void order(const char *sync, const char *load, const char *fault)
{
    struct fault_choice choice;
    testing_ok(fault_parse(fault, &choice, &error));
    spec = (struct trial_spec){
        .number = 1,
        .load = contents_load(load),
        .sync = contents_sync(sync),
        .fault = choice.fault,
        .fault_parameter = choice.parameter,
        .fault_text = fault,
        .shape = {.writers = 2, .readers = 1, .size = 64},
    };
    memcpy(spec.fault_choices, choice.choices, sizeof spec.fault_choices);
    ck_assert_msg(spec.load && spec.sync, "%s, %s", sync, load);
}

static void make_ledger(void)
{
    memset(&result, 0, sizeof result);
    testing_ok(ledger_create(&result.ledger, WORKERS, HISTOGRAM_OWN, &error));
    memset(members, 0, sizeof members);
    memset(ends, 0, sizeof ends);
    result.ends = ends;
    result.workers = WORKERS;
    result.gate_ns = 1000;
    crew = (struct crew){.members = members, .count = WORKERS};
}

START_TEST(the_expectation_follows_from_the_place_and_the_primitive)
{
    static const struct {
        const char *sync, *fault;
        enum verdict verdict;
    } rows[] = {
        {"mutex", "die:inside:kill:4", VERDICT_WEDGED},
        {"mutex", "die:inside:kill:0", VERDICT_WEDGED},
        {"mutex", "die:releasing:kill", VERDICT_WEDGED},
        {"mutex", "die:before:kill", VERDICT_CLEAN},
        {"mutex", "die:after:segv", VERDICT_CLEAN},
        {"mutex", "die:waiting:kill", VERDICT_CLEAN},
        {"mutex", "die:inside:stop", VERDICT_CLEAN},
        {"semaphore", "die:inside:exit:4", VERDICT_WEDGED},
        {"ticket", "die:waiting:kill", VERDICT_WEDGED},
        {"mcs", "die:waiting:abort", VERDICT_WEDGED},
        {"mutex-robust", "die:inside:kill:4", VERDICT_CLEAN},
        {"mutex-robust", "die:inside:exec:4", VERDICT_CLEAN},
        {"mutex-robust", "die:inside:unmap:4", VERDICT_WEDGED},
        {"mutex-unrepaired", "die:inside:kill:4", VERDICT_CORRUPT},
        {"mutex-unrepaired", "die:inside:kill:0", VERDICT_CLEAN},
        {"mutex-unrepaired", "die:inside:kill:8", VERDICT_CLEAN},
        {"mutex-unrepaired", "die:releasing:kill", VERDICT_CLEAN},
        {"futex-pi", "die:inside:unmap:4", VERDICT_CLEAN},
        {"flock", "die:inside:kill:1", VERDICT_CORRUPT},
        {"flock", "die:inside:kill:7", VERDICT_CORRUPT},
        {"flock", "die:inside:kill:8", VERDICT_CLEAN},
        {"ofd", "die:inside:unmap:4", VERDICT_CORRUPT},
        {"none", "die:after:kill", VERDICT_CORRUPT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        order(rows[i].sync, "snapshot", rows[i].fault);
        enum verdict verdict = mortality_expected(&spec);
        ck_assert_msg(verdict == rows[i].verdict, "%s under %s: %s", rows[i].sync, rows[i].fault, verdict_name(verdict));
    }
}
END_TEST

START_TEST(where_nobody_can_know_what_the_victim_had_done_several_verdicts_are_right)
{
    static const struct {
        const char *sync, *fault;
        unsigned allowed; /* besides what is expected */
    } rows[] = {
        {"mutex", "die:waiting:kill", 1u << VERDICT_CLEAN | 1u << VERDICT_WEDGED},
        {"mutex-robust", "die:waiting:kill", 1u << VERDICT_CLEAN | 1u << VERDICT_WEDGED},
        {"futex-pi", "die:waiting:kill", 1u << VERDICT_CLEAN},
        {"flock", "die:waiting:kill", 1u << VERDICT_CLEAN},
        {"ticket", "die:waiting:kill", 1u << VERDICT_CLEAN | 1u << VERDICT_WEDGED},
        {"mutex-pi", "die:waiting:kill", 1u << VERDICT_CLEAN | 1u << VERDICT_WEDGED | 1u << VERDICT_CRASHED},
        {"mutex-pi", "die:inside:kill", 1u << VERDICT_CRASHED},
        {"mutex-pi", "die:before:kill", 0},
        {"mutex", "die:within:kill", 1u << VERDICT_CLEAN | 1u << VERDICT_WEDGED},
        {"mutex-robust", "die:within:segv:9", 1u << VERDICT_CLEAN | 1u << VERDICT_WEDGED},
        {"sysv-semaphore", "die:within:kill", 1u << VERDICT_CLEAN},
        {"none", "die:within:kill", 1u << VERDICT_CORRUPT},
        {"none", "die:waiting:kill", 0},
        {"mutex", "die:inside:kill", 0},
        {"mutex", "die:waiting:stop", 0},
        {"mutex", "kill:5", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        order(rows[i].sync, "snapshot", rows[i].fault);
        for (int verdict = 0; verdict < VERDICTS; verdict++)
            ck_assert_msg(mortality_allows(&spec, (enum verdict)verdict) == (rows[i].allowed >> verdict & 1), "%s under %s: %s",
                          rows[i].sync, rows[i].fault, verdict_name((enum verdict)verdict));
    }
}
END_TEST

START_TEST(a_row_may_say_itself_what_a_death_within_it_does)
{
    order("mutex", "snapshot", "die:within:kill");
    struct sync_ops row = *spec.sync;
    row.death_within = 1u << VERDICT_CORRUPT;
    spec.sync = &row;
    ck_assert_int_eq(mortality_expected(&spec), VERDICT_CORRUPT);
    ck_assert(mortality_allows(&spec, VERDICT_CORRUPT) && !mortality_allows(&spec, VERDICT_CLEAN));
}
END_TEST

START_TEST(only_deaths_by_the_faults_hand_are_planned)
{
    order("mutex", "snapshot", "die:inside:kill");
    make_ledger();
    crew.failed = 2;
    members[0].exit = members[1].exit = EXIT_SIGNAL;
    members[0].value = members[1].value = SIGKILL;
    ck_assert_uint_eq(mortality_unplanned(&spec, &crew, &result.ledger), 2);
    result.ledger.slots[1].doomed = 1;
    ck_assert(mortality_doomed(&spec, &result.ledger, 1) && !mortality_doomed(&spec, &result.ledger, 0));
    ck_assert_uint_eq(mortality_unplanned(&spec, &crew, &result.ledger), 1);
    order("mutex", "snapshot", "kill:5"); /* a fault that only crashes the trial spares nobody */
    ck_assert(!mortality_doomed(&spec, &result.ledger, 1));
    ck_assert_uint_eq(mortality_unplanned(&spec, &crew, &result.ledger), 2);
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(death_and_recovery_are_told_with_their_times)
{
    char text[300];
    order("mutex", "snapshot", "die:inside:kill");
    make_ledger();
    struct fault_mortality *mortality = result.ledger.commons;
    mortality_note(&spec, &result);
    mortality_text(&spec, &crew, &result, text, sizeof text);
    ck_assert_str_eq(text, "");
    ck_assert(!mortality_any(&spec, &result.ledger));
    *mortality = (struct fault_mortality){.death_ns = 6000, .next_ns = 7500, .victim = 1, .phase = PHASE_INSIDE, .ops = 42};
    members[1].exit = EXIT_SIGNAL;
    members[1].value = SIGKILL;
    mortality_note(&spec, &result);
    mortality_text(&spec, &crew, &result, text, sizeof text);
    ck_assert_uint_eq(result.death_ns, 5000);
    ck_assert_uint_eq(result.recovery_ns, 1500);
    ck_assert_uint_eq(result.dead_worker, 1);
    testing_has(text, "worker 1 died die:inside:kill (killed by SIGKILL, phase inside, after 42 operations)");
    testing_has(text, "came 1.50 us later");
    ck_assert(mortality_any(&spec, &result.ledger) && mortality_survived(&spec, &result.ledger));
    members[1] = (struct crew_member){.exit = EXIT_NORMAL, .first_exit = EXIT_SIGNAL, .first_value = SIGSEGV}; /* replaced since */
    mortality->made = 9;
    mortality->deaths = 3;
    mortality_note(&spec, &result);
    mortality_text(&spec, &crew, &result, text, sizeof text);
    testing_has(text, "(killed by SIGSEGV, phase inside, after 42 operations and 9 of its own steps), the first of 3 deaths;");
    mortality->next_ns = 0;
    mortality_note(&spec, &result);
    mortality_text(&spec, &crew, &result, text, sizeof text);
    testing_has(text, "nobody has acquired the primitive since");
    ck_assert(!mortality_survived(&spec, &result.ledger));
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(recoveries_are_told_by_their_middle_and_their_ends)
{
    order("mutex-robust", "counter", "churn:5");
    make_ledger();
    struct fault_mortality *mortality = result.ledger.commons;
    *mortality = (struct fault_mortality){.death_ns = 6000, .next_ns = 7500, .deaths = 5, .recoveries = 4};
    memcpy(mortality->recovery_ns, (const uint64_t[]){900, 100, 300, 200}, 4 * sizeof(uint64_t));
    mortality_note(&spec, &result);
    ck_assert_uint_eq(result.deaths, 5);
    ck_assert_uint_eq(result.recoveries, 4);
    ck_assert_uint_eq(result.recovery_min_ns, 100);
    ck_assert_uint_eq(result.recovery_median_ns, 250);
    ck_assert_uint_eq(result.recovery_max_ns, 900);
    mortality->recoveries = UINT32_MAX; /* more than are kept, or overwritten */
    mortality_note(&spec, &result);
    ck_assert_uint_eq(result.recovery_max_ns, 900);
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(torn_is_what_came_out_torn)
{
    order("ring-mpmc", "stream", "die:before:kill");
    make_ledger();
    *(struct fault_mortality *)result.ledger.commons = (struct fault_mortality){.death_ns = 6000, .next_ns = 7500};
    result.violation_count = result.violations[VIOLATION_LOST] = 3;
    mortality_note(&spec, &result);
    ck_assert_int_eq(result.remains, REMAINS_WHOLE);
    result.remains = REMAINS_UNKNOWN;
    result.violations[VIOLATION_TORN] = 1;
    mortality_note(&spec, &result);
    ck_assert_int_eq(result.remains, REMAINS_TORN);
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(what_nobody_could_judge_is_refused)
{
    static const struct {
        const char *sync, *load, *fault, *part;
        uint32_t writers, readers;
    } rows[] = {
        {"mutex", "quit", "die:before:kill", "nobody could judge", 2, 1},
        {"cell-none", "cells", "die:before:kill", "nobody could judge", 2, 1},
        {"ring-spsc", "stream", "die:before:kill:respawn", "no new process", 1, 1},
        {"mutex", "pool", "churn:5", "no new process", 6, 0},
        {"ring-condvar", "stream", "die:before:kill", "a producer and a consumer that live on", 1, 2},
        {"ring-condvar", "stream", "die:before:kill:reader", "a producer and a consumer that live on", 2, 1},
        {"ring-condvar", "stream", "die:before:kill", NULL, 2, 1},
        {"ring-spsc", "stream", "die:before:kill", NULL, 1, 1},
        {"pool-tagged", "pool", "die:before:kill", "two slots", 4, 0},
        {"pool-tagged", "pool", "die:before:kill", NULL, 6, 0},
        {"pool-tagged", "pool", "die:before:kill:writers", "two slots", 6, 0},
        {"ring-mpmc", "stream", "die:waiting:kill", "nobody waits", 2, 2},
        {"ring-condvar", "stream", "die:waiting:kill", NULL, 2, 2},
        {"barrier-sense", "phases", "die:waiting:kill", NULL, 3, 0},
        {"mutex", "counter", "churn:5", NULL, 2, 2},
        {"mutex", "quit", "stop:5", NULL, 2, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        order(rows[i].sync, rows[i].load, rows[i].fault);
        spec.shape.writers = rows[i].writers;
        spec.shape.readers = rows[i].readers;
        const char *refusal = mortality_refuses(&spec);
        if (rows[i].part)
            testing_has(refusal ? refusal : "", rows[i].part);
        else
            ck_assert_msg(!refusal, "%s, %s: %s", rows[i].sync, rows[i].fault, refusal);
    }
}
END_TEST

START_TEST(each_family_takes_a_death_in_its_own_way)
{
    static const struct {
        const char *sync, *load, *fault;
        enum verdict verdict;
        unsigned allowed; /* besides */
    } rows[] = {
        {"seqlock", "snapshot", "die:before:kill", VERDICT_CLEAN, 0},
        {"seqlock", "snapshot", "die:writing:kill:3", VERDICT_CLEAN, 1u << VERDICT_CLEAN | 1u << VERDICT_WEDGED},
        {"cell-none", "snapshot", "die:writing:kill:3", VERDICT_CORRUPT, 1u << VERDICT_CORRUPT},
        {"cell-none", "snapshot", "die:before:kill:writers", VERDICT_CORRUPT, 1u << VERDICT_CLEAN},
        {"ring-mpmc", "stream", "die:writing:kill:3", VERDICT_CLEAN, 1u << VERDICT_CLEAN | 1u << VERDICT_WEDGED},
        {"ring-none", "stream", "die:before:kill", VERDICT_CORRUPT, 1u << VERDICT_CORRUPT | 1u << VERDICT_WEDGED},
        {"counter-add", "counter", "die:before:kill", VERDICT_CLEAN, 0},
        {"pool-bitmap", "pool", "die:inside:kill", VERDICT_CLEAN, 0},
        {"barrier-pthread", "phases", "die:before:kill", VERDICT_WEDGED, 1u << VERDICT_WEDGED},
        {"barrier-none", "phases", "die:before:kill", VERDICT_CORRUPT, 0},
        {"flock", "snapshot", "die:inside:kill:reader", VERDICT_CLEAN, 0}, /* who reads leaves nothing half done */
        {"flock", "snapshot", "die:inside:unmap:reader", VERDICT_CLEAN, 0},
        {"flock", "snapshot", "die:inside:kill:all-but-one", VERDICT_CORRUPT, 0},
        {"rwlock", "snapshot", "die:inside:kill:reader", VERDICT_WEDGED, 0},
        {"mutex", "snapshot", "churn:5", VERDICT_CLEAN, 1u << VERDICT_CLEAN | 1u << VERDICT_WEDGED},
        {"mutex", "snapshot", "churn:inside:5", VERDICT_WEDGED, 1u << VERDICT_WEDGED},
        {"mutex", "snapshot", "churn:before:5", VERDICT_CLEAN, 0},
        {"flock", "snapshot", "churn:5", VERDICT_CLEAN, 1u << VERDICT_CLEAN | 1u << VERDICT_CORRUPT},
        {"flock", "snapshot", "churn:inside:5", VERDICT_CORRUPT, 1u << VERDICT_CLEAN},
        {"mutex-robust", "snapshot", "churn:inside:5", VERDICT_CLEAN, 1u << VERDICT_CLEAN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        order(rows[i].sync, rows[i].load, rows[i].fault);
        enum verdict verdict = mortality_expected(&spec);
        ck_assert_msg(verdict == rows[i].verdict, "%s under %s: %s", rows[i].sync, rows[i].fault, verdict_name(verdict));
        for (int v = 0; v < VERDICTS; v++)
            ck_assert_msg(mortality_allows(&spec, (enum verdict)v) == (rows[i].allowed >> v & 1), "%s under %s: %s", rows[i].sync,
                          rows[i].fault, verdict_name((enum verdict)v));
    }
}
END_TEST

START_TEST(a_victim_that_was_overwritten_is_not_looked_up)
{
    char text[300];
    order("mutex", "snapshot", "die:inside:kill");
    make_ledger();
    *(struct fault_mortality *)result.ledger.commons = (struct fault_mortality){.death_ns = 6000, .victim = 4000000000u};
    mortality_note(&spec, &result);
    mortality_text(&spec, &crew, &result, text, sizeof text);
    ck_assert_str_eq(text, "");
    result.verdict = VERDICT_WEDGED;
    ck_assert_str_eq(mortality_outcome(&spec, &result), "wedged");
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(the_outcome_is_one_word_and_a_lost_permit_is_told_from_a_held_lock)
{
    static const struct {
        const char *sync;
        enum phase phase;
        enum verdict verdict;
        const char *outcome;
    } rows[] = {
        {"mutex", PHASE_INSIDE, VERDICT_WEDGED, "wedged"},
        {"semaphore", PHASE_INSIDE, VERDICT_WEDGED, "permit lost"},
        {"semaphore", PHASE_RELEASING, VERDICT_WEDGED, "permit lost"},
        {"semaphore-named", PHASE_INSIDE, VERDICT_WEDGED, "permit lost"},
        {"semaphore", PHASE_IDLE, VERDICT_WEDGED, "wedged"},
        {"mutex-pi", PHASE_INSIDE, VERDICT_CRASHED, "aborted"},
        {"mutex", PHASE_INSIDE, VERDICT_CRASHED, "crashed"},
        {"flock", PHASE_INSIDE, VERDICT_CORRUPT, "corrupt"},
        {"flock", PHASE_INSIDE, VERDICT_CLEAN, "recovered"},
        {"flock", PHASE_INSIDE, VERDICT_INCONCLUSIVE, "inconclusive"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        order(rows[i].sync, "snapshot", "die:inside:kill");
        make_ledger();
        result.death_ns = 1;
        result.dead_worker = 2;
        result.dead_phase = rows[i].phase;
        result.verdict = rows[i].verdict;
        ck_assert_str_eq(mortality_outcome(&spec, &result), rows[i].outcome);
        ledger_destroy(&result.ledger);
    }
}
END_TEST

int main(void)
{
    return testing_run("mortality", (const TTest *[]){
                                        the_expectation_follows_from_the_place_and_the_primitive,
                                        where_nobody_can_know_what_the_victim_had_done_several_verdicts_are_right,
                                        a_row_may_say_itself_what_a_death_within_it_does,
                                        only_deaths_by_the_faults_hand_are_planned,
                                        death_and_recovery_are_told_with_their_times,
                                        recoveries_are_told_by_their_middle_and_their_ends,
                                        torn_is_what_came_out_torn,
                                        what_nobody_could_judge_is_refused,
                                        each_family_takes_a_death_in_its_own_way,
                                        a_victim_that_was_overwritten_is_not_looked_up,
                                        the_outcome_is_one_word_and_a_lost_permit_is_told_from_a_held_lock,
                                        NULL,
                                    });
}
