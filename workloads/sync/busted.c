/* busted-*: locks broken on purpose, each in one way, that the oracles and the watchdog must catch. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "workloads/sync/rows.h"

static int wait_whole(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* Tests and sets in two steps: two processes can both find the word free. */
static int tas_acquire(struct sync_self *self)
{
    uint32_t *word = self->state;
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != 0)
        cpu_relax();
    __atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static int tas_release(struct sync_self *self)
{
    __atomic_store_n((uint32_t *)self->state, 0, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_tas = {
    .name = "busted-tas",
    .summary = "broken on purpose: test and set are two steps",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(uint32_t),
    .lock = {.acquire = tas_acquire, .release = tas_release},
};

/* Two permits where there should be one. */
static int permits_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return sem_init(state, 1, 2) == 0 ? 0 : errno;
}

static int permits_acquire(struct sync_self *self)
{
    return wait_whole(self->state);
}

static int permits_release(struct sync_self *self)
{
    return sem_post(self->state) == 0 ? 0 : errno;
}

const struct sync_ops sync_busted_permits = {
    .name = "busted-permits",
    .summary = "broken on purpose: a semaphore that starts with two permits",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(sem_t),
    .create = permits_create,
    .lock = {.acquire = permits_acquire, .release = permits_release},
};

/* Writers exclude each other, readers walk in. */
static int readers_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return sem_init(state, 1, 1) == 0 ? 0 : errno;
}

static int readers_pass(struct sync_self *self)
{
    (void)self;
    __asm__ __volatile__("" ::: "memory");
    return 0;
}

const struct sync_ops sync_busted_readers = {
    .name = "busted-readers",
    .summary = "broken on purpose: writers exclude each other, readers do not wait",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING | SYNC_SHARED,
    .expect = VERDICT_CORRUPT,
    .expect_readers = 1,
    .state_bytes = sizeof(sem_t),
    .create = readers_create,
    .lock = {.acquire = permits_acquire,
             .release = permits_release,
             .acquire_shared = readers_pass,
             .release_shared = readers_pass},
};

/* One release in a thousand is forgotten: the data stay whole, and everybody waits for ever. */
struct forgetful {
    sem_t sem;
    uint32_t releases;
};

static int forgetful_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return sem_init(&((struct forgetful *)state)->sem, 1, 1) == 0 ? 0 : errno;
}

static int forgetful_acquire(struct sync_self *self)
{
    return wait_whole(&((struct forgetful *)self->state)->sem);
}

static int forgetful_release(struct sync_self *self)
{
    struct forgetful *lock = self->state;
    if (++lock->releases % 1000 == 0)
        return 0;
    return sem_post(&lock->sem) == 0 ? 0 : errno;
}

const struct sync_ops sync_busted_forgetful = {
    .name = "busted-forgetful",
    .summary = "broken on purpose: forgets one release in a thousand",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(struct forgetful),
    .create = forgetful_create,
    .lock = {.acquire = forgetful_acquire, .release = forgetful_release},
};

/* A correct lock that writes beside its state: the load's guards must see it. */
static int scribble_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    pthread_spin_init(state, PTHREAD_PROCESS_SHARED);
    return 0;
}

static int scribble_acquire(struct sync_self *self)
{
    return pthread_spin_lock(self->state);
}

static int scribble_release(struct sync_self *self)
{
    memset((char *)self->state + SYNC_STATE_ALIGN, 0x5a, 8);
    return pthread_spin_unlock(self->state);
}

const struct sync_ops sync_busted_scribble = {
    .name = "busted-scribble",
    .summary = "broken on purpose: excludes correctly, and writes beyond its own state",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .expect_alone = true,
    .state_bytes = sizeof(pthread_spinlock_t),
    .create = scribble_create,
    .lock = {.acquire = scribble_acquire, .release = scribble_release},
};
