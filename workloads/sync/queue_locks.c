/* mcs, clh, anderson: spin locks in which each waiter waits on a line of its own; indices take the place of pointers.
 *
 * Mellor-Crummey and Scott, Algorithms for Scalable Synchronization, 1991; Craig, Building FIFO and Priority-Queuing Spin
 * Locks, 1993; Anderson, The Performance of Spin Lock Alternatives, 1990.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

enum { LINE = 64 };

static uint32_t crew_of(const struct sync_setup *setup)
{
    return setup->writers + setup->readers;
}

static void wait_for(const uint32_t *word, uint32_t wanted)
{
    for (uint32_t spins = 0; __atomic_load_n(word, __ATOMIC_ACQUIRE) != wanted;)
        spin_wait(&spins);
}

/* A process's place in the queue. Index + 1, so that 0 is nobody. */
struct mcs_node {
    _Alignas(LINE) uint32_t next, waits;
};

struct mcs {
    _Alignas(LINE) uint32_t tail;
    struct mcs_node nodes[];
};

static size_t mcs_size(const struct sync_setup *setup)
{
    return sizeof(struct mcs) + crew_of(setup) * sizeof(struct mcs_node);
}

static int mcs_acquire(struct sync_self *self)
{
    struct mcs *lock = self->state;
    struct mcs_node *node = &lock->nodes[self->index];
    node->next = 0;
    node->waits = 1;
    uint32_t before = __atomic_exchange_n(&lock->tail, self->index + 1, __ATOMIC_ACQ_REL);
    if (before) {
        __atomic_store_n(&lock->nodes[before - 1].next, self->index + 1, __ATOMIC_RELEASE);
        wait_for(&node->waits, 0);
    }
    return 0;
}

