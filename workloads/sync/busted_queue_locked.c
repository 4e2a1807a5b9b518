/* busted-queue-*: queues under a lock, each broken on purpose in one way. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "shm/ring.h"
#include "workloads/sync/queue_ring.h"
#include "workloads/sync/rows.h"

struct guarded {
    pthread_mutex_t mutex;
    pthread_cond_t not_full, not_empty;
    _Alignas(RING_LINE) struct ring ring;
};

static size_t guarded_bytes(const struct sync_setup *setup)
{
    return sizeof(struct guarded) + ring_bytes(ring_capacity(setup), setup->size);
}

static int guarded_create(void *state, const struct sync_setup *setup)
{
    struct guarded *q = state;
    pthread_mutexattr_t for_mutex;
    pthread_condattr_t for_condition;
    ring_init(&q->ring, ring_capacity(setup), setup->size);
    int rc = pthread_mutexattr_init(&for_mutex);
    if (rc == 0)
        rc = pthread_mutexattr_setpshared(&for_mutex, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_mutex_init(&q->mutex, &for_mutex);
    pthread_mutexattr_destroy(&for_mutex);
    if (rc == 0)
        rc = pthread_condattr_init(&for_condition);
    if (rc == 0)
        rc = pthread_condattr_setpshared(&for_condition, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_cond_init(&q->not_full, &for_condition);
    if (rc == 0)
        rc = pthread_cond_init(&q->not_empty, &for_condition);
    pthread_condattr_destroy(&for_condition);
    return rc;
}

/* Signals only at the change from empty or full. Who pushes a second element before the one that was woken has run finds the
 * ring not empty any more: a second consumer sleeps on, with an element there for it. */
static int edge_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct guarded *q = self->state;
    int rc = pthread_mutex_lock(&q->mutex), pushed;
    if (rc)
        return rc;
    while ((pushed = ring_put(&q->ring, element, bytes)) == EAGAIN && rc == 0)
        rc = pthread_cond_wait(&q->not_full, &q->mutex);
    if (pushed == 0 && q->ring.count == 1)
        rc = pthread_cond_signal(&q->not_empty);
    int unlocked = pthread_mutex_unlock(&q->mutex);
    return pushed ? pushed : rc ? rc : unlocked;
}

static int edge_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct guarded *q = self->state;
    int rc = pthread_mutex_lock(&q->mutex), popped;
    if (rc)
        return rc;
    while ((popped = ring_take(&q->ring, element, bytes, got)) == EAGAIN && rc == 0)
        rc = pthread_cond_wait(&q->not_empty, &q->mutex);
    if (popped == 0 && q->ring.count == q->ring.capacity - 1)
        rc = pthread_cond_signal(&q->not_full);
    int unlocked = pthread_mutex_unlock(&q->mutex);
    return popped ? popped : rc ? rc : unlocked;
}

const struct sync_ops sync_busted_queue_wakeup = {
    .name = "busted-queue-wakeup",
    .summary = "broken on purpose: wakes one sleeper when the ring stops being empty or full, and forgets the second",
    .family = SYNC_QUEUE,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_WEDGED,
    .state_size = guarded_bytes,
    .create = guarded_create,
    .queue = {.push = edge_push, .pop = edge_pop},
};

static int locked_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct guarded *q = self->state;
    int rc = pthread_mutex_lock(&q->mutex);
    if (rc)
        return rc;
    rc = ring_put(&q->ring, element, bytes);
    pthread_mutex_unlock(&q->mutex);
    return rc;
}

static int locked_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct guarded *q = self->state;
    int rc = pthread_mutex_lock(&q->mutex);
    if (rc)
        return rc;
    rc = ring_take(&q->ring, element, bytes, got);
    pthread_mutex_unlock(&q->mutex);
    return rc;
}

/* "Full" is said of the ring as it is after the push: the caller tries again with an element that has gone in. */
static int repeated_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct guarded *q = self->state;
    int rc = pthread_mutex_lock(&q->mutex);
    if (rc)
        return rc;
    rc = ring_put(&q->ring, element, bytes);
    if (rc == 0 && q->ring.count == q->ring.capacity)
        rc = EAGAIN;
    pthread_mutex_unlock(&q->mutex);
    return rc;
}

const struct sync_ops sync_busted_queue_repeat = {
    .name = "busted-queue-repeat",
    .summary = "broken on purpose: says that the ring is full when the element has just filled it, and gets it again",
    .family = SYNC_QUEUE,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_size = guarded_bytes,
    .create = guarded_create,
    .queue = {.push = repeated_push, .pop = locked_pop},
};

/* Looks whether there is anything before it locks, and not again. */
static int unsure_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct guarded *q = self->state;
    struct ring *ring = &q->ring;
    if (__atomic_load_n(&ring->count, __ATOMIC_ACQUIRE) == 0)
        return EAGAIN;
    int rc = pthread_mutex_lock(&q->mutex);
    if (rc)
        return rc;
    const struct ring_slot *slot = (const void *)(ring->slots + ring->head % ring->capacity * ring->stride);
    *got = slot->bytes < bytes ? slot->bytes : bytes;
    __builtin_memcpy(element, slot->element, *got);
    ring_pop(ring);
    pthread_mutex_unlock(&q->mutex);
    return 0;
}

const struct sync_ops sync_busted_queue_check = {
    .name = "busted-queue-check",
    .summary = "broken on purpose: looks for an element before it locks, and pops when another has taken the last one",
    .family = SYNC_QUEUE,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_size = guarded_bytes,
    .create = guarded_create,
    .queue = {.push = locked_push, .pop = unsure_pop},
};
