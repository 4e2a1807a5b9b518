/* Is there an order of reads and writes that explains a register's history? (Gibbons, Korach: Testing Shared Memories, 1997)
 *
 * Every value is written once, so the operations on one value, its cluster, must follow each other without another's between
 * them, the write first. Cluster A must come before B if some operation of A ended before some operation of B started: if A's
 * first end lies before B's last start. A history has an order unless some read comes before its write, or two clusters must
 * come before each other. In a zone from the first end to the last start that is: two forward zones (first end before last
 * start) that overlap, or a backward zone within a forward one. Sorting finds all of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "shm/payload.h"
#include "workloads/load/history_ops.h"

struct zone {
    uint64_t value;
    uint64_t first_end, last_start;
    /* the operations that these belong to; NULL: a write that nobody recorded, or the initial content */
    const struct history_op *first, *last;
    const struct zone *widest; /* of the forward zones up to this one, the one that reaches farthest */
};

static void tell_conflict(struct worker *auditor, const struct history_ops *all, const struct zone *a, const struct zone *b)
{
    struct evidence *evidence = worker_violation(auditor, VIOLATION_HISTORY);
    if (!evidence)
        return;
    const struct history_op *ops[4] = {a->first, b->last, b->first, a->last};
    const struct zone *zones[4] = {a, b, b, a};
    char texts[4][HISTORY_OP_TEXT], value[64];
    for (int i = 0; i < 4; i++)
        if (ops[i])
            history_op_text(all, ops[i], texts[i]);
        else
            snprintf(texts[i], sizeof texts[i], "the writing of %s", history_value_text(all, zones[i]->value, value));
    evidence->form = EVIDENCE_WRITES;
    evidence->expected = (struct evidence_write){payload_version(a->value), (int32_t)payload_writer(a->value)};
    evidence->found = (struct evidence_write){payload_version(b->value), (int32_t)payload_writer(b->value)};
    if (payload_writer(a->value) == PAYLOAD_NOBODY)
        evidence->expected.writer = -1;
    if (payload_writer(b->value) == PAYLOAD_NOBODY)
        evidence->found.writer = -1;
    snprintf(evidence->text, sizeof evidence->text,
             "no order of the operations explains these: %s was over before %s, and yet %s was over before %s", texts[0],
             texts[1], texts[2], texts[3]);
}

/* A read before its write, or a second write of the same value. */
static void tell_read(struct worker *auditor, const struct history_ops *all, const struct history_op *read,
                      const struct history_op *write)
{
    char one[HISTORY_OP_TEXT], other[HISTORY_OP_TEXT];
    history_op_text(all, read, one);
    if (read->kind == HISTORY_WRITE)
        worker_violation_text(auditor, VIOLATION_HISTORY, "%s, as %s: one of them did not see the other", one,
                              history_op_text(all, write, other));
    else if (write)
        worker_violation_text(auditor, VIOLATION_HISTORY, "no order of the operations explains these: %s was over before %s", one,
                              history_op_text(all, write, other));
    else
        worker_violation_text(auditor, VIOLATION_HISTORY, "%s, which nobody had written by then", one);
}

/* A write that was not recorded: of the initial content, or after its writer's record had ended. False: there is none. */
static bool assume_write(const struct history_ops *all, uint64_t value, uint64_t initial, struct zone *zone)
{
    uint64_t start = value == initial ? 0 : history_written_after(all, value);
    uint64_t end = value == initial ? 0 : HISTORY_NEVER;
    *zone = (struct zone){.value = value, .first_end = end, .last_start = start};
    return start != HISTORY_NEVER;
}

/* The zone of the operations from `op` on that have its value; *next is the first behind them. False: they contradict each
 * other by themselves, which has been reported. */
static bool make_zone(struct worker *auditor, const struct history_ops *all, const struct history_op *op, uint64_t initial,
                      struct zone *zone, const struct history_op **next)
{
    const struct history_op *end = all->ops + all->count, *write = op->kind == HISTORY_WRITE ? op++ : NULL;
    const struct history_op *first = write ? write : op;
    bool whole = true;
    if (write)
        *zone = (struct zone){write->value, write->end, write->start, write, write, NULL};
    else if (!assume_write(all, op->value, initial, zone))
        zone->last_start = HISTORY_NEVER; /* every read of it comes too early */
    for (uint64_t written = zone->last_start; op < end && op->value == first->value; op++) {
        if (op->kind == HISTORY_WRITE || op->end < written) {
            tell_read(auditor, all, op, write);
            whole = false;
        }
        if (op->end < zone->first_end) {
            zone->first_end = op->end;
            zone->first = op;
        }
        if (op->start > zone->last_start) {
            zone->last_start = op->start;
            zone->last = op;
        }
    }
    *next = op;
    return whole;
}

static int by_first_end(const void *a, const void *b)
{
    const struct zone *x = a, *y = b;
    return x->first_end < y->first_end ? -1 : x->first_end > y->first_end;
}

static bool is_forward(const struct zone *zone)
{
    return zone->first_end < zone->last_start;
}

/* Forward zones to the front, in the order of their first ends. Returns how many they are. */
static size_t sort_zones(struct zone *zones, size_t count)
{
    size_t forward = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_forward(&zones[i]))
            continue;
        struct zone zone = zones[forward];
        zones[forward++] = zones[i];
        zones[i] = zone;
    }
    qsort(zones, forward, sizeof *zones, by_first_end);
    return forward;
}

static void check_forward(struct worker *auditor, const struct history_ops *all, struct zone *zones, size_t forward)
{
    for (size_t i = 0; i < forward; i++) {
        const struct zone *before = i ? zones[i - 1].widest : NULL;
        if (before && zones[i].first_end < before->last_start)
            tell_conflict(auditor, all, before, &zones[i]);
        zones[i].widest = before && before->last_start > zones[i].last_start ? before : &zones[i];
    }
}

/* The forward zone that reaches farthest among those that begin before the zone's last start. */
static void check_backward(struct worker *auditor, const struct history_ops *all, const struct zone *zones, size_t forward,
                           const struct zone *zone)
{
    size_t low = 0, high = forward;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zones[middle].first_end < zone->last_start)
            low = middle + 1;
        else
            high = middle;
    }
    if (low && zone->first_end < zones[low - 1].widest->last_start)
        tell_conflict(auditor, all, zones[low - 1].widest, zone);
}

void history_check_register(struct worker *auditor, void *memory, uint64_t initial)
{
    struct history_ops all = {.noun = "version", .verbs = {"wrote", "read", "found nothing"}};
    size_t count = 0;
    if (auditor->shape->history == 0)
        return;
    history_gather(auditor, memory, &all);
    qsort(all.ops, all.count, sizeof *all.ops, history_by_value);
    struct zone *zones = history_room(auditor, all.count, sizeof *zones);
    for (const struct history_op *op = all.ops, *next; op < all.ops + all.count; op = next)
        count += make_zone(auditor, &all, op, initial, &zones[count], &next);
    size_t forward = sort_zones(zones, count);
    check_forward(auditor, &all, zones, forward);
    for (size_t i = forward; i < count; i++)
        check_backward(auditor, &all, zones, forward, &zones[i]);
    free(zones);
    history_free(&all);
}
