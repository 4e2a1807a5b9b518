/* neighbours: each worker has a cell of its own, and works at it nearly all the time; what it pays for is who lies next to it.
 *
 * A cell is an instance of the sync with a counter behind it (of a counter, the instance is all of it). One operation in VISIT_ONE_IN
 * goes to somebody else's, so that exclusion is put to the test and the crew is seen to have met. Padded, a cell's words have lines of
 * their own; packed, they lie side by side, several to a line: then a store to one takes the line away from the others (false
 * sharing), and a primitive that stores more than its own bytes undoes what its neighbour has done.
 *
 * Every cell's visits are counted by whoever made them, in its own memory: they must add up to what the cell shows.
 */
#include <stdlib.h>
#include <string.h>

#include "contract/worker.h"
#include "workloads/load/plain.h"
#include "workloads/load/rows.h"

#define CELLS 64 /* beyond so many workers, several have the same */
#define VISIT_ONE_IN 61 /* no divisor of what one operation is timed in */

struct cell {
    uint64_t owner; /* index + 1 of the writer inside, 0 for nobody */
    uint64_t count;
};

/* How often a worker has written to each cell. */
struct visits {
    _Alignas(PLAIN_LINE) uint64_t to[CELLS];
};

static uint64_t padded_bytes(const struct shape *shape)
{
    return shape->layout.choice[LAYOUT_PACKING] == PACKING_PACKED ? sizeof(struct cell) : PLAIN_LINE;
}

static uint64_t cells_bytes(const struct shape *shape)
{
    return (CELLS * padded_bytes(shape) + PLAIN_LINE - 1) / PLAIN_LINE * PLAIN_LINE;
}

static struct cell *cell_at(const struct worker *w, uint32_t cell)
{
    return (void *)((char *)w->area + cell * padded_bytes(w->shape));
}

static struct visits *visits_of(const struct worker *w, uint32_t worker)
{
    return (struct visits *)(void *)((char *)w->area + cells_bytes(w->shape)) + worker;
}

static size_t neighbours_bytes(const struct shape *shape)
{
    return cells_bytes(shape) + shape_workers(shape) * sizeof(struct visits);
}

static int neighbours_prepare(void *area, const struct shape *shape)
{
    memset(area, 0, neighbours_bytes(shape));
    return 0;
}

static uint32_t cells_used(const struct shape *shape)
{
    uint32_t workers = shape_workers(shape);
    return workers < CELLS ? workers : CELLS;
}

/* Its own, or now and then one of the others' that have one. */
static uint32_t next_cell(struct worker *w)
{
    uint32_t used = cells_used(w->shape);
    if (used == 1 || w->ops % VISIT_ONE_IN != VISIT_ONE_IN - 1)
        return w->index % CELLS;
    return (w->index % CELLS + 1 + seed_below(&w->random, used - 1)) % used;
}

static void overlap(struct worker *w, uint32_t cell, uint64_t owner)
{
    worker_violation_values(w, VIOLATION_OVERLAP, w->index + 1, owner, "two holders at once in cell %u: worker %u found %s %llu", cell,
                            w->index, owner ? "inside worker" : "the owner word", owner ? (unsigned long long)owner - 1 : 0);
}

/* A count never goes back; where it has moved, somebody else was here. */
static void check_count(struct worker *w, uint32_t cell, uint64_t count, uint64_t *seen)
{
    if (count < *seen)
        worker_violation_values(w, VIOLATION_LOST, *seen, count,
                                "cell %u: this worker had left it at %llu, and found %llu: updates were lost, or undone by a neighbour's",
                                cell, (unsigned long long)*seen, (unsigned long long)count);
    if (count != *seen)
        worker_handoff(w);
    *seen = count;
}

