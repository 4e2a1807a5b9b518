/* Condition variables between processes, and when one of the processes dies. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "workloads/check/rows.h"
#include "workloads/check/sync.h"

static void cond_make(struct check *c, pthread_cond_t *cond, clockid_t clock)
{
    pthread_condattr_t attr;
    must_rc(c, pthread_condattr_init(&attr));
    must_rc(c, pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must_rc(c, pthread_condattr_setclock(&attr, clock));
    must_rc(c, pthread_cond_init(cond, &attr));
    pthread_condattr_destroy(&attr);
}

/* The mutex tells who unlocks it without holding it. */
static struct box *box_with_cond(struct check *c, const char **name)
{
    struct box *box = box_make(c, name);
    mutex_make(c, &box->mutex, &mutex_errorcheck);
    cond_make(c, &box->cond, CLOCK_REALTIME);
    return box;
}

/* ---- peers: they wait until the value is set, and unlock only when the box says so ---- */

static int wait_with(struct box *box, int (*wait)(struct box *box))
{
    int rc = mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS);
    if (rc)
        return rc;
    box->waiting++;
    while (!box->value && rc == 0)
        rc = wait(box);
    int unlocked = pthread_mutex_unlock(&box->mutex);
    return rc ? rc : unlocked;
}

static int plainly(struct box *box)
{
    return pthread_cond_wait(&box->cond, &box->mutex);
}

static int timed(struct box *box)
{
    struct timespec moment;
    check_moment(&moment, SYNC_PATIENCE_MS);
    return pthread_cond_timedwait(&box->cond, &box->mutex, &moment);
}

static int wait_plainly(struct box *box)
{
    return wait_with(box, plainly);
}

static int wait_timed(struct box *box)
{
    return wait_with(box, timed);
}

static struct check_peer start_waiter(struct check *c, const char *name, int (*call)(struct box *))
{
    struct check_peer peer = sync_start(c, name, call);
    expect_waiting(c, &peer, "a process waits for the condition");
    return peer;
}

static void set_value(struct check *c, struct box *box, int (*notify)(pthread_cond_t *))
{
    if (!expect_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS), 0)) /* given up by who waits, not before he waits */
        return;
    box->value = 1;
    expect_rc(c, notify(&box->cond), 0);
    expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
}

static void signal_wakes(struct check *c)
{
    const char *name;
    struct box *box = box_with_cond(c, &name);
    struct check_peer waiter = start_waiter(c, name, c->row->with ? wait_plainly : wait_timed);
    set_value(c, box, pthread_cond_signal);
    expect_returns(c, &waiter, 0, "wait in another process, and its unlocking of the mutex that it then holds");
    sync_end(c, &waiter);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), 0);
    expect_rc(c, pthread_cond_destroy(&box->cond), 0);
}

/* One signal is for one waiter: the others of three may wake, but a second and a third signal must find who is left. */
static void signals_wake_all_in_turn(struct check *c)
{
    const char *name;
    struct check_peer waiters[3];
    struct box *box = box_with_cond(c, &name);
    for (int i = 0; i < 3; i++)
        waiters[i] = start_waiter(c, name, wait_plainly);
    for (int i = 0; i < 3; i++)
        set_value(c, box, pthread_cond_signal);
    for (int i = 0; i < 3; i++)
        if (!expect_returns(c, &waiters[i], 0, "wait of one of three, after three signals"))
            return;
}

static void broadcast_wakes_all(struct check *c)
{
    const char *name;
    struct check_peer waiters[3];
    struct box *box = box_with_cond(c, &name);
    for (int i = 0; i < 3; i++)
        waiters[i] = start_waiter(c, name, i ? wait_plainly : wait_timed);
    set_value(c, box, pthread_cond_broadcast);
    for (int i = 0; i < 3; i++)
        if (!expect_returns(c, &waiters[i], 0, "wait of one of three, after a broadcast"))
            return;
}

/* Nobody waits: what is signalled then is lost, as it should be. */
static void signal_is_not_kept(struct check *c)
{
    const char *name;
    struct box *box = box_with_cond(c, &name);
    expect_rc(c, pthread_cond_signal(&box->cond), 0);
    expect_rc(c, pthread_cond_broadcast(&box->cond), 0);
    struct check_peer waiter = start_waiter(c, name, wait_plainly);
    expect_waiting(c, &waiter, "a wait that began after the signals goes on");
    set_value(c, box, pthread_cond_signal);
    expect_returns(c, &waiter, 0, "wait in another process");
}

static int wait_for_nobody(struct box *box, clockid_t clock, const struct timespec *moment)
{
    (void)clock; /* the condition variable's own */
    return pthread_cond_timedwait(&box->cond, &box->mutex, moment);
}

static int clockwait_for_nobody(struct box *box, clockid_t clock, const struct timespec *moment)
{
    return pthread_cond_clockwait(&box->cond, &box->mutex, clock, moment);
}

static void times_out(struct check *c)
{
    const char *name;
    struct timespec none = {.tv_nsec = 1000000000};
    struct box *box = box_with_cond(c, &name);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    expect_timeout(c, wait_for_nobody, box, CLOCK_REALTIME, "pthread_cond_timedwait");
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
    expect_rc(c, pthread_cond_timedwait(&box->cond, &box->mutex, &none), EINVAL);
    expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
}

