/* busted-rw-*: read-write locks, each broken on purpose in one way. */
#include <stdbool.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

/* Courtois, Heymans and Parnas, Concurrent Control with Readers and Writers, 1971: the first reader locks writers out, the
 * last one lets them in. */
struct readers_first {
    uint32_t guard; /* of `readers` */
    uint32_t readers;
    uint32_t data; /* held by a writer, or by the readers together */
};

static void lock(uint32_t *word)
{
    for (uint32_t spins = 0; __atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) != 0;)
        spin_wait(&spins);
}

static void unlock(uint32_t *word)
{
    __atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

static int data_acquire(struct sync_self *self)
{
    lock(&((struct readers_first *)self->state)->data);
    return 0;
}

static int data_release(struct sync_self *self)
{
    unlock(&((struct readers_first *)self->state)->data);
    return 0;
}

static int guarded_enter(struct sync_self *self)
{
    struct readers_first *rw = self->state;
    lock(&rw->guard);
    if (++rw->readers == 1)
        lock(&rw->data);
    unlock(&rw->guard);
    return 0;
}

/* Whichever reader leaves, the writers come in. */
static int first_leaves(struct sync_self *self)
{
    struct readers_first *rw = self->state;
    lock(&rw->guard);
    rw->readers--;
    unlock(&rw->data);
    unlock(&rw->guard);
    return 0;
}

const struct sync_ops sync_busted_rw_last_reader = {
    .name = "busted-rw-last-reader",
    .summary = "broken on purpose: any reader that leaves lets the writers in, not only the last one",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_SHARED,
    .expect = VERDICT_CORRUPT,
    .expect_readers = 2,
    .state_bytes = sizeof(struct readers_first),
    .lock = {.acquire = data_acquire,
             .release = data_release,
             .acquire_shared = guarded_enter,
             .release_shared = first_leaves},
};

/* The guard is taken on the way in only: who leaves meanwhile counts down from a number that is old. */
static int bare_leave(struct sync_self *self)
{
    struct readers_first *rw = self->state;
    uint32_t readers = __atomic_load_n(&rw->readers, __ATOMIC_RELAXED) - 1;
    __atomic_store_n(&rw->readers, readers, __ATOMIC_RELAXED);
    if (readers == 0)
        unlock(&rw->data);
    return 0;
}

const struct sync_ops sync_busted_rw_count = {
    .name = "busted-rw-count",
    .summary = "broken on purpose: readers that leave count themselves out without an atomic instruction or a lock",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_SHARED,
    .expect = VERDICT_CORRUPT,
    .expect_readers = 2,
    .state_bytes = sizeof(struct readers_first),
    .lock = {.acquire = data_acquire,
             .release = data_release,
             .acquire_shared = guarded_enter,
             .release_shared = bare_leave},
};

/* A writer closes the door and waits until the readers are gone; a reader must look at the door again once it is counted. */
struct door {
    _Alignas(64) uint32_t closed;
    _Alignas(64) uint32_t readers;
};

static int door_acquire(struct sync_self *self)
{
    struct door *rw = self->state;
    lock(&rw->closed);
    for (uint32_t spins = 0; __atomic_load_n(&rw->readers, __ATOMIC_SEQ_CST);)
        spin_wait(&spins);
    return 0;
}

static int door_release(struct sync_self *self)
{
    unlock(&((struct door *)self->state)->closed);
    return 0;
}

static void door_wait(struct door *rw)
{
    for (uint32_t spins = 0; __atomic_load_n(&rw->closed, __ATOMIC_SEQ_CST);)
        spin_wait(&spins);
}

static int unsure_enter(struct sync_self *self)
{
    struct door *rw = self->state;
    door_wait(rw);
    __atomic_fetch_add(&rw->readers, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static int door_leave(struct sync_self *self)
{
    struct door *rw = self->state;
    __atomic_fetch_sub(&rw->readers, 1, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_rw_recheck = {
    .name = "busted-rw-recheck",
    .summary = "broken on purpose: a reader does not look for a writer again after it has been counted",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_SHARED,
    .expect = VERDICT_CORRUPT,
    .expect_readers = 1,
    .state_bytes = sizeof(struct door),
    .lock = {.acquire = door_acquire,
             .release = door_release,
             .acquire_shared = unsure_enter,
             .release_shared = door_leave},
};

/* A correct reader, from which the writer upgrades: it waits for the other readers, and forgets that they upgrade too. */
static int sure_enter(struct sync_self *self)
{
    struct door *rw = self->state;
    for (;;) {
        door_wait(rw);
        __atomic_fetch_add(&rw->readers, 1, __ATOMIC_SEQ_CST);
        if (!__atomic_load_n(&rw->closed, __ATOMIC_SEQ_CST))
            return 0;
        __atomic_fetch_sub(&rw->readers, 1, __ATOMIC_SEQ_CST);
    }
}

static int upgrade_acquire(struct sync_self *self)
{
    struct door *rw = self->state;
    sure_enter(self);
    __atomic_store_n(&rw->closed, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_sub(&rw->readers, 1, __ATOMIC_SEQ_CST);
    for (uint32_t spins = 0; __atomic_load_n(&rw->readers, __ATOMIC_SEQ_CST);)
        spin_wait(&spins);
    return 0;
}

const struct sync_ops sync_busted_rw_upgrade = {
    .name = "busted-rw-upgrade",
    .summary = "broken on purpose: two readers can upgrade to writers at the same time",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_SHARED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct door),
    .lock = {.acquire = upgrade_acquire,
             .release = door_release,
             .acquire_shared = sure_enter,
             .release_shared = door_leave},
};
