/* Tests of the watchdog: real processes, a hand-made ledger, and a clock that the test moves. */
#define _GNU_SOURCE
#include "run/watchdog.h"

#include <sys/prctl.h>

#include "base/testing.h"
#include "run/process.h"

enum { WORKERS = 3 };
#define START (1000 * NS_PER_S)

static struct error error;
static struct trial_spec spec;
static struct ledger ledger;
static struct crew_member members[WORKERS];
static struct crew crew;
static struct watchdog dog;
static char why[700];

static int sleep_for_ever(void *user)
{
    (void)user;
    for (;;)
        pause();
    return 0;
}

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

static void await_state(uint32_t i, char state)
{
    while (process_look(members[i].pid).state != state)
        sched_yield();
}

/* A crew that waits for the primitive, and sleeps. */
static void begin(int (*body)(void *user))
{
    static unsigned counter;
    spec = (struct trial_spec){
        .load = contents_load("counter"),
        .sync = contents_sync("mutex"),
        .fault = contents_fault("none"),
        .shape = {.writers = WORKERS},
    };
    testing_ok(ledger_create(&ledger, WORKERS, 3, &error));
    crew = (struct crew){.members = members, .count = WORKERS, .alive = WORKERS};
    for (uint32_t i = 0; i < WORKERS; i++) {
        members[i] = (struct crew_member){.pid = testing_fork(body, &counter), .pidfd = -1};
        ledger.slots[i].phase = PHASE_ACQUIRING;
        ledger.slots[i].ops = 10 * i;
        await_state(i, body == sleep_for_ever ? 'S' : 'R');
    }
    watchdog_start(&dog, &spec, START);
}

static void finish(void)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        kill(members[i].pid, SIGKILL);
        testing_wait(members[i].pid);
    }
    watchdog_free(&dog);
    ledger_destroy(&ledger);
}

static enum watch look_at(uint64_t ms, bool hurry)
{
    struct ledger_view view = ledger_look(&ledger);
    return watchdog_look(&dog, &crew, &ledger, &view, START + ms * NS_PER_MS, hurry, why, sizeof why);
}

/* Looks every 50 ms of the test's time. Returns the moment of the first answer but GO_ON, `until` when there was none. */
static uint64_t first_bark(uint64_t from, uint64_t until, enum watch wanted)
{
    for (uint64_t ms = from; ms < until; ms += 50) {
        enum watch watch = look_at(ms, false);
        if (watch == WATCH_GO_ON)
            continue;
        ck_assert_msg(watch == wanted, "at %d ms: %d (%s)", (int)ms, watch, why);
        return ms;
    }
    return until;
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
    dog.marks[1] = (struct watchdog_mark){0, 0}; /* it has run, and nothing has come of it */
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
    return testing_run("watchdog", (const TTest *[]){
                                       a_crew_that_moves_is_left_alone_for_any_time,
                                       beats_are_progress_too,
                                       a_crew_that_sleeps_at_the_primitive_is_wedged_within_seconds,
                                       a_crew_that_spins_without_progress_is_wedged_after_several_turns_for_all,
                                       code_that_a_fault_slows_down_is_given_more_of_the_cpu,
                                       a_crew_of_which_one_sleeps_for_a_time_is_not_wedged,
                                       a_crew_of_which_one_comes_back_from_sleep_and_finds_nothing_is_wedged,
                                       a_crew_of_which_one_was_given_no_cpu_is_not_wedged,
                                       who_has_no_cpu_is_slow_to_end_and_not_wedged,
                                       who_gives_the_cpu_away_has_had_its_turns,
                                       a_crew_of_which_one_is_not_quite_dead_is_not_wedged,
                                       who_is_done_and_not_gone_is_slow_to_end_and_not_wedged,
                                       who_sleeps_where_the_kernel_serves_it_is_slow_and_not_wedged,
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
