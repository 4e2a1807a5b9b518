/* The shape of a trial, as loads and faults see it: the same in all processes. */
#ifndef CONTRACT_SHAPE_H
#define CONTRACT_SHAPE_H

#include <stdint.h>

#include "contract/layout.h"

struct shape {
    uint32_t writers, readers;
    uint64_t size;    /* bytes of the record */
    uint64_t hold_ns; /* extra time inside the critical section */
    uint64_t think_ns; /* time between operations */
    double rate;      /* operations per second of the whole crew; 0: closed loop */
    uint64_t ops_limit; /* per worker; 0: until stopped */
    uint32_t sampling;  /* one operation in so many is timed */
    uint32_t history;   /* operations of each worker that are recorded whole, for a check after the end; 0: none */
    uint64_t seed;
    struct layout layout;
    uint32_t family;    /* of the sync, an enum sync_family: loads that serve several lay their data out for one */
    const char *name; /* "/shmoo-...": begins the names of objects that the load makes; unique to the trial */
};

static inline uint32_t shape_workers(const struct shape *shape)
{
    return shape->writers + shape->readers;
}

#endif
