/* A guarded record: writing it, and turning what is read from it into evidence. */
#include "workloads/load/record.h"

#include <stdio.h>
#include <string.h>

#define GUARD_VERSION 0x2a5a5a5a5a5ULL /* no trial comes that far */

size_t record_bytes(uint64_t size)
{
    return (size_t)size + 2 * RECORD_GUARD;
}

static uint64_t guard_stamp(const struct shape *shape)
{
    return payload_stamp(GUARD_VERSION, PAYLOAD_NOBODY, record_tag(shape));
}

void record_prepare(void *memory, const struct shape *shape)
{
    unsigned char *payload = record_payload(memory);
    payload_fill(memory, RECORD_GUARD, guard_stamp(shape));
    payload_fill(payload, shape->size, record_initial(shape));
    payload_fill(payload + shape->size, RECORD_GUARD, guard_stamp(shape));
}

static uint64_t stamp_of(const struct worker *w, uint64_t version)
{
    return payload_stamp(version, w->index, record_tag(w->shape));
}

void record_write(struct worker *w, void *memory, uint64_t version)
{
    unsigned char *payload = record_payload(memory);
    uint64_t stamp = stamp_of(w, version);
    size_t half = w->shape->size / 16 * 8; /* whole words */
    if (w->inside_at != UINT64_MAX)
        half = w->inside_at < w->shape->size / 8 ? w->inside_at * 8 : w->shape->size / 8 * 8;
    else if (w->shape->hold_ns == 0 && !w->fault->inside)
        half = 0;
    if (half)
        payload_fill(payload, half, stamp);
    worker_inside(w);
    payload_fill(payload + half, w->shape->size - half, stamp + half / 8 * PAYLOAD_STRIDE);
}

/* "version 12 of worker 3", "the initial content" */
static const char *write_name(uint64_t stamp, char text[64])
{
    if (payload_writer(stamp) == PAYLOAD_NOBODY)
        snprintf(text, 64, "the initial content");
    else
        snprintf(text, 64, "version %llu of worker %u", (unsigned long long)payload_version(stamp), payload_writer(stamp));
    return text;
}

static void note_writes(struct evidence *evidence, uint64_t expected, uint64_t found)
{
    evidence->form = EVIDENCE_WRITES;
    evidence->expected = (struct evidence_write){payload_version(expected), record_writer(expected)};
    evidence->found = (struct evidence_write){payload_version(found), record_writer(found)};
}

static void report_overwritten(struct worker *w, uint64_t stamp, size_t word, uint64_t found)
{
    uint64_t size = w->shape->size;
    struct evidence *evidence = worker_violation(w, VIOLATION_OVERLAP);
    if (!evidence)
        return;
    char mine[64], other[64];
    note_writes(evidence, stamp & payload_mask(size), found);
    evidence->offset = word * 8;
    if (size < 8)
        evidence->form = EVIDENCE_VALUES;
    snprintf(evidence->text, sizeof evidence->text,
             "two holders at once: while worker %u was inside with %s, offset %zu of the record became %s", w->index,
             write_name(stamp, mine), word * 8, size < 8 ? "something else" : write_name(found, other));
}

void record_confirm(struct worker *w, void *memory, uint64_t version)
{
    record_kept(w, memory, stamp_of(w, version));
}

void record_kept(struct worker *w, void *memory, uint64_t stamp)
{
    unsigned char *payload = record_payload(memory);
    uint64_t size = w->shape->size;
    stamp &= payload_mask(size);
    size_t words = size / 8, at = 0;
    uint64_t found = payload_peek(payload, size);
    if (found == stamp && words > 1) {
        at = seed_below(&w->random, 2) ? words - 1 : seed_below(&w->random, (uint32_t)(words < UINT32_MAX ? words : UINT32_MAX));
        found = payload_peek(payload + at * 8, 8) - at * PAYLOAD_STRIDE;
    }
    if (found != stamp)
        report_overwritten(w, stamp, at, found);
}

void record_overwritten(struct worker *w, const void *memory, uint64_t version, size_t word)
{
    const unsigned char *payload = (const unsigned char *)memory + RECORD_GUARD;
    report_overwritten(w, stamp_of(w, version), word, payload_peek(payload + word * 8, 8) - word * PAYLOAD_STRIDE);
}

static bool plausible(const struct worker *w, uint64_t stamp)
{
    uint32_t writer = payload_writer(stamp);
    bool made = writer < w->crew.workers || (writer == PAYLOAD_NOBODY && payload_version(stamp) == 0);
    return made && payload_tag(stamp) == record_tag(w->shape);
}

