/* Recording a history, and collecting what all workers have recorded. */
#include "workloads/load/history.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "shm/payload.h"
#include "workloads/load/history_ops.h"

static size_t log_bytes(const struct shape *shape)
{
    size_t bytes = sizeof(struct history_log) + shape->history * sizeof(struct history_entry);
    return (bytes + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
}

size_t history_bytes(const struct shape *shape)
{
    return shape->history ? shape_workers(shape) * log_bytes(shape) : 0;
}

static struct history_log *log_of(const struct shape *shape, void *memory, uint32_t worker)
{
    return (struct history_log *)(void *)((char *)memory + worker * log_bytes(shape));
}

struct history history_open(struct worker *w, void *memory)
{
    if (w->shape->history == 0)
        return (struct history){0};
    return (struct history){.log = log_of(w->shape, memory, w->index), .left = w->shape->history};
}

static bool is_empty(const struct history_log *log, uint64_t back)
{
    return log->count >= back && log->entries[log->count - back].kind == HISTORY_EMPTY;
}

void history_note(struct history *history, enum history_kind kind, uint64_t value)
{
    struct history_log *log = history->log;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    struct history_entry entry = {.start_ns = history->start_ns, .end_ns = clock_ns(), .value = value, .kind = kind};
    if (kind == HISTORY_EMPTY && is_empty(log, 1) && is_empty(log, 2)) {
        log->entries[log->count - 1] = entry;
        return;
    }
    log->entries[log->count++] = entry;
    history->left--;
}

void *history_room(struct worker *auditor, size_t count, size_t size)
{
    void *room = calloc(count ? count : 1, size);
    if (room)
        return room;
    struct slot *slot = auditor->slot;
    snprintf(slot->failure, sizeof slot->failure, "out of memory for the check of the recorded histories: use a smaller --history");
    slot_store(&slot->failed, ENOMEM);
    notice("%s", slot->failure);
    _Exit(STATUS_ENVIRONMENT); /* no verdict without the check that was asked for */
}

static void gather_log(struct history_ops *all, const struct history_log *log, uint32_t worker)
{
    for (uint64_t i = 0; i < log->count; i++) {
        const struct history_entry *entry = &log->entries[i];
        uint64_t version = payload_version(entry->value);
        all->ops[all->count++] = (struct history_op){entry->start_ns, entry->end_ns, entry->value, worker,
                                                     (enum history_kind)entry->kind};
        if (entry->kind == HISTORY_WRITE && version > all->newest[worker])
            all->newest[worker] = version;
        if (entry->start_ns < all->origin)
            all->origin = entry->start_ns;
    }
    if (log->count == all->auditor->shape->history)
        all->until[worker] = log->entries[log->count - 1].end_ns;
}

void history_gather(struct worker *auditor, void *memory, struct history_ops *all)
{
    const struct shape *shape = auditor->shape;
    uint32_t workers = shape_workers(shape);
    uint64_t total = 0;
    for (uint32_t i = 0; i < workers; i++)
        total += log_of(shape, memory, i)->count;
    all->auditor = auditor;
    all->ops = history_room(auditor, total, sizeof *all->ops);
    all->until = history_room(auditor, workers, sizeof *all->until);
    all->newest = history_room(auditor, workers, sizeof *all->newest);
    all->count = 0;
    all->origin = HISTORY_NEVER;
    for (uint32_t i = 0; i < workers; i++) {
        all->until[i] = HISTORY_NEVER;
        gather_log(all, log_of(shape, memory, i), i);
    }
}

void history_free(struct history_ops *all)
{
    free(all->ops);
    free(all->until);
    free(all->newest);
}

uint64_t history_written_after(const struct history_ops *all, uint64_t value)
{
    uint32_t writer = payload_writer(value);
    if (writer >= shape_workers(all->auditor->shape) || payload_version(value) <= all->newest[writer])
        return HISTORY_NEVER;
    return all->until[writer];
}

const char *history_value_text(const struct history_ops *all, uint64_t value, char text[64])
{
    if (payload_writer(value) == PAYLOAD_NOBODY)
        snprintf(text, 64, "the initial content");
    else
        snprintf(text, 64, "%s %llu of worker %u", all->noun, (unsigned long long)payload_version(value), payload_writer(value));
    return text;
}

const char *history_op_text(const struct history_ops *all, const struct history_op *op, char text[HISTORY_OP_TEXT])
{
    char value[64] = "";
    if (op->kind != HISTORY_EMPTY)
        history_value_text(all, op->value, value);
    snprintf(text, HISTORY_OP_TEXT, "worker %u %s%s%s (%.3f to %.3f us)", op->worker, all->verbs[op->kind], value[0] ? " " : "",
             value, (double)(op->start - all->origin) / 1e3, (double)(op->end - all->origin) / 1e3);
    return text;
}

#define COMPARE(x, y)                                                                                                       \
    if ((x) != (y))                                                                                                         \
    return (x) < (y) ? -1 : 1

int history_by_value(const void *a, const void *b)
{
    const struct history_op *x = a, *y = b;
    COMPARE(x->value, y->value);
    COMPARE(x->kind, y->kind);
    COMPARE(x->start, y->start);
    return 0;
}
