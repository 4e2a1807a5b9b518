/* Tests of the judgement: how much exposure a clean verdict asks for, and what interrupts and slowness leave of it. */
#include "base/testing.h"
#include "run/judge.h"

enum { MAX = 64 };

static struct error error;
static struct trial_spec spec;
static struct crew_member members[MAX];
static struct crew crew;
static struct trial_result result;
static struct worker_end ends[MAX];

static void begin(const char *load, uint32_t workers)
{
    spec = (struct trial_spec){
        .load = contents_load(load),
        .sync = contents_sync("mutex"),
        .fault = contents_fault("none"),
        .shape = {.writers = workers, .size = 64, .sampling = 64},
        .expect = VERDICT_CLEAN,
        .enough = 30,
    };
    memset(&result, 0, sizeof result);
    testing_ok(ledger_create(&result.ledger, workers, spec_histograms(&spec), &error));
    result.gate_ns = 1;
    result.workers = workers;
    result.ends = ends;
    for (uint32_t i = 0; i < workers; i++) {
        struct slot *slot = &result.ledger.slots[i];
        members[i] = (struct crew_member){.pid = 100 + (pid_t)i, .pidfd = -1, .exit = EXIT_NORMAL};
        ends[i] = (struct worker_end){.pid = 100 + (pid_t)i, .phase = PHASE_DONE};
        snprintf(ends[i].cpus, sizeof ends[i].cpus, "%u", i % 2);
        slot->phase = PHASE_DONE;
        slot->ops = 1000;
        slot->ended_ns = NS_PER_S;
    }
    crew = (struct crew){.members = members, .count = workers};
}

/* Gives all that was met to one worker: the totals count. */
static void expose(uint64_t handoffs, uint64_t contended, uint64_t sampled)
{
    struct slot *slot = &result.ledger.slots[0];
    slot->handoffs = handoffs;
    slot->contended = contended;
    slot->sampled = sampled;
}

/* While it runs and afterwards the same exposure must count the same: the trial would else go on for nothing. */
static void check(enum verdict verdict, const char *part)
{
    bool exposed = judge_exposed(&spec, &result.ledger);
    judge(&spec, &crew, WATCH_GO_ON, "", NULL, &result);
    ck_assert_msg(result.verdict == verdict, "%s: %s", verdict_name(result.verdict), result.reason);
    testing_has(result.reason, part);
    ck_assert_msg(exposed == (verdict != VERDICT_INCONCLUSIVE), "%s: exposed %d", result.reason, exposed);
    ck_assert_int_eq(result.as_expected, verdict == VERDICT_CLEAN);
    ledger_destroy(&result.ledger);
}

START_TEST(many_hand_offs_and_meetings_make_a_clean_verdict)
{
    begin("counter", 2);
    expose(100, 50, 200);
    check(VERDICT_CLEAN, "2000 operations with 100 hand-offs");
}
END_TEST

START_TEST(too_few_hand_offs_prove_nothing)
{
    begin("counter", 2);
    expose(29, 50, 200);
    check(VERDICT_INCONCLUSIVE, "only 29 hand-offs between processes, 30 are needed");
    begin("counter", 2);
    expose(30, 50, 200);
    check(VERDICT_CLEAN, "30 hand-offs");
}
END_TEST

START_TEST(the_hand_offs_asked_for_are_the_specs)
{
    begin("counter", 2);
    spec.enough = 5000;
    expose(4999, 2000, 4000);
    check(VERDICT_INCONCLUSIVE, "5000 are needed");
}
END_TEST

START_TEST(processes_that_never_met_prove_nothing)
{
    begin("counter", 2);
    expose(500, 0, 100000);
    check(VERDICT_INCONCLUSIVE, "0 of 100000 sampled operations met another process");
    begin("counter", 2);
    expose(500, 1, 1000000);
    check(VERDICT_INCONCLUSIVE, "1 of 1000000");
}
END_TEST

