/* A history: the first operations of every worker recorded whole, and checked when all is over for an order that explains them.
 *
 *     struct history history = history_open(w, memory);
 *     history_begin(&history);
 *     ... the operation ...
 *     history_end(&history, HISTORY_READ, stamp);          nothing is recorded without it: begin again for a second try
 *     audit: history_check_register(auditor, memory, initial) or history_check_queue(auditor, memory, true)
 *
 * A value is a payload's stamp, which names its writer and is written once; a writer's versions only go up. An operation may
 * have taken effect at any moment from its start to its end: the check reports only what no choice of moments explains, and
 * it finds every such contradiction among what was recorded.
 *
 * What was not recorded is allowed for. Each worker's record is the beginning of what it did, of shape->history operations at
 * the most; a value whose writing is not in it may have been written at any moment after its writer's record had ended, and an
 * element that nobody took may have been taken after the first consumer's record had ended.
 *
 * A full fence stands at both ends of a recorded operation. Without it an operation's stores might become visible only after
 * its recorded end, and its loads might be done before its recorded start: correct primitives would look broken.
 */
#ifndef WORKLOADS_LOAD_HISTORY_H
#define WORKLOADS_LOAD_HISTORY_H

#include "contract/worker.h"

enum history_kind {
    HISTORY_WRITE, /* a value was written, an element pushed */
    HISTORY_READ,  /* a value was read, an element popped */
    HISTORY_EMPTY, /* nothing was there to be popped; `value` is ignored */
};

struct history_entry {
    uint64_t start_ns, end_ns, value, kind;
};

/* One worker's record, in memory that the auditor sees. */
struct history_log {
    _Alignas(SLOT_ALIGN) uint64_t count;
    struct history_entry entries[];
};

/* A worker's hold on its own record. */
struct history {
    struct history_log *log;
    uint64_t start_ns;
    uint32_t left; /* operations that may still be recorded */
};

/* Bytes of all records; 0 when none are kept. The memory must be zeroed and lie at a multiple of SLOT_ALIGN. */
size_t history_bytes(const struct shape *shape);

struct history history_open(struct worker *w, void *memory);

/* Of several empty pops in a row only the first and the last are kept: those between say nothing more. */
void history_note(struct history *history, enum history_kind kind, uint64_t value);

/* The operation starts after this. */
static inline void history_begin(struct history *history)
{
    if (__builtin_expect(history->left != 0, 0)) {
        history->start_ns = clock_ns();
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

/* The operation ended before this. */
static inline void history_end(struct history *history, enum history_kind kind, uint64_t value)
{
    if (__builtin_expect(history->left != 0, 0))
        history_note(history, kind, value);
}

/* Reports what no order of reads and writes of one register explains; `initial` is its first value. */
void history_check_register(struct worker *auditor, void *memory, uint64_t initial);

/* Reports what no order of pushes and pops of one first-in-first-out queue explains, which was empty at first. `empties`:
 * an empty pop is a promise that nothing was inside at some moment of it. */
void history_check_queue(struct worker *auditor, void *memory, bool empties);

#endif
