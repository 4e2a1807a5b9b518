/* peterson, bakery: mutual exclusion from loads and stores alone, if a store is seen before a later load.
 *
 * No processor promises that without a fence (x86 reorders exactly this pair): every access here that the proofs order is
 * sequentially consistent. Peterson, Myths about the Mutual Exclusion Problem, 1981; Lamport, A New Solution of Dijkstra's
 * Concurrent Programming Problem, 1974.
 */
#include <errno.h>
#include <stdbool.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

enum { LINE = 64 };

static uint32_t load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void store(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

struct peterson {
    struct {
        _Alignas(LINE) uint32_t wants;
    } sides[2];
    _Alignas(LINE) uint32_t yields; /* the side that came last lets the other go first */
};

static void peterson_ask(struct sync_self *self)
{
    struct peterson *lock = self->state;
    uint32_t mine = self->index % 2;
    store(&lock->sides[mine].wants, 1);
    store(&lock->yields, mine);
}

static bool peterson_waits(struct sync_self *self)
{
    struct peterson *lock = self->state;
    uint32_t mine = self->index % 2;
    return load(&lock->sides[1 - mine].wants) && load(&lock->yields) == mine;
}

static int peterson_release(struct sync_self *self)
{
    struct peterson *lock = self->state;
    __atomic_store_n(&lock->sides[self->index % 2].wants, 0, __ATOMIC_RELEASE);
    return 0;
}

static int peterson_acquire(struct sync_self *self)
{
    peterson_ask(self);
    for (uint32_t spins = 0; peterson_waits(self);)
        spin_wait(&spins);
    return 0;
}

static int peterson_try(struct sync_self *self)
{
    peterson_ask(self);
    if (!peterson_waits(self))
        return 0;
    peterson_release(self);
    return EBUSY;
}

const struct sync_ops sync_peterson = {
    .name = "peterson",
    .summary = "Peterson's lock for two processes, no atomic instruction but loads and stores",
    .family = SYNC_LOCK,
    .traits = SYNC_FAIR | SYNC_QUEUED,
    .expect = VERDICT_CLEAN,
    .max_workers = 2,
    .state_bytes = sizeof(struct peterson),
    .lock = {.acquire = peterson_acquire, .release = peterson_release, .try_acquire = peterson_try},
};

/* One line for each process, which only that one writes. 64 bits of tickets do not run out. */
struct bakery {
    _Alignas(LINE) uint64_t ticket; /* 0: does not want in */
    uint32_t choosing;
};

static uint32_t crew_of(const struct sync_setup *setup)
{
    return setup->writers + setup->readers;
}

static size_t bakery_size(const struct sync_setup *setup)
{
    return crew_of(setup) * sizeof(struct bakery);
}

static uint64_t ticket_of(const struct bakery *customer)
{
    return __atomic_load_n(&customer->ticket, __ATOMIC_SEQ_CST);
}

/* While it chooses, others wait for it: they could miss a ticket as small as theirs. */
static void bakery_choose(struct sync_self *self)
{
    struct bakery *customers = self->state, *mine = &customers[self->index];
    uint64_t highest = 0;
    store(&mine->choosing, 1);
    for (uint32_t i = 0; i < crew_of(self->setup); i++) {
        uint64_t ticket = ticket_of(&customers[i]);
        highest = ticket > highest ? ticket : highest;
    }
    __atomic_store_n(&mine->ticket, highest + 1, __ATOMIC_SEQ_CST);
    store(&mine->choosing, 0);
}

static bool bakery_is_before(const struct sync_self *self, uint32_t other)
{
    const struct bakery *customers = self->state;
    uint64_t theirs = ticket_of(&customers[other]), mine = customers[self->index].ticket;
    return theirs && (theirs < mine || (theirs == mine && other < self->index));
}

static int bakery_acquire(struct sync_self *self)
{
    struct bakery *customers = self->state;
    bakery_choose(self);
    for (uint32_t i = 0; i < crew_of(self->setup); i++) {
        for (uint32_t spins = 0; load(&customers[i].choosing);)
            spin_wait(&spins);
        for (uint32_t spins = 0; bakery_is_before(self, i);)
            spin_wait(&spins);
    }
    return 0;
}

static int bakery_release(struct sync_self *self)
{
    struct bakery *customers = self->state;
    __atomic_store_n(&customers[self->index].ticket, 0, __ATOMIC_RELEASE);
    return 0;
}

/* Whoever comes after this one's ticket was shown waits for it; so nobody else may want in when it looks. */
static int bakery_try(struct sync_self *self)
{
    struct bakery *customers = self->state;
    bakery_choose(self);
    for (uint32_t i = 0; i < crew_of(self->setup); i++) {
        if (i == self->index || !(load(&customers[i].choosing) || ticket_of(&customers[i])))
            continue;
        bakery_release(self);
        return EBUSY;
    }
    return 0;
}

const struct sync_ops sync_bakery = {
    .name = "bakery",
    .summary = "Lamport's bakery: tickets from loads and stores alone; looks at everybody each time",
    .family = SYNC_LOCK,
    .traits = SYNC_FAIR | SYNC_QUEUED,
    .expect = VERDICT_CLEAN,
    .state_size = bakery_size,
    .lock = {.acquire = bakery_acquire, .release = bakery_release, .try_acquire = bakery_try},
};
