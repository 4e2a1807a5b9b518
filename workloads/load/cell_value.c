/* Values of cells: writing and reading them through the primitive, and what may still be read. */
#include "workloads/load/cell_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TINY 8        /* bytes below which a value names no write */
#define TINY_STRIDE 0x35
/* A value of one word alone is spread over all its bits: of two versions mixed at any place, the rest would tell no tale. */
#define SPREAD 0x9e3779b97f4a7c15ULL
#define GATHER 0xf1de83e19937733dULL /* undoes it, modulo 2^64 */

int cell_value_begin(struct worker *w, struct cell_value *value)
{
    uint32_t writers = w->shape->writers;
    *value = (struct cell_value){.writers = writers, .memory = malloc(record_bytes(w->shape->size))};
    value->seen = calloc(writers, 4 * sizeof *value->seen);
    if (!value->memory || !value->seen) {
        free(value->memory);
        free(value->seen);
        worker_violation_text(w, VIOLATION_SYNC_ERROR, "worker %u: out of memory for a value of %llu bytes", w->index,
                              (unsigned long long)w->shape->size);
        return ENOMEM;
    }
    value->least = value->seen + writers;
    value->marked = value->least + writers;
    value->after = value->marked + writers;
    record_prepare(value->memory, w->shape);
    return 0;
}

void cell_value_end(struct worker *w, struct cell_value *value)
{
    record_audit(w, value->memory);
    free(value->memory);
    free(value->seen);
}

static void scale_word(struct worker *w, unsigned char *bytes, uint64_t factor)
{
    uint64_t word;
    if (w->shape->size != sizeof word)
        return;
    memcpy(&word, bytes, sizeof word);
    word *= factor;
    memcpy(bytes, &word, sizeof word);
}

/* All bytes follow from one that changes with every write. */
static void tiny_fill(struct worker *w, unsigned char *bytes, uint64_t version)
{
    for (uint64_t i = 0; i < w->shape->size; i++)
        bytes[i] = (unsigned char)(version + w->index * 97 + i * TINY_STRIDE);
}

static bool tiny_whole(const unsigned char *bytes, uint64_t size)
{
    bool zeros = true, pattern = true;
    for (uint64_t i = 0; i < size; i++) {
        zeros &= bytes[i] == 0;
        pattern &= bytes[i] == (unsigned char)(bytes[0] + i * TINY_STRIDE);
    }
    return zeros || pattern;
}

bool cell_value_write(struct worker *w, struct cell_value *value, uint64_t version)
{
    unsigned char *bytes = record_payload(value->memory);
    if (w->shape->size < TINY)
        tiny_fill(w, bytes, version);
    else
        payload_fill(bytes, w->shape->size, payload_stamp(version, w->index, record_tag(w->shape)));
    scale_word(w, bytes, SPREAD);
    worker_begin(w);
    return worker_end(w, w->sync->cell.write(&w->self, bytes), "write");
}

static bool all_zeros(const unsigned char *bytes, uint64_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static bool tiny_judge(struct worker *w, const unsigned char *bytes)
{
    uint64_t found = 0;
    memcpy(&found, bytes, w->shape->size);
    if (!tiny_whole(bytes, w->shape->size))
        worker_violation_values(w, VIOLATION_TORN, bytes[0], found, "torn: the %llu bytes 0x%llx were not written together",
                                (unsigned long long)w->shape->size, (unsigned long long)found);
    return false; /* and no more can be said about it */
}

bool cell_value_read(struct worker *w, struct cell_value *value, uint64_t *stamp, bool *whole)
{
    unsigned char *bytes = record_payload(value->memory);
    worker_begin(w);
    bool done = worker_end(w, w->sync->cell.read(&w->self, bytes), "read");
    scale_word(w, bytes, GATHER);
    *stamp = payload_peek(bytes, w->shape->size);
    if (!done)
        return false;
    if (w->shape->size < TINY)
        *whole = tiny_judge(w, bytes);
    else if (*stamp == 0 && all_zeros(bytes, w->shape->size))
        *whole = true;
    else
        *whole = record_read(w, value->memory, stamp);
    return true;
}

void cell_value_met(struct worker *w, struct cell_value *value, uint64_t stamp)
{
    if (stamp != value->last && (w->shape->size < TINY || payload_writer(stamp) != w->index))
        worker_handoff(w);
    value->last = stamp;
}

static void raise_to(uint64_t *least, uint64_t version)
{
    if (*least < version)
        *least = version;
}

static uint64_t completed(const struct worker *w, uint32_t writer)
{
    return __atomic_load_n(&w->crew.slots[writer].ops, __ATOMIC_ACQUIRE);
}

/* Whatever was complete at the mark was overwritten by a writer that has begun and completed a write since. The first of the
 * two writes that it takes may have been under way at the mark. */
static bool overwritten(const struct worker *w, const struct cell_value *value)
{
    for (uint32_t i = 0; i < value->writers; i++)
        if (completed(w, i) >= value->after[i] + 2)
            return true;
    return false;
}

void cell_value_look(struct worker *w, struct cell_value *value)
{
    if (overwritten(w, value)) {
        for (uint32_t i = 0; i < value->writers; i++) {
            if (value->marked[i])
                raise_to(&value->least[i], value->marked[i] + 1);
            value->marked[i] = completed(w, i);
        }
        for (uint32_t i = 0; i < value->writers; i++)
            value->after[i] = completed(w, i);
    }
    for (uint32_t i = 0; i < value->writers; i++) {
        raise_to(&value->least[i], completed(w, i));
        value->written |= value->least[i] != 0;
    }
}

static void report_old(struct worker *w, const struct cell_value *value, uint64_t stamp)
{
    uint32_t writer = payload_writer(stamp);
    uint64_t version = payload_version(stamp), least = value->least[writer];
    bool back = version < value->seen[writer];
    struct evidence *evidence = worker_violation(w, back ? VIOLATION_BACK : VIOLATION_STALE);
    if (!evidence)
        return;
    evidence->form = EVIDENCE_WRITES;
    evidence->expected = (struct evidence_write){back ? value->seen[writer] : least, (int32_t)writer};
    evidence->found = (struct evidence_write){version, (int32_t)writer};
    if (back)
        snprintf(evidence->text, sizeof evidence->text,
                 "found version %llu of worker %u, although this worker had already read its version %llu",
                 (unsigned long long)version, writer, (unsigned long long)value->seen[writer]);
    else
        snprintf(evidence->text, sizeof evidence->text,
                 "found version %llu of worker %u, which was overwritten before: from that writer nothing older than version "
                 "%llu could be left",
                 (unsigned long long)version, writer, (unsigned long long)least);
}

void cell_value_order(struct worker *w, struct cell_value *value, uint64_t stamp)
{
    uint32_t writer = payload_writer(stamp);
    uint64_t version = payload_version(stamp);
    if (stamp == 0) {
        if (value->written)
            worker_violation_text(w, VIOLATION_STALE, "found the initial zeros, although a write was complete before");
        return;
    }
    if (writer >= value->writers) {
        worker_violation_values(w, VIOLATION_FOREIGN, value->writers, writer, "found a value of worker %u, which is no writer",
                                writer);
        return;
    }
    if (version < value->least[writer])
        report_old(w, value, stamp);
    raise_to(&value->seen[writer], version);
    raise_to(&value->least[writer], version);
    value->written = true;
}
