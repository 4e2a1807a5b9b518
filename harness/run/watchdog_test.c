/* Tests of the watchdog: what is a wedge, and what only looks like one. */
#define _GNU_SOURCE
#include "run/watchdog_testing.h"

#include <sys/prctl.h>

#include "run/stray.h"

static int sleep_for_a_time(void *user)
{
    for (;;)
        usleep(*(useconds_t *)user);
    return 0;
}

static int spin_for_ever(void *user)
{
    volatile unsigned *counter = user;
    for (;;)
        (*counter)++;
    return 0;
}

START_TEST(a_crew_that_moves_is_left_alone_for_any_time)
{
    begin(sleep_for_ever);
    for (uint64_t ms = 0; ms < 3600000; ms += 300) {
        ledger.slots[ms / 300 % WORKERS].ops++;
        if (look_at(ms, false) != WATCH_GO_ON)
            ck_abort_msg("at %d ms: %s", (int)ms, why);
    }
    finish();
}
END_TEST

START_TEST(beats_are_progress_too)
{
    begin(sleep_for_ever);
    for (uint64_t ms = 0; ms < 60000; ms += 300) {
        ledger.slots[0].beats++;
        ck_assert_int_eq(look_at(ms, false), WATCH_GO_ON);
    }
    finish();
}
END_TEST

START_TEST(a_crew_that_sleeps_at_the_primitive_is_wedged_within_seconds)
{
    char part[64];
    begin(sleep_for_ever);
    uint64_t ms = first_bark(0, 60000, WATCH_WEDGED);
    ck_assert_uint_ge(ms, 250); /* a pause is no wedge */
    ck_assert_uint_le(ms, 1000);
    testing_has(why, "no progress for ");
    testing_has(why, "with 3 of 3 workers left");
    snprintf(part, sizeof part, "worker 2 (pid %d) sleeps in the kernel", (int)members[2].pid);
    testing_has(why, "all of them asleep and nobody left to wake them");
    testing_has(why, part);
    testing_has(why, "s, after 20 operations");
    finish();
}
END_TEST

/* Until every process of the crew has had so much of a CPU. */
static void give_turns(uint64_t ns)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        uint64_t before = process_cpu_ns(members[i].pid);
        while (process_cpu_ns(members[i].pid) < before + ns)
            sched_yield();
    }
}

START_TEST(a_crew_that_spins_without_progress_is_wedged_after_several_turns_for_all)
{
    begin(spin_for_ever);
    ck_assert_int_eq(look_at(0, false), WATCH_GO_ON);
    enum watch watch = look_at(50, false); /* the suspicion */
    uint64_t ms = 100;
    for (; watch == WATCH_GO_ON && ms < 2000; ms += 50) {
        give_turns(20 * NS_PER_MS);
        watch = look_at(ms, false);
    }
    ck_assert_int_eq(watch, WATCH_WEDGED);
    ck_assert_uint_ge(ms, 250);
    testing_has(why, "spins in user space");
    finish();
}
END_TEST

START_TEST(code_that_a_fault_slows_down_is_given_more_of_the_cpu)
{
    struct fault_ops slow = {.name = "slow", .slows = true};
    begin(spin_for_ever);
    spec.fault = &slow;
    watchdog_free(&dog);
    watchdog_start(&dog, &spec, START);
    ck_assert_int_eq(look_at(0, false), WATCH_GO_ON);
    ck_assert_int_eq(look_at(50, false), WATCH_GO_ON);
    give_turns(10 * NS_PER_MS);
    ck_assert_int_eq(look_at(100, false), WATCH_GO_ON);
    bool many = true; /* who waits for the last one's turn may have had more than enough meanwhile */
    for (uint32_t i = 0; i < WORKERS; i++)
        many = many && process_cpu_ns(members[i].pid) > 100 * NS_PER_MS;
    ck_assert(dog.rounds == 0 || many);
    finish();
}
END_TEST

/* As if it had not run since the round began. */
static void deny_turns(uint32_t i)
{
    dog.marks[i].cpu_ns += 3600 * NS_PER_S;
    dog.marks[i].turns += 1000000;
}

static int yield_for_ever(void *user)
{
    (void)user;
    for (;;)
        sched_yield();
    return 0;
}

/* On a busy machine it has a microsecond now and then. */
START_TEST(who_gives_the_cpu_away_has_had_its_turns)
{
    begin(yield_for_ever);
    watchdog_stopping(&dog, START);
    ck_assert_int_eq(look_at(0, false), WATCH_GO_ON);
    ck_assert_int_eq(look_at(50, false), WATCH_GO_ON);
    for (uint32_t i = 0; i < WORKERS; i++)
        while (process_turns(members[i].pid) < dog.marks[i].turns + 3)
            sched_yield();
    ck_assert_int_eq(look_at(60000, false), WATCH_WEDGED);
    finish();
}
END_TEST

START_TEST(a_crew_of_which_one_was_given_no_cpu_is_not_wedged)
{
    begin(spin_for_ever);
    ck_assert_int_eq(look_at(0, false), WATCH_GO_ON);
    ck_assert_int_eq(look_at(50, false), WATCH_GO_ON);
    ck_assert_ptr_nonnull(dog.marks);
    deny_turns(1);
    ck_assert_uint_ge(first_bark(1000, 9500, WATCH_WEDGED), 9500);
    ck_assert_uint_lt(first_bark(9500, 12000, WATCH_SLOW), 12000); /* nor waited for without end */
    testing_has(why, " of 3 workers left had no turn on a CPU");
    give_turns(20 * NS_PER_MS);
    dog.marks[1] = (struct watchdog_mark){0, 0, 0}; /* it has run, and nothing has come of it */
    ck_assert_int_eq(look_at(13000, false), WATCH_WEDGED);
    finish();
}
END_TEST

