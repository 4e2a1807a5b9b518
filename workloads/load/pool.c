/* pool: everybody takes slots, marks them as his own, finds the marks untouched, and gives them back.
 *
 * There are fewer slots than workers, so that a slot comes back while others are still about to take it (ABA); now and then a
 * worker takes two, and gives the first one back first or last. With a lock, the free slots are a list under the lock.
 *
 * Costs an owner word and a fill and a check of the slot's bytes a taking.
 */
#include <stdio.h>
#include <string.h>

#include "workloads/load/plain.h"
#include "workloads/load/record.h"
#include "workloads/load/rows.h"

#define NOWHERE UINT32_MAX
#define POLLS_BEFORE_YIELD 16
/* A worker that finds no slot free for so long, while nobody gets anywhere, leaves; the audit tells whether slots are lost. */
#define PATIENCE_NS (3 * NS_PER_S)
#define POLLS_AT_THE_END 100000

/* The head of the area; the list's links and then the slots follow. */
struct pool_area {
    _Alignas(PLAIN_LINE) uint64_t head; /* of the list under the lock */
    _Alignas(PLAIN_LINE) uint64_t next[];
};

/* A slot of the pool: who has it, who had it last, and bytes that are all his. */
struct slot_mark {
    uint64_t owner, last; /* index + 1; 0: nobody */
    unsigned char bytes[];
};

static uint32_t pool_capacity(const struct shape *shape)
{
    uint32_t half = shape_workers(shape) / 2;
    return half < 2 ? 2 : half;
}

static size_t round_up(size_t bytes)
{
    return (bytes + PLAIN_LINE - 1) / PLAIN_LINE * PLAIN_LINE;
}

static size_t marks_offset(const struct shape *shape)
{
    return round_up(sizeof(struct pool_area) + pool_capacity(shape) * sizeof(uint64_t));
}

static size_t mark_bytes(const struct shape *shape)
{
    return round_up(sizeof(struct slot_mark) + shape->size);
}

static size_t pool_bytes(const struct shape *shape)
{
    return marks_offset(shape) + pool_capacity(shape) * mark_bytes(shape);
}

static struct slot_mark *mark_at(const struct worker *w, uint32_t slot)
{
    return (void *)((char *)w->area + marks_offset(w->shape) + slot * mark_bytes(w->shape));
}

static int pool_prepare(void *area, const struct shape *shape)
{
    struct pool_area *a = area;
    uint32_t slots = pool_capacity(shape);
    memset(area, 0, pool_bytes(shape));
    for (uint32_t i = 0; i < slots; i++)
        a->next[i] = i + 1 < slots ? i + 1 : NOWHERE;
    return 0;
}

/* The list under the lock. */
static int list_take(struct worker *w, uint32_t *slot)
{
    struct pool_area *a = w->area;
    if (!worker_enter(w))
        return EIO;
    uint64_t head = plain_get(&a->head);
    if (head < pool_capacity(w->shape)) {
        uint64_t next = plain_get(&a->next[head]);
        worker_inside(w);
        plain_set(&a->head, next);
    }
    worker_leave(w);
    *slot = (uint32_t)head;
    return head == NOWHERE ? EAGAIN : 0;
}

static int list_give(struct worker *w, uint32_t slot)
{
    struct pool_area *a = w->area;
    if (!worker_enter(w))
        return EIO;
    plain_set(&a->next[slot], plain_get(&a->head));
    plain_set(&a->head, slot);
    worker_leave(w);
    return 0;
}

/* 0: taken; EAGAIN: none is free; another errno: reported, this worker cannot go on. */
static int take(struct worker *w, uint32_t *slot)
{
    int rc;
    *slot = NOWHERE;
    if (w->shape->family == SYNC_LOCK) {
        rc = list_take(w, slot);
    } else {
        worker_begin(w);
        rc = w->sync->pool.take(&w->self, slot);
        worker_end(w, rc, "take");
    }
    if (rc == 0 && *slot >= pool_capacity(w->shape)) {
        worker_violation_values(w, VIOLATION_FOREIGN, pool_capacity(w->shape), *slot, "slot %u was handed out, of a pool of %u",
                                *slot, pool_capacity(w->shape));
        w->leave = true;
        return EIO;
    }
    return rc;
}

