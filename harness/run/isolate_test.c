/* Tests of isolation: every way to end has its outcome, and neither process nor output stays. */
#define _GNU_SOURCE
#include "run/isolate.h"

#include <sys/mman.h>

#include "base/testing.h"
#include "run/process.h"
#include "run/stray.h"

static int64_t *shared;

static int64_t give(void *user)
{
    *shared = 41;
    return *(int64_t *)user;
}

START_TEST(what_is_returned_and_written_in_shared_memory_comes_back)
{
    int64_t value = INT64_MIN + 3;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct isolate_outcome outcome = isolate_call(give, &value, NS_PER_S);
    ck_assert_int_eq(outcome.end, ISOLATE_RETURNED);
    ck_assert_int_eq(outcome.value, value);
    ck_assert_str_eq(outcome.text, "");
    ck_assert_int_eq(*shared, 41);
}
END_TEST

static int64_t die(void *user)
{
    signal(*(int *)user, SIG_DFL);
    raise(*(int *)user);
    return 0;
}

START_TEST(a_death_is_told_by_its_signal)
{
    int segv = SIGSEGV, kill_it = SIGKILL;
    struct isolate_outcome outcome = isolate_call(die, &segv, NS_PER_S);
    ck_assert_int_eq(isolate_verdict(&outcome), VERDICT_CRASHED);
    ck_assert_int_eq(outcome.signal, SIGSEGV);
    ck_assert_str_eq(outcome.text, "was killed by SIGSEGV");
    outcome = isolate_call(die, &kill_it, NS_PER_S);
    ck_assert_str_eq(outcome.text, "was killed by SIGKILL");
}
END_TEST

static int64_t leave(void *user)
{
    _exit(*(int *)user);
}

START_TEST(an_exit_is_no_return_whatever_its_status)
{
    for (int status = 0; status < 3; status++) {
        char text[60];
        struct isolate_outcome outcome = isolate_call(leave, &status, NS_PER_S);
        snprintf(text, sizeof text, "ended by itself with status %d", status);
        ck_assert_int_eq(outcome.end, ISOLATE_DIED);
        ck_assert_int_eq(outcome.signal, 0);
        ck_assert_str_eq(outcome.text, text);
    }
}
END_TEST

static int64_t sleep_for_ever(void *user)
{
    (void)user;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    while (pause() == -1)
        continue;
    return 0;
}

static int64_t spin_for_ever(void *user)
{
    (void)user;
    for (volatile int go_on = 1; go_on;)
        continue;
    return 0;
}

START_TEST(what_does_not_return_is_ended_asleep_or_spinning)
{
    struct isolate_outcome outcome = isolate_call(sleep_for_ever, NULL, 200 * NS_PER_MS);
    ck_assert_int_eq(isolate_verdict(&outcome), VERDICT_WEDGED);
    testing_has(outcome.text, "did not return within ");
    outcome = isolate_call(spin_for_ever, NULL, 200 * NS_PER_MS);
    ck_assert_int_eq(isolate_verdict(&outcome), VERDICT_WEDGED);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

static int64_t leave_child(void *user)
{
    (void)user;
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    *shared = pid;
    return 0;
}

static int64_t leave_escaped_child(void *user)
{
    (void)user;
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        *shared = getpid();
        for (;;)
            pause();
    }
    while (__atomic_load_n(shared, __ATOMIC_ACQUIRE) == 0)
        sched_yield();
    return 0;
}

START_TEST(processes_that_it_leaves_behind_are_ended_wherever_they_went)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    stray_begin();
    ck_assert_int_eq(isolate_call(leave_child, NULL, NS_PER_S).end, ISOLATE_RETURNED);
    stray_end();
    ck_assert_int_eq(kill((pid_t)*shared, 0), -1);
    *shared = 0;
    ck_assert_int_eq(isolate_call(leave_escaped_child, NULL, NS_PER_S).end, ISOLATE_RETURNED);
    ck_assert_int_eq(kill((pid_t)*shared, 0), 0);
    ck_assert_uint_eq(stray_end(), 1);
    ck_assert_int_eq(kill((pid_t)*shared, 0), -1);
}
END_TEST

static int wait_for_end(void *user)
{
    (void)user;
    pause();
    return 0;
}

static int end_at_once(void *user)
{
    (void)user;
    return 0;
}

/* A process that was killed may wait for a CPU before it is gone: it is no stray, and is waited for. */
START_TEST(one_that_was_killed_is_waited_for_and_one_that_sleeps_is_not)
{
    stray_begin();
    pid_t pid = testing_fork(end_at_once, NULL);
    ck_assert(stray_wait(10 * NS_PER_S));
    pid = testing_fork(wait_for_end, NULL);
    kill(pid, SIGSTOP);
    ck_assert(!process_is_killed(pid));
    ck_assert(!stray_wait(20 * NS_PER_MS));
    kill(pid, SIGKILL);
    ck_assert(stray_wait(0));
    ck_assert_uint_eq(stray_end(), 0);
}
END_TEST

START_TEST(a_child_that_was_there_before_is_not_taken_for_a_stray)
{
    pid_t pid = testing_fork(wait_for_end, NULL);
    stray_begin();
    ck_assert_uint_eq(stray_end(), 0);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(testing_wait(pid), -SIGKILL);
}
END_TEST

static int64_t print_out(void *user)
{
    (void)user;
    return dprintf(STDOUT_FILENO, "chatter") == 7;
}

START_TEST(what_it_prints_does_not_get_into_the_data)
{
    FILE *out = tmpfile();
    int kept = dup(STDOUT_FILENO);
    dup2(fileno(out), STDOUT_FILENO);
    struct isolate_outcome outcome = isolate_call(print_out, NULL, NS_PER_S);
    dup2(kept, STDOUT_FILENO);
    char *text = testing_slurp(out);
    ck_assert_int_eq(outcome.value, 1);
    testing_lacks(text, "chatter");
    free(text);
    close(kept);
    fclose(out);
}
END_TEST

int main(void)
{
    return testing_run("isolate", (const TTest *[]){
                                      what_is_returned_and_written_in_shared_memory_comes_back,
                                      a_death_is_told_by_its_signal,
                                      an_exit_is_no_return_whatever_its_status,
                                      what_does_not_return_is_ended_asleep_or_spinning,
                                      processes_that_it_leaves_behind_are_ended_wherever_they_went,
                                      one_that_was_killed_is_waited_for_and_one_that_sleeps_is_not,
                                      a_child_that_was_there_before_is_not_taken_for_a_stray,
                                      what_it_prints_does_not_get_into_the_data,
                                      NULL,
                                  });
}
