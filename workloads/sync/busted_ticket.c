/* busted-ticket*, busted-peterson, busted-dekker, busted-bakery: turns and tickets, each broken on purpose in one way. */
#include <stdbool.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

enum { LINE = 64 };

struct ticket {
    uint32_t next, serving;
};

static int ticket_wait(struct ticket *lock, uint32_t mine)
{
    for (uint32_t spins = 0; __atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != mine;)
        spin_wait(&spins);
    return 0;
}

static int ticket_acquire(struct sync_self *self)
{
    struct ticket *lock = self->state;
    uint32_t mine = __atomic_load_n(&lock->next, __ATOMIC_RELAXED);
    __atomic_store_n(&lock->next, mine + 1, __ATOMIC_RELAXED);
    return ticket_wait(lock, mine);
}

static int ticket_release(struct sync_self *self)
{
    struct ticket *lock = self->state;
    __atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_ticket = {
    .name = "busted-ticket",
    .summary = "broken on purpose: a ticket is taken in two steps, and two processes can have the same",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct ticket),
    .lock = {.acquire = ticket_acquire, .release = ticket_release},
};

/* Both counters in a few bits each, as to save space: with more waiters than tickets, two have the same. */
static int narrow_acquire(struct sync_self *self, uint32_t bits)
{
    struct ticket *lock = self->state;
    uint32_t mine = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    return ticket_wait(lock, mine % (1u << bits));
}

static int narrow_release(struct sync_self *self, uint32_t bits)
{
    struct ticket *lock = self->state;
    __atomic_store_n(&lock->serving, (lock->serving + 1) % (1u << bits), __ATOMIC_RELEASE);
    return 0;
}

static int narrow2_acquire(struct sync_self *self)
{
    return narrow_acquire(self, 2);
}

static int narrow2_release(struct sync_self *self)
{
    return narrow_release(self, 2);
}

const struct sync_ops sync_busted_ticket_2bit = {
    .name = "busted-ticket-2bit",
    .summary = "broken on purpose: tickets of two bits, the same again for the fifth process",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct ticket),
    .lock = {.acquire = narrow2_acquire, .release = narrow2_release},
};

static int narrow4_acquire(struct sync_self *self)
{
    return narrow_acquire(self, 4);
}

static int narrow4_release(struct sync_self *self)
{
    return narrow_release(self, 4);
}

const struct sync_ops sync_busted_ticket_4bit = {
    .name = "busted-ticket-4bit",
    .summary = "broken on purpose: tickets of four bits, the same again for the 17th process",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct ticket),
    .lock = {.acquire = narrow4_acquire, .release = narrow4_release},
};

/* The store that announces must be seen before the look at the other side. Release and acquire do not say so, and processors
 * with store buffers do the look first. */
struct sides {
    struct {
        _Alignas(LINE) uint32_t wants;
    } sides[2];
    _Alignas(LINE) uint32_t turn;
};

static int peterson_acquire(struct sync_self *self)
{
    struct sides *lock = self->state;
    uint32_t mine = self->index % 2, other = 1 - mine;
    __atomic_store_n(&lock->sides[mine].wants, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&lock->turn, mine, __ATOMIC_RELEASE);
    for (uint32_t spins = 0; __atomic_load_n(&lock->sides[other].wants, __ATOMIC_ACQUIRE) &&
                             __atomic_load_n(&lock->turn, __ATOMIC_ACQUIRE) == mine;)
        spin_wait(&spins);
    return 0;
}

static int side_release(struct sync_self *self)
{
    struct sides *lock = self->state;
    __atomic_store_n(&lock->sides[self->index % 2].wants, 0, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_peterson = {
    .name = "busted-peterson",
    .summary = "broken on purpose: Peterson's lock without a fence between its stores and its loads",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_workers = 2,
    .state_bytes = sizeof(struct sides),
    .lock = {.acquire = peterson_acquire, .release = side_release},
};

/* Whose turn it is insists, the other steps back. Here the turn changes on release. */
static int dekker_acquire(struct sync_self *self)
{
    struct sides *lock = self->state;
    uint32_t mine = self->index % 2, other = 1 - mine, spins = 0;
    __atomic_store_n(&lock->sides[mine].wants, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&lock->sides[other].wants, __ATOMIC_ACQUIRE)) {
        if (__atomic_load_n(&lock->turn, __ATOMIC_ACQUIRE) != mine) {
            __atomic_store_n(&lock->sides[mine].wants, 0, __ATOMIC_RELEASE);
            while (__atomic_load_n(&lock->turn, __ATOMIC_ACQUIRE) != mine)
                spin_wait(&spins);
            __atomic_store_n(&lock->sides[mine].wants, 1, __ATOMIC_RELEASE);
        }
        spin_wait(&spins);
    }
    return 0;
}

static int dekker_release(struct sync_self *self)
{
    struct sides *lock = self->state;
    __atomic_store_n(&lock->turn, 1 - self->index % 2, __ATOMIC_RELEASE);
    return side_release(self);
}

const struct sync_ops sync_busted_dekker = {
    .name = "busted-dekker",
    .summary = "broken on purpose: Dekker's lock without a fence between its stores and its loads",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_workers = 2,
    .state_bytes = sizeof(struct sides),
    .lock = {.acquire = dekker_acquire, .release = dekker_release},
};

struct customer {
    _Alignas(LINE) uint64_t ticket; /* 0: does not want in */
};

static uint32_t crew_of(const struct sync_setup *setup)
{
    return setup->writers + setup->readers;
}

static size_t bakery_size(const struct sync_setup *setup)
{
    return crew_of(setup) * sizeof(struct customer);
}

static uint64_t ticket_of(const struct customer *customer)
{
    return __atomic_load_n(&customer->ticket, __ATOMIC_SEQ_CST);
}

static bool is_before(const struct sync_self *self, uint32_t other)
{
    const struct customer *customers = self->state;
    uint64_t theirs = ticket_of(&customers[other]), mine = customers[self->index].ticket;
    return theirs && (theirs < mine || (theirs == mine && other < self->index));
}

/* One that has looked and not yet written its ticket down is not waited for: it may come with one that is as small. */
static int bakery_acquire(struct sync_self *self)
{
    struct customer *customers = self->state;
    uint64_t highest = 0;
    for (uint32_t i = 0; i < crew_of(self->setup); i++) {
        uint64_t ticket = ticket_of(&customers[i]);
        highest = ticket > highest ? ticket : highest;
    }
    __atomic_store_n(&customers[self->index].ticket, highest + 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < crew_of(self->setup); i++)
        for (uint32_t spins = 0; is_before(self, i);)
            spin_wait(&spins);
    return 0;
}

static int bakery_release(struct sync_self *self)
{
    struct customer *customers = self->state;
    __atomic_store_n(&customers[self->index].ticket, 0, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_bakery = {
    .name = "busted-bakery",
    .summary = "broken on purpose: Lamport's bakery without the flag that somebody is choosing",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_size = bakery_size,
    .lock = {.acquire = bakery_acquire, .release = bakery_release},
};
