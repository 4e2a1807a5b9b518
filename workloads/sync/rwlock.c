/* rwlock, rwlock-writer: the pthread read-write lock shared between processes; readers go in together. */
#define _GNU_SOURCE
#include <pthread.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/sight.h"

static int rwlock_init(void *state, int preference)
{
    pthread_rwlockattr_t attributes;
    int rc = pthread_rwlockattr_init(&attributes);
    if (rc == 0)
        rc = pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_rwlockattr_setkind_np(&attributes, preference);
    if (rc == 0)
        rc = pthread_rwlock_init(state, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    return rc;
}

static int rwlock_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return rwlock_init(state, PTHREAD_RWLOCK_PREFER_READER_NP);
}

/* glibc's "prefer writer" prefers readers all the same; only the non-recursive kind does what it says. */
static int writer_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return rwlock_init(state, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
}

static int rwlock_write(struct sync_self *self)
{
    return pthread_rwlock_wrlock(self->state);
}

static int rwlock_read(struct sync_self *self)
{
    return pthread_rwlock_rdlock(self->state);
}

static int rwlock_try(struct sync_self *self)
{
    return pthread_rwlock_trywrlock(self->state);
}

static int rwlock_release(struct sync_self *self)
{
    return pthread_rwlock_unlock(self->state);
}

const struct sync_ops sync_rwlock = {
    .name = "rwlock",
    .summary = "pthread_rwlock_t, process-shared, readers preferred (glibc's default)",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_SHARED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_rwlock_t),
    .create = rwlock_create,
    .describe = sight_rwlock,
    .lock = {.acquire = rwlock_write,
             .release = rwlock_release,
             .acquire_shared = rwlock_read,
             .release_shared = rwlock_release,
             .try_acquire = rwlock_try},
};

const struct sync_ops sync_rwlock_writer = {
    .name = "rwlock-writer",
    .summary = "pthread_rwlock_t, process-shared, writers preferred",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_SHARED | SYNC_QUEUED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_rwlock_t),
    .create = writer_create,
    .describe = sight_rwlock,
    .lock = {.acquire = rwlock_write,
             .release = rwlock_release,
             .acquire_shared = rwlock_read,
             .release_shared = rwlock_release,
             .try_acquire = rwlock_try},
};
