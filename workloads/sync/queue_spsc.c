/* ring-spsc: a ring for one producer and one consumer, without any atomic read-modify-write.
 *
 * Each side has an index of its own (Lamport 1983), keeps a copy of the other's, and looks again only when that says full or
 * empty (Giacomoni, Moseley, Vachharajani 2008).
 */
#include <errno.h>
#include <string.h>

#include "shm/ring.h"
#include "workloads/sync/queue_ring.h"
#include "workloads/sync/rows.h"

struct side {
    _Alignas(RING_LINE) uint64_t next; /* elements pushed, or popped, so far */
    uint64_t other;                    /* what this side has last seen of the other one's */
};

struct spsc {
    struct side producer, consumer;
    _Alignas(RING_LINE) unsigned char slots[];
};

static size_t spsc_bytes(const struct sync_setup *setup)
{
    return sizeof(struct spsc) + ring_capacity(setup) * ring_stride(setup->size);
}

static struct ring_slot *slot_of(struct sync_self *self, uint64_t index)
{
    struct spsc *ring = self->state;
    uint64_t at = index % ring_capacity(self->setup);
    return (struct ring_slot *)(void *)(ring->slots + at * ring_stride(self->setup->size));
}

static int spsc_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct spsc *ring = self->state;
    struct side *mine = &ring->producer;
    uint64_t tail = mine->next;
    if (bytes > self->setup->size)
        return EMSGSIZE;
    if (tail - mine->other >= ring_capacity(self->setup)) {
        mine->other = __atomic_load_n(&ring->consumer.next, __ATOMIC_ACQUIRE);
        if (tail - mine->other >= ring_capacity(self->setup))
            return EAGAIN;
    }
    struct ring_slot *slot = slot_of(self, tail);
    slot->bytes = bytes;
    memcpy(slot->element, element, bytes);
    __atomic_store_n(&mine->next, tail + 1, __ATOMIC_RELEASE);
    return 0;
}

static int spsc_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct spsc *ring = self->state;
    struct side *mine = &ring->consumer;
    uint64_t head = mine->next;
    if (head == mine->other) {
        mine->other = __atomic_load_n(&ring->producer.next, __ATOMIC_ACQUIRE);
        if (head == mine->other)
            return EAGAIN;
    }
    struct ring_slot *slot = slot_of(self, head);
    if (slot->bytes > bytes)
        return EMSGSIZE;
    *got = slot->bytes;
    memcpy(element, slot->element, slot->bytes);
    __atomic_store_n(&mine->next, head + 1, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_ring_spsc = {
    .name = "ring-spsc",
    .summary = "ring for one producer and one consumer: an index each, published by a store",
    .family = SYNC_QUEUE,
    .expect = VERDICT_CLEAN,
    .max_writers = 1,
    .max_readers = 1,
    .state_size = spsc_bytes,
    .queue = {.push = spsc_push, .pop = spsc_pop},
};
