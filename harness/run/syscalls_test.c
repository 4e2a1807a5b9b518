/* Tests of watching system calls: what is caught, whose it is said to be, and that the calls do what they would have done. */
#define _GNU_SOURCE
#include "run/syscalls.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "base/testing.h"
#include "contract/worker.h"

static struct error error;
static struct ledger ledger;
static struct worker w;
static const struct sync_ops sync_row = {.name = "thing"};
static uint32_t stop;

/* False: it cannot be done here, and there is nothing to test. */
static bool begin(void)
{
    if (syscalls_missing())
        return false;
    testing_ok(ledger_create(&ledger, 1, HISTOGRAM_OWN, &error));
    w = (struct worker){.slot = &ledger.slots[0], .sync = &sync_row, .crew = {.slots = ledger.slots, .workers = 1, .stop = &stop}};
    w.slot->phase = PHASE_IDLE;
    return true;
}

/* A child does it while it is watched; it ends without exit handlers. Returns the calls of that number, within and beside. */
static struct slot_call watched(void (*work)(void), long number)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (syscalls_begin(&w))
            _exit(1);
        work();
        syscalls_end(&w);
        _exit(0);
    }
    ck_assert_int_eq(testing_wait(pid), 0);
    for (int k = 0; k < SLOT_CALLS; k++)
        if (w.slot->calls[k].number == number && w.slot->calls[k].within + w.slot->calls[k].beside)
            return w.slot->calls[k];
    return (struct slot_call){0};
}

static void three_within_two_beside(void)
{
    slot_store(&w.slot->phase, PHASE_CALLING);
    for (int i = 0; i < 3; i++)
        syscall(SYS_getppid);
    slot_store(&w.slot->phase, PHASE_IDLE);
    for (int i = 0; i < 2; i++)
        syscall(SYS_getppid);
}

START_TEST(calls_are_counted_by_who_makes_them)
{
    if (!begin())
        return;
    struct slot_call calls = watched(three_within_two_beside, SYS_getppid);
    ck_assert_uint_eq(calls.within, 3);
    ck_assert_uint_eq(calls.beside, 2);
    ck_assert_uint_eq(w.slot->watched, 1);
}
END_TEST

static void off_and_on(void)
{
    uint8_t before = worker_off_watch(&w);
    for (int i = 0; i < 10; i++)
        syscall(SYS_getppid);
    worker_watch(&w, before);
    syscall(SYS_getppid);
}

START_TEST(the_harnesss_own_calls_are_left_out)
{
    if (!begin())
        return;
    ck_assert_uint_eq(watched(off_and_on, SYS_getppid).beside, 1);
}
END_TEST

static void nothing_but_the_clock(void)
{
    uint64_t until = clock_ns() + 2 * NS_PER_MS;
    while (clock_ns() < until)
        cpu_relax();
}

START_TEST(reading_the_clock_is_no_call)
{
    struct syscalls sum;
    if (!begin())
        return;
    watched(nothing_but_the_clock, 0);
    syscalls_add_up(&ledger, &sum);
    ck_assert(sum.known);
    ck_assert_uint_eq(sum.within + sum.beside, 0);
}
END_TEST

static void after_the_end(void)
{
    stop = 1;
    syscall(SYS_getppid);
    slot_store(&w.slot->phase, PHASE_ACQUIRING);
    syscall(SYS_getppid);
}

START_TEST(what_comes_after_the_stop_is_the_primitives_or_nobodys)
{
    if (!begin())
        return;
    struct slot_call calls = watched(after_the_end, SYS_getppid);
    ck_assert_uint_eq(calls.beside, 0);
    ck_assert_uint_eq(calls.within, 1);
}
END_TEST

static void results(void)
{
    char byte = 0;
    int fds[2];
    errno = 77;
    bool right = pipe(fds) == 0 && write(fds[1], "x", 1) == 1 && read(fds[0], &byte, 1) == 1 && byte == 'x' && errno == 77;
    right &= close(-1) == -1 && errno == EBADF;
    right &= mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; /* six arguments */
    right &= syscall(SYS_getpid) == getpid();
    if (!right)
        _exit(3);
}

START_TEST(calls_do_what_they_would_have_done)
{
    if (!begin())
        return;
    ck_assert_uint_eq(watched(results, SYS_write).beside, 1);
}
END_TEST

static volatile int handled;
static void handle(int signal)
{
    handled += signal == SIGALRM || signal == SIGUSR1;
}

