/* cells: many small records, each under an instance of the sync of its own; all visit them in the same order, round by round.
 *
 * Two workers that happen to run at the same time begin a round together, and meet at lines that nobody has touched for a
 * while, as in a litmus test: there a window shows that is closed while one lock is hot. A record lies anywhere in its two
 * lines, at a multiple of eight, so that some cross from one line to the next. Everybody's count of operations tells how
 * often he has been at each cell.
 *
 * Costs, with a lock, an owner word and two counters; with a cell, as in snapshot; besides, a look at all slots a round.
 */
#include <stdlib.h>
#include <string.h>

#include "workloads/load/cell_value.h"
#include "workloads/load/plain.h"
#include "workloads/load/rows.h"

#define CELLS 61 /* no divisor of what one operation is timed in: else the same cell would be timed each time */
#define POLLS_FOR_A_PARTNER 500 /* about as long as a round takes */
#define JITTER 32

struct small {
    uint64_t owner;         /* index + 1 of the writer inside, 0 for nobody */
    uint64_t count, shadow; /* go up together */
};

struct cells_area {
    _Alignas(PLAIN_LINE) uint64_t waiting; /* index + 1 of who waits for a partner to begin a round with; 0: nobody */
    struct {
        _Alignas(PLAIN_LINE) unsigned char bytes[PLAIN_LINE]; /* a record, somewhere in it */
    } cells[CELLS];
};

/* What a worker knows of the cells. */
struct rounds {
    uint64_t *begun; /* operations that each writer had done when this worker's round began */
    uint64_t *seen;  /* with a cell: the newest version of each writer seen, by cell and writer; with a lock: by cell, the count */
};

/* The same in all processes, and for all trials with that seed. Packed, one record follows the other. */
static struct small *small_at(const struct worker *w, uint32_t cell)
{
    struct cells_area *area = w->area;
    if (w->shape->layout.choice[LAYOUT_PACKING] == PACKING_PACKED)
        return (struct small *)(void *)area->cells + cell;
    uint64_t place = seed_scramble(w->shape->seed + cell) % ((PLAIN_LINE - sizeof(struct small)) / 8 + 1);
    return (void *)(area->cells[cell].bytes + place * 8);
}

static size_t cells_bytes(const struct shape *shape)
{
    (void)shape;
    return sizeof(struct cells_area);
}

static int cells_prepare(void *area, const struct shape *shape)
{
    memset(area, 0, cells_bytes(shape));
    return 0;
}

