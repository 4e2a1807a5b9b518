/* busted-seqlock-*: sequence locks, each broken on purpose in one way. */
#include <stdbool.h>

#include "workloads/sync/cell_words.h"
#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

/* Odd while a writer is at work. For one writer at a time. */
struct seqlock {
    uint64_t sequence;
    uint64_t words[];
};

static size_t seqlock_bytes(const struct sync_setup *setup)
{
    return sizeof(struct seqlock) + cell_bytes(setup->size);
}

static void set(struct seqlock *lock, uint64_t sequence)
{
    __atomic_store_n(&lock->sequence, sequence, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_RELEASE); /* the words come after it */
}

static uint64_t look(const struct seqlock *lock)
{
    return __atomic_load_n(&lock->sequence, __ATOMIC_ACQUIRE);
}

static int whole_write(struct sync_self *self, const void *value)
{
    struct seqlock *lock = self->state;
    uint64_t sequence = look(lock);
    set(lock, sequence + 1);
    cell_store(lock->words, value, self->setup->size);
    set(lock, sequence + 2);
    return 0;
}

static int whole_read(struct sync_self *self, void *value)
{
    struct seqlock *lock = self->state;
    uint64_t sequence;
    uint32_t spins = 0;
    do {
        while ((sequence = look(lock)) & 1)
            spin_wait(&spins);
        cell_load(value, lock->words, self->setup->size);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (look(lock) != sequence);
    return 0;
}

/* Waits for an even sequence, and leaves it at that. */
static int trusting_read(struct sync_self *self, void *value)
{
    struct seqlock *lock = self->state;
    for (uint32_t spins = 0; look(lock) & 1;)
        spin_wait(&spins);
    cell_load(value, lock->words, self->setup->size);
    return 0;
}

const struct sync_ops sync_busted_seqlock_retry = {
    .name = "busted-seqlock-retry",
    .summary = "broken on purpose: the reader does not look at the sequence again after it has copied",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .state_size = seqlock_bytes,
    .cell = {.write = whole_write, .read = trusting_read},
};

/* The sequence moves at the end only: a reader that begins and ends within one write sees nothing. */
static int quiet_write(struct sync_self *self, const void *value)
{
    struct seqlock *lock = self->state;
    uint64_t sequence = look(lock);
    cell_store(lock->words, value, self->setup->size);
    set(lock, sequence + 2);
    return 0;
}

const struct sync_ops sync_busted_seqlock_odd = {
    .name = "busted-seqlock-odd",
    .summary = "broken on purpose: the writer does not make the sequence odd before it writes",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .state_size = seqlock_bytes,
    .cell = {.write = quiet_write, .read = whole_read},
};

/* The sequence comes back to what it was: a whole write between a reader's two looks goes unseen. */
static int back_write(struct sync_self *self, const void *value)
{
    struct seqlock *lock = self->state;
    uint64_t sequence = look(lock);
    set(lock, sequence + 1);
    cell_store(lock->words, value, self->setup->size);
    set(lock, sequence);
    return 0;
}

const struct sync_ops sync_busted_seqlock_back = {
    .name = "busted-seqlock-back",
    .summary = "broken on purpose: after a write the sequence is what it was before",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .state_size = seqlock_bytes,
    .cell = {.write = back_write, .read = whole_read},
};

/* The sequence is even again before the last words are there. */
static int early_write(struct sync_self *self, const void *value)
{
    struct seqlock *lock = self->state;
    size_t size = self->setup->size, most = size / 2 / CELL_WORD * CELL_WORD;
    uint64_t sequence = look(lock);
    set(lock, sequence + 1);
    cell_store(lock->words, value, most);
    set(lock, sequence + 2);
    cell_store(lock->words + most / CELL_WORD, (const char *)value + most, size - most);
    return 0;
}

const struct sync_ops sync_busted_seqlock_early = {
    .name = "busted-seqlock-early",
    .summary = "broken on purpose: the writer ends its write before the last words are written",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .state_size = seqlock_bytes,
    .cell = {.write = early_write, .read = whole_read},
};

/* Correct for one writer, and used by several: two that overlap make the sequence even while one is still at work. */
static int shared_write(struct sync_self *self, const void *value)
{
    struct seqlock *lock = self->state;
    __atomic_fetch_add(&lock->sequence, 1, __ATOMIC_ACQ_REL);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    cell_store(lock->words, value, self->setup->size);
    __atomic_fetch_add(&lock->sequence, 1, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_seqlock_writers = {
    .name = "busted-seqlock-writers",
    .summary = "broken on purpose: writers do not exclude each other",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_size = seqlock_bytes,
    .cell = {.write = shared_write, .read = whole_read},
};