static int give(struct worker *w, uint32_t slot)
{
    if (w->shape->family == SYNC_LOCK)
        return list_give(w, slot);
    worker_begin(w);
    int rc = w->sync->pool.give(&w->self, slot);
    return worker_end(w, rc, "give") ? 0 : EIO;
}

static void doubled(struct worker *w, uint32_t slot, uint64_t owner, const char *when)
{
    if (owner)
        worker_violation_values(w, VIOLATION_DOUBLED, w->index, owner - 1, "slot %u belongs to two: %s, worker %u found the mark of "
                                "worker %llu", slot, when, w->index, (unsigned long long)owner - 1);
    else
        worker_violation_values(w, VIOLATION_DOUBLED, w->index, 0, "slot %u belongs to two: while worker %u had it, somebody else "
                                "gave it back", slot, w->index);
}

static uint64_t stamp_of(const struct worker *w, uint64_t turn)
{
    return payload_stamp(turn, w->index, record_tag(w->shape));
}

/* Right after taking: nobody's mark is there, and mine goes on it. */
static void mark(struct worker *w, uint32_t slot, uint64_t turn)
{
    struct slot_mark *mark = mark_at(w, slot);
    uint64_t owner = plain_get(&mark->owner), me = w->index + 1;
    if (owner)
        doubled(w, slot, owner, "on taking it");
    plain_set(&mark->owner, me);
    if (plain_get(&mark->last) != me)
        worker_handoff(w);
    plain_set(&mark->last, me);
    payload_fill(mark->bytes, w->shape->size, stamp_of(w, turn));
}

static void report_bytes(struct worker *w, uint32_t slot, const struct payload_view *view)
{
    struct evidence *evidence = worker_violation(w, VIOLATION_DOUBLED);
    if (!evidence)
        return;
    evidence->offset = view->offset;
    if (!view->whole) {
        evidence->bytes_at = view->excerpt_at;
        evidence->bytes_count = (uint32_t)view->excerpt_bytes;
        memcpy(evidence->bytes, view->excerpt, view->excerpt_bytes);
    }
    snprintf(evidence->text, sizeof evidence->text,
             "slot %u belongs to two: somebody wrote to its bytes, at offset %zu, while worker %u had it", slot, view->offset,
             w->index);
}

/* Right before giving back: all is as I left it. */
static void unmark(struct worker *w, uint32_t slot, uint64_t turn)
{
    struct slot_mark *mark = mark_at(w, slot);
    struct payload_view view = {0};
    uint64_t owner = plain_get(&mark->owner), me = w->index + 1;
    if (owner != me)
        doubled(w, slot, owner, "before giving it back");
    bool whole = payload_read(mark->bytes, w->shape->size, &view);
    if (!whole || view.stamp != (stamp_of(w, turn) & payload_mask(w->shape->size)))
        report_bytes(w, slot, &view);
    plain_set(&mark->owner, 0);
}

static uint64_t crew_ops(const struct worker *w)
{
    uint64_t ops = 0;
    for (uint32_t i = 0; i < w->crew.workers; i++)
        ops += slot_load(&w->crew.slots[i].ops);
    return ops;
}

/* Waits for a slot. False: this worker is to leave. */
static bool take_one(struct worker *w, uint32_t *slot)
{
    uint64_t seen = 0, since_ns = 0;
    for (uint32_t polls = 0, last = 0;;) {
        int rc = take(w, slot);
        if (rc != EAGAIN)
            return rc == 0;
        if (worker_stopping(w) && (w->ops != 0 || ++last > POLLS_AT_THE_END))
            return false;
        if (++polls % POLLS_BEFORE_YIELD) {
            cpu_relax();
            continue;
        }
        worker_yield(w);
        uint64_t ops = crew_ops(w), now = clock_ns();
        if (ops != seen || since_ns == 0)
            since_ns = now;
        seen = ops;
        if (now - since_ns > PATIENCE_NS)
            return false;
    }
}

/* A second slot if there is one, so that slots come back in another order; who waits for it while he has one may wait for
 * ever. */
static bool take_second(struct worker *w, uint32_t *slot)
{
    bool waits = w->shape->family == SYNC_POOL && w->sync->traits & SYNC_BLOCKING;
    return !waits && seed_below(&w->random, 2) && take(w, slot) == 0;
}