static void own_clock(struct check *c)
{
    const char *name;
    struct box *box = box_with_cond(c, &name);
    cond_make(c, &box->cond, CLOCK_MONOTONIC);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    expect_timeout(c, wait_for_nobody, box, CLOCK_MONOTONIC, "pthread_cond_timedwait with CLOCK_MONOTONIC");
}

static void clockwait(struct check *c)
{
    const char *name;
    sync_needs(c, pthread_cond_clockwait);
    struct box *box = box_with_cond(c, &name);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    expect_timeout(c, clockwait_for_nobody, box, CLOCK_MONOTONIC, "pthread_cond_clockwait with CLOCK_MONOTONIC");
    expect_timeout(c, clockwait_for_nobody, box, CLOCK_REALTIME, "pthread_cond_clockwait with CLOCK_REALTIME");
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
}

static void attributes(struct check *c)
{
    pthread_condattr_t attr;
    int shared = -1;
    clockid_t clock = -1;
    must_rc(c, pthread_condattr_init(&attr));
    must_rc(c, pthread_condattr_getpshared(&attr, &shared));
    must_rc(c, pthread_condattr_getclock(&attr, &clock));
    expect_number(c, shared, PTHREAD_PROCESS_PRIVATE, "process-shared attribute, by default");
    expect_number(c, clock, CLOCK_REALTIME, "clock attribute, by default");
    expect_rc(c, pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
    expect_rc(c, pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), 0);
    must_rc(c, pthread_condattr_getpshared(&attr, &shared));
    must_rc(c, pthread_condattr_getclock(&attr, &clock));
    expect_number(c, shared, PTHREAD_PROCESS_SHARED, "process-shared attribute, when set");
    expect_number(c, clock, CLOCK_MONOTONIC, "clock attribute, when set");
}

static void nonsense(struct check *c)
{
    pthread_condattr_t attr;
    must_rc(c, pthread_condattr_init(&attr));
    expect_rc(c, pthread_condattr_setpshared(&attr, 4711), EINVAL);
    expect_rc(c, pthread_condattr_setclock(&attr, CLOCK_PROCESS_CPUTIME_ID), EINVAL);
}

static void dead_waiter(struct check *c)
{
    const char *name;
    struct box *box = box_with_cond(c, &name);
    struct check_peer dead = start_waiter(c, name, wait_plainly), living = start_waiter(c, name, wait_plainly);
    check_kill(c, &dead);
    set_value(c, box, pthread_cond_broadcast);
    expect_returns(c, &living, 0, "wait of the one that lives");
}

const struct check_ops checks_cond[] = {
    {.id = "cond/signal-wakes", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = signal_wakes, .with = "plainly",
     .clause = "POSIX.1-2024 pthread_cond_signal, pthread_cond_wait, DESCRIPTION; pthread_condattr_setpshared",
     .summary = "a signal wakes a waiter in another process, who has the mutex then"},
    {.id = "cond/signal-wakes-timed", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = signal_wakes,
     .clause = "POSIX.1-2024 pthread_cond_timedwait, DESCRIPTION", .summary = "so does it one who waits until a moment"},
    {.id = "cond/signals-wake-in-turn", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = signals_wake_all_in_turn,
     .clause = "POSIX.1-2024 pthread_cond_signal, DESCRIPTION: at least one", .summary = "three signals wake three waiters"},
    {.id = "cond/broadcast-wakes-all", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = broadcast_wakes_all,
     .clause = "POSIX.1-2024 pthread_cond_broadcast, DESCRIPTION", .summary = "a broadcast wakes the waiters of three processes"},
    {.id = "cond/signal-is-not-kept", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = signal_is_not_kept,
     .clause = "POSIX.1-2024 pthread_cond_signal, DESCRIPTION: no effect if there are no threads blocked",
     .summary = "a signal that nobody waits for has no effect later"},
    {.id = "cond/times-out", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = times_out,
     .clause = "POSIX.1-2024 pthread_cond_timedwait, ERRORS [ETIMEDOUT], [EINVAL]",
     .summary = "a wait ends at its time, with the mutex locked; a moment that is none is refused"},
    {.id = "cond/has-its-clock", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = own_clock,
     .clause = "POSIX.1-2024 pthread_condattr_setclock, DESCRIPTION", .summary = "a wait is measured by the clock that was set"},
    {.id = "cond/clockwait", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = clockwait,
     .clause = "POSIX.1-2024 pthread_cond_clockwait, DESCRIPTION; ERRORS [ETIMEDOUT]",
     .summary = "pthread_cond_clockwait measures by the clock that it is given"},
    {.id = "cond/attributes", .interface = "pthread_condattr", .level = CHECK_POSIX_MUST, .run = attributes,
     .clause = "POSIX.1-2024 pthread_condattr_getclock, pthread_condattr_getpshared, DESCRIPTION",
     .summary = "by default private and of CLOCK_REALTIME; what is set is read back"},
    {.id = "cond/nonsense-is-refused", .interface = "pthread_condattr", .level = CHECK_POSIX_MAY, .run = nonsense,
     .clause = "POSIX.1-2024 pthread_condattr_setclock, pthread_condattr_setpshared, ERRORS: may fail [EINVAL]",
     .summary = "a sharing that is none is refused, and so is a clock of CPU time"},
    {.id = "cond/dead-waiter", .interface = "pthread_cond", .level = CHECK_LINUX_OBSERVED, .run = dead_waiter,
     .clause = "POSIX.1-2024 pthread_cond_broadcast: says nothing of dead waiters",
     .summary = "a waiter that was killed does not keep a broadcast from the others"},
    {0},
};
