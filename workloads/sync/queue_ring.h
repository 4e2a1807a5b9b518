/* What the rings share: how many slots, and where each one is. All places are offsets from the state; nothing is a pointer. */
#ifndef WORKLOADS_SYNC_QUEUE_RING_H
#define WORKLOADS_SYNC_QUEUE_RING_H

#include "contract/sync.h"

#define RING_CAPACITY 64 /* when the load has no wish */
#define RING_LINE 128

static inline uint32_t ring_capacity(const struct sync_setup *setup)
{
    return setup->capacity ? setup->capacity : RING_CAPACITY;
}

#endif
