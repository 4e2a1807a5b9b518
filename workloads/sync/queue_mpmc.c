/* ring-mpmc: a bounded ring for any number of producers and consumers.
 *
 * Each slot has a sequence number that says whose turn it is (Vyukov: Bounded MPMC queue). Whoever has reserved a slot and is then
 * held up holds up those who come to that slot: they say EAGAIN although later slots may be filled, so that its EAGAIN means "not
 * now", and not "empty".
 */
#include <errno.h>

#include "workloads/sync/queue_ring.h"
#include "workloads/sync/rows.h"

struct cell {
    uint64_t sequence; /* 2 * lap: to be filled in that lap; 2 * lap + 1: filled */
    uint64_t bytes;
    unsigned char element[];
};

struct mpmc {
    _Alignas(RING_LINE) uint64_t tail;
    _Alignas(RING_LINE) uint64_t head;
    _Alignas(RING_LINE) unsigned char cells[];
};

static size_t stride_of(const struct sync_setup *setup)
{
    return ring_slot_bytes(sizeof(struct cell), setup->size);
}

size_t ring_mpmc_bytes(const struct sync_setup *setup)
{
    return sizeof(struct mpmc) + ring_capacity(setup) * stride_of(setup);
}

/* The cell of a position, and what its sequence number is when that position's turn to be filled, or to be emptied, has come. */
static struct cell *cell_of(struct mpmc *ring, const struct sync_setup *setup, uint64_t position, uint64_t filled, uint64_t *turn)
{
    uint64_t lap;
    uint32_t at = ring_split(ring_capacity(setup), position, &lap);
    *turn = lap * 2 + filled;
    return (struct cell *)(void *)(ring->cells + at * stride_of(setup));
}

/* Reserves the next position of *index whose cell is at the turn `filled` of its lap. Returns its cell, and in *turn its
 * sequence number; NULL: it is not that far. */
static struct cell *reserve(struct mpmc *ring, const struct sync_setup *setup, uint64_t *index, uint64_t filled, uint64_t *turn)
{
    uint64_t position = __atomic_load_n(index, __ATOMIC_RELAXED);
    for (;;) {
        struct cell *cell = cell_of(ring, setup, position, filled, turn);
        int64_t ahead = (int64_t)(__atomic_load_n(&cell->sequence, __ATOMIC_ACQUIRE) - *turn);
        if (ahead < 0)
            return NULL;
        if (ahead > 0) /* somebody else has had this position: look for the next one */
            position = __atomic_load_n(index, __ATOMIC_RELAXED);
        else if (__atomic_compare_exchange_n(index, &position, position + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return cell;
    }
}

/* Would somebody who asks now get it, or find that others were quicker? */
static bool is_far(struct mpmc *ring, const struct sync_setup *setup, const uint64_t *index, uint64_t filled)
{
    uint64_t turn, position = __atomic_load_n(index, __ATOMIC_ACQUIRE);
    const struct cell *cell = cell_of(ring, setup, position, filled, &turn);
    return (int64_t)(__atomic_load_n(&cell->sequence, __ATOMIC_ACQUIRE) - turn) >= 0;
}

bool ring_mpmc_has_element(void *memory, const struct sync_setup *setup)
{
    struct mpmc *ring = memory;
    return is_far(ring, setup, &ring->head, 1);
}

bool ring_mpmc_has_room(void *memory, const struct sync_setup *setup)
{
    struct mpmc *ring = memory;
    return is_far(ring, setup, &ring->tail, 0);
}

int ring_mpmc_push(void *memory, const struct sync_setup *setup, const void *element, size_t bytes)
{
    struct mpmc *ring = memory;
    uint64_t turn;
    if (bytes > setup->size)
        return EMSGSIZE;
    struct cell *cell = reserve(ring, setup, &ring->tail, 0, &turn);
    if (!cell)
        return EAGAIN;
    cell->bytes = bytes;
    ring_copy(cell->element, element, bytes);
    __atomic_store_n(&cell->sequence, turn + 1, __ATOMIC_RELEASE);
    return 0;
}

int ring_mpmc_pop(void *memory, const struct sync_setup *setup, void *element, size_t bytes, size_t *got)
{
    struct mpmc *ring = memory;
    uint64_t turn;
    struct cell *cell = reserve(ring, setup, &ring->head, 1, &turn);
    if (!cell)
        return EAGAIN;
    *got = cell->bytes < bytes ? cell->bytes : bytes; /* reserved: it must be taken, and a buffer of setup->size has room */
    ring_copy(element, cell->element, *got);
    __atomic_store_n(&cell->sequence, turn + 1, __ATOMIC_RELEASE);
    return 0;
}

static int mpmc_push(struct sync_self *self, const void *element, size_t bytes)
{
    return ring_mpmc_push(self->state, self->setup, element, bytes);
}

static int mpmc_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    return ring_mpmc_pop(self->state, self->setup, element, bytes, got);
}

const struct sync_ops sync_ring_mpmc = {
    .name = "ring-mpmc",
    .summary = "ring for many producers and consumers: a sequence number in each slot",
    .family = SYNC_QUEUE,
    .expect = VERDICT_CLEAN,
    .state_size = ring_mpmc_bytes,
    .queue = {.push = mpmc_push, .pop = mpmc_pop, .not_now = true},
};
