/* busted-spsc-*, busted-mpsc-*: rings without locks, each broken on purpose in one way. */
#include <errno.h>
#include <string.h>

#include "shm/ring.h"
#include "workloads/sync/queue_ring.h"
#include "workloads/sync/rows.h"

struct ends {
    _Alignas(RING_LINE) uint64_t tail; /* elements pushed so far */
    _Alignas(RING_LINE) uint64_t head; /* elements popped so far */
    _Alignas(RING_LINE) unsigned char slots[];
};

static size_t ends_bytes(const struct sync_setup *setup)
{
    return sizeof(struct ends) + ring_capacity(setup) * ring_stride(setup->size);
}

static struct ring_slot *slot_of(struct sync_self *self, uint64_t index)
{
    struct ends *ring = self->state;
    uint64_t at = index % ring_capacity(self->setup);
    return (struct ring_slot *)(void *)(ring->slots + at * ring_stride(self->setup->size));
}

static uint64_t seen(const uint64_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void publish(uint64_t *index, uint64_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static void fill(struct ring_slot *slot, const void *element, size_t bytes)
{
    slot->bytes = bytes;
    memcpy(slot->element, element, bytes);
}

static void empty(const struct ring_slot *slot, void *element, size_t bytes, size_t *got)
{
    *got = slot->bytes < bytes ? slot->bytes : bytes;
    memcpy(element, slot->element, *got);
}

static int spsc_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct ends *ring = self->state;
    uint64_t tail = ring->tail;
    if (tail - seen(&ring->head) >= ring_capacity(self->setup))
        return EAGAIN;
    fill(slot_of(self, tail), element, bytes);
    publish(&ring->tail, tail + 1);
    return 0;
}

static int spsc_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct ends *ring = self->state;
    uint64_t head = ring->head;
    if (head == seen(&ring->tail))
        return EAGAIN;
    empty(slot_of(self, head), element, bytes, got);
    publish(&ring->head, head + 1);
    return 0;
}

/* Takes the ring for full one element too late: the newest one is written over the oldest. */
static int overfull_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct ends *ring = self->state;
    uint64_t tail = ring->tail;
    if (tail - seen(&ring->head) > ring_capacity(self->setup))
        return EAGAIN;
    fill(slot_of(self, tail), element, bytes);
    publish(&ring->tail, tail + 1);
    return 0;
}

const struct sync_ops sync_busted_spsc_full = {
    .name = "busted-spsc-full",
    .summary = "broken on purpose: the test for a full ring is off by one, and the newest element overwrites the oldest",
    .family = SYNC_QUEUE,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .max_readers = 1,
    .state_size = ends_bytes,
    .queue = {.push = overfull_push, .pop = spsc_pop},
};

/* The consumer is told of an element that is not there yet. */
static int hasty_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct ends *ring = self->state;
    uint64_t tail = ring->tail;
    if (tail - seen(&ring->head) >= ring_capacity(self->setup))
        return EAGAIN;
    publish(&ring->tail, tail + 1);
    fill(slot_of(self, tail), element, bytes);
    return 0;
}

const struct sync_ops sync_busted_spsc_publish = {
    .name = "busted-spsc-publish",
    .summary = "broken on purpose: the producer publishes a slot before it has filled it",
    .family = SYNC_QUEUE,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .max_readers = 1,
    .state_size = ends_bytes,
    .queue = {.push = hasty_push, .pop = spsc_pop},
};

/* The producer is given back a slot that is still being read. */
static int hasty_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct ends *ring = self->state;
    uint64_t head = ring->head;
    if (head == seen(&ring->tail))
        return EAGAIN;
    publish(&ring->head, head + 1);
    empty(slot_of(self, head), element, bytes, got);
    return 0;
}

const struct sync_ops sync_busted_spsc_free = {
    .name = "busted-spsc-free",
    .summary = "broken on purpose: the consumer frees a slot before it has copied the element out",
    .family = SYNC_QUEUE,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .max_readers = 1,
    .state_size = ends_bytes,
    .queue = {.push = spsc_push, .pop = hasty_pop},
};

/* Positions start again at a number that the slots do not divide: two of them then mean the same slot. */
#define POSITIONS 1021

static uint64_t after(uint64_t position)
{
    return (position + 1) % POSITIONS;
}

static int wrapping_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct ends *ring = self->state;
    uint64_t tail = ring->tail;
    if ((tail + POSITIONS - seen(&ring->head)) % POSITIONS >= ring_capacity(self->setup))
        return EAGAIN;
    fill(slot_of(self, tail), element, bytes);
    publish(&ring->tail, after(tail));
    return 0;
}

static int wrapping_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct ends *ring = self->state;
    uint64_t head = ring->head;
    if (head == seen(&ring->tail))
        return EAGAIN;
    empty(slot_of(self, head), element, bytes, got);
    publish(&ring->head, after(head));
    return 0;
}

const struct sync_ops sync_busted_spsc_wrap = {
    .name = "busted-spsc-wrap",
    .summary = "broken on purpose: positions wrap at a number that is no multiple of the slots",
    .family = SYNC_QUEUE,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .max_readers = 1,
    .state_size = ends_bytes,
    .queue = {.push = wrapping_push, .pop = wrapping_pop},
};

/* Written for one producer, and used by several: two of them can fill the same slot. */
const struct sync_ops sync_busted_mpsc_reserve = {
    .name = "busted-mpsc-reserve",
    .summary = "broken on purpose: several producers on a ring that is made for one",
    .family = SYNC_QUEUE,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_readers = 1,
    .state_size = ends_bytes,
    .queue = {.push = spsc_push, .pop = spsc_pop},
};

/* Producers reserve one after the other, fill at the same time, and count what is filled: who is done first counts for a
 * slot that another one is still filling. */
struct counting {
    _Alignas(RING_LINE) uint64_t reserved;
    _Alignas(RING_LINE) struct ends ends;
};

static size_t counting_bytes(const struct sync_setup *setup)
{
    return offsetof(struct counting, ends) + ends_bytes(setup);
}

static int counting_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct counting *ring = self->state;
    struct sync_self inner = *self;
    uint64_t mine = seen(&ring->reserved);
    inner.state = &ring->ends;
    do
        if (mine - seen(&ring->ends.head) >= ring_capacity(self->setup))
            return EAGAIN;
    while (!__atomic_compare_exchange_n(&ring->reserved, &mine, mine + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    fill(slot_of(&inner, mine), element, bytes);
    __atomic_fetch_add(&ring->ends.tail, 1, __ATOMIC_RELEASE);
    return 0;
}

static int counting_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct sync_self inner = *self;
    inner.state = &((struct counting *)self->state)->ends;
    return spsc_pop(&inner, element, bytes, got);
}

const struct sync_ops sync_busted_mpsc_commit = {
    .name = "busted-mpsc-commit",
    .summary = "broken on purpose: producers publish in the order in which they finish, not in that of their slots",
    .family = SYNC_QUEUE,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_readers = 1,
    .state_size = counting_bytes,
    .queue = {.push = counting_push, .pop = counting_pop},
};
