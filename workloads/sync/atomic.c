/* tas, ttas, ticket: spin locks of our own, on one word of the region. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "contract/tight.h"
#include "workloads/sync/rows.h"
#include "workloads/sync/sight.h"

static int tas_try(struct sync_self *self)
{
    return __atomic_exchange_n((uint32_t *)self->state, 1, __ATOMIC_ACQUIRE) == 0 ? 0 : EBUSY;
}

static int tas_acquire(struct sync_self *self)
{
    while (tas_try(self) != 0)
        cpu_relax();
    return 0;
}

/* Reads until the word looks free: waiters share the line instead of tearing it from the holder. */
static int ttas_acquire(struct sync_self *self)
{
    while (tas_try(self) != 0)
        while (__atomic_load_n((uint32_t *)self->state, __ATOMIC_RELAXED) != 0)
            cpu_relax();
    return 0;
}

static int word_release(struct sync_self *self)
{
    __atomic_store_n((uint32_t *)self->state, 0, __ATOMIC_RELEASE);
    return 0;
}

TIGHT_LOCK(tas, tas_acquire, word_release);
TIGHT_LOCK(ttas, ttas_acquire, word_release);

const struct sync_ops sync_tas = {
    .name = "tas",
    .summary = "test-and-set spin lock: an exchange until it succeeds",
    .family = SYNC_LOCK,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(uint32_t),
    .describe = sight_held_word,
    .lock = {.acquire = tas_acquire, .release = word_release, .try_acquire = tas_try},
};

const struct sync_ops sync_ttas = {
    .name = "ttas",
    .summary = "test-and-test-and-set spin lock: waits by reading",
    .family = SYNC_LOCK,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(uint32_t),
    .describe = sight_held_word,
    .lock = {.acquire = ttas_acquire, .release = word_release, .try_acquire = tas_try},
};

/* Two counters that wrap together; 2^32 waiters would be one too many. */
struct ticket {
    uint32_t next, serving;
};

static void ticket_describe(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    const struct ticket *lock = state;
    (void)setup;
    snprintf(sight->words, sizeof sight->words, "ticket %u is served, %u in line; it names no owner", lock->serving,
             lock->next - lock->serving);
}

static int ticket_acquire(struct sync_self *self)
{
    struct ticket *lock = self->state;
    uint32_t mine = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != mine)
        cpu_relax();
    return 0;
}

static int ticket_try(struct sync_self *self)
{
    struct ticket *lock = self->state;
    uint32_t serving = __atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE);
    bool got = __atomic_compare_exchange_n(&lock->next, &serving, serving + 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
    return got ? 0 : EBUSY;
}

/* Only the holder writes `serving`. */
static int ticket_release(struct sync_self *self)
{
    struct ticket *lock = self->state;
    __atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
    return 0;
}

TIGHT_LOCK(ticket, ticket_acquire, ticket_release);

const struct sync_ops sync_ticket = {
    .name = "ticket",
    .summary = "ticket spin lock: first come, first served; falls far behind when waiters outnumber CPUs",
    .family = SYNC_LOCK,
    .traits = SYNC_FAIR | SYNC_QUEUED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(struct ticket),
    .describe = ticket_describe,
    .lock = {.acquire = ticket_acquire, .release = ticket_release, .try_acquire = ticket_try},
};
