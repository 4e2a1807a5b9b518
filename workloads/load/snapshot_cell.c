/* The snapshot load on a cell: each writer writes its own versions, each reader reads what may be left of them. */
#include "workloads/load/snapshot_cell.h"

#include "workloads/load/cell_value.h"
#include "workloads/load/history.h"

static bool read_once(struct worker *w, struct cell_value *value, struct history *history)
{
    uint64_t stamp;
    bool whole;
    if (w->timed)
        cell_value_look(w, value);
    history_begin(history);
    if (!cell_value_read(w, value, &stamp, &whole))
        return false;
    if (whole) {
        history_end(history, HISTORY_READ, stamp ? stamp : record_initial(w->shape));
        cell_value_order(w, value, stamp);
    }
    cell_value_met(w, value, stamp);
    return true;
}

/* Where nobody else reads, the writers do: what they read is their own write, or one that came after it. */
static bool write_once(struct worker *w, struct cell_value *value, struct history *history)
{
    uint64_t version = w->ops + 1;
    history_begin(history);
    if (!cell_value_write(w, value, version))
        return false;
    history_end(history, HISTORY_WRITE, payload_stamp(version, w->index, record_tag(w->shape)));
    if (w->shape->readers)
        return true;
    value->least[w->index] = version;
    value->written = true;
    return read_once(w, value, history);
}

void snapshot_cell_write(struct worker *w, void *histories)
{
    struct cell_value value;
    struct history history = history_open(w, histories);
    if (cell_value_begin(w, &value))
        return;
    while (worker_next(w)) {
        if (!write_once(w, &value, &history))
            break;
        worker_inside(w);
        __atomic_thread_fence(__ATOMIC_RELEASE); /* the value before the count that vouches for it */
        worker_done(w);
    }
    cell_value_end(w, &value);
}

void snapshot_cell_read(struct worker *w, void *histories)
{
    struct cell_value value;
    struct history history = history_open(w, histories);
    if (cell_value_begin(w, &value))
        return;
    while (worker_next(w)) {
        if (!read_once(w, &value, &history))
            break;
        worker_inside(w);
        worker_done(w);
    }
    cell_value_end(w, &value);
}

/* What the dead have left, as far as it can still be read. */
void snapshot_cell_inspect(struct worker *auditor)
{
    struct cell_value value;
    uint64_t stamp;
    bool whole;
    if (cell_value_begin(auditor, &value))
        return;
    cell_value_read(auditor, &value, &stamp, &whole);
    cell_value_end(auditor, &value);
}

/* When all are done, what is left is somebody's last write. */
void snapshot_cell_audit(struct worker *auditor, void *histories)
{
    struct cell_value value;
    uint64_t stamp;
    bool whole;
    if (cell_value_begin(auditor, &value))
        return;
    if (cell_value_read(auditor, &value, &stamp, &whole) && whole) {
        uint32_t writer = payload_writer(stamp);
        uint64_t writes = writer < value.writers ? slot_load(&auditor->crew.slots[writer].ops) : 0;
        if (stamp == 0 || payload_version(stamp) != writes)
            worker_violation_values(auditor, VIOLATION_LOST, writes, payload_version(stamp),
                                    "all have written, and what is left is version %llu of worker %u, who has made %llu writes: "
                                    "the last write of all was lost",
                                    (unsigned long long)payload_version(stamp), writer, (unsigned long long)writes);
    }
    cell_value_end(auditor, &value);
    history_check_register(auditor, histories, record_initial(auditor->shape));
}
