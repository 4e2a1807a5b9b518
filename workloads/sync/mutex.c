/* mutex, mutex-robust, mutex-pi, mutex-adaptive, mutex-timed: pthread mutexes shared between processes. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "base/clock.h"
#include "contract/tight.h"
#include "workloads/sync/rows.h"
#include "workloads/sync/sight.h"

static int mutex_init(void *state, int robustness, int protocol, int type)
{
    pthread_mutexattr_t attributes;
    int rc = pthread_mutexattr_init(&attributes);
    if (rc == 0)
        rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_mutexattr_setrobust(&attributes, robustness);
    if (rc == 0)
        rc = pthread_mutexattr_setprotocol(&attributes, protocol);
    if (rc == 0)
        rc = pthread_mutexattr_settype(&attributes, type);
    if (rc == 0)
        rc = pthread_mutex_init(state, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return rc;
}

static int mutex_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return mutex_init(state, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_NORMAL);
}

static int robust_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return mutex_init(state, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_NORMAL);
}

static int pi_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return mutex_init(state, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_NORMAL);
}

static int adaptive_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return mutex_init(state, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ADAPTIVE_NP);
}

static int mutex_acquire(struct sync_self *self)
{
    return pthread_mutex_lock(self->state);
}

static int mutex_release(struct sync_self *self)
{
    return pthread_mutex_unlock(self->state);
}

static int mutex_try(struct sync_self *self)
{
    return pthread_mutex_trylock(self->state);
}

/* A timeout so short that waiters really run into it: each time they give up, and ask again. */
#define PATIENCE_NS (1 * NS_PER_MS)

static int timed_acquire(struct sync_self *self)
{
    int rc = ETIMEDOUT;
    while (rc == ETIMEDOUT) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        uint64_t ns = (uint64_t)until.tv_nsec + PATIENCE_NS;
        until.tv_sec += (time_t)(ns / NS_PER_S);
        until.tv_nsec = (long)(ns % NS_PER_S);
        rc = pthread_mutex_timedlock(self->state, &until);
    }
    return rc;
}

static int robust_recover(struct sync_self *self)
{
    return pthread_mutex_consistent(self->state);
}

TIGHT_LOCK(mutex, mutex_acquire, mutex_release);

/* No destroy: a mutex whose holder was killed must not be destroyed, and the region takes the memory with it. */

const struct sync_ops sync_mutex = {
    .name = "mutex",
    .summary = "pthread_mutex_t, process-shared",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_mutex_t),
    .create = mutex_create,
    .describe = sight_mutex,
    .lock = {.acquire = mutex_acquire, .release = mutex_release, .try_acquire = mutex_try},
};

const struct sync_ops sync_mutex_robust = {
    .name = "mutex-robust",
    .summary = "pthread_mutex_t, process-shared and robust: the next owner learns of a death",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_ROBUST | SYNC_LISTED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_mutex_t),
    .create = robust_create,
    .describe = sight_mutex,
    .lock = {.acquire = mutex_acquire, .release = mutex_release, .try_acquire = mutex_try, .recover = robust_recover},
};

/* What is left when a program learns of the death and carries on as if the data were whole. */
const struct sync_ops sync_mutex_unrepaired = {
    .name = "mutex-unrepaired",
    .summary = "pthread_mutex_t, robust, whose next owner calls pthread_mutex_consistent() and repairs nothing",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_ROBUST | SYNC_LISTED | SYNC_UNREPAIRED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_mutex_t),
    .create = robust_create,
    .describe = sight_mutex,
    .lock = {.acquire = mutex_acquire, .release = mutex_release, .try_acquire = mutex_try, .recover = robust_recover},
};

/* Not fair: turns go by priority, and a waiter that a signal wakes loses its place in the kernel's queue. */
const struct sync_ops sync_mutex_pi = {
    .name = "mutex-pi",
    .summary = "pthread_mutex_t, process-shared, priority inheritance: the kernel hands it over",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_ABORTS,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_mutex_t),
    .create = pi_create,
    .describe = sight_mutex,
    .lock = {.acquire = mutex_acquire, .release = mutex_release, .try_acquire = mutex_try},
};

const struct sync_ops sync_mutex_adaptive = {
    .name = "mutex-adaptive",
    .summary = "pthread_mutex_t, process-shared, adaptive: spins a while before it sleeps",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_mutex_t),
    .create = adaptive_create,
    .describe = sight_mutex,
    .lock = {.acquire = mutex_acquire, .release = mutex_release, .try_acquire = mutex_try},
};

const struct sync_ops sync_mutex_timed = {
    .name = "mutex-timed",
    .summary = "pthread_mutex_timedlock() of 1 ms, again and again, on a process-shared mutex",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_mutex_t),
    .create = mutex_create,
    .describe = sight_mutex,
    .lock = {.acquire = timed_acquire, .release = mutex_release, .try_acquire = mutex_try},
};
