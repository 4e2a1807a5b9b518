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
    *mortality = (struct fault_mortality){.death_ns = 6000, .next_ns = 7500, .victim = 1};
    members[1].exit = EXIT_SIGNAL;
    members[1].value = SIGKILL;
    result.ledger.slots[1].phase = PHASE_INSIDE;
    result.ledger.slots[1].ops = 42;
    mortality_note(&spec, &result);
    mortality_text(&spec, &crew, &result, text, sizeof text);
    ck_assert_uint_eq(result.death_ns, 5000);
    ck_assert_uint_eq(result.recovery_ns, 1500);
    ck_assert_uint_eq(result.dead_worker, 1);
    testing_has(text, "worker 1 died die:inside:kill (killed by SIGKILL, phase inside, after 42 operations)");
    testing_has(text, "came 1.50 us later");
    ck_assert(mortality_any(&spec, &result.ledger) && mortality_survived(&spec, &result.ledger));
    mortality->next_ns = 0;
    mortality_note(&spec, &result);
    mortality_text(&spec, &crew, &result, text, sizeof text);
    testing_has(text, "nobody has acquired the primitive since");
    ck_assert(!mortality_survived(&spec, &result.ledger));
    ledger_destroy(&result.ledger);
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
        ends[2].phase = rows[i].phase;
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
                                        a_victim_that_was_overwritten_is_not_looked_up,
                                        the_outcome_is_one_word_and_a_lost_permit_is_told_from_a_held_lock,
                                        NULL,
                                    });
}
