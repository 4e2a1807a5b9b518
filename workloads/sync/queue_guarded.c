/* ring-lock, ring-condvar, ring-semaphores, ring-none: one plain ring, and three ways of guarding it, or none. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#include "shm/ring.h"
#include "workloads/sync/queue_ring.h"
#include "workloads/sync/rows.h"

struct guarded {
    _Alignas(RING_LINE) pthread_mutex_t mutex;
    _Alignas(RING_LINE) pthread_cond_t not_full;
    _Alignas(RING_LINE) pthread_cond_t not_empty;
    _Alignas(RING_LINE) sem_t free;
    _Alignas(RING_LINE) sem_t filled;
    _Alignas(RING_LINE) struct ring ring;
};

static size_t guarded_bytes(const struct sync_setup *setup)
{
    return sizeof(struct guarded) + ring_bytes(ring_capacity(setup), setup->size);
}

static int mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    int rc = pthread_mutexattr_init(&attributes);
    if (rc == 0)
        rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return rc;
}

static int cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    int rc = pthread_condattr_init(&attributes);
    if (rc == 0)
        rc = pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return rc;
}

static int lock_create(void *state, const struct sync_setup *setup)
{
    struct guarded *q = state;
    ring_init(&q->ring, ring_capacity(setup), setup->size);
    return mutex_init(&q->mutex);
}

static int lock_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct guarded *q = self->state;
    int rc = pthread_mutex_lock(&q->mutex);
    if (rc)
        return rc;
    int put = ring_put(&q->ring, element, bytes);
    rc = pthread_mutex_unlock(&q->mutex);
    return put ? put : rc;
}

static int lock_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct guarded *q = self->state;
    int rc = pthread_mutex_lock(&q->mutex);
    if (rc)
        return rc;
    int taken = ring_take(&q->ring, element, bytes, got);
    rc = pthread_mutex_unlock(&q->mutex);
    return taken ? taken : rc;
}

const struct sync_ops sync_ring_lock = {
    .name = "ring-lock",
    .summary = "ring behind a mutex: full and empty are told, not waited for",
    .family = SYNC_QUEUE,
    .expect = VERDICT_CLEAN,
    .state_size = guarded_bytes,
    .create = lock_create,
    .queue = {.push = lock_push, .pop = lock_pop},
};

static int condvar_create(void *state, const struct sync_setup *setup)
{
    struct guarded *q = state;
    int rc = lock_create(state, setup);
    if (rc == 0)
        rc = cond_init(&q->not_full);
    return rc ? rc : cond_init(&q->not_empty);
}

/* All waiters are woken, not one: pthread_cond_signal() of glibc 2.25 to 2.40 may lose a wake-up among several waiters
 * (sourceware bug 25847). */
static int condvar_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct guarded *q = self->state;
    int rc = pthread_mutex_lock(&q->mutex), put;
    if (rc)
        return rc;
    while ((put = ring_put(&q->ring, element, bytes)) == EAGAIN && rc == 0)
        rc = pthread_cond_wait(&q->not_full, &q->mutex);
    if (put == 0)
        rc = pthread_cond_broadcast(&q->not_empty);
    pthread_mutex_unlock(&q->mutex);
    return rc ? rc : put;
}

static int condvar_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct guarded *q = self->state;
    int rc = pthread_mutex_lock(&q->mutex), taken;
    if (rc)
        return rc;
    while ((taken = ring_take(&q->ring, element, bytes, got)) == EAGAIN && rc == 0)
        rc = pthread_cond_wait(&q->not_empty, &q->mutex);
    if (taken == 0)
        rc = pthread_cond_broadcast(&q->not_full);
    pthread_mutex_unlock(&q->mutex);
    return rc ? rc : taken;
}

const struct sync_ops sync_ring_condvar = {
    .name = "ring-condvar",
    .summary = "ring behind a mutex; two condition variables wait for room and for elements",
    .family = SYNC_QUEUE,
    .traits = SYNC_BLOCKING,
    .expect = VERDICT_CLEAN,
    .state_size = guarded_bytes,
    .create = condvar_create,
    .queue = {.push = condvar_push, .pop = condvar_pop},
};

static int semaphores_create(void *state, const struct sync_setup *setup)
{
    struct guarded *q = state;
    int rc = lock_create(state, setup);
    if (rc == 0 && (sem_init(&q->free, 1, ring_capacity(setup)) != 0 || sem_init(&q->filled, 1, 0) != 0))
        rc = errno;
    return rc;
}

/* A signal ends a wait early; it has not got the permit then. */
static int wait_whole(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int post(sem_t *sem)
{
    return sem_post(sem) == 0 ? 0 : errno;
}

static int semaphores_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct guarded *q = self->state;
    int rc = wait_whole(&q->free);
    if (rc)
        return rc;
    rc = lock_push(self, element, bytes);
    return rc ? rc : post(&q->filled);
}

static int semaphores_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct guarded *q = self->state;
    int rc = wait_whole(&q->filled);
    if (rc)
        return rc;
    rc = lock_pop(self, element, bytes, got);
    return rc ? rc : post(&q->free);
}

const struct sync_ops sync_ring_semaphores = {
    .name = "ring-semaphores",
    .summary = "ring behind a mutex; two semaphores count what is free and what is filled",
    .family = SYNC_QUEUE,
    .traits = SYNC_BLOCKING,
    .expect = VERDICT_CLEAN,
    .state_size = guarded_bytes,
    .create = semaphores_create,
    .queue = {.push = semaphores_push, .pop = semaphores_pop},
};

static int none_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct guarded *q = self->state;
    return ring_put(&q->ring, element, bytes);
}

static int none_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct guarded *q = self->state;
    return ring_take(&q->ring, element, bytes, got);
}

const struct sync_ops sync_ring_none = {
    .name = "ring-none",
    .summary = "the same ring without any protection: shows what breaks without it",
    .family = SYNC_QUEUE,
    .traits = SYNC_BUSTED | SYNC_CONTROL,
    .expect = VERDICT_CORRUPT,
    .state_size = guarded_bytes,
    .create = lock_create,
    .queue = {.push = none_push, .pop = none_pop},
};
