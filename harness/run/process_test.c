/* Tests of looking at a process: states, CPU time, start time, and names that try to confuse. */
#define _GNU_SOURCE
#include "run/process.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/testing.h"

static int sleep_until_killed(void *user)
{
    if (user)
        prctl(PR_SET_NAME, user);
    for (;;)
        pause();
    return 0;
}

static void *spin(void *user)
{
    for (;;)
        __asm__ __volatile__("" ::: "memory");
    return user;
}

/* The first thread sleeps, and another one does not. */
static int sleep_beside(void *user)
{
    pthread_t thread;
    pthread_create(&thread, NULL, spin, user);
    return sleep_until_killed(NULL);
}

/* Looks until the process is in that state; the test's time limit bounds it. */
static struct process_look look_for(pid_t pid, char state)
{
    struct process_look look;
    while ((look = process_look(pid)).state != state)
        sched_yield();
    return look;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(testing_wait(pid), -SIGKILL);
}

START_TEST(the_calling_process_runs_and_is_pid_0)
{
    struct process_look self = process_look(0), same = process_look(getpid());
    ck_assert_int_eq(self.state, 'R');
    ck_assert_int_eq(same.state, 'R');
    ck_assert_uint_gt(self.start, 0);
    ck_assert_uint_eq(self.start, same.start);
}
END_TEST

START_TEST(a_sleeper_a_stopped_one_and_a_dead_one_are_told_apart)
{
    siginfo_t info;
    pid_t pid = testing_fork(sleep_until_killed, NULL);
    look_for(pid, 'S');
    kill(pid, SIGSTOP);
    look_for(pid, 'T');
    kill(pid, SIGCONT);
    look_for(pid, 'S');
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(process_look(pid).state, 'Z');
    end(pid);
    struct process_look gone = process_look(pid);
    ck_assert_int_eq(gone.state, 0);
    ck_assert_uint_eq(gone.start, 0);
    ck_assert_uint_eq(gone.ticks, 0);
}
END_TEST

START_TEST(a_process_keeps_its_start_time_and_a_later_one_has_a_later_one)
{
    pid_t pid = testing_fork(sleep_until_killed, NULL);
    uint64_t start = look_for(pid, 'S').start;
    ck_assert_uint_eq(process_look(pid).start, start);
    ck_assert_uint_ge(start, process_look(0).start);
    end(pid);
}
END_TEST

START_TEST(a_name_full_of_blanks_and_brackets_confuses_nobody)
{
    static char names[][16] = {") R 1 2 3", "(((", "a b c d", ")", "x) Z 0 0", "\n\t"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        pid_t pid = testing_fork(sleep_until_killed, names[i]);
        struct process_look look = look_for(pid, 'S');
        ck_assert_uint_ge(look.start, process_look(0).start);
        ck_assert_uint_lt(look.start, process_look(0).start + 1000000);
        end(pid);
    }
}
END_TEST

START_TEST(cpu_time_is_counted)
{
    uint64_t before = process_look(0).ticks, before_ns = process_cpu_ns(0);
    clock_t start = clock();
    while (clock() - start < CLOCKS_PER_SEC / 10)
        continue;
    uint64_t ticks = process_look(0).ticks - before;
    ck_assert_uint_ge(ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK), 50);
    ck_assert_uint_ge(process_cpu_ns(getpid()) - before_ns, 50 * NS_PER_MS);
    ck_assert_uint_eq(process_cpu_ns(testing_dead_pid()), 0);
}
END_TEST

START_TEST(numbers_that_no_process_has_are_nobody)
{
    ck_assert_int_eq(process_look(-1).state, 0);
    ck_assert_int_eq(process_look(testing_dead_pid()).state, 0);
}
END_TEST

START_TEST(where_a_process_sleeps_is_a_short_word_or_nothing)
{
    char text[48] = "before", tiny[4] = "xyz";
    pid_t pid = testing_fork(sleep_until_killed, NULL);
    look_for(pid, 'S');
    process_wchan(pid, text, sizeof text);
    ck_assert_str_ne(text, "before");
    ck_assert_str_ne(text, "0");
    ck_assert_ptr_null(strchr(text, '\n'));
    process_wchan(pid, tiny, sizeof tiny);
    ck_assert_uint_lt(strlen(tiny), sizeof tiny);
    end(pid);
    process_wchan(pid, text, sizeof text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(without_proc_nobody_can_be_seen)
{
    if (testing_private_shm("size=64k"))
        return;
    ck_assert_int_eq(mount("tmpfs", "/proc", "tmpfs", MS_NOSUID, "size=64k"), 0);
    ck_assert_int_eq(process_look(0).state, 0);
    ck_assert_int_eq(process_look(getpid()).state, 0);
    ck_assert_int_eq(umount("/proc"), 0); /* a leak check at the end of the process wants it back */
}
END_TEST

START_TEST(a_thread_that_runs_beside_one_that_sleeps_is_seen)
{
    pid_t both = testing_fork(sleep_beside, NULL), one = testing_fork(sleep_until_killed, NULL);
    look_for(both, 'S');
    look_for(one, 'S');
    while (process_look(both).threads < 2)
        sched_yield();
    look_for(both, 'S');
    while (!process_any_runs(both))
        sched_yield();
    ck_assert_uint_eq(process_look(one).threads, 1);
    ck_assert(!process_any_runs(one));
    kill(both, SIGKILL);
    kill(one, SIGKILL);
    testing_wait(both);
    testing_wait(one);
}
END_TEST

int main(void)
{
    return testing_run("process", (const TTest *[]){
                                      the_calling_process_runs_and_is_pid_0,
                                      a_sleeper_a_stopped_one_and_a_dead_one_are_told_apart,
                                      a_process_keeps_its_start_time_and_a_later_one_has_a_later_one,
                                      a_name_full_of_blanks_and_brackets_confuses_nobody,
                                      cpu_time_is_counted,
                                      a_thread_that_runs_beside_one_that_sleeps_is_seen,
                                      numbers_that_no_process_has_are_nobody,
                                      where_a_process_sleeps_is_a_short_word_or_nothing,
                                      without_proc_nobody_can_be_seen,
                                      NULL,
                                  });
}