static bool write_locked(struct worker *w, uint32_t cell, uint64_t *count)
{
    struct cell *c = cell_at(w, cell);
    uint64_t me = w->index + 1;
    if (!worker_enter(w))
        return false;
    uint64_t owner = plain_get(&c->owner);
    if (owner)
        overlap(w, cell, owner);
    plain_set(&c->owner, me);
    *count = plain_get(&c->count);
    plain_set(&c->count, *count + 1);
    worker_inside(w);
    owner = plain_get(&c->owner);
    if (owner != me)
        overlap(w, cell, owner);
    plain_set(&c->owner, 0);
    worker_leave(w);
    return true;
}

static bool read_locked(struct worker *w, uint32_t cell, uint64_t *count)
{
    struct cell *c = cell_at(w, cell);
    if (!worker_enter_shared(w))
        return false;
    uint64_t owner = plain_get(&c->owner);
    *count = plain_get(&c->count);
    worker_inside(w);
    worker_leave(w);
    if (owner)
        overlap(w, cell, owner);
    return true;
}

static bool count_once(struct worker *w, uint64_t *count)
{
    worker_begin(w);
    if (!worker_end(w, w->sync->counter.add(&w->self, w->writer, count), "add"))
        return false;
    worker_inside(w);
    return true;
}

static bool operate(struct worker *w, uint32_t cell, uint64_t *count)
{
    if (w->shape->family == SYNC_COUNTER)
        return count_once(w, count);
    return (w->writer ? write_locked : read_locked)(w, cell, count);
}

static void neighbours_run(struct worker *w)
{
    uint64_t seen[CELLS] = {0}, count, *visits = visits_of(w, w->index)->to;
    uint32_t selected = UINT32_MAX;
    while (worker_next(w)) {
        uint32_t cell = next_cell(w);
        if (cell != selected)
            worker_select(w, selected = cell);
        if (!operate(w, cell, &count))
            return;
        check_count(w, cell, count, &seen[cell]);
        seen[cell] += w->writer;
        visits[cell] += w->writer;
        worker_done(w);
    }
}

/* The auditor has the instances of what is no lock alone. */
static bool shown_by_counter(struct worker *auditor, uint32_t cell, uint64_t *shown)
{
    worker_select(auditor, cell);
    int rc = auditor->sync->counter.add(&auditor->self, 0, shown);
    if (rc)
        worker_refused(auditor, rc, "add");
    return rc == 0;
}

static void audit_cell(struct worker *auditor, uint32_t cell)
{
    uint64_t made = 0, shown = cell_at(auditor, cell)->count, owner = cell_at(auditor, cell)->owner;
    for (uint32_t i = 0; i < auditor->crew.workers; i++)
        made += visits_of(auditor, i)->to[cell];
    bool counted = auditor->shape->family == SYNC_COUNTER && cell < cells_used(auditor->shape);
    if (counted && !shown_by_counter(auditor, cell, &shown))
        return;
    if (shown != made)
        worker_violation_values(auditor, VIOLATION_LOST, made, shown, "cell %u was written %llu times, and shows %llu", cell,
                                (unsigned long long)made, (unsigned long long)shown);
    if (owner)
        worker_violation_values(auditor, VIOLATION_SCRIBBLED, 0, owner, "all have left, and the owner word of cell %u is not empty", cell);
}

static void neighbours_audit(struct worker *auditor)
{
    for (uint32_t cell = 0; cell < CELLS; cell++)
        audit_cell(auditor, cell);
}

static bool neighbours_breakable(const struct shape *shape)
{
    return shape_workers(shape) > 1;
}

const struct load_ops load_neighbours = {
    .name = "neighbours",
    .summary = "each worker has a cell of its own, side by side with the others' or on lines of its own, and now and then visits another's",
    .families = 1u << SYNC_LOCK | 1u << SYNC_COUNTER,
    .default_size = 16,
    .min_size = 16,
    .max_size = 16,
    .size_means = "a cell's two words",
    .min_writers = 1,
    .enough = 30,
    .instances = CELLS,
    .instances_used = cells_used,
    .layouts = 1u << LAYOUT_PACKING,
    .area_bytes = neighbours_bytes,
    .prepare = neighbours_prepare,
    .write = neighbours_run,
    .read = neighbours_run,
    .audit = neighbours_audit,
    .breakable = neighbours_breakable,
};
