/* busted-barrier-*: barriers, each broken on purpose in one way. */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

#define LINE SYNC_STATE_ALIGN

struct barrier {
    _Alignas(LINE) uint32_t arrived;
    _Alignas(LINE) uint32_t turn;
};

static uint32_t crew_of(const struct sync_self *self)
{
    return self->setup->writers + self->setup->readers;
}

static uint32_t look(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void put(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void wait_while(const uint32_t *word, uint32_t value)
{
    for (uint32_t spins = 0; look(word) == value;)
        spin_wait(&spins);
}

/* All wait for the count to be zero again. Who is quick arrives anew before the others have seen the zero. */
static int senseless_arrive(struct sync_self *self)
{
    struct barrier *barrier = self->state;
    if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == crew_of(self)) {
        put(&barrier->arrived, 0);
        return 0;
    }
    for (uint32_t spins = 0; look(&barrier->arrived) != 0;)
        spin_wait(&spins);
    return 0;
}

const struct sync_ops sync_busted_barrier_sense = {
    .name = "busted-barrier-sense",
    .summary = "broken on purpose: waits for a count of zero, which a quick process has left before a slow one has seen it",
    .family = SYNC_BARRIER,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(struct barrier),
    .barrier = {.arrive = senseless_arrive},
};

/* The count is reset when the others are already free: who arrives anew before that is not counted. */
static int reset_arrive(struct sync_self *self)
{
    struct barrier *barrier = self->state;
    uint32_t turn = look(&barrier->turn);
    if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == crew_of(self)) {
        put(&barrier->turn, turn + 1);
        put(&barrier->arrived, 0);
        return 0;
    }
    wait_while(&barrier->turn, turn);
    return 0;
}

const struct sync_ops sync_busted_barrier_reset = {
    .name = "busted-barrier-reset",
    .summary = "broken on purpose: lets the others go before it resets the count, and loses who comes back at once",
    .family = SYNC_BARRIER,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(struct barrier),
    .barrier = {.arrive = reset_arrive},
};

/* The last one is not waited for: it finds itself alone in the next turn. */
static int early_arrive(struct sync_self *self)
{
    struct barrier *barrier = self->state;
    uint32_t turn = look(&barrier->turn), wanted = crew_of(self) > 2 ? crew_of(self) - 1 : 1;
    if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == wanted) {
        put(&barrier->arrived, 0);
        put(&barrier->turn, turn + 1);
        return 0;
    }
    wait_while(&barrier->turn, turn);
    return 0;
}

const struct sync_ops sync_busted_barrier_early = {
    .name = "busted-barrier-early",
    .summary = "broken on purpose: lets the crew go when all but one have arrived",
    .family = SYNC_BARRIER,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct barrier),
    .barrier = {.arrive = early_arrive},
};

/* Two that arrive at the same moment are counted as one. */
static int plain_arrive(struct sync_self *self)
{
    struct barrier *barrier = self->state;
    uint32_t turn = look(&barrier->turn), arrived = look(&barrier->arrived) + 1;
    put(&barrier->arrived, arrived);
    if (arrived == crew_of(self)) {
        put(&barrier->arrived, 0);
        put(&barrier->turn, turn + 1);
        return 0;
    }
    wait_while(&barrier->turn, turn);
    return 0;
}

const struct sync_ops sync_busted_barrier_count = {
    .name = "busted-barrier-count",
    .summary = "broken on purpose: counts arrivals without an atomic instruction",
    .family = SYNC_BARRIER,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(struct barrier),
    .barrier = {.arrive = plain_arrive},
};

/* Sleeps while the turn is what it is now, not what it was on arriving: if it has just come, it waits for the next one. */
static int sleepy_arrive(struct sync_self *self)
{
    struct barrier *barrier = self->state;
    uint32_t turn = look(&barrier->turn);
    if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == crew_of(self)) {
        put(&barrier->arrived, 0);
        put(&barrier->turn, turn + 1);
        syscall(SYS_futex, &barrier->turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
        return 0;
    }
    while (look(&barrier->turn) == turn)
        syscall(SYS_futex, &barrier->turn, FUTEX_WAIT, look(&barrier->turn), NULL, NULL, 0);
    return 0;
}

const struct sync_ops sync_busted_barrier_sleep = {
    .name = "busted-barrier-sleep",
    .summary = "broken on purpose: reads the turn anew for the wait, and sleeps through it when it has just come",
    .family = SYNC_BARRIER,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(struct barrier),
    .barrier = {.arrive = sleepy_arrive},
};
