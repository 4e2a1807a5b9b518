/* What the rings share: how many slots, where they lie, and rings for rows that keep them elsewhere or wait in other ways.
 *
 * A ring is memory, zeroed at first, in which all places are offsets; nothing is a pointer.
 */
#ifndef WORKLOADS_SYNC_QUEUE_RING_H
#define WORKLOADS_SYNC_QUEUE_RING_H

#include <string.h>

#include "contract/sync.h"

#define RING_CAPACITY 64 /* when the load has no wish */
#define RING_LINE 128
#define RING_CACHE_LINE 64

static inline uint32_t ring_capacity(const struct sync_setup *setup)
{
    return setup->capacity ? setup->capacity : RING_CAPACITY;
}

/* From one slot to the next: slots share no cache line, nor a pair of lines that a prefetcher takes together, so that who fills
 * one does not take the next one from its reader. */
static inline size_t ring_slot_bytes(size_t header, size_t size)
{
    return (header + size + RING_LINE - 1) / RING_LINE * RING_LINE;
}

/* Which slot of which lap a position is; a division is needed only where the slots are no power of two. */
static inline uint32_t ring_split(uint32_t capacity, uint64_t position, uint64_t *lap)
{
    if ((capacity & (capacity - 1)) == 0) {
        *lap = position >> __builtin_ctz(capacity);
        return (uint32_t)position & (capacity - 1);
    }
    *lap = position / capacity;
    return (uint32_t)(position % capacity);
}

/* Asks for a line before it is written, so that the store that tells of it need not wait. */
static inline void ring_expect_write(const void *line)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
    __builtin_prefetch(line, 1);
#endif
}

/* Copies; of short elements a word at a time, without a call. Neither side need be aligned. */
static inline void ring_copy(void *to, const void *from, size_t bytes)
{
    if (bytes > RING_CACHE_LINE || bytes % sizeof(uint64_t)) {
        memcpy(to, from, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i += sizeof(uint64_t))
        memcpy((char *)to + i, (const char *)from + i, sizeof(uint64_t));
}

/* Any number of producers and consumers. 0, EAGAIN, or EMSGSIZE. */
size_t ring_mpmc_bytes(const struct sync_setup *setup);
int ring_mpmc_push(void *memory, const struct sync_setup *setup, const void *element, size_t bytes);
int ring_mpmc_pop(void *memory, const struct sync_setup *setup, void *element, size_t bytes, size_t *got);
bool ring_mpmc_has_element(void *memory, const struct sync_setup *setup);
bool ring_mpmc_has_room(void *memory, const struct sync_setup *setup);

/* One producer and one consumer. The same, after ring_spsc_init() on zeroed memory. */
size_t ring_spsc_bytes(const struct sync_setup *setup);
void ring_spsc_init(void *memory, const struct sync_setup *setup);
int ring_spsc_push(void *memory, const void *element, size_t bytes);
int ring_spsc_pop(void *memory, void *element, size_t bytes, size_t *got);

#endif
