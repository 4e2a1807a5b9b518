/* What the rings share: how many slots, and the ring of ring-mpmc for rows that keep it elsewhere than in the region. */
#ifndef WORKLOADS_SYNC_QUEUE_RING_H
#define WORKLOADS_SYNC_QUEUE_RING_H

#include "contract/sync.h"

#define RING_CAPACITY 64 /* when the load has no wish */
#define RING_LINE 128

static inline uint32_t ring_capacity(const struct sync_setup *setup)
{
    return setup->capacity ? setup->capacity : RING_CAPACITY;
}

/* Memory of so many bytes, zeroed, is an empty ring. All places in it are offsets; nothing is a pointer. */
size_t ring_mpmc_bytes(const struct sync_setup *setup);

/* 0, EAGAIN, or EMSGSIZE. */
int ring_mpmc_push(void *memory, const struct sync_setup *setup, const void *element, size_t bytes);
int ring_mpmc_pop(void *memory, const struct sync_setup *setup, void *element, size_t bytes, size_t *got);

#endif
