/* ring-spsc, ring-spsc-inplace: a ring for one producer and one consumer, without any atomic read-modify-write.
 *
 * Each slot begins with a word that says in which lap it was filled, and with how many bytes: the consumer waits for that word, so
 * that a short element and the news of it come in one cache line (Giacomoni, Moseley, Vachharajani 2008). Of the consumer the producer
 * knows how many it has taken, and looks again only when the ring seems full (Lamport 1983).
 */
#include <errno.h>

#include "workloads/sync/queue_ring.h"
#include "workloads/sync/rows.h"

#define HEADER sizeof(uint64_t)
#define LONG_ELEMENT 512 /* from here on an element begins in a line of its own, where wide loads and stores like it */

/* One side's own lines: where it stands, and what it would otherwise have to compute each time. */
struct side {
    _Alignas(RING_LINE) uint64_t next; /* elements pushed, or popped, so far */
    uint64_t full_at;                  /* producer: from which `next` on it has to look how far the consumer is */
    uint64_t at;                       /* of the slot of `next`, in bytes */
    uint64_t word;                     /* lap << 32, as the slots of this lap have it; laps are counted from 1 */
    uint64_t stride, end;              /* of the slots, in bytes */
    uint64_t header, size;
};

struct spsc {
    struct side producer, consumer;
    _Alignas(RING_LINE) unsigned char slots[];
};

struct slot {
    uint64_t word; /* lap << 32 | bytes */
};

#define LAP (1ULL << 32)

static size_t header_of(const struct sync_setup *setup)
{
    return setup->size >= LONG_ELEMENT ? RING_CACHE_LINE : HEADER;
}

size_t ring_spsc_bytes(const struct sync_setup *setup)
{
    return sizeof(struct spsc) + ring_capacity(setup) * ring_slot_bytes(header_of(setup), setup->size);
}

void ring_spsc_init(void *memory, const struct sync_setup *setup)
{
    struct spsc *ring = memory;
    size_t stride = ring_slot_bytes(header_of(setup), setup->size);
    ring->producer = ring->consumer = (struct side){.full_at = ring_capacity(setup),
                                                    .word = LAP,
                                                    .stride = stride,
                                                    .end = ring_capacity(setup) * stride,
                                                    .header = header_of(setup),
                                                    .size = setup->size};
}

static struct slot *slot_of(struct spsc *ring, const struct side *side)
{
    return (struct slot *)(void *)(ring->slots + side->at);
}

static unsigned char *element_of(struct slot *slot, const struct side *side)
{
    return (unsigned char *)slot + side->header;
}

static void advance(struct side *side)
{
    side->at += side->stride;
    if (side->at == side->end) {
        side->at = 0;
        side->word += LAP;
    }
}

/* Is there room, now that one has looked? */
static __attribute__((noinline)) bool look_again(struct spsc *ring)
{
    struct side *mine = &ring->producer;
    mine->full_at = __atomic_load_n(&ring->consumer.next, __ATOMIC_ACQUIRE) + mine->end / mine->stride;
    return mine->next != mine->full_at;
}

static bool is_full(struct spsc *ring)
{
    return __builtin_expect(ring->producer.next == ring->producer.full_at, 0) && !look_again(ring);
}

/* The next slot's line is asked for as soon as it is known that the consumer has left it. */
static void publish(struct spsc *ring, size_t bytes)
{
    struct side *mine = &ring->producer;
    __atomic_store_n(&slot_of(ring, mine)->word, mine->word | bytes, __ATOMIC_RELEASE);
    mine->next++;
    advance(mine);
    if (mine->next != mine->full_at)
        ring_expect_write(slot_of(ring, mine));
}

/* Is the next slot filled, and with how many bytes? */
static bool is_filled(struct spsc *ring, size_t *bytes)
{
    const struct side *mine = &ring->consumer;
    uint64_t word = __atomic_load_n(&slot_of(ring, mine)->word, __ATOMIC_ACQUIRE) - mine->word;
    *bytes = word;
    return word < LAP;
}

static void consume(struct spsc *ring)
{
    struct side *mine = &ring->consumer;
    advance(mine);
    __atomic_store_n(&mine->next, mine->next + 1, __ATOMIC_RELEASE);
}

int ring_spsc_push(void *memory, const void *element, size_t bytes)
{
    struct spsc *ring = memory;
    if (bytes > ring->producer.size)
        return EMSGSIZE;
    if (is_full(ring))
        return EAGAIN;
    ring_copy(element_of(slot_of(ring, &ring->producer), &ring->producer), element, bytes);
    publish(ring, bytes);
    return 0;
}

int ring_spsc_pop(void *memory, void *element, size_t bytes, size_t *got)
{
    struct spsc *ring = memory;
    size_t length;
    if (!is_filled(ring, &length))
        return EAGAIN;
    if (length > bytes)
        return EMSGSIZE;
    ring_copy(element, element_of(slot_of(ring, &ring->consumer), &ring->consumer), length);
    *got = length;
    consume(ring);
    return 0;
}

static int spsc_create(void *state, const struct sync_setup *setup)
{
    ring_spsc_init(state, setup);
    return 0;
}

static int spsc_push(struct sync_self *self, const void *element, size_t bytes)
{
    return ring_spsc_push(self->state, element, bytes);
}

static int spsc_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    return ring_spsc_pop(self->state, element, bytes, got);
}

const struct sync_ops sync_ring_spsc = {
    .name = "ring-spsc",
    .summary = "ring for one producer and one consumer: each slot says when it is filled",
    .family = SYNC_QUEUE,
    .expect = VERDICT_CLEAN,
    .max_writers = 1,
    .max_readers = 1,
    .max_size = UINT32_MAX,
    .state_size = ring_spsc_bytes,
    .create = spsc_create,
    .queue = {.push = spsc_push, .pop = spsc_pop},
};

static int inplace_claim(struct sync_self *self, void **place)
{
    struct spsc *ring = self->state;
    if (is_full(ring))
        return EAGAIN;
    *place = element_of(slot_of(ring, &ring->producer), &ring->producer);
    return 0;
}

static int inplace_publish(struct sync_self *self, size_t bytes)
{
    struct spsc *ring = self->state;
    if (bytes > ring->producer.size)
        return EMSGSIZE;
    publish(ring, bytes);
    return 0;
}

static int inplace_front(struct sync_self *self, const void **place, size_t *got)
{
    struct spsc *ring = self->state;
    if (!is_filled(ring, got))
        return EAGAIN;
    *place = element_of(slot_of(ring, &ring->consumer), &ring->consumer);
    return 0;
}

static int inplace_consume(struct sync_self *self)
{
    consume(self->state);
    return 0;
}

const struct sync_ops sync_ring_spsc_inplace = {
    .name = "ring-spsc-inplace",
    .summary = "the ring of ring-spsc, whose elements are filled and read where they lie: no copies",
    .family = SYNC_QUEUE,
    .expect = VERDICT_CLEAN,
    .max_writers = 1,
    .max_readers = 1,
    .max_size = UINT32_MAX,
    .state_size = ring_spsc_bytes,
    .create = spsc_create,
    .queue = {.push = spsc_push,
              .pop = spsc_pop,
              .claim = inplace_claim,
              .publish = inplace_publish,
              .front = inplace_front,
              .consume = inplace_consume},
};
