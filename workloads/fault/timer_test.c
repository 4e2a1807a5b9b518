/* Tests of the timer signals: what they interrupt, what they restart, and that they end. */
#include "base/testing.h"
#include "contract/worker.h"
#include "workloads/fault/rows.h"

static uint32_t stop;
static struct worker w = {.random = 5, .crew = {.stop = &stop}};

static void start(const struct fault_ops *fault)
{
    ck_assert_int_eq(fault->begin(&w, 500), 0);
    fault->before(&w, 500);
}

/* Sleeps for `ms`; the error, or 0. */
static int sleep_ms(long ms)
{
    struct timespec length = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * (long)NS_PER_MS};
    return nanosleep(&length, NULL) == 0 ? 0 : errno;
}

/* A long wait is cut short, in an operation that does not happen to fall into a lull. */
static void check_interrupted(void)
{
    int rc = 0;
    for (int i = 0; i < 20 && rc == 0; i++) {
        fault_signals.before(&w, 500);
        rc = sleep_ms(500);
    }
    ck_assert_int_eq(rc, EINTR);
}

START_TEST(a_wait_is_interrupted_again_and_again)
{
    start(&fault_signals);
    for (int i = 0; i < 20; i++)
        check_interrupted();
    fault_signals.end(&w, 500);
}
END_TEST

/* Whoever sleeps then and is woken by nobody stays asleep. */
START_TEST(a_lull_lasts_until_the_next_operation)
{
    int i = 0;
    start(&fault_signals);
    while (sleep_ms(500) && i++ < 5000)
        fault_signals.before(&w, 500);
    ck_assert_msg(i < 5000, "no lull in %d signals", i);
    ck_assert_int_eq(sleep_ms(50), 0); /* 32 times as long as one signal takes to come as a rule */
    check_interrupted();
    fault_signals.end(&w, 500);
}
END_TEST

START_TEST(with_restart_a_blocked_read_goes_on)
{
    int ends[2];
    char byte = 'x';
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(100);
        _exit(write(ends[1], &byte, 1) == 1 ? 0 : 1);
    }
    start(&fault_signals_restart);
    ssize_t got = read(ends[0], &byte, 1); /* a hundred signals come meanwhile */
    int error = errno;
    fault_signals_restart.end(&w, 500);
    ck_assert_msg(got == 1, "read: %zd, %s", got, error_name(error));
    ck_assert_int_eq(testing_wait(pid), 0);
}
END_TEST

START_TEST(a_handler_leaves_the_error_number_alone)
{
    start(&fault_signals);
    errno = ENOTTY;
    clock_spin(30 * NS_PER_MS);
    ck_assert_int_eq(errno, ENOTTY);
    fault_signals.end(&w, 500);
}
END_TEST

START_TEST(no_signal_comes_before_the_first_operation_or_after_the_end)
{
    ck_assert_int_eq(fault_signals.begin(&w, 500), 0);
    ck_assert_int_eq(sleep_ms(20), 0);
    check_interrupted();
    fault_signals.end(&w, 500);
    ck_assert_int_eq(sleep_ms(20), 0);
}
END_TEST

START_TEST(who_is_to_end_is_woken_by_nobody_here)
{
    start(&fault_signals);
    check_interrupted();
    int more = 0;
    stop = 1;
    for (int i = 0; i < 5; i++)
        more += sleep_ms(20) != 0;
    ck_assert_int_le(more, 1); /* the one that was under way */
    stop = 0;
    fault_signals.end(&w, 500);
}
END_TEST

START_TEST(the_harness_waits_out_its_time_all_the_same)
{
    start(&fault_signals);
    uint64_t until = clock_ns() + 20 * NS_PER_MS;
    clock_wait_until(until);
    ck_assert_uint_ge(clock_ns(), until);
    fault_signals.end(&w, 500);
}
END_TEST

int main(void)
{
    return testing_run("fault_timer", (const TTest *[]){
                                          a_wait_is_interrupted_again_and_again,
                                          a_lull_lasts_until_the_next_operation,
                                          with_restart_a_blocked_read_goes_on,
                                          a_handler_leaves_the_error_number_alone,
                                          no_signal_comes_before_the_first_operation_or_after_the_end,
                                          who_is_to_end_is_woken_by_nobody_here,
                                          the_harness_waits_out_its_time_all_the_same,
                                          NULL,
                                      });
}
