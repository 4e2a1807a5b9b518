/* Looking rows up by name, and checking at the start that each has its mandatory slots. */
#include "contract/contents.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define FIND(list, wanted)                                                                                                  \
    for (size_t i = 0; (list)[i]; i++)                                                                                      \
        if (strcmp((list)[i]->name, (wanted)) == 0)                                                                         \
            return (list)[i];                                                                                               \
    return NULL

#define ADDED_MAX 1024

static const struct sync_ops *added[ADDED_MAX + 1];
static size_t added_count;

const struct sync_ops *contents_sync_at(size_t i)
{
    static size_t own;
    while (contents_syncs[own])
        own++;
    return i < own ? contents_syncs[i] : i - own <= added_count ? added[i - own] : NULL;
}

int contents_add_sync(const struct sync_ops *row)
{
    if (added_count == ADDED_MAX)
        return -1;
    added[added_count++] = row;
    return 0;
}

const struct sync_ops *contents_sync(const char *name)
{
    const struct sync_ops *row;
    for (size_t i = 0; (row = contents_sync_at(i)); i++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

const struct load_ops *contents_load(const char *name)
{
    FIND(contents_loads, name);
}

const struct fault_ops *contents_fault(const char *name)
{
    FIND(contents_faults, name);
}

const struct sync_ops *contents_control(enum sync_family family)
{
    for (size_t i = 0; contents_syncs[i]; i++)
        if (contents_syncs[i]->family == family && contents_syncs[i]->traits & SYNC_CONTROL)
            return contents_syncs[i];
    return NULL;
}

static int sync_complete(const struct sync_ops *row)
{
    switch (row->family) {
    case SYNC_LOCK:
        return row->lock.acquire && row->lock.release && !row->lock.acquire_shared == !row->lock.release_shared;
    case SYNC_CELL:
        return row->cell.write && row->cell.read;
    case SYNC_QUEUE:
        return row->queue.push && row->queue.pop;
    case SYNC_COUNTER:
        return row->counter.add != NULL;
    case SYNC_POOL:
        return row->pool.take && row->pool.give;
    case SYNC_BARRIER:
        return row->barrier.arrive != NULL;
    case SYNC_FAMILIES:
        break;
    }
    return 0;
}

static void require(int complete, const char *kind, const char *name)
{
    if (complete)
        return;
    notice("%s %s: the row lacks a mandatory slot; see the contract's header", kind, name ? name : "without a name");
    abort();
}

void contents_verify(void)
{
    for (size_t i = 0; contents_syncs[i]; i++) {
        const struct sync_ops *row = contents_syncs[i];
        require(row->name && row->summary && sync_complete(row), "sync", row->name);
    }
    for (size_t i = 0; contents_loads[i]; i++) {
        const struct load_ops *row = contents_loads[i];
        bool whole = row->area_bytes && row->prepare && row->write && row->read && row->audit && row->breakable;
        bool fault = !row->default_fault || contents_fault(row->default_fault);
        require(row->name && row->summary && row->size_means && fault && (whole || row->loads), "load", row->name);
    }
    for (size_t i = 0; contents_faults[i]; i++)
        require(contents_faults[i]->name && contents_faults[i]->summary, "fault", contents_faults[i]->name);
    for (size_t i = 0; contents_checks[i]; i++)
        for (const struct check_ops *row = contents_checks[i]; row->id; row++)
            require(row->interface && row->clause && row->summary && row->run && row->level < CHECK_LEVELS &&
                        !row->shm == !(row->needs & CHECK_NEEDS_MOUNTS),
                    "check", row->id);
    for (size_t i = 0; contents_findings[i]; i++)
        for (const struct finding_ops *row = contents_findings[i]; row->id; row++)
            require(row->area && row->title && row->look && !row->consequence == !row->fix[RUNTIME_HOST] &&
                        !row->pattern == (row->subject != SUBJECT_MESSAGE),
                    "finding", row->id);
}
