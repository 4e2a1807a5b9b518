/* busted-pool-*: pools of slots, each broken on purpose in one way. */
#include <errno.h>
#include <stdbool.h>

#include "workloads/sync/rows.h"

/* Where a load leaves the number of slots to the pool. */
#define SLOTS_DEFAULT 64
#define NOWHERE UINT32_MAX

static uint32_t slots_of(const struct sync_setup *setup)
{
    return setup->capacity ? setup->capacity : SLOTS_DEFAULT;
}

struct free_list {
    uint32_t head;
    _Alignas(SYNC_STATE_ALIGN) uint32_t next[];
};

static size_t list_bytes(const struct sync_setup *setup)
{
    return sizeof(struct free_list) + slots_of(setup) * sizeof(uint32_t);
}

static int list_create(void *state, const struct sync_setup *setup)
{
    struct free_list *list = state;
    for (uint32_t i = 0; i < slots_of(setup); i++)
        list->next[i] = i + 1 < slots_of(setup) ? i + 1 : NOWHERE;
    return 0;
}

/* The head may have gone and come back since it was looked at, with another slot behind it: the exchange cannot tell. */
static int untagged_take(struct sync_self *self, uint32_t *slot)
{
    struct free_list *list = self->state;
    uint32_t head = __atomic_load_n(&list->head, __ATOMIC_ACQUIRE), next;
    do {
        if (head == NOWHERE)
            return EAGAIN;
        next = __atomic_load_n(&list->next[head], __ATOMIC_RELAXED);
    } while (!__atomic_compare_exchange_n(&list->head, &head, next, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
    *slot = head;
    return 0;
}

static int untagged_give(struct sync_self *self, uint32_t slot)
{
    struct free_list *list = self->state;
    uint32_t head = __atomic_load_n(&list->head, __ATOMIC_RELAXED);
    do
        __atomic_store_n(&list->next[slot], head, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&list->head, &head, slot, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return 0;
}

const struct sync_ops sync_busted_pool_aba = {
    .name = "busted-pool-aba",
    .summary = "broken on purpose: a free list without a tag, whose head can go and come back unnoticed (ABA)",
    .family = SYNC_POOL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_size = list_bytes,
    .create = list_create,
    .pool = {.take = untagged_take, .give = untagged_give},
};

/* A bit for each slot, set while it is free. */
struct bitmap {
    uint32_t free;
    _Alignas(SYNC_STATE_ALIGN) uint64_t words[];
};

static uint32_t words_of(const struct sync_setup *setup)
{
    return (slots_of(setup) + 63) / 64;
}

static size_t bitmap_bytes(const struct sync_setup *setup)
{
    return sizeof(struct bitmap) + words_of(setup) * sizeof(uint64_t);
}

static int bitmap_create(void *state, const struct sync_setup *setup)
{
    struct bitmap *map = state;
    map->free = slots_of(setup);
    for (uint32_t i = 0; i < map->free; i++)
        map->words[i / 64] |= 1ULL << i % 64;
    return 0;
}

static uint32_t slot_at(uint32_t word, uint64_t bits)
{
    return word * 64 + (uint32_t)__builtin_ctzll(bits);
}

static bool clear_lowest(uint64_t *word, uint64_t *bits)
{
    uint64_t others = *bits & (*bits - 1);
    return __atomic_compare_exchange_n(word, bits, others, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static int exact_take(struct sync_self *self, uint32_t *slot)
{
    struct bitmap *map = self->state;
    for (uint32_t i = 0; i < words_of(self->setup); i++) {
        uint64_t bits = __atomic_load_n(&map->words[i], __ATOMIC_RELAXED);
        while (bits) {
            *slot = slot_at(i, bits);
            if (clear_lowest(&map->words[i], &bits))
                return 0;
        }
    }
    return EAGAIN;
}

static int exact_give(struct sync_self *self, uint32_t slot)
{
    struct bitmap *map = self->state;
    __atomic_fetch_or(&map->words[slot / 64], 1ULL << slot % 64, __ATOMIC_RELEASE);
    return 0;
}

/* Two find the same bit before either has cleared it. */
static int twice_take(struct sync_self *self, uint32_t *slot)
{
    struct bitmap *map = self->state;
    for (uint32_t i = 0; i < words_of(self->setup); i++) {
        uint64_t bits = __atomic_load_n(&map->words[i], __ATOMIC_ACQUIRE);
        if (!bits)
            continue;
        *slot = slot_at(i, bits);
        __atomic_fetch_and(&map->words[i], ~(bits & -bits), __ATOMIC_ACQ_REL);
        return 0;
    }
    return EAGAIN;
}

const struct sync_ops sync_busted_pool_twice = {
    .name = "busted-pool-twice",
    .summary = "broken on purpose: finds a free slot and marks it in two steps, so that two can have it",
    .family = SYNC_POOL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_size = bitmap_bytes,
    .create = bitmap_create,
    .pool = {.take = twice_take, .give = exact_give},
};

/* What others have taken or given back between the load and the store is undone. */
static int plain_give(struct sync_self *self, uint32_t slot)
{
    struct bitmap *map = self->state;
    uint64_t bits = __atomic_load_n(&map->words[slot / 64], __ATOMIC_RELAXED);
    __atomic_store_n(&map->words[slot / 64], bits | 1ULL << slot % 64, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_pool_lost = {
    .name = "busted-pool-lost",
    .summary = "broken on purpose: gives a slot back without an atomic instruction, and undoes what others did meanwhile",
    .family = SYNC_POOL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_size = bitmap_bytes,
    .create = bitmap_create,
    .pool = {.take = exact_take, .give = plain_give},
};

/* Counts itself in before it looks for its bit. Who is too slow for the bit leaves empty-handed, and stays counted. */
static bool reserve(struct bitmap *map)
{
    uint32_t count = __atomic_load_n(&map->free, __ATOMIC_RELAXED);
    while (count)
        if (__atomic_compare_exchange_n(&map->free, &count, count - 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    return false;
}

static int leaking_take(struct sync_self *self, uint32_t *slot)
{
    struct bitmap *map = self->state;
    if (!reserve(map))
        return EAGAIN;
    for (uint32_t i = 0; i < words_of(self->setup); i++) {
        uint64_t bits = __atomic_load_n(&map->words[i], __ATOMIC_RELAXED);
        if (!bits)
            continue;
        *slot = slot_at(i, bits);
        return clear_lowest(&map->words[i], &bits) ? 0 : EAGAIN;
    }
    return EAGAIN;
}

static int counted_give(struct sync_self *self, uint32_t slot)
{
    exact_give(self, slot);
    __atomic_fetch_add(&((struct bitmap *)self->state)->free, 1, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_pool_leak = {
    .name = "busted-pool-leak",
    .summary = "broken on purpose: who loses a race for a slot leaves it counted as taken, for ever",
    .family = SYNC_POOL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_size = bitmap_bytes,
    .create = bitmap_create,
    .pool = {.take = leaking_take, .give = counted_give},
};
