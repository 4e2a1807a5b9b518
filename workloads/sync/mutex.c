/* mutex, mutex-robust: pthread mutexes shared between processes. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>

#include "workloads/sync/rows.h"

static int mutex_init(void *state, int robustness)
{
    pthread_mutexattr_t attributes;
    int rc = pthread_mutexattr_init(&attributes);
    if (rc == 0)
        rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_mutexattr_setrobust(&attributes, robustness);
    if (rc == 0)
        rc = pthread_mutex_init(state, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return rc;
}

static int mutex_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return mutex_init(state, PTHREAD_MUTEX_STALLED);
}

static int robust_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return mutex_init(state, PTHREAD_MUTEX_ROBUST);
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

static int robust_recover(struct sync_self *self)
{
    return pthread_mutex_consistent(self->state);
}

/* No destroy: a mutex whose holder was killed must not be destroyed, and the region takes the memory with it. */

const struct sync_ops sync_mutex = {
    .name = "mutex",
    .summary = "pthread_mutex_t, process-shared",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_mutex_t),
    .create = mutex_create,
    .lock = {.acquire = mutex_acquire, .release = mutex_release, .try_acquire = mutex_try},
};

const struct sync_ops sync_mutex_robust = {
    .name = "mutex-robust",
    .summary = "pthread_mutex_t, process-shared and robust: the next owner learns of a death",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_ROBUST,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_mutex_t),
    .create = robust_create,
    .lock = {.acquire = mutex_acquire, .release = mutex_release, .try_acquire = mutex_try, .recover = robust_recover},
};
