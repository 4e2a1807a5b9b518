/* counter-add, counter-cas, counter-none: one number that everybody adds to. */
#include <stdbool.h>

#include "base/clock.h"
#include "workloads/sync/rows.h"

static int add_fetch(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    *before = __atomic_fetch_add((uint64_t *)self->state, amount, __ATOMIC_ACQ_REL);
    return 0;
}

const struct sync_ops sync_counter_add = {
    .name = "counter-add",
    .summary = "atomic fetch-and-add",
    .family = SYNC_COUNTER,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(uint64_t),
    .counter = {.add = add_fetch},
};

static int add_swap(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    uint64_t *number = self->state, value = __atomic_load_n(number, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(number, &value, value + amount, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        cpu_relax();
    *before = value;
    return 0;
}

const struct sync_ops sync_counter_cas = {
    .name = "counter-cas",
    .summary = "compare-and-swap until it succeeds",
    .family = SYNC_COUNTER,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(uint64_t),
    .counter = {.add = add_swap},
};

static int add_plainly(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    volatile uint64_t *number = self->state;
    *before = *number;
    *number = *before + amount;
    return 0;
}

const struct sync_ops sync_counter_none = {
    .name = "counter-none",
    .summary = "a load and a store with nothing between them: shows what breaks",
    .family = SYNC_COUNTER,
    .traits = SYNC_CONTROL | SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(uint64_t),
    .counter = {.add = add_plainly},
};
