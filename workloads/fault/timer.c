/* signals, signals-restart: a timer in each worker whose signal comes at random moments, and whose handler loses some time. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "contract/worker.h"
#include "workloads/fault/rows.h"

#define LONGEST_NS (500 * NS_PER_US) /* that a handler spins or sleeps */

/* Now and then there are none for a while, and until this worker's next operation: who sleeps then, since nobody has woken him, is
 * not helped out by a signal, be it the one at the lull's end. */
#define LULL_ONE_IN 64
#define LULL_TIMES 32

/* The one that a primitive which works with signals itself is the least likely to use. */
#define TICK (SIGRTMAX - 3)

/* This process's; the handler has nothing else. */
static struct {
    timer_t timer;
    const uint32_t *stop;
    uint64_t random, period_ns;
    volatile uint64_t lull_until; /* by clock_ns() */
    volatile sig_atomic_t armed;
} ticker;

/* One shot, set anew by each signal: however slow the handler is, the worker gets on in between. */
static void arm(void)
{
    uint64_t ns = ticker.period_ns / 2 + seed_below(&ticker.random, (uint32_t)ticker.period_ns + 1);
    ticker.armed = seed_below(&ticker.random, LULL_ONE_IN) != 0;
    if (!ticker.armed) {
        ticker.lull_until = clock_ns() + ns * LULL_TIMES;
        return;
    }
    struct itimerspec next = {.it_value = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)}};
    timer_settime(ticker.timer, 0, &next, NULL);
}

/* Up to as long as the time between two signals, short times being as frequent as long ones. */
static uint64_t some_ns(void)
{
    uint64_t most = ticker.period_ns < LONGEST_NS ? ticker.period_ns : LONGEST_NS;
    return seed_below(&ticker.random, (uint32_t)(most >> seed_below(&ticker.random, 6)) + 1);
}

/* Calls nothing that is not safe in a handler (signal-safety(7)). */
static void lose_time(int signal)
{
    (void)signal;
    int before = errno;
    struct timespec rest = {0};
    switch (seed_below(&ticker.random, 4)) {
    case 0:
        sched_yield();
        break;
    case 1:
        clock_spin(some_ns());
        break;
    case 2:
        rest.tv_nsec = (long)some_ns();
        nanosleep(&rest, NULL);
        break;
    default:
        break; /* the interruption alone */
    }
    if (!slot_load(ticker.stop)) /* who is asleep when all are to end must be woken by the primitive, and not by this */
        arm();
    errno = before;
}

static int timer_begin(struct worker *w, double microseconds, int flags)
{
    struct sigaction action = {.sa_handler = lose_time, .sa_flags = flags};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = TICK};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, TICK);
    ticker.stop = w->crew.stop;
    ticker.random = seed_next(&w->random);
    ticker.period_ns = (uint64_t)(microseconds * 1000);
    ticker.armed = false;
    ticker.lull_until = 0;
    if (sigaction(TICK, &action, NULL) != 0 || sigprocmask(SIG_UNBLOCK, &set, NULL) != 0)
        return errno;
    return timer_create(CLOCK_MONOTONIC, &event, &ticker.timer) == 0 ? 0 : errno;
}

static int interrupting_begin(struct worker *w, double microseconds)
{
    return timer_begin(w, microseconds, 0);
}

static int restarting_begin(struct worker *w, double microseconds)
{
    return timer_begin(w, microseconds, SA_RESTART);
}

/* Not before the gate: a crew that waits there needs no disturbance. */
static void timer_before(struct worker *w, double microseconds)
{
    (void)w, (void)microseconds;
    if (__builtin_expect(!ticker.armed, 0) && clock_ns() >= ticker.lull_until)
        arm();
}

static void timer_end(struct worker *w, double microseconds)
{
    (void)w, (void)microseconds;
    signal(TICK, SIG_IGN);
    timer_delete(ticker.timer);
}

const struct fault_ops fault_signals = {
    .name = "signals",
    .summary = "interrupts each worker every so many microseconds, more or less, by a signal whose handler yields, spins or "
               "sleeps; system calls are not restarted",
    .parameter = "microseconds",
    .fallback = 1000,
    .min = 10,
    .max = 1e6,
    .expect = -1,
    .preempts = true,
    .begin = interrupting_begin,
    .before = timer_before,
    .end = timer_end,
};

const struct fault_ops fault_signals_restart = {
    .name = "signals-restart",
    .summary = "the same with system calls that are restarted (SA_RESTART)",
    .parameter = "microseconds",
    .fallback = 1000,
    .min = 10,
    .max = 1e6,
    .expect = -1,
    .preempts = true,
    .begin = restarting_begin,
    .before = timer_before,
    .end = timer_end,
};