static void pool_run(struct worker *w)
{
    uint32_t first, second;
    for (uint64_t turn = 1; worker_next(w); turn += 2) {
        if (!take_one(w, &first))
            return;
        mark(w, first, turn);
        if (w->shape->family != SYNC_LOCK)
            worker_inside(w);
        bool two = take_second(w, &second);
        if (two)
            mark(w, second, turn + 1);
        unmark(w, first, turn);
        if (give(w, first))
            return;
        if (two) {
            unmark(w, second, turn + 1);
            if (give(w, second))
                return;
        }
        worker_done(w);
    }
}

/* Takes what is free from a pool, as far as it goes; a pool that waits is not asked for more than there can be. */
static uint32_t audit_take(struct worker *auditor, uint32_t slots)
{
    uint32_t count = 0, slot = 0;
    bool waits = auditor->sync->traits & SYNC_BLOCKING;
    while (count <= slots && !(waits && count == slots)) {
        int rc = auditor->sync->pool.take(&auditor->self, &slot);
        if (rc == EAGAIN)
            break;
        if (rc) {
            worker_refused(auditor, rc, "take");
            break;
        }
        count++;
    }
    return count;
}

static uint32_t audit_list(const struct pool_area *a, uint32_t slots)
{
    uint32_t count = 0;
    for (uint64_t at = a->head; at < slots && count <= slots; at = a->next[at])
        count++;
    return count;
}

static uint32_t count_free(struct worker *auditor)
{
    uint32_t slots = pool_capacity(auditor->shape);
    return auditor->shape->family == SYNC_LOCK ? audit_list(auditor->area, slots) : audit_take(auditor, slots);
}

/* Who died has taken two slots along at the most. */
static void pool_inspect(struct worker *auditor)
{
    uint32_t slots = pool_capacity(auditor->shape);
    if (auditor->shape->family == SYNC_POOL && auditor->sync->traits & SYNC_BLOCKING)
        return; /* it would be waited for what is not there any more */
    uint32_t count = count_free(auditor);
    uint64_t taken = 2ULL * worker_deaths(auditor, 0, auditor->crew.workers);
    if (count + taken < slots)
        worker_violation_values(auditor, VIOLATION_LOST, slots - taken, count,
                                "of %u slots only %u are free, and who died can have taken %llu along: the others are lost", slots,
                                count, (unsigned long long)taken);
    if (count > slots)
        worker_violation_values(auditor, VIOLATION_DOUBLED, slots, count, "of %u slots, %u or more are free: some are there twice",
                                slots, count);
}

/* All have given back what they had: all slots are free, and each once. */
static void pool_audit(struct worker *auditor)
{
    uint32_t slots = pool_capacity(auditor->shape), count = count_free(auditor);
    if (count < slots)
        worker_violation_values(auditor, VIOLATION_LOST, slots, count, "all slots were given back, and of %u only %u are free: the "
                                "others are lost", slots, count);
    if (count > slots)
        worker_violation_values(auditor, VIOLATION_DOUBLED, slots, count, "of %u slots, %u or more are free: some are there twice",
                                slots, count);
    for (uint32_t i = 0; i < slots; i++)
        if (mark_at(auditor, i)->owner)
            worker_violation_values(auditor, VIOLATION_SCRIBBLED, 0, mark_at(auditor, i)->owner,
                                    "all have given back what they had, and slot %u still has an owner's mark", i);
}

static bool pool_breakable(const struct shape *shape)
{
    return shape_workers(shape) > 1;
}

const struct load_ops load_pool = {
    .name = "pool",
    .summary = "everybody takes slots, marks them and gives them back: none may belong to two, none may be lost",
    .families = 1u << SYNC_POOL | 1u << SYNC_LOCK,
    .default_size = 64,
    .min_size = 8,
    .size_means = "a slot",
    .min_writers = 1,
    .exclusive = true,
    .enough = 30,
    .capacity = pool_capacity,
    .area_bytes = pool_bytes,
    .prepare = pool_prepare,
    .write = pool_run,
    .read = pool_run,
    .audit = pool_audit,
    .survivable = true,
    .inspect = pool_inspect,
    .breakable = pool_breakable,
};
