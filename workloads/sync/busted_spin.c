/* busted-*, spinning: locks on one word or a few, each broken on purpose in one way. */
#include <stdbool.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

static void word_lock(uint32_t *word)
{
    for (uint32_t spins = 0; __atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) != 0;)
        spin_wait(&spins);
}

static void word_unlock(uint32_t *word)
{
    __atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

/* An error path that gives back what the caller gives back as well: the second time it may be somebody else's. */
struct twice {
    uint32_t held, errors;
};

static int twice_acquire(struct sync_self *self)
{
    word_lock(&((struct twice *)self->state)->held);
    return 0;
}

static int twice_release(struct sync_self *self)
{
    struct twice *lock = self->state;
    bool failed = ++lock->errors % 64 == 0;
    word_unlock(&lock->held);
    if (failed)
        word_unlock(&lock->held);
    return 0;
}

const struct sync_ops sync_busted_double_release = {
    .name = "busted-double-release",
    .summary = "broken on purpose: an error path releases the lock a second time, when another may hold it",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct twice),
    .lock = {.acquire = twice_acquire, .release = twice_release},
};

/* The waiter has the word in a register, as a compiler may keep it that is not told otherwise. */
static int stale_acquire(struct sync_self *self)
{
    uint32_t *word = self->state;
    while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) != 0) {
        uint32_t held = __atomic_load_n(word, __ATOMIC_RELAXED);
        uint32_t spins = 0;
        while (held)
            spin_wait(&spins);
    }
    return 0;
}

static int word_release(struct sync_self *self)
{
    word_unlock(self->state);
    return 0;
}

const struct sync_ops sync_busted_stale_spin = {
    .name = "busted-stale-spin",
    .summary = "broken on purpose: a waiter reads the word once and spins on its copy",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(uint32_t),
    .lock = {.acquire = stale_acquire, .release = word_release},
};

/* Statistics beside the word, cleared every 2^20 times by whoever is inside: the word is cleared with them. */
struct counted {
    uint32_t held, acquisitions;
};

static int counted_acquire(struct sync_self *self)
{
    struct counted *lock = self->state;
    word_lock(&lock->held);
    if (++lock->acquisitions == 1u << 20)
        *(volatile struct counted *)lock = (struct counted){0};
    return 0;
}

static int counted_release(struct sync_self *self)
{
    word_unlock(&((struct counted *)self->state)->held);
    return 0;
}

const struct sync_ops sync_busted_one_in_a_million = {
    .name = "busted-one-in-a-million",
    .summary = "broken on purpose: every 2^20 acquisitions the holder clears its statistics, and the lock word with them",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct counted),
    .lock = {.acquire = counted_acquire, .release = counted_release},
};

/* Biased towards the process that had it first, which then goes without atomic instructions. Others ought to take the bias
 * back before they go in. */
struct biased {
    uint32_t owner; /* index + 1 */
    _Alignas(64) uint32_t inside;
    _Alignas(64) uint32_t held;
};

static int biased_acquire(struct sync_self *self)
{
    struct biased *lock = self->state;
    uint32_t nobody = 0;
    __atomic_compare_exchange_n(&lock->owner, &nobody, self->index + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    if (lock->owner == self->index + 1)
        __atomic_store_n(&lock->inside, 1, __ATOMIC_RELAXED);
    else
        word_lock(&lock->held);
    return 0;
}

static int biased_release(struct sync_self *self)
{
    struct biased *lock = self->state;
    word_unlock(lock->owner == self->index + 1 ? &lock->inside : &lock->held);
    return 0;
}

const struct sync_ops sync_busted_biased = {
    .name = "busted-biased",
    .summary = "broken on purpose: a biased lock whose bias nobody takes back",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct biased),
    .lock = {.acquire = biased_acquire, .release = biased_release},
};

/* Index + 1, so that 0 is nobody. */
struct node {
    _Alignas(64) uint32_t next, waits;
};

struct chain {
    _Alignas(64) uint32_t tail;
    struct node nodes[];
};

static size_t chain_size(const struct sync_setup *setup)
{
    return sizeof(struct chain) + (setup->writers + setup->readers) * sizeof(struct node);
}

static int chain_acquire(struct sync_self *self)
{
    struct chain *lock = self->state;
    struct node *node = &lock->nodes[self->index];
    node->next = 0;
    node->waits = 1;
    uint32_t before = __atomic_exchange_n(&lock->tail, self->index + 1, __ATOMIC_ACQ_REL);
    if (!before)
        return 0;
    __atomic_store_n(&lock->nodes[before - 1].next, self->index + 1, __ATOMIC_RELEASE);
    for (uint32_t spins = 0; __atomic_load_n(&node->waits, __ATOMIC_ACQUIRE);)
        spin_wait(&spins);
    return 0;
}

/* Between the look at the tail and the store somebody can have lined up: nobody will ever wake that one. */
static int chain_release(struct sync_self *self)
{
    struct chain *lock = self->state;
    struct node *node = &lock->nodes[self->index];
    uint32_t next = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE);
    if (!next && __atomic_load_n(&lock->tail, __ATOMIC_RELAXED) == self->index + 1) {
        __atomic_store_n(&lock->tail, 0, __ATOMIC_RELEASE);
        return 0;
    }
    for (uint32_t spins = 0; !next; next = __atomic_load_n(&node->next, __ATOMIC_ACQUIRE))
        spin_wait(&spins);
    __atomic_store_n(&lock->nodes[next - 1].waits, 0, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_mcs_tail = {
    .name = "busted-mcs-tail",
    .summary = "broken on purpose: an MCS lock that empties its tail without compare-and-swap, past who has just lined up",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_WEDGED,
    .state_size = chain_size,
    .lock = {.acquire = chain_acquire, .release = chain_release},
};
