/* The unprotected ring: every word is read and written by plain instructions, one each, in the order in which they stand here. */
#include "shm/ring.h"

#include <errno.h>
#include <string.h>

static uint64_t get(const uint64_t *word)
{
    return *(const volatile uint64_t *)word;
}

static void set(uint64_t *word, uint64_t value)
{
    *(volatile uint64_t *)word = value;
}

static struct ring_slot *slot_of(struct ring *ring, uint64_t index)
{
    return (struct ring_slot *)(void *)(ring->slots + (size_t)(index % ring->capacity) * ring->stride);
}

size_t ring_bytes(uint32_t capacity, size_t size)
{
    return sizeof(struct ring) + capacity * ring_stride(size);
}

void ring_init(struct ring *ring, uint32_t capacity, size_t size)
{
    *ring = (struct ring){.capacity = capacity, .stride = (uint32_t)ring_stride(size), .size = size};
}

/* Where nobody guards the ring the count may fall below zero. Taken for a number beyond all others it would keep every producer out
 * for ever, and consumers would take what nobody has put in for as long as there is time. */
static int64_t inside(const struct ring *ring)
{
    return (int64_t)get(&ring->count);
}

void *ring_back(struct ring *ring)
{
    return inside(ring) >= (int64_t)ring->capacity ? NULL : slot_of(ring, get(&ring->tail))->element;
}

void *ring_front(struct ring *ring, size_t *bytes)
{
    if (inside(ring) <= 0)
        return NULL;
    struct ring_slot *slot = slot_of(ring, get(&ring->head));
    uint64_t length = get(&slot->bytes);
    *bytes = length < ring->size ? length : ring->size;
    return slot->element;
}

/* The compiler must not move the copying of an element across the words that say whose it is. */
static void settle(void)
{
    __asm__ __volatile__("" ::: "memory");
}

void ring_push(struct ring *ring, size_t bytes)
{
    uint64_t tail = get(&ring->tail);
    settle();
    set(&slot_of(ring, tail)->bytes, bytes);
    set(&ring->tail, tail + 1);
    set(&ring->count, get(&ring->count) + 1);
}

void ring_pop(struct ring *ring)
{
    settle();
    set(&ring->head, get(&ring->head) + 1);
    set(&ring->count, get(&ring->count) - 1);
}

int ring_put(struct ring *ring, const void *element, size_t bytes)
{
    void *slot = bytes <= ring->size ? ring_back(ring) : NULL;
    if (!slot)
        return bytes <= ring->size ? EAGAIN : EMSGSIZE;
    memcpy(slot, element, bytes);
    ring_push(ring, bytes);
    return 0;
}

int ring_take(struct ring *ring, void *element, size_t bytes, size_t *got)
{
    const void *slot = ring_front(ring, got);
    if (!slot || *got > bytes)
        return slot ? EMSGSIZE : EAGAIN;
    memcpy(element, slot, *got);
    ring_pop(ring);
    return 0;
}

bool ring_is_empty(const struct ring *ring)
{
    return inside(ring) <= 0;
}