START_TEST(who_has_no_cpu_is_slow_to_end_and_not_wedged)
{
    begin(spin_for_ever);
    ck_assert_int_eq(look_at(0, false), WATCH_GO_ON);
    watchdog_stopping(&dog, START);
    ck_assert_int_eq(look_at(50, false), WATCH_GO_ON);
    deny_turns(1);
    ck_assert_int_eq(look_at(60000, false), WATCH_SLOW);
    finish();
}
END_TEST

START_TEST(a_crew_of_which_one_sleeps_for_a_time_is_not_wedged)
{
    begin(sleep_for_ever);
    pid_t other = members[1].pid;
    useconds_t long_time = 3600 * 1000000u;
    members[1].pid = testing_fork(sleep_for_a_time, &long_time);
    await_state(1, 'S');
    ck_assert_uint_ge(first_bark(0, 9500, WATCH_WEDGED), 9500);
    kill(other, SIGKILL);
    testing_wait(other);
    finish();
}
END_TEST

START_TEST(a_crew_of_which_one_comes_back_from_sleep_and_finds_nothing_is_wedged)
{
    begin(sleep_for_ever);
    pid_t other = members[1].pid;
    useconds_t short_time = 1000;
    members[1].pid = testing_fork(sleep_for_a_time, &short_time);
    enum watch watch = WATCH_GO_ON;
    for (uint64_t ms = 0; ms < 5000 && watch == WATCH_GO_ON; ms += 50) {
        usleep(20000);
        watch = look_at(ms, false);
    }
    ck_assert_int_eq(watch, WATCH_WEDGED);
    kill(other, SIGKILL);
    testing_wait(other);
    finish();
}
END_TEST

START_TEST(a_crew_of_which_one_is_not_quite_dead_is_not_wedged)
{
    begin(sleep_for_ever);
    kill(members[1].pid, SIGKILL); /* whoever reaps the crew has not come to it yet */
    await_state(1, 'Z');
    ck_assert(process_look(members[1].pid).dying);
    ck_assert(!process_look(members[0].pid).dying);
    ck_assert_uint_ge(first_bark(0, 9500, WATCH_WEDGED), 9500);
    finish();
}
END_TEST

START_TEST(who_is_done_and_not_gone_is_slow_to_end_and_not_wedged)
{
    begin(sleep_for_ever);
    watchdog_stopping(&dog, START);
    ledger.slots[1].phase = PHASE_DONE;
    ck_assert_int_eq(look_at(0, false), WATCH_GO_ON);
    ck_assert_int_eq(look_at(60000, false), WATCH_SLOW);
    testing_has(why, "1 of 3 workers left are served by the kernel, or end there");
    finish();
}
END_TEST

/* Until its child execs or ends, a process that calls vfork() sleeps where no signal but the last one reaches it. */
static int sleep_in_the_kernel(void *user)
{
    (void)user;
    if (vfork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    return 0;
}

/* A process of the primitive's own may be about to wake somebody. */
START_TEST(a_crew_with_a_helper_beside_it_is_wedged_much_later)
{
    static unsigned counter;
    int (*bodies[])(void *) = {sleep_for_ever, spin_for_ever};
    for (int i = 0; i < 2; i++) {
        begin(sleep_for_ever);
        stray_begin();
        pid_t helper = testing_fork(bodies[i], &counter);
        stray_spare();
        ck_assert_uint_eq(first_bark(0, 2900, WATCH_WEDGED), 2900);
        while (i == 0 && process_look(helper).state != 'S')
            sched_yield();
        if (i == 0)
            ck_assert_uint_lt(first_bark(2900, 60000, WATCH_WEDGED), 60000);
        if (i == 0)
            testing_has(why, "what the primitive has started beside them wakes nobody");
        kill(helper, SIGKILL);
        testing_wait(helper);
        stray_release();
        finish();
    }
}
END_TEST

START_TEST(who_sleeps_where_the_kernel_serves_it_is_slow_and_not_wedged)
{
    begin(sleep_for_ever);
    pid_t other = members[1].pid;
    members[1].pid = testing_fork(sleep_in_the_kernel, NULL);
    await_state(1, 'D');
    watchdog_stopping(&dog, START);
    ck_assert_int_eq(look_at(0, false), WATCH_GO_ON);
    ck_assert_int_eq(look_at(60000, false), WATCH_SLOW);
    kill(other, SIGKILL);
    testing_wait(other);
    finish();
}
END_TEST

int main(void)
{
    return testing_run("watchdog", (const TTest *[]){
                                       a_crew_that_moves_is_left_alone_for_any_time,
                                       beats_are_progress_too,
                                       a_crew_that_sleeps_at_the_primitive_is_wedged_within_seconds,
                                       a_crew_that_spins_without_progress_is_wedged_after_several_turns_for_all,
                                       code_that_a_fault_slows_down_is_given_more_of_the_cpu,
                                       who_gives_the_cpu_away_has_had_its_turns,
                                       a_crew_of_which_one_was_given_no_cpu_is_not_wedged,
                                       who_has_no_cpu_is_slow_to_end_and_not_wedged,
                                       a_crew_of_which_one_sleeps_for_a_time_is_not_wedged,
                                       a_crew_of_which_one_comes_back_from_sleep_and_finds_nothing_is_wedged,
                                       a_crew_of_which_one_is_not_quite_dead_is_not_wedged,
                                       who_is_done_and_not_gone_is_slow_to_end_and_not_wedged,
                                       a_crew_with_a_helper_beside_it_is_wedged_much_later,
                                       who_sleeps_where_the_kernel_serves_it_is_slow_and_not_wedged,
                                       NULL,
                                   });
}