START_TEST(without_a_sample_there_is_no_exposure)
{
    begin("counter", 2);
    expose(500, 0, 0);
    check(VERDICT_INCONCLUSIVE, "0 of 0 sampled operations");
}
END_TEST

START_TEST(a_small_sample_of_which_most_met_somebody_is_enough)
{
    begin("counter", 2);
    expose(40, 2, 4);
    check(VERDICT_CLEAN, "40 hand-offs");
}
END_TEST

START_TEST(a_spec_that_asks_for_nothing_gets_its_verdict)
{
    begin("counter", 2);
    spec.enough = 0;
    expose(0, 0, 1000);
    check(VERDICT_CLEAN, "0 hand-offs");
}
END_TEST

START_TEST(where_the_kernel_is_under_test_nobody_need_meet_at_the_primitive)
{
    begin("lifecycle", 2);
    expose(100, 0, 1000);
    check(VERDICT_CLEAN, "100 hand-offs");
}
END_TEST

START_TEST(one_process_alone_is_inconclusive_whatever_it_did)
{
    begin("counter", 1);
    expose(1000000, 1000, 1000);
    judge(&spec, &crew, WATCH_GO_ON, "", NULL, &result);
    ck_assert_int_eq(result.verdict, VERDICT_INCONCLUSIVE);
    testing_has(result.reason, "one process alone meets nobody: 1000 operations");
    ck_assert(!result.as_expected);
    ledger_destroy(&result.ledger);
    begin("counter", 1);
    spec.expect = VERDICT_INCONCLUSIVE;
    judge(&spec, &crew, WATCH_GO_ON, "", NULL, &result);
    ck_assert(result.as_expected);
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(what_is_broken_already_or_can_never_meet_needs_no_more_time)
{
    begin("counter", 2);
    expose(0, 0, 10);
    ck_assert(!judge_exposed(&spec, &result.ledger));
    result.ledger.slots[1].violations[VIOLATION_LOST] = 1;
    ck_assert(judge_exposed(&spec, &result.ledger));
    ledger_destroy(&result.ledger);
    begin("counter", 1);
    ck_assert(judge_exposed(&spec, &result.ledger));
    ledger_destroy(&result.ledger);
}
END_TEST

static void check_watched(enum watch watch, int interrupted, bool violation, enum verdict verdict, const char *part)
{
    begin("counter", 2);
    expose(100, 50, 200);
    result.interrupted = interrupted;
    if (watch != WATCH_GO_ON) {
        for (int i = 0; i < 2; i++)
            members[i] = (struct crew_member){.pid = 1, .pidfd = -1, .exit = EXIT_ENDED, .value = SIGKILL};
        crew.failed = 2;
    }
    if (violation)
        result.ledger.slots[1].violations[VIOLATION_TORN] = 1;
    judge(&spec, &crew, watch, "they are slow", NULL, &result);
    ck_assert_msg(result.verdict == verdict, "watch %d, interrupted %d, violation %d: %s (%s)", watch, interrupted, violation,
                  verdict_name(result.verdict), result.reason);
    testing_has(result.reason, part);
    ck_assert(!result.as_expected);
    ledger_destroy(&result.ledger);
}

START_TEST(an_interrupted_trial_passes_no_verdict_but_corruption)
{
    check_watched(WATCH_GO_ON, SIGINT, false, VERDICT_INCONCLUSIVE, "interrupted by SIGINT before its time was over");
    check_watched(WATCH_GO_ON, SIGTERM, true, VERDICT_CORRUPT, "1 violation");
    check_watched(WATCH_SLOW, SIGINT, false, VERDICT_INCONCLUSIVE, "interrupted by SIGINT");
    check_watched(WATCH_SLOW, SIGINT, true, VERDICT_CORRUPT, "1 violation");
    check_watched(WATCH_WEDGED, SIGINT, false, VERDICT_INCONCLUSIVE, "they are slow");
    check_watched(WATCH_WEDGED, SIGINT, true, VERDICT_CORRUPT, "1 violation");
}
END_TEST

START_TEST(a_crew_that_was_ended_while_it_moved_is_no_pass_and_no_wedge)
{
    check_watched(WATCH_SLOW, 0, false, VERDICT_INCONCLUSIVE, "too slow to end by itself, ended by the watchdog: they are slow");
    check_watched(WATCH_SLOW, 0, true, VERDICT_CORRUPT, "1 violation");
    check_watched(WATCH_WEDGED, 0, false, VERDICT_WEDGED, "they are slow");
    check_watched(WATCH_WEDGED, 0, true, VERDICT_WEDGED, "they are slow");
}
END_TEST

START_TEST(a_slow_crew_is_not_as_expected_by_its_data)
{
    begin("counter", 2);
    spec.expect = VERDICT_CORRUPT;
    result.ledger.slots[0].violations[VIOLATION_LOST] = 1;
    judge(&spec, &crew, WATCH_SLOW, "slow", NULL, &result);
    ck_assert_int_eq(result.verdict, VERDICT_CORRUPT);
    ck_assert(!result.as_expected);
    ledger_destroy(&result.ledger);
}
END_TEST

static void check_large_crew(double cpus, enum verdict verdict)
{
    begin("counter", MAX);
    expose(100000, 0, 100000);
    for (uint32_t i = 0; i < MAX; i++)
        result.ledger.slots[i].user_ns = (uint64_t)(cpus * 1e9 / MAX);
    judge(&spec, &crew, WATCH_GO_ON, "", NULL, &result);
    ck_assert_msg(result.verdict == verdict, "%g CPUs: %s: %s", cpus, verdict_name(result.verdict), result.reason);
    ledger_destroy(&result.ledger);
}

START_TEST(a_large_crew_that_ran_in_parallel_may_count_hand_offs_for_meetings)
{
    check_large_crew(1.9, VERDICT_CLEAN);
    check_large_crew(0.8, VERDICT_CLEAN); /* somebody else was on the machine, too */
    check_large_crew(0.05, VERDICT_INCONCLUSIVE);
}
END_TEST

START_TEST(processes_that_took_turns_on_one_cpu_prove_nothing_unless_they_give_it_away_inside)
{
    for (int yields = 0; yields < 2; yields++) {
        begin("counter", 2);
        expose(100000, 50000, 100000);
        spec.fault = contents_fault(yields ? "yield" : "none");
        snprintf(ends[1].cpus, sizeof ends[1].cpus, "%s", ends[0].cpus);
        judge(&spec, &crew, WATCH_GO_ON, "", NULL, &result);
        ck_assert_msg(result.verdict == (yields ? VERDICT_CLEAN : VERDICT_INCONCLUSIVE), "yields %d: %s", yields, result.reason);
        if (!yields)
            testing_has(result.reason, "take turns on one CPU");
        ledger_destroy(&result.ledger);
    }
}
END_TEST

int main(void)
{
    return testing_run("judge_more", (const TTest *[]){
                                         many_hand_offs_and_meetings_make_a_clean_verdict,
                                         too_few_hand_offs_prove_nothing,
                                         the_hand_offs_asked_for_are_the_specs,
                                         processes_that_never_met_prove_nothing,
                                         without_a_sample_there_is_no_exposure,
                                         a_small_sample_of_which_most_met_somebody_is_enough,
                                         a_spec_that_asks_for_nothing_gets_its_verdict,
                                         where_the_kernel_is_under_test_nobody_need_meet_at_the_primitive,
                                         one_process_alone_is_inconclusive_whatever_it_did,
                                         what_is_broken_already_or_can_never_meet_needs_no_more_time,
                                         an_interrupted_trial_passes_no_verdict_but_corruption,
                                         a_crew_that_was_ended_while_it_moved_is_no_pass_and_no_wedge,
                                         a_slow_crew_is_not_as_expected_by_its_data,
                                         a_large_crew_that_ran_in_parallel_may_count_hand_offs_for_meetings,
                                         processes_that_took_turns_on_one_cpu_prove_nothing_unless_they_give_it_away_inside,
                                         NULL,
                                     });
}
