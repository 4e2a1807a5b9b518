/* Tests of the watchdog: how long a crew is waited for, when it is to end or cannot be seen. */
#define _GNU_SOURCE
#include "run/watchdog_testing.h"

START_TEST(a_holder_inside_may_take_its_time_but_not_for_ever)
{
    begin(sleep_for_ever);
    ledger.slots[1].phase = PHASE_INSIDE;
    uint64_t ms = first_bark(0, 60000, WATCH_WEDGED);
    ck_assert_uint_ge(ms, 5000);
    ck_assert_uint_lt(ms, 30000);
    testing_has(why, "phase inside");
    finish();
}
END_TEST

START_TEST(a_crew_with_a_stopped_worker_is_waited_for_until_it_was_asked_to_end)
{
    begin(sleep_for_ever);
    kill(members[0].pid, SIGSTOP);
    await_state(0, 'T');
    ck_assert_uint_ge(first_bark(0, 5000, WATCH_WEDGED), 5000);
    watchdog_stopping(&dog, START + 5000 * NS_PER_MS);
    uint64_t ms = first_bark(5000, 60000, WATCH_WEDGED);
    ck_assert_uint_ge(ms, 6000);
    ck_assert_uint_lt(ms, 20000);
    testing_has(why, "is stopped by a signal");
    finish();
}
END_TEST

START_TEST(time_that_an_operation_takes_by_order_is_no_standstill)
{
    begin(sleep_for_ever);
    spec.shape.hold_ns = 4 * NS_PER_S;
    spec.shape.think_ns = 2 * NS_PER_S;
    watchdog_free(&dog);
    watchdog_start(&dog, &spec, START);
    ck_assert_uint_ge(first_bark(0, 7000, WATCH_WEDGED), 7000);
    ck_assert_uint_lt(first_bark(7000, 90000, WATCH_WEDGED), 90000);
    spec.shape.hold_ns = spec.shape.think_ns = 0;
    spec.shape.rate = 0.5; /* of all three: one operation in six seconds each */
    watchdog_free(&dog);
    watchdog_start(&dog, &spec, START);
    ck_assert_uint_ge(first_bark(0, 7000, WATCH_WEDGED), 7000);
    finish();
}
END_TEST

START_TEST(a_crew_that_will_not_end_is_slow_while_it_moves_and_wedged_when_it_does_not)
{
    begin(sleep_for_ever);
    watchdog_stopping(&dog, START);
    uint64_t ms = 0;
    enum watch watch = WATCH_GO_ON;
    for (; ms < 200000 && watch == WATCH_GO_ON; ms += 100) {
        ledger.slots[0].beats++;
        watch = look_at(ms, false);
    }
    ck_assert_int_eq(watch, WATCH_SLOW);
    ck_assert_uint_ge(ms, 5000);
    testing_has(why, "s after they were asked to end, with 3 of 3 workers left");
    finish();
}
END_TEST

START_TEST(an_interrupted_run_waits_for_nobody_long)
{
    begin(sleep_for_ever);
    watchdog_stopping(&dog, START);
    ledger.slots[0].ops++;
    ck_assert_int_eq(look_at(100, true), WATCH_GO_ON);
    ledger.slots[0].ops++;
    ck_assert_int_ne(look_at(1500, true), WATCH_GO_ON);
    finish();
}
END_TEST

START_TEST(after_a_death_the_others_are_not_waited_for_long)
{
    begin(sleep_for_ever);
    ledger.slots[1].phase = PHASE_INSIDE;
    ck_assert_int_eq(look_at(0, false), WATCH_GO_ON);
    crew.failed = 1;
    crew.alive = WORKERS - 1;
    members[2].exit = EXIT_SIGNAL;
    ck_assert_int_eq(look_at(10, false), WATCH_GO_ON); /* the exit itself is progress */
    uint64_t ms = first_bark(50, 60000, WATCH_WEDGED);
    ck_assert_uint_ge(ms, 400);
    ck_assert_uint_le(ms, 3000);
    testing_has(why, "with 2 of 3 workers left");
    finish();
}
END_TEST

START_TEST(a_crew_that_cannot_be_seen_is_given_longer)
{
    begin(sleep_for_ever);
    finish(); /* nobody of these numbers is there any more */
    testing_ok(ledger_create(&ledger, WORKERS, 3, &error));
    uint64_t ms = first_bark(0, 60000, WATCH_WEDGED);
    ck_assert_uint_ge(ms, 4000);
    ck_assert_uint_lt(ms, 60000);
    testing_has(why, "cannot be seen in /proc");
    watchdog_free(&dog);
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(an_explanation_that_is_too_long_is_cut_and_names_how_many_more)
{
    static struct crew_member many[40];
    struct ledger big;
    char small[60];
    begin(sleep_for_ever);
    testing_ok(ledger_create(&big, 40, 3, &error));
    for (int i = 0; i < 40; i++)
        many[i] = (struct crew_member){.pid = members[0].pid, .pidfd = -1};
    crew = (struct crew){.members = many, .count = 40, .alive = 40};
    struct ledger_view view = ledger_look(&big);
    enum watch watch = WATCH_GO_ON;
    for (uint64_t ms = 0; ms < 60000 && watch == WATCH_GO_ON; ms += 50)
        watch = watchdog_look(&dog, &crew, &big, &view, START + ms * NS_PER_MS, false, why, sizeof why);
    ck_assert_int_eq(watch, WATCH_WEDGED);
    testing_has(why, "; and 36 more");
    memset(small, 'x', sizeof small);
    watch = watchdog_look(&dog, &crew, &big, &view, START + 60000 * NS_PER_MS, false, small, sizeof small - 1);
    ck_assert_int_eq(watch, WATCH_WEDGED);
    ck_assert_uint_lt(strnlen(small, sizeof small), sizeof small - 1);
    ck_assert_int_eq(small[sizeof small - 1], 'x');
    ledger_destroy(&big);
    finish();
}
END_TEST

int main(void)
{
    return testing_run("watchdog_end", (const TTest *[]){
                                       a_holder_inside_may_take_its_time_but_not_for_ever,
                                       a_crew_with_a_stopped_worker_is_waited_for_until_it_was_asked_to_end,
                                       time_that_an_operation_takes_by_order_is_no_standstill,
                                       a_crew_that_will_not_end_is_slow_while_it_moves_and_wedged_when_it_does_not,
                                       an_interrupted_run_waits_for_nobody_long,
                                       after_a_death_the_others_are_not_waited_for_long,
                                       a_crew_that_cannot_be_seen_is_given_longer,
                                       an_explanation_that_is_too_long_is_cut_and_names_how_many_more,
                                       NULL,
                                   });
}