static int mcs_try(struct sync_self *self)
{
    struct mcs *lock = self->state;
    uint32_t nobody = 0;
    if (__atomic_load_n(&lock->tail, __ATOMIC_RELAXED))
        return EBUSY;
    lock->nodes[self->index].next = 0; /* not in the queue: the node is this process's alone */
    bool got = __atomic_compare_exchange_n(&lock->tail, &nobody, self->index + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    return got ? 0 : EBUSY;
}

/* Who has swapped the tail but not yet said who it is, must be waited for. */
static int mcs_release(struct sync_self *self)
{
    struct mcs *lock = self->state;
    struct mcs_node *node = &lock->nodes[self->index];
    uint32_t mine = self->index + 1, next = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE);
    if (!next && __atomic_compare_exchange_n(&lock->tail, &mine, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        return 0;
    for (uint32_t spins = 0; !next; next = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE))
        spin_wait(&spins);
    __atomic_store_n(&lock->nodes[next - 1].waits, 0, __ATOMIC_RELEASE);
    return 0;
}

static void mcs_describe(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    uint32_t tail = ((const struct mcs *)state)->tail;
    (void)setup;
    if (tail)
        snprintf(sight->words, sizeof sight->words, "the last in its line is worker %u", tail - 1);
    else
        snprintf(sight->words, sizeof sight->words, "nobody is in its line");
}

const struct sync_ops sync_mcs = {
    .name = "mcs",
    .summary = "MCS queue lock by indices: each waiter spins on its own line and is handed the lock",
    .family = SYNC_LOCK,
    .traits = SYNC_FAIR | SYNC_QUEUED,
    .expect = VERDICT_CLEAN,
    .state_size = mcs_size,
    .describe = mcs_describe,
    .lock = {.acquire = mcs_acquire, .release = mcs_release, .try_acquire = mcs_try},
};

/* One more node than processes. Nodes change hands: which one a process has, it notes in its own line. */
struct clh_node {
    _Alignas(LINE) uint32_t held;
};

struct clh_place {
    _Alignas(LINE) uint32_t mine, before;
};

struct clh {
    _Alignas(LINE) uint32_t tail;
    struct clh_node nodes[];
};

static struct clh_place *clh_place(const struct sync_self *self)
{
    struct clh *lock = self->state;
    struct clh_place *places = (struct clh_place *)(void *)&lock->nodes[crew_of(self->setup) + 1];
    return &places[self->index];
}

static size_t clh_size(const struct sync_setup *setup)
{
    uint32_t crew = crew_of(setup);
    return sizeof(struct clh) + (crew + 1) * sizeof(struct clh_node) + crew * sizeof(struct clh_place);
}

static int clh_create(void *state, const struct sync_setup *setup)
{
    struct sync_self self = {.state = state, .setup = setup};
    for (self.index = 0; self.index < crew_of(setup); self.index++)
        clh_place(&self)->mine = self.index;
    ((struct clh *)state)->tail = crew_of(setup);
    return 0;
}

static int clh_acquire(struct sync_self *self)
{
    struct clh *lock = self->state;
    struct clh_place *place = clh_place(self);
    lock->nodes[place->mine].held = 1;
    place->before = __atomic_exchange_n(&lock->tail, place->mine, __ATOMIC_ACQ_REL);
    wait_for(&lock->nodes[place->before].held, 0);
    return 0;
}

/* Whoever waits on this node keeps it; the one before is free now and becomes this process's. */
static int clh_release(struct sync_self *self)
{
    struct clh *lock = self->state;
    struct clh_place *place = clh_place(self);
    uint32_t mine = place->mine;
    place->mine = place->before;
    __atomic_store_n(&lock->nodes[mine].held, 0, __ATOMIC_RELEASE);
    return 0;
}

/* No try_acquire: the node at the tail may be let go, taken and held again between the look at it and the exchange. */
const struct sync_ops sync_clh = {
    .name = "clh",
    .summary = "CLH queue lock by indices: each waiter spins on the line of the one before",
    .family = SYNC_LOCK,
    .traits = SYNC_FAIR | SYNC_QUEUED,
    .expect = VERDICT_CLEAN,
    .state_size = clh_size,
    .create = clh_create,
    .lock = {.acquire = clh_acquire, .release = clh_release},
};

struct anderson_slot {
    _Alignas(LINE) uint32_t go;
};

/* As many slots as processes, rounded up to a power of two: so tickets may wrap. */
struct anderson {
    _Alignas(LINE) uint32_t next;
    _Alignas(LINE) uint32_t held; /* the holder's ticket, for its release */
    struct anderson_slot slots[];
};

static uint32_t anderson_mask(const struct sync_setup *setup)
{
    uint32_t slots = 1;
    while (slots < crew_of(setup))
        slots *= 2;
    return slots - 1;
}

static size_t anderson_size(const struct sync_setup *setup)
{
    return sizeof(struct anderson) + (anderson_mask(setup) + (size_t)1) * sizeof(struct anderson_slot);
}

static int anderson_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    ((struct anderson *)state)->slots[0].go = 1;
    return 0;
}

static void anderson_enter(struct sync_self *self, uint32_t ticket)
{
    struct anderson *lock = self->state;
    lock->slots[ticket & anderson_mask(self->setup)].go = 0; /* for the next round */
    lock->held = ticket;
}

static int anderson_acquire(struct sync_self *self)
{
    struct anderson *lock = self->state;
    uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    wait_for(&lock->slots[ticket & anderson_mask(self->setup)].go, 1);
    anderson_enter(self, ticket);
    return 0;
}

static int anderson_try(struct sync_self *self)
{
    struct anderson *lock = self->state;
    uint32_t ticket = __atomic_load_n(&lock->next, __ATOMIC_RELAXED);
    if (!__atomic_load_n(&lock->slots[ticket & anderson_mask(self->setup)].go, __ATOMIC_ACQUIRE))
        return EBUSY;
    uint32_t seen = ticket;
    if (!__atomic_compare_exchange_n(&lock->next, &seen, ticket + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return EBUSY;
    anderson_enter(self, ticket);
    return 0;
}

static int anderson_release(struct sync_self *self)
{
    struct anderson *lock = self->state;
    __atomic_store_n(&lock->slots[(lock->held + 1) & anderson_mask(self->setup)].go, 1, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_anderson = {
    .name = "anderson",
    .summary = "array lock: a ticket names the slot on whose own line to spin",
    .family = SYNC_LOCK,
    .traits = SYNC_FAIR | SYNC_QUEUED,
    .expect = VERDICT_CLEAN,
    .state_size = anderson_size,
    .create = anderson_create,
    .lock = {.acquire = anderson_acquire, .release = anderson_release, .try_acquire = anderson_try},
};
