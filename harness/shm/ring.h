/* A ring of elements, without any protection: what a queue keeps between its producers and its consumers.
 *
 *     producer:  void *slot = ring_back(ring);   NULL: full       ... fill it ...    ring_push(ring, bytes);
 *     consumer:  slot = ring_front(ring, &bytes); NULL: empty     ... read it ...    ring_pop(ring);
 *
 * Whoever uses it excludes the others meanwhile. Without that it loses, doubles and tears elements, but stays within its own
 * memory. It counts what is inside in a word of its own, as rings are written that use all their slots: even one producer and
 * one consumer break it.
 */
#ifndef SHM_RING_H
#define SHM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring_slot {
    uint64_t bytes;
    unsigned char element[];
};

struct ring {
    uint32_t capacity, stride; /* set once */
    uint64_t size;
    uint64_t head, tail, count; /* the next to be popped, the next to be filled; how many are inside */
    _Alignas(64) unsigned char slots[];
};

/* From one slot to the next; slots are aligned to eight bytes. */
static inline size_t ring_stride(size_t size)
{
    return (sizeof(struct ring_slot) + size + 7) / 8 * 8;
}

size_t ring_bytes(uint32_t capacity, size_t size);

/* An empty ring for so many elements of up to `size` bytes; the memory is aligned to 64 bytes. */
void ring_init(struct ring *ring, uint32_t capacity, size_t size);

/* Where the next element goes, or the oldest one is; NULL: full, or empty. */
void *ring_back(struct ring *ring);
void *ring_front(struct ring *ring, size_t *bytes);

/* The slot of ring_back() is filled; that of ring_front() may be used again. */
void ring_push(struct ring *ring, size_t bytes);
void ring_pop(struct ring *ring);

/* Both steps at once, with a copy. 0, EAGAIN: full or empty, or EMSGSIZE: does not fit. */
int ring_put(struct ring *ring, const void *element, size_t bytes);
int ring_take(struct ring *ring, void *element, size_t bytes, size_t *got);

/* Is nothing inside, as far as one look tells? */
bool ring_is_empty(const struct ring *ring);

#endif
