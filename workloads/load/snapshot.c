/* snapshot: writers replace a whole record, readers must always see one whole write, never an older one than before. */
#include <stdio.h>

#include "contract/tight.h"
#include "workloads/load/history.h"
#include "workloads/load/record.h"
#include "workloads/load/rows.h"
#include "workloads/load/snapshot_cell.h"

/* The record, which a cell keeps in its own state; then what the workers record of their operations. */
static size_t histories_offset(const struct shape *shape)
{
    size_t record = shape->family == SYNC_CELL ? RECORD_GUARD : record_bytes(shape->size);
    return (record + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
}

static size_t snapshot_bytes(const struct shape *shape)
{
    return histories_offset(shape) + history_bytes(shape);
}

static void *histories_of(const struct worker *w)
{
    return (char *)w->area + histories_offset(w->shape);
}

static const char *snapshot_refuses(const struct shape *shape, const struct sync_ops *sync, const struct fault_ops *fault)
{
    (void)sync;
    (void)fault;
    return shape->history && shape->size < 8 ? "a record below eight bytes names no write: no history of it can be checked" : NULL;
}

static int snapshot_prepare(void *area, const struct shape *shape)
{
    if (shape->family == SYNC_LOCK)
        record_prepare(area, shape);
    return 0;
}

/* What a tight loop cannot judge by itself. */
static void tight_found(struct worker *w, uint64_t stamp, uint64_t floor, bool other)
{
    if (other && !record_expected(w, stamp))
        return;
    record_order(w, stamp, floor);
    if (other)
        worker_handoff(w);
}

static void tight_broken(struct worker *w, const uint64_t read[PAYLOAD_LINE_WORDS])
{
    uint64_t stamp;
    record_judge(w, read, &stamp);
}

static void tight_overwritten(struct worker *w, uint64_t version, unsigned word)
{
    record_overwritten(w, w->area, version, word);
}

static struct tight tight_of(struct worker *w)
{
    uint64_t marks = 0;
    while (marks + 1 < w->shape->sampling)
        marks = 2 * marks + 1;
    return (struct tight){
        .line = record_payload(w->area),
        .own = payload_stamp(0, w->index, record_tag(w->shape)),
        .marks = marks,
        .floor = record_floor,
        .found = tight_found,
        .broken = tight_broken,
        .overwritten = tight_overwritten,
    };
}

/* Under the lock the newest version is the one in the record: the next one is one more, and a version that went down, or a
 * last word that differs from the first, was made by somebody who should have been outside. */
static void snapshot_write(struct worker *w)
{
    if (w->shape->family == SYNC_CELL) {
        snapshot_cell_write(w, histories_of(w));
        return;
    }
    if (worker_tight(w)) {
        struct tight tight = tight_of(w);
        tight_write(w, &tight);
        return;
    }
    struct history history = history_open(w, histories_of(w));
    void *record = w->area;
    const unsigned char *payload = record_payload(record);
    uint64_t size = w->shape->size, mine = 0;
    while (worker_next(w)) {
        uint64_t floor = w->timed ? record_floor(w) : 0;
        history_begin(&history);
        if (!worker_enter(w))
            return;
        uint64_t stamp = payload_peek(payload, size);
        if (size >= 8 && stamp != payload_peek_last(payload, size))
            record_read(w, record, &stamp);
        record_order(w, stamp, floor);
        if (stamp != mine)
            worker_handoff(w);
        uint64_t version = payload_version(stamp) + 1;
        record_write(w, record, version);
        record_confirm(w, record, version);
        mine = payload_stamp(version, w->index, record_tag(w->shape)) & payload_mask(size);
        worker_leave(w);
        history_end(&history, HISTORY_WRITE, mine);
        if (size >= 8)
            __atomic_store_n(&w->slot->version, version, __ATOMIC_RELEASE);
        worker_done(w);
    }
}

static void snapshot_read(struct worker *w)
{
    uint64_t stamp, last = 0;
    if (w->shape->family == SYNC_CELL) {
        snapshot_cell_read(w, histories_of(w));
        return;
    }
    if (worker_tight(w)) {
        struct tight tight = tight_of(w);
        tight_read(w, &tight);
        return;
    }
    struct history history = history_open(w, histories_of(w));
    while (worker_next(w)) {
        uint64_t floor = w->timed ? record_floor(w) : 0;
        history_begin(&history);
        if (!worker_enter_shared(w))
            return;
        bool whole = record_read(w, w->area, &stamp);
        if (w->fault->inside || w->shape->hold_ns) {
            worker_inside(w);
            if (whole)
                record_kept(w, w->area, stamp);
        }
        worker_leave(w);
        if (whole) {
            history_end(&history, HISTORY_READ, stamp);
            record_order(w, stamp, floor);
            if (stamp != last)
                worker_handoff(w);
            last = stamp;
        }
        worker_done(w);
    }
}

/* Each write made the version one larger, if none was lost. */
static void snapshot_audit(struct worker *auditor)
{
    const struct shape *shape = auditor->shape;
    uint64_t stamp, writes = 0;
    if (shape->family == SYNC_CELL) {
        snapshot_cell_audit(auditor, histories_of(auditor));
        return;
    }
    history_check_register(auditor, histories_of(auditor), record_initial(shape));
    for (uint32_t i = 0; i < shape->writers; i++)
        writes += slot_load(&auditor->crew.slots[i].ops);
    record_audit(auditor, auditor->area);
    if (!record_read(auditor, auditor->area, &stamp))
        return;
    uint64_t mask = payload_mask(shape->size) & ((1ULL << PAYLOAD_VERSION_BITS) - 1);
    if ((payload_version(stamp) & mask) != (writes & mask))
        worker_violation_values(auditor, VIOLATION_LOST, writes & mask, payload_version(stamp) & mask,
                                "%llu writes were made, the record has come to version %llu%s: updates were lost",
                                (unsigned long long)writes, (unsigned long long)(payload_version(stamp) & mask),
                                shape->size < 6 ? " (its low bytes)" : "");
}

static bool snapshot_breakable(const struct shape *shape)
{
    if (shape->family == SYNC_CELL)
        return shape->size >= 8 && shape_workers(shape) > 1; /* smaller values name no write */
    return shape->writers > 1 || (shape->readers > 0 && shape->size > 8);
}

static void snapshot_repair(struct worker *w)
{
    record_repair(w, w->area);
}

static void snapshot_inspect(struct worker *auditor)
{
    uint64_t stamp;
    if (auditor->shape->family == SYNC_CELL) {
        snapshot_cell_inspect(auditor);
        return;
    }
    record_audit(auditor, auditor->area);
    record_read(auditor, auditor->area, &stamp);
}

const struct load_ops load_snapshot = {
    .name = "snapshot",
    .summary = "writers replace a versioned record, readers verify every word of it",
    .families = 1u << SYNC_LOCK | 1u << SYNC_CELL,
    .default_size = 64,
    .min_size = 1,
    .size_means = "the record",
    .min_writers = 1,
    .enough = 100,
    .recorded = true,
    .refuses = snapshot_refuses,
    .area_bytes = snapshot_bytes,
    .prepare = snapshot_prepare,
    .write = snapshot_write,
    .read = snapshot_read,
    .audit = snapshot_audit,
    .repair = snapshot_repair,
    .inspect = snapshot_inspect,
    .torn_by_death = record_torn_by_death,
    .survivable = true,
    .resumable = true,
    .breakable = snapshot_breakable,
};
