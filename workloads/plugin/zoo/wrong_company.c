/* What shows in special company only (deaths, large values, many sleepers, many signals), and is wrong. */
#include "zoo.h"

#include <pthread.h>
#include <signal.h>

/* The holder's process number; whoever finds that process gone takes over. */
static int heir_acquire(struct sync_self *self)
{
    uint32_t *word = self->state, own = (uint32_t)getpid();
    for (unsigned turn = 0;; wait_turn(&turn)) {
        uint32_t holder = 0;
        if (cas(word, &holder, own))
            return 0;
        if (turn % 64 == 63 && kill((pid_t)(holder & INT_MAX), 0) && errno == ESRCH && cas(word, &holder, own))
            return EOWNERDEAD;
    }
}

static int heir_opens(struct sync_self *self)
{
    put((uint32_t *)self->state, 0);
    return 0;
}

static int nothing(struct sync_self *self UNUSED)
{
    return 0;
}

ROW(opens, "wrong-recover", "recover() lets the others in", SYNC_LOCK, CORRUPT, .state_bytes = 4, .traits = SYNC_BUSTED | SYNC_ROBUST,
     .lock = {.acquire = heir_acquire, .release = word_release, .recover = heir_opens});

static int silent_acquire(struct sync_self *self)
{
    int rc = heir_acquire(self);
    return rc == EOWNERDEAD ? 0 : rc;
}

ROW(silent, "wrong-silent", "succeeds the dead, and does not say so", SYNC_LOCK, CORRUPT, .state_bytes = 4,
    .traits = SYNC_BUSTED | SYNC_ROBUST, .lock = {.acquire = silent_acquire, .release = word_release, .recover = nothing});

static int mutex_create(void *state, const struct sync_setup *setup UNUSED)
{
    pthread_mutexattr_t shared;
    int rc = pthread_mutexattr_init(&shared);
    rc = rc ? rc : pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    rc = rc ? rc : pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
    return rc ? rc : pthread_mutex_init(state, &shared);
}

static int mutex_acquire(struct sync_self *self)
{
    return pthread_mutex_lock(self->state);
}

static int mutex_release(struct sync_self *self)
{
    return pthread_mutex_unlock(self->state);
}

ROW(inconsistent, "wrong-inconsistent", "a robust mutex that nobody makes consistent", SYNC_LOCK, CORRUPT,
    .state_bytes = sizeof(pthread_mutex_t), .traits = SYNC_BUSTED | SYNC_ROBUST | SYNC_LISTED | SYNC_BLOCKING, .create = mutex_create,
     .lock = {.acquire = mutex_acquire, .release = mutex_release, .recover = nothing});

/* An interrupted waiter is counted out when it is interrupted, and again when it has the lock. */
struct counted {
    LINE uint32_t word;
    LINE uint32_t waiting;
};

static int counted_acquire(struct sync_self *self)
{
    struct counted *c = self->state;
    if (!swap(&c->word, 1))
        return 0;
    add(&c->waiting, 1);
    while (swap(&c->word, 1))
        if (futex(&c->word, FUTEX_WAIT, 1, 0) && errno == EINTR)
            add(&c->waiting, -1u);
    add(&c->waiting, -1u);
    return 0;
}

static int counted_release(struct sync_self *self)
{
    struct counted *c = self->state;
    swap(&c->word, 0);
    if ((int32_t)get(&c->waiting) > 0)
        futex(&c->word, FUTEX_WAKE, 1, 0);
    return 0;
}

ROW(counted, "wrong-interrupted", "counts an interrupted waiter out twice", SYNC_LOCK, WEDGED, .state_bytes = sizeof(struct counted),
    .traits = SYNC_BUSTED | SYNC_BLOCKING, .lock = {.acquire = counted_acquire, .release = counted_release});

/* A sequence lock that is closed before the value is complete. */
struct page {
    LINE uint64_t sequence;
    LINE unsigned char value[];
};
#define PAGE 4096

static size_t page_size(const struct sync_setup *setup)
{
    return sizeof(struct page) + padded(setup);
}

static int page_write(struct sync_self *self, const void *value)
{
    struct page *p = self->state;
    size_t size = self->setup->size, first = size < PAGE ? size : PAGE;
    uint64_t even = get(&p->sequence) & ~1ull;
    for (unsigned turn = 0; !cas(&p->sequence, &even, even + 1); even &= ~1ull)
        wait_turn(&turn);
    copy(p->value, value, first);
    put(&p->sequence, even + 2);
    copy(p->value + first, (const unsigned char *)value + first, size - first);
    return 0;
}

static int page_read(struct sync_self *self, void *value)
{
    struct page *p = self->state;
    for (unsigned turn = 0;; wait_turn(&turn)) {
        uint64_t before = get(&p->sequence);
        if (before & 1)
            continue;
        copy(value, p->value, self->setup->size);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (get(&p->sequence) == before)
            return 0;
    }
}

ROW(page, "wrong-page", "protects the first page of a value only", SYNC_CELL, CORRUPT, .traits = SYNC_BUSTED, .expect_size = PAGE + 64,
    .state_size = page_size, .cell = {.write = page_write, .read = page_read});

SHMOO_PLUGIN(&opens, &silent, &inconsistent, &counted, &page);