static void report_tear(struct worker *w, const struct payload_view *view)
{
    bool partial = w->shape->size - view->offset < 8; /* a partial word names no write */
    bool torn = plausible(w, view->stamp) && (partial || plausible(w, view->other));
    struct evidence *evidence = worker_violation(w, torn ? VIOLATION_TORN : VIOLATION_FOREIGN);
    if (!evidence)
        return;
    char first[64], second[64];
    note_writes(evidence, view->stamp, view->other);
    evidence->offset = view->offset;
    evidence->bytes_at = view->excerpt_at;
    evidence->bytes_count = (uint32_t)view->excerpt_bytes;
    memcpy(evidence->bytes, view->excerpt, view->excerpt_bytes);
    if (torn)
        snprintf(evidence->text, sizeof evidence->text, "torn at offset %zu of %llu: up to there %s, from there %s",
                 view->offset, (unsigned long long)w->shape->size, write_name(view->stamp, first),
                 partial ? "something else" : write_name(view->other, second));
    else
        snprintf(evidence->text, sizeof evidence->text,
                 "at offset %zu of %llu there are bytes that no worker of this trial has written", view->offset,
                 (unsigned long long)w->shape->size);
}

bool record_expected(struct worker *w, uint64_t stamp)
{
    if (__builtin_expect(w->shape->size < 8 || plausible(w, stamp), 1))
        return true;
    worker_violation_values(w, VIOLATION_FOREIGN, record_tag(w->shape), payload_tag(stamp),
                            "the record is whole, but no worker of this trial has written it");
    return false;
}

bool record_judge(struct worker *w, const void *read, uint64_t *stamp)
{
    struct payload_view view;
    bool whole = payload_read(read, w->shape->size, &view);
    *stamp = view.stamp;
    if (__builtin_expect(!whole, 0)) {
        report_tear(w, &view);
        return false;
    }
    return record_expected(w, view.stamp);
}

bool record_read(struct worker *w, void *memory, uint64_t *stamp)
{
    return record_judge(w, record_payload(memory), stamp);
}

static void report_old(struct worker *w, enum violation kind, uint64_t stamp, uint64_t newer, const char *why)
{
    struct evidence *evidence = worker_violation(w, kind);
    if (!evidence)
        return;
    char found[64];
    evidence->form = EVIDENCE_WRITES;
    evidence->expected = (struct evidence_write){newer, -1};
    evidence->found = (struct evidence_write){payload_version(stamp), record_writer(stamp)};
    snprintf(evidence->text, sizeof evidence->text, "found %s, although %s version %llu", write_name(stamp, found), why,
             (unsigned long long)newer);
}

void record_order(struct worker *w, uint64_t stamp, uint64_t floor)
{
    uint64_t version = payload_version(stamp), seen = w->slot->version;
    if (w->shape->size < 8)
        return; /* the low bytes of a version have no order */
    if (version < seen)
        report_old(w, VIOLATION_BACK, stamp, seen, "this worker had already seen");
    else if (version < floor)
        report_old(w, VIOLATION_STALE, stamp, floor, "another worker was done with");
    __atomic_store_n(&w->slot->version, version, __ATOMIC_RELEASE);
}

uint64_t record_floor(struct worker *w)
{
    uint32_t other = (uint32_t)seed_below(&w->random, w->crew.workers);
    return slot_known(&w->crew.slots[other]);
}

void record_repair(struct worker *w, void *memory)
{
    unsigned char *payload = record_payload(memory);
    if (w->shape->size >= 8)
        payload_fill(payload, w->shape->size, payload_peek(payload, w->shape->size));
}

bool record_torn_by_death(const struct shape *shape, double words)
{
    return words >= 1 && words * 8 < (double)shape->size;
}

void record_audit(struct worker *auditor, void *memory)
{
    const struct shape *shape = auditor->shape;
    unsigned char *guards[2] = {memory, record_payload(memory) + shape->size};
    for (int i = 0; i < 2; i++) {
        struct payload_view view;
        bool whole = payload_read(guards[i], RECORD_GUARD, &view);
        if (whole && view.stamp == guard_stamp(shape))
            continue;
        struct evidence *evidence = worker_violation(auditor, VIOLATION_SCRIBBLED);
        if (!evidence)
            continue;
        evidence->bytes_count = RECORD_GUARD;
        memcpy(evidence->bytes, guards[i], RECORD_GUARD);
        snprintf(evidence->text, sizeof evidence->text, "the %d bytes %s the record were overwritten: somebody writes outside it",
                 RECORD_GUARD, i == 0 ? "before" : "after");
    }
}
