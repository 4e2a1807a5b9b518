/* pool-tagged, pool-bitmap, pool-none: slots that are taken and given back. */
#include <errno.h>
#include <stdbool.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

/* Where a load leaves the number of slots to the pool. */
#define SLOTS_DEFAULT 64
#define NOWHERE UINT32_MAX

static uint32_t slots_of(const struct sync_setup *setup)
{
    return setup->capacity ? setup->capacity : SLOTS_DEFAULT;
}

/* A list of free slots, by their numbers. The head's upper half counts takings: a head that has come back to the same slot
 * meanwhile, with another one behind it, is another head all the same. 2^32 takings within one are one too many. */
struct free_list {
    uint64_t head;
    _Alignas(SYNC_STATE_ALIGN) uint32_t next[];
};

static size_t list_bytes(const struct sync_setup *setup)
{
    return sizeof(struct free_list) + slots_of(setup) * sizeof(uint32_t);
}

static int list_create(void *state, const struct sync_setup *setup)
{
    struct free_list *list = state;
    uint32_t slots = slots_of(setup);
    for (uint32_t i = 0; i < slots; i++)
        list->next[i] = i + 1 < slots ? i + 1 : NOWHERE;
    list->head = 0;
    return 0;
}

static int tagged_take(struct sync_self *self, uint32_t *slot)
{
    struct free_list *list = self->state;
    uint64_t head = __atomic_load_n(&list->head, __ATOMIC_ACQUIRE), after;
    do {
        *slot = (uint32_t)head;
        if (*slot == NOWHERE)
            return EAGAIN;
        uint32_t next = __atomic_load_n(&list->next[*slot], __ATOMIC_RELAXED); /* of no use if the exchange fails */
        after = ((head >> 32) + 1) << 32 | next;
    } while (!__atomic_compare_exchange_n(&list->head, &head, after, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
    return 0;
}

static int tagged_give(struct sync_self *self, uint32_t slot)
{
    struct free_list *list = self->state;
    uint64_t head = __atomic_load_n(&list->head, __ATOMIC_RELAXED);
    do
        __atomic_store_n(&list->next[slot], (uint32_t)head, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&list->head, &head, (head >> 32) << 32 | slot, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
    return 0;
}

const struct sync_ops sync_pool_tagged = {
    .name = "pool-tagged",
    .summary = "lock-free list of free slots; a tag in its head tells a head that went and came back",
    .family = SYNC_POOL,
    .expect = VERDICT_CLEAN,
    .state_size = list_bytes,
    .create = list_create,
    .pool = {.take = tagged_take, .give = tagged_give},
};

/* A bit for each slot, set while it is free. The count is taken down before a bit is looked for, and up after it was set: so
 * whoever has got past the count finds one, and a search that overlooks none needs no lock. */
struct bitmap {
    uint32_t free;
    _Alignas(SYNC_STATE_ALIGN) uint64_t words[];
};

static size_t bitmap_bytes(const struct sync_setup *setup)
{
    return sizeof(struct bitmap) + (slots_of(setup) + 63) / 64 * sizeof(uint64_t);
}

static int bitmap_create(void *state, const struct sync_setup *setup)
{
    struct bitmap *map = state;
    map->free = slots_of(setup);
    for (uint32_t i = 0; i < map->free; i++)
        map->words[i / 64] |= 1ULL << i % 64;
    return 0;
}

static bool bitmap_reserve(struct bitmap *map)
{
    uint32_t count = __atomic_load_n(&map->free, __ATOMIC_RELAXED);
    while (count)
        if (__atomic_compare_exchange_n(&map->free, &count, count - 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    return false;
}

static bool bitmap_search(struct bitmap *map, uint32_t words, uint32_t *slot)
{
    for (uint32_t i = 0; i < words; i++) {
        uint64_t bits = __atomic_load_n(&map->words[i], __ATOMIC_RELAXED);
        while (bits) {
            uint64_t bit = bits & -bits;
            if (__atomic_compare_exchange_n(&map->words[i], &bits, bits & ~bit, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
                *slot = i * 64 + (uint32_t)__builtin_ctzll(bit);
                return true;
            }
        }
    }
    return false;
}

static int bitmap_take(struct sync_self *self, uint32_t *slot)
{
    uint32_t words = (slots_of(self->setup) + 63) / 64, spins = 0;
    if (!bitmap_reserve(self->state))
        return EAGAIN;
    while (!bitmap_search(self->state, words, slot)) /* the free one was behind the search, others moved */
        spin_wait(&spins);
    return 0;
}

static int bitmap_give(struct sync_self *self, uint32_t slot)
{
    struct bitmap *map = self->state;
    __atomic_fetch_or(&map->words[slot / 64], 1ULL << slot % 64, __ATOMIC_RELEASE);
    __atomic_fetch_add(&map->free, 1, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_pool_bitmap = {
    .name = "pool-bitmap",
    .summary = "a bit a slot, taken by compare-and-swap; a count of the free ones tells when there is none",
    .family = SYNC_POOL,
    .expect = VERDICT_CLEAN,
    .state_size = bitmap_bytes,
    .create = bitmap_create,
    .pool = {.take = bitmap_take, .give = bitmap_give},
};

static int plain_take(struct sync_self *self, uint32_t *slot)
{
    volatile struct free_list *list = self->state;
    *slot = (uint32_t)list->head;
    if (*slot == NOWHERE)
        return EAGAIN;
    list->head = list->next[*slot];
    return 0;
}

static int plain_give(struct sync_self *self, uint32_t slot)
{
    volatile struct free_list *list = self->state;
    list->next[slot] = (uint32_t)list->head;
    list->head = slot;
    return 0;
}

const struct sync_ops sync_pool_none = {
    .name = "pool-none",
    .summary = "a list of free slots in plain loads and stores: shows what breaks",
    .family = SYNC_POOL,
    .traits = SYNC_CONTROL | SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_size = list_bytes,
    .create = list_create,
    .pool = {.take = plain_take, .give = plain_give},
};
