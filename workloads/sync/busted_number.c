/* busted-counter-*: counters, each broken on purpose in one way. */
#include <stdbool.h>

#include "workloads/sync/rows.h"

/* Somebody else was faster, and this addition is forgotten. */
static int once_add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    uint64_t *number = self->state;
    *before = __atomic_load_n(number, __ATOMIC_RELAXED);
    uint64_t expected = *before;
    __atomic_compare_exchange_n(number, &expected, expected + amount, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    return 0;
}

const struct sync_ops sync_busted_counter_once = {
    .name = "busted-counter-once",
    .summary = "broken on purpose: compare-and-swap is tried once, and its failure is not looked at",
    .family = SYNC_COUNTER,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(uint64_t),
    .counter = {.add = once_add},
};

/* Adds correctly, and then asks what there was before: others may have added meanwhile. */
static int after_add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    uint64_t *number = self->state;
    __atomic_fetch_add(number, amount, __ATOMIC_ACQ_REL);
    *before = __atomic_load_n(number, __ATOMIC_ACQUIRE) - amount;
    return 0;
}

const struct sync_ops sync_busted_counter_before = {
    .name = "busted-counter-before",
    .summary = "broken on purpose: adds in one step, and reads what there was before in another",
    .family = SYNC_COUNTER,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(uint64_t),
    .counter = {.add = after_add},
};

/* One instruction, and so thought to be one step; without a lock prefix, other CPUs come in between. */
static int single_add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
#if defined(__x86_64__)
    __asm__ __volatile__("xaddq %0, %1" : "+r"(amount), "+m"(*(uint64_t *)self->state) : : "memory");
    *before = amount;
#else
    volatile uint64_t *number = self->state;
    *before = *number;
    *number = *before + amount;
#endif
    return 0;
}

const struct sync_ops sync_busted_counter_instruction = {
    .name = "busted-counter-instruction",
    .summary = "broken on purpose: takes one instruction for one step, without the lock prefix",
    .family = SYNC_COUNTER,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(uint64_t),
    .counter = {.add = single_add},
};

static int narrow_add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    *before = __atomic_fetch_add((uint32_t *)self->state, (uint32_t)amount, __ATOMIC_ACQ_REL);
    return 0;
}

const struct sync_ops sync_busted_counter_narrow = {
    .name = "busted-counter-narrow",
    .summary = "broken on purpose: counts in 32 bits, and wraps at 2^32",
    .family = SYNC_COUNTER,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(uint64_t),
    .counter = {.add = narrow_add},
};

/* Two halves of 32 bits, as on a CPU without wider atomic instructions. Each is exact; between the halves others come in. */
struct halves {
    uint32_t low, high;
};

static int halves_add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    struct halves *number = self->state;
    uint32_t low = __atomic_fetch_add(&number->low, (uint32_t)amount, __ATOMIC_ACQ_REL);
    bool carry = (uint32_t)(low + (uint32_t)amount) < low;
    uint32_t high = __atomic_fetch_add(&number->high, (uint32_t)(amount >> 32) + carry, __ATOMIC_ACQ_REL);
    *before = (uint64_t)high << 32 | low;
    return 0;
}

const struct sync_ops sync_busted_counter_carry = {
    .name = "busted-counter-carry",
    .summary = "broken on purpose: adds to two halves one after the other, and the carry comes late",
    .family = SYNC_COUNTER,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct halves),
    .counter = {.add = halves_add},
};
