/* verify: all that there is to find a bug in a primitive with, by turns. */
#include "base/clock.h"
#include "contract/load.h"
#include "workloads/load/rows.h"

/* In the order in which they have found bugs soonest; those of other families than the sync's are passed over. */
static const struct load_ops *const loads[] = {
    &load_counter,
    &load_snapshot,
    &load_stream,
    &load_cells,
    &load_pool,
    &load_phases,
    NULL,
};

const struct load_ops load_verify = {
    .name = "verify",
    .summary = "hunts for bugs: all loads that suit the sync by turns, in short slices, until one finds something",
    .families = 1u << SYNC_LOCK | 1u << SYNC_CELL | 1u << SYNC_QUEUE | 1u << SYNC_COUNTER | 1u << SYNC_POOL | 1u << SYNC_BARRIER,
    .default_size = 64,
    .min_size = 1,
    .size_means = "the records of its loads",
    .min_writers = 1,
    .loads = loads,
    .default_fault = "explore",
    .default_ns = 10 * NS_PER_S,
};
