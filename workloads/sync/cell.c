/* seqlock, ck-sequence, cell-atomic, cell-none: cells whose value lies once in the region, written over in place. */
#include <ck_sequence.h>
#include <stdbool.h>
#include <stdio.h>

#include "workloads/sync/cell_words.h"
#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

/* The sequence is odd while a writer is at work. A reader that saw the same even sequence before and after has a whole value. */
struct seqlock {
    uint64_t sequence;
    uint64_t words[];
};

/* A reader whose copy was spoilt so often keeps the writers out for one: a crew of writers would starve it for ever. */
#define SEQLOCK_TRIES 64

static size_t seqlock_bytes(const struct sync_setup *setup)
{
    return sizeof(struct seqlock) + cell_bytes(setup->size);
}

/* Makes the sequence odd, alone among those who want to; returns what it was. */
static uint64_t seqlock_close(struct seqlock *lock)
{
    for (uint32_t spins = 0;; spin_wait(&spins)) {
        uint64_t sequence = __atomic_load_n(&lock->sequence, __ATOMIC_RELAXED);
        if (!(sequence & 1) && __atomic_compare_exchange_n(&lock->sequence, &sequence, sequence + 1, false, __ATOMIC_ACQUIRE,
                                                           __ATOMIC_RELAXED))
            return sequence;
    }
}

static int seqlock_write(struct sync_self *self, const void *value)
{
    struct seqlock *lock = self->state;
    uint64_t sequence = seqlock_close(lock);
    /* whoever sees one of the words sees the odd sequence when it looks again */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    cell_store(lock->words, value, self->setup->size);
    __atomic_store_n(&lock->sequence, sequence + 2, __ATOMIC_RELEASE);
    return 0;
}

static bool seqlock_try(struct seqlock *lock, void *value, size_t size)
{
    uint64_t sequence;
    for (uint32_t spins = 0; (sequence = __atomic_load_n(&lock->sequence, __ATOMIC_ACQUIRE)) & 1;)
        spin_wait(&spins);
    cell_load(value, lock->words, size);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&lock->sequence, __ATOMIC_RELAXED) == sequence;
}

static int seqlock_read(struct sync_self *self, void *value)
{
    struct seqlock *lock = self->state;
    for (int i = 0; i < SEQLOCK_TRIES; i++)
        if (seqlock_try(lock, value, self->setup->size))
            return 0;
    uint64_t sequence = seqlock_close(lock);
    cell_load(value, lock->words, self->setup->size);
    /* nothing was written: the sequence may be what it was */
    __atomic_store_n(&lock->sequence, sequence, __ATOMIC_RELEASE);
    return 0;
}

static void seqlock_describe(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    const struct seqlock *lock = state;
    (void)setup;
    snprintf(sight->words, sizeof sight->words, "its sequence is %llu: %s", (unsigned long long)lock->sequence,
             lock->sequence & 1 ? "odd, a writer has begun and not ended" : "even, nobody is writing");
}

const struct sync_ops sync_seqlock = {
    .name = "seqlock",
    .summary = "sequence lock: readers copy and look again; a starved one keeps writers out for one copy",
    .family = SYNC_CELL,
    .expect = VERDICT_CLEAN,
    .state_size = seqlock_bytes,
    .describe = seqlock_describe,
    .cell = {.write = seqlock_write, .read = seqlock_read},
};

struct one_writer {
    ck_sequence_t sequence;
    _Alignas(8) uint64_t words[];
};

static size_t one_writer_bytes(const struct sync_setup *setup)
{
    return sizeof(struct one_writer) + cell_bytes(setup->size);
}

static int one_writer_write(struct sync_self *self, const void *value)
{
    struct one_writer *cell = self->state;
    ck_sequence_write_begin(&cell->sequence);
    cell_store(cell->words, value, self->setup->size);
    ck_sequence_write_end(&cell->sequence);
    return 0;
}

static int one_writer_read(struct sync_self *self, void *value)
{
    struct one_writer *cell = self->state;
    uint32_t spins = 0;
    for (unsigned version = ck_sequence_read_begin(&cell->sequence);; version = ck_sequence_read_begin(&cell->sequence)) {
        cell_load(value, cell->words, self->setup->size);
        if (!ck_sequence_read_retry(&cell->sequence, version))
            return 0;
        spin_wait(&spins);
    }
}

const struct sync_ops sync_ck_sequence = {
    .name = "ck-sequence",
    .summary = "ck_sequence: a sequence lock for one writer",
    .family = SYNC_CELL,
    .expect = VERDICT_CLEAN,
    .max_writers = 1,
    .state_size = one_writer_bytes,
    .cell = {.write = one_writer_write, .read = one_writer_read},
};

static size_t bare_bytes(const struct sync_setup *setup)
{
    return cell_bytes(setup->size);
}

static int atomic_write(struct sync_self *self, const void *value)
{
    uint64_t word = 0;
    memcpy(&word, value, self->setup->size);
    __atomic_store_n((uint64_t *)self->state, word, __ATOMIC_SEQ_CST);
    return 0;
}

static int atomic_read(struct sync_self *self, void *value)
{
    uint64_t word = __atomic_load_n((uint64_t *)self->state, __ATOMIC_SEQ_CST);
    memcpy(value, &word, self->setup->size);
    return 0;
}

const struct sync_ops sync_cell_atomic = {
    .name = "cell-atomic",
    .summary = "one atomic word: values of up to 8 bytes, written and read at once",
    .family = SYNC_CELL,
    .expect = VERDICT_CLEAN,
    .max_size = CELL_WORD,
    .state_size = bare_bytes,
    .cell = {.write = atomic_write, .read = atomic_read},
};

static int bare_write(struct sync_self *self, const void *value)
{
    cell_store(self->state, value, self->setup->size);
    return 0;
}

static int bare_read(struct sync_self *self, void *value)
{
    cell_load(value, self->state, self->setup->size);
    return 0;
}

/* Word by word, as a program assigns a structure's members: memcpy() would use vectors, which seldom tear. */
const struct sync_ops sync_cell_none = {
    .name = "cell-none",
    .summary = "words copied in and out with nothing to guard them: shows what breaks (above 8 bytes)",
    .family = SYNC_CELL,
    .traits = SYNC_CONTROL | SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .expect_size = CELL_WORD + 1,
    .state_size = bare_bytes,
    .cell = {.write = bare_write, .read = bare_read},
};