/* Whoever else is about to begin a round begins it with this worker; who finds nobody begins alone. */
static void meet_partner(struct worker *w)
{
    uint64_t *waiting = &((struct cells_area *)w->area)->waiting, me = w->index + 1;
    uint64_t other = __atomic_load_n(waiting, __ATOMIC_RELAXED), mine = me;
    if (other)
        __atomic_compare_exchange_n(waiting, &other, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    else if (__atomic_compare_exchange_n(waiting, &other, me, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        for (int i = 0; i < POLLS_FOR_A_PARTNER && __atomic_load_n(waiting, __ATOMIC_RELAXED) == me; i++)
            cpu_relax();
        __atomic_compare_exchange_n(waiting, &mine, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
    /* who comes second is ahead by what it takes the first to see it: this makes up for it, now too much, now too little */
    for (uint64_t pauses = seed_below(&w->random, JITTER); pauses; pauses--)
        cpu_relax();
}

/* So often has a writer with so many operations been at a cell. */
static uint64_t visits(uint64_t ops, uint32_t cell)
{
    return ops / CELLS + (cell < ops % CELLS);
}

static uint64_t visits_of_all(const struct worker *w, const uint64_t *ops, uint32_t cell)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < w->shape->writers; i++)
        sum += visits(ops[i], cell);
    return sum;
}

static void note_ops(const struct worker *w, uint64_t *ops)
{
    for (uint32_t i = 0; i < w->shape->writers; i++)
        ops[i] = __atomic_load_n(&w->crew.slots[i].ops, __ATOMIC_ACQUIRE);
}

static bool rounds_begin(struct worker *w, struct rounds *rounds)
{
    uint32_t writers = w->shape->writers;
    rounds->begun = calloc(writers * (1 + CELLS), sizeof *rounds->begun);
    rounds->seen = rounds->begun + writers;
    if (!rounds->begun)
        worker_violation_text(w, VIOLATION_SYNC_ERROR, "worker %u: out of memory for what it knows of %d cells", w->index, CELLS);
    return rounds->begun != NULL;
}

/* The next operation's cell. False: leave. */
static bool cells_next(struct worker *w, struct rounds *rounds, uint32_t *cell)
{
    if (!worker_next(w))
        return false;
    *cell = (uint32_t)(w->ops % CELLS);
    if (*cell == 0) {
        meet_partner(w);
        note_ops(w, rounds->begun);
    }
    worker_select(w, *cell);
    return true;
}

static void overlap(struct worker *w, uint32_t cell, uint64_t owner, const char *when)
{
    worker_violation_values(w, VIOLATION_OVERLAP, 0, owner, "two holders at once in cell %u: %s, worker %u found %s %llu", cell, when,
                            w->index, owner ? "inside worker" : "the owner word", owner ? (unsigned long long)owner - 1 : 0);
}

/* Both counters, by whoever holds the cell: the same, no less than was complete when the round began, and never going back. */
static void check_count(struct worker *w, struct rounds *rounds, uint32_t cell, uint64_t count, uint64_t shadow)
{
    uint64_t least = visits_of_all(w, rounds->begun, cell);
    if (least < rounds->seen[cell])
        least = rounds->seen[cell];
    if (count != shadow)
        worker_violation_values(w, VIOLATION_LOST, count, shadow,
                                "cell %u: counters that go up together are %llu and %llu: an update was lost, or seen half done",
                                cell, (unsigned long long)count, (unsigned long long)shadow);
    else if (count < least)
        worker_violation_values(w, VIOLATION_LOST, least, count,
                                "cell %u: %llu writes were complete, and its counter shows %llu: updates were lost", cell,
                                (unsigned long long)least, (unsigned long long)count);
    if (count != rounds->seen[cell])
        worker_handoff(w);
    rounds->seen[cell] = count;
}

static bool write_small(struct worker *w, struct rounds *rounds, uint32_t cell)
{
    struct small *small = small_at(w, cell);
    uint64_t me = w->index + 1;
    if (!worker_enter(w))
        return false;
    uint64_t owner = plain_get(&small->owner);
    if (owner)
        overlap(w, cell, owner, "on entering");
    plain_set(&small->owner, me);
    uint64_t count = plain_get(&small->count), shadow = plain_get(&small->shadow);
    plain_set(&small->count, count + 1);
    worker_inside(w);
    plain_set(&small->shadow, shadow + 1);
    owner = plain_get(&small->owner);
    if (owner != me)
        overlap(w, cell, owner, "before leaving");
    plain_set(&small->owner, 0);
    worker_leave(w);
    check_count(w, rounds, cell, count, shadow);
    rounds->seen[cell] = count + 1;
    return true;
}

static bool read_small(struct worker *w, struct rounds *rounds, uint32_t cell)
{
    struct small *small = small_at(w, cell);
    if (!worker_enter_shared(w))
        return false;
    uint64_t owner = plain_get(&small->owner), count = plain_get(&small->count);
    worker_inside(w);
    uint64_t shadow = plain_get(&small->shadow);
    worker_leave(w);
    if (owner)
        overlap(w, cell, owner, "as a reader");
    check_count(w, rounds, cell, count, shadow);
    return true;
}

/* Each writer's versions of a cell only go up, and what was complete when the round began has replaced what was before. */
static void check_version(struct worker *w, struct rounds *rounds, uint32_t cell, uint64_t stamp)
{
    uint32_t writers = w->shape->writers, writer = stamp ? payload_writer(stamp) : 0;
    uint64_t version = payload_version(stamp);
    if (writer >= writers) {
        worker_violation_values(w, VIOLATION_FOREIGN, writers, writer, "cell %u: found a value of worker %u, which is no writer",
                                cell, writer);
        return;
    }
    uint64_t *seen = &rounds->seen[cell * writers + writer], least = visits(rounds->begun[writer], cell);
    if (version < *seen)
        worker_violation_values(w, VIOLATION_BACK, *seen, version,
                                "cell %u: found version %llu of worker %u, although this worker had already seen version %llu", cell,
                                (unsigned long long)version, writer, (unsigned long long)*seen);
    else if (version < least)
        worker_violation_values(w, VIOLATION_STALE, least, version,
                                "cell %u: found version %llu of worker %u, although its version %llu was complete before", cell,
                                (unsigned long long)version, writer, (unsigned long long)least);
    else if (version > *seen && writer != w->index)
        worker_handoff(w);
    *seen = version;
}

static bool read_value(struct worker *w, struct cell_value *value, struct rounds *rounds, uint32_t cell)
{
    uint64_t stamp;
    bool whole;
    if (!cell_value_read(w, value, &stamp, &whole))
        return false;
    if (whole)
        check_version(w, rounds, cell, stamp);
    return true;
}

/* Where nobody else reads, writers look before and after their own write. */
static bool cell_once(struct worker *w, struct cell_value *value, struct rounds *rounds, uint32_t cell)
{
    uint64_t version = w->ops / CELLS + 1;
    if (!w->writer || !w->shape->readers)
        if (!read_value(w, value, rounds, cell))
            return false;
    if (!w->writer)
        return true;
    if (!cell_value_write(w, value, version))
        return false;
    rounds->seen[cell * w->shape->writers + w->index] = version;
    return w->shape->readers || read_value(w, value, rounds, cell);
}

static void run_values(struct worker *w, struct rounds *rounds)
{
    struct cell_value value;
    uint32_t cell;
    if (cell_value_begin(w, &value))
        return;
    while (cells_next(w, rounds, &cell)) {
        if (!cell_once(w, &value, rounds, cell))
            break;
        worker_inside(w);
        __atomic_thread_fence(__ATOMIC_RELEASE); /* the value before the count that vouches for it */
        worker_done(w);
    }
    cell_value_end(w, &value);
}

static void run_records(struct worker *w, struct rounds *rounds)
{
    uint32_t cell;
    while (cells_next(w, rounds, &cell)) {
        if (!(w->writer ? write_small : read_small)(w, rounds, cell))
            return;
        __atomic_thread_fence(__ATOMIC_RELEASE);
        worker_done(w);
    }
}

static void cells_run(struct worker *w)
{
    struct rounds rounds;
    if (!rounds_begin(w, &rounds))
        return;
    if (w->shape->family == SYNC_CELL)
        run_values(w, &rounds);
    else
        run_records(w, &rounds);
    free(rounds.begun);
}

static void audit_small(struct worker *auditor, const struct rounds *rounds, uint32_t cell)
{
    const struct small *small = small_at(auditor, cell);
    uint64_t made = visits_of_all(auditor, rounds->begun, cell);
    if (small->count != made || small->shadow != made)
        worker_violation_values(auditor, VIOLATION_LOST, made, small->count != made ? small->count : small->shadow,
                                "cell %u was written %llu times, its counters show %llu and %llu", cell, (unsigned long long)made,
                                (unsigned long long)small->count, (unsigned long long)small->shadow);
    if (small->owner)
        worker_violation_values(auditor, VIOLATION_SCRIBBLED, 0, small->owner,
                                "all have left, and the owner word of cell %u is not empty", cell);
}

/* What is left in a cell is somebody's last write: check_version() asks for no less, since all are done. */
static void audit_values(struct worker *auditor, struct rounds *rounds)
{
    struct cell_value value;
    uint64_t handoffs = auditor->slot->handoffs;
    if (cell_value_begin(auditor, &value))
        return;
    for (uint32_t i = 0; i < CELLS; i++) {
        worker_select(auditor, i);
        if (!read_value(auditor, &value, rounds, i))
            break;
    }
    slot_store(&auditor->slot->handoffs, handoffs); /* the auditor is nobody to hand anything to */
    cell_value_end(auditor, &value);
}

static void cells_audit(struct worker *auditor)
{
    struct rounds rounds;
    if (!rounds_begin(auditor, &rounds))
        return;
    note_ops(auditor, rounds.begun);
    if (auditor->shape->family == SYNC_CELL)
        audit_values(auditor, &rounds);
    for (uint32_t i = 0; i < CELLS && auditor->shape->family == SYNC_LOCK; i++)
        audit_small(auditor, &rounds, i);
    free(rounds.begun);
}

static bool cells_breakable(const struct shape *shape)
{
    return shape_workers(shape) > 1;
}

const struct load_ops load_cells = {
    .name = "cells",
    .summary = "61 small records, each under an instance of its own, visited by all in one order, round by round",
    .families = 1u << SYNC_LOCK | 1u << SYNC_CELL,
    .default_size = 64,
    .min_size = 8,
    .max_size = 4096,
    .size_means = "a cell's value (under a lock a record has three words)",
    .min_writers = 1,
    .enough = 30,
    .instances = CELLS,
    .layouts = 1u << LAYOUT_PACKING,
    .area_bytes = cells_bytes,
    .prepare = cells_prepare,
    .write = cells_run,
    .read = cells_run,
    .audit = cells_audit,
    .breakable = cells_breakable,
};
