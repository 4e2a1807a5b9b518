/* ring-mpmc: a bounded ring for any number of producers and consumers.
 *
 * Each slot has a sequence number that says whose turn it is (Vyukov: Bounded MPMC queue). Whoever has reserved a slot and is then held up holds up those who come to that slot: they
 * say EAGAIN although later slots may be filled, so that its EAGAIN means "not now", and not "empty". */
#include <errno.h>
#include <string.h>

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
    return (sizeof(struct cell) + setup->size + 7) / 8 * 8;
}

static size_t mpmc_bytes(const struct sync_setup *setup)
{
    return sizeof(struct mpmc) + ring_capacity(setup) * stride_of(setup);
}

static struct cell *cell_of(struct sync_self *self, uint64_t position)
{
    struct mpmc *ring = self->state;
    uint64_t at = position % ring_capacity(self->setup);
    return (struct cell *)(void *)(ring->cells + at * stride_of(self->setup));
}

/* Reserves the next position of *index whose cell is at the turn `filled` of its lap. Returns its cell, and in *turn its
 * sequence number; NULL: it is not that far. */
static struct cell *reserve(struct sync_self *self, uint64_t *index, uint64_t filled, uint64_t *turn)
{
    uint64_t position = __atomic_load_n(index, __ATOMIC_RELAXED);
    for (;;) {
        struct cell *cell = cell_of(self, position);
        uint64_t wanted = position / ring_capacity(self->setup) * 2 + filled;
        int64_t ahead = (int64_t)(__atomic_load_n(&cell->sequence, __ATOMIC_ACQUIRE) - wanted);
        *turn = wanted;
        if (ahead < 0)
            return NULL;
        if (ahead > 0) /* somebody else has had this position: look for the next one */
            position = __atomic_load_n(index, __ATOMIC_RELAXED);
        else if (__atomic_compare_exchange_n(index, &position, position + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return cell;
    }
}

static int mpmc_push(struct sync_self *self, const void *element, size_t bytes)
{
    uint64_t turn;
    if (bytes > self->setup->size)
        return EMSGSIZE;
    struct cell *cell = reserve(self, &((struct mpmc *)self->state)->tail, 0, &turn);
    if (!cell)
        return EAGAIN;
    cell->bytes = bytes;
    memcpy(cell->element, element, bytes);
    __atomic_store_n(&cell->sequence, turn + 1, __ATOMIC_RELEASE);
    return 0;
}

static int mpmc_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    uint64_t turn;
    struct cell *cell = reserve(self, &((struct mpmc *)self->state)->head, 1, &turn);
    if (!cell)
        return EAGAIN;
    *got = cell->bytes < bytes ? cell->bytes : bytes; /* reserved: it must be taken, and a buffer of setup->size has room */
    memcpy(element, cell->element, *got);
    __atomic_store_n(&cell->sequence, turn + 1, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_ring_mpmc = {
    .name = "ring-mpmc",
    .summary = "ring for many producers and consumers: a sequence number in each slot",
    .family = SYNC_QUEUE,
    .expect = VERDICT_CLEAN,
    .state_size = mpmc_bytes,
    .queue = {.push = mpmc_push, .pop = mpmc_pop, .not_now = true},
};
