/* rw-big-reader: each process has a line of its own to read under, and a writer looks at all of them.
 *
 * Concurrency Kit's ck_brlock links its readers by pointers; here the crew's size is known, and an index takes their place.
 */
#include <errno.h>
#include <stdbool.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

enum { LINE = 64 };

struct reader {
    _Alignas(LINE) uint32_t inside;
};

struct big_reader {
    _Alignas(LINE) uint32_t writer;
    struct reader readers[];
};

static uint32_t crew_of(const struct sync_setup *setup)
{
    return setup->writers + setup->readers;
}

static size_t big_reader_size(const struct sync_setup *setup)
{
    return sizeof(struct big_reader) + crew_of(setup) * sizeof(struct reader);
}

/* A store followed by a look at what the other side stores: both need the full order, or both could go in. */
static uint32_t look(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void wait_for_zero(const uint32_t *word)
{
    for (uint32_t spins = 0; look(word) != 0;)
        spin_wait(&spins);
}

static int write_release(struct sync_self *self)
{
    struct big_reader *lock = self->state;
    __atomic_store_n(&lock->writer, 0, __ATOMIC_RELEASE);
    return 0;
}

static int write_acquire(struct sync_self *self)
{
    struct big_reader *lock = self->state;
    while (__atomic_exchange_n(&lock->writer, 1, __ATOMIC_SEQ_CST) != 0)
        wait_for_zero(&lock->writer);
    for (uint32_t i = 0; i < crew_of(self->setup); i++)
        wait_for_zero(&lock->readers[i].inside);
    return 0;
}

static int write_try(struct sync_self *self)
{
    struct big_reader *lock = self->state;
    uint32_t readers = 0;
    if (__atomic_exchange_n(&lock->writer, 1, __ATOMIC_SEQ_CST) != 0)
        return EBUSY;
    for (uint32_t i = 0; i < crew_of(self->setup); i++)
        readers += look(&lock->readers[i].inside);
    if (readers)
        write_release(self);
    return readers ? EBUSY : 0;
}

static int read_release(struct sync_self *self)
{
    struct big_reader *lock = self->state;
    __atomic_store_n(&lock->readers[self->index].inside, 0, __ATOMIC_RELEASE);
    return 0;
}

static int read_acquire(struct sync_self *self)
{
    struct big_reader *lock = self->state;
    while (true) {
        wait_for_zero(&lock->writer);
        __atomic_store_n(&lock->readers[self->index].inside, 1, __ATOMIC_SEQ_CST);
        if (look(&lock->writer) == 0)
            return 0;
        read_release(self);
    }
}

const struct sync_ops sync_rw_big_reader = {
    .name = "rw-big-reader",
    .summary = "big-reader lock: readers write a line of their own, a writer looks at all of them",
    .family = SYNC_LOCK,
    .traits = SYNC_SHARED,
    .expect = VERDICT_CLEAN,
    .state_size = big_reader_size,
    .lock = {.acquire = write_acquire,
             .release = write_release,
             .acquire_shared = read_acquire,
             .release_shared = read_release,
             .try_acquire = write_try},
};