/* Blocked signals stay blocked, handlers run and return, and an interrupted call says so. */
static void signals(void)
{
    sigset_t set, old;
    struct sigaction action = {.sa_handler = handle};
    struct itimerval once = {.it_value = {.tv_usec = 2000}};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_BLOCK, &set, &old);
    raise(SIGUSR1);
    if (handled != 0 || sigismember(&old, SIGUSR1))
        _exit(3);
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (handled != 1)
        _exit(4);
    setitimer(ITIMER_REAL, &once, NULL);
    if (nanosleep(&(struct timespec){.tv_sec = 5}, NULL) != -1 || errno != EINTR || handled != 2)
        _exit(5);
    sigfillset(&set); /* SIGSYS among them: the watch must not die of it */
    sigprocmask(SIG_BLOCK, &set, NULL);
    syscall(SYS_getppid);
}

START_TEST(signals_and_masks_are_as_without_a_watch)
{
    if (!begin())
        return;
    ck_assert_uint_eq(watched(signals, SYS_getppid).beside, 1);
}
END_TEST

static void *in_a_thread(void *user)
{
    *(int *)user = 1;
    return NULL;
}

static void forks(void)
{
    int done = 0;
    pthread_t thread;
    pid_t pid = fork();
    if (pid == 0) {
        syscall(SYS_getppid); /* the child is not watched, and works */
        _exit(9);
    }
    if (testing_wait(pid) != 9)
        _exit(3);
    if (pthread_create(&thread, NULL, in_a_thread, &done) != 0 || pthread_join(thread, NULL) != 0 || !done)
        _exit(4);
}

START_TEST(children_and_threads_come_to_life)
{
    if (!begin())
        return;
    watched(forks, 0);
}
END_TEST

static void many_kinds(void)
{
    static const long numbers[] = {SYS_getppid, SYS_getuid,  SYS_geteuid, SYS_getgid,  SYS_getegid, SYS_getpgrp,
                                   SYS_getpid,  SYS_gettid,  SYS_umask,   SYS_getsid,  SYS_getpgid, SYS_alarm,
                                   SYS_sync,    SYS_uname,   SYS_getcwd,  SYS_times,   SYS_getrlimit, SYS_sched_yield,
                                   SYS_getcpu,  SYS_getpriority};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i] != SYS_sync)
            syscall(numbers[i], 0, 0, 0);
}

START_TEST(more_kinds_than_have_places_are_counted_together)
{
    struct syscalls sum;
    if (!begin())
        return;
    watched(many_kinds, 0);
    syscalls_add_up(&ledger, &sum);
    ck_assert_uint_eq(sum.beside, 19);
    ck_assert_uint_eq(sum.kinds, SLOT_CALLS - 1);
    ck_assert_uint_eq(sum.others, 19 - (SLOT_CALLS - 1));
}
END_TEST

START_TEST(each_kind_is_a_violation_with_its_name_and_number)
{
    if (!begin())
        return;
    watched(three_within_two_beside, 0);
    syscalls_report(&w);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_SYSCALL], 5);
    ck_assert_uint_eq(w.slot->evidence_count, 1);
    testing_has(w.slot->evidence[0].text, "getppid was called 5 times");
    testing_has(w.slot->evidence[0].text, "3 times by thing itself");
}
END_TEST

START_TEST(who_was_not_watched_proves_nothing)
{
    struct syscalls sum;
    testing_ok(ledger_create(&ledger, 1, HISTOGRAM_OWN, &error));
    w = (struct worker){.slot = &ledger.slots[0], .sync = &sync_row};
    syscalls_report(&w);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_SYSCALL], 1);
    testing_has(w.slot->evidence[0].text, "could not be watched");
    syscalls_add_up(&ledger, &sum);
    ck_assert(!sum.known);
}
END_TEST

int main(void)
{
    return testing_run("syscalls", (const TTest *[]){
                                       calls_are_counted_by_who_makes_them,
                                       the_harnesss_own_calls_are_left_out,
                                       reading_the_clock_is_no_call,
                                       what_comes_after_the_stop_is_the_primitives_or_nobodys,
                                       calls_do_what_they_would_have_done,
                                       signals_and_masks_are_as_without_a_watch,
                                       children_and_threads_come_to_life,
                                       more_kinds_than_have_places_are_counted_together,
                                       each_kind_is_a_violation_with_its_name_and_number,
                                       who_was_not_watched_proves_nothing,
                                       NULL,
                                   });
}
