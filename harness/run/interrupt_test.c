/* Tests of interrupts: signals that end a run wait on a descriptor, and children have none of it. */
#include "run/interrupt.h"

#include <poll.h>
#include <sched.h>
#include <sys/resource.h>

#include "base/testing.h"
#include "run/priority.h"

static struct error error;

START_TEST(before_the_set_up_nothing_is_pending)
{
    ck_assert_int_eq(interrupt_fd(), -1);
    ck_assert_int_eq(interrupt_pending(), 0);
}
END_TEST

START_TEST(each_signal_that_ends_a_run_is_told_and_stays)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            signal(signals[i], SIG_DFL); /* whatever the test was started under */
            int good = interrupt_setup(&error) == 0 && interrupt_pending() == 0;
            raise(signals[i]);
            good = good && interrupt_pending() == signals[i] && interrupt_pending() == signals[i];
            _exit(good ? 0 : 1);
        }
        ck_assert_int_eq(testing_wait(pid), 0);
    }
}
END_TEST

START_TEST(the_first_of_two_signals_counts)
{
    testing_ok(interrupt_setup(&error));
    raise(SIGTERM);
    ck_assert_int_eq(interrupt_pending(), SIGTERM);
    raise(SIGINT);
    ck_assert_int_eq(interrupt_pending(), SIGTERM);
}
END_TEST

START_TEST(the_descriptor_can_be_polled)
{
    testing_ok(interrupt_setup(&error));
    struct pollfd polled = {.fd = interrupt_fd(), .events = POLLIN};
    ck_assert_int_ge(polled.fd, 0);
    ck_assert_int_eq(poll(&polled, 1, 0), 0);
    raise(SIGINT);
    ck_assert_int_eq(poll(&polled, 1, 0), 1);
}
END_TEST

START_TEST(nohup_stays_nohup)
{
    signal(SIGHUP, SIG_IGN);
    testing_ok(interrupt_setup(&error));
    raise(SIGHUP);
    ck_assert_int_eq(interrupt_pending(), 0);
}
END_TEST

START_TEST(an_interrupt_that_a_shell_ignores_for_background_jobs_still_counts)
{
    signal(SIGINT, SIG_IGN);
    testing_ok(interrupt_setup(&error));
    raise(SIGINT);
    ck_assert_int_eq(interrupt_pending(), SIGINT);
}
END_TEST

START_TEST(a_closed_pipe_is_no_death)
{
    int ends[2];
    testing_ok(interrupt_setup(&error));
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ck_assert_int_eq(write(ends[1], "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
    close(ends[1]);
}
END_TEST

static int die_of(void *user)
{
    interrupt_reset();
    raise(*(int *)user);
    return 0;
}

START_TEST(children_die_of_signals_as_any_program_does)
{
    int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    testing_ok(interrupt_setup(&error));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(testing_wait(testing_fork(die_of, &signals[i])), -signals[i]);
}
END_TEST

static int child_restores(void *user)
{
    priority_restore();
    return getpriority(PRIO_PROCESS, 0) == *(int *)user ? 0 : 1;
}

START_TEST(priority_is_raised_where_it_may_be_and_children_have_the_old_one)
{
    int before = getpriority(PRIO_PROCESS, 0);
    priority_raise();
    ck_assert_int_le(getpriority(PRIO_PROCESS, 0), before);
    ck_assert_int_eq(testing_wait(testing_fork(child_restores, &before)), 0);
}
END_TEST

enum { UNABLE = 77 };

/* In a process of its own, in this class: the level of who raised its priority less that of its child. */
struct level {
    int class, level;
};

static int child_is_below(void *user)
{
    struct sched_param own;
    priority_restore();
    sched_getparam(0, &own);
    return *(int *)user > own.sched_priority || sched_getscheduler(0) == SCHED_RR ? 0 : 1;
}

static int stands_above_its_child(void *user)
{
    const struct level *started = user;
    struct sched_param own = {.sched_priority = started->level};
    if (sched_setscheduler(0, started->class, &own) != 0)
        return UNABLE;
    priority_raise();
    sched_getparam(0, &own);
    return testing_wait(testing_fork(child_is_below, &own.sched_priority));
}

START_TEST(in_a_real_time_class_children_stand_below)
{
    struct level levels[] = {{SCHED_FIFO, 1}, {SCHED_FIFO, 50}, {SCHED_FIFO, 99}, {SCHED_RR, 1}, {SCHED_RR, 99}};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        int rc = testing_wait(testing_fork(stands_above_its_child, &levels[i]));
        if (rc != UNABLE)
            ck_assert_msg(rc == 0, "class %d, level %d: %d", levels[i].class, levels[i].level, rc);
    }
}
END_TEST

int main(void)
{
    return testing_run("interrupt", (const TTest *[]){
                                        before_the_set_up_nothing_is_pending,
                                        each_signal_that_ends_a_run_is_told_and_stays,
                                        the_first_of_two_signals_counts,
                                        the_descriptor_can_be_polled,
                                        nohup_stays_nohup,
                                        an_interrupt_that_a_shell_ignores_for_background_jobs_still_counts,
                                        a_closed_pipe_is_no_death,
                                        children_die_of_signals_as_any_program_does,
                                        priority_is_raised_where_it_may_be_and_children_have_the_old_one,
                                        in_a_real_time_class_children_stand_below,
                                        NULL,
                                    });
}
