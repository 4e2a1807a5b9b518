/* Tests of the clock: it never goes back, no wait ends early, and its own cost is sane. */
#include "base/clock.h"

#include <sys/time.h>

#include "base/testing.h"

START_TEST(the_clock_never_goes_back)
{
    uint64_t last = clock_ns();
    for (int i = 0; i < 200000; i++) {
        uint64_t now = clock_ns();
        if (now < last)
            ck_abort_msg("after %llu came %llu", (unsigned long long)last, (unsigned long long)now);
        last = now;
    }
}
END_TEST

START_TEST(the_clock_is_the_systems_monotonic_one)
{
    struct timespec t;
    uint64_t before = clock_ns();
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t now = (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec, after = clock_ns();
    ck_assert_uint_le(before, now);
    ck_assert_uint_le(now, after);
}
END_TEST

static int child_tells_the_time(void *user)
{
    uint64_t now = clock_ns();
    return write(*(int *)user, &now, sizeof now) == (ssize_t)sizeof now ? 0 : 1;
}

START_TEST(all_processes_share_one_time_line)
{
    int ends[2];
    uint64_t there;
    ck_assert_int_eq(pipe(ends), 0);
    uint64_t before = clock_ns();
    ck_assert_int_eq(testing_wait(testing_fork(child_tells_the_time, &ends[1])), 0);
    uint64_t after = clock_ns();
    ck_assert_int_eq(read(ends[0], &there, sizeof there), sizeof there);
    ck_assert_uint_le(before, there);
    ck_assert_uint_le(there, after);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(measuring_the_clock_gives_sane_facts)
{
    struct clock_facts facts = clock_measure();
    ck_assert_str_eq(facts.name, "CLOCK_MONOTONIC");
    ck_assert_uint_lt(facts.cost_ns, NS_PER_S);
    ck_assert_uint_lt(facts.resolution_ns, NS_PER_S);
    ck_assert_uint_gt(facts.cost_ns + facts.resolution_ns, 0);
}
END_TEST

START_TEST(no_wait_ends_before_its_deadline)
{
    static const uint64_t waits[] = {0, 1, 1000, 90 * NS_PER_US, 110 * NS_PER_US, 3 * NS_PER_MS};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        for (int k = 0; k < 5; k++) {
            uint64_t deadline = clock_ns() + waits[i];
            clock_wait_until(deadline);
            ck_assert_uint_ge(clock_ns(), deadline);
        }
    }
}
END_TEST

START_TEST(a_deadline_in_the_past_is_no_wait)
{
    clock_wait_until(0);
    clock_wait_until(clock_ns());
    clock_wait_until(clock_ns() - NS_PER_S);
}
END_TEST

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    (void)signal;
    alarms++;
}

START_TEST(signals_do_not_cut_a_wait_short)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    uint64_t deadline = clock_ns() + 30 * NS_PER_MS;
    clock_wait_until(deadline);
    uint64_t now = clock_ns();
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_uint_ge(now, deadline);
    ck_assert_int_gt(alarms, 0);
}
END_TEST

START_TEST(spinning_lasts_at_least_as_long_as_asked)
{
    static const uint64_t lengths[] = {0, 1, 500, 20 * NS_PER_US, 2 * NS_PER_MS};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint64_t start = clock_ns();
        clock_spin(lengths[i]);
        ck_assert_uint_ge(clock_ns() - start, lengths[i]);
    }
}
END_TEST

int main(void)
{
    return testing_run("clock", (const TTest *[]){
                                    the_clock_never_goes_back,
                                    the_clock_is_the_systems_monotonic_one,
                                    all_processes_share_one_time_line,
                                    measuring_the_clock_gives_sane_facts,
                                    no_wait_ends_before_its_deadline,
                                    a_deadline_in_the_past_is_no_wait,
                                    signals_do_not_cut_a_wait_short,
                                    spinning_lasts_at_least_as_long_as_asked,
                                    NULL,
                                });
}
