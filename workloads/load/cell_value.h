/* A value that is written to a cell and read from it, in this process's own memory, and the judgement of what was read.
 *
 * Every writer numbers its own writes, 1, 2, 3 ..., and has done as many as its slot shows operations. With several writers
 * nobody knows the order of all writes, and no order may be assumed; but for each writer there is a version that can no
 * longer be read, and whoever reads it, or an older one, has proof:
 *   - older than one that this process has read: that one had overwritten it (back);
 *   - older than one that was complete before the read began (stale);
 *   - complete at a moment after which another writer has begun and completed a write: overwritten as well (stale).
 * A value below eight bytes has no room for a version: its bytes only show whether they belong together.
 *
 * What it costs: a fill and a check of each word, one comparison a read, and in sampled reads a look at all writers' slots.
 */
#ifndef WORKLOADS_LOAD_CELL_VALUE_H
#define WORKLOADS_LOAD_CELL_VALUE_H

#include "contract/worker.h"
#include "workloads/load/record.h"

struct cell_value {
    void *memory; /* a record: the value between two guards */
    uint32_t writers;
    bool written;     /* some write is known to be complete: the initial zeros are gone */
    uint64_t *seen;   /* by writer: the newest version that was read */
    uint64_t *least;  /* by writer: the oldest version that may still be read */
    uint64_t *marked; /* by writer: complete at the last mark */
    uint64_t *after;  /* by writer: complete at a moment after the whole mark */
    uint64_t last;    /* the stamp that was read last */
};

/* Allocates for this worker. 0 or ENOMEM, which is reported as the worker's failure to go on. */
int cell_value_begin(struct worker *w, struct cell_value *value);

/* Reports guards that have changed, and frees. */
void cell_value_end(struct worker *w, struct cell_value *value);

/* Writes and reads the cell of w->self once. False: the primitive refused; the caller returns. */
bool cell_value_write(struct worker *w, struct cell_value *value, uint64_t version);
/* *stamp: what was read, 0 for the initial zeros. *whole: it may be judged further. */
bool cell_value_read(struct worker *w, struct cell_value *value, uint64_t *stamp, bool *whole);

/* After a read: is it another worker's, and new? Then it was handed over. */
void cell_value_met(struct worker *w, struct cell_value *value, uint64_t stamp);

/* Before a read: what is complete now must be found. Looks at all writers. */
void cell_value_look(struct worker *w, struct cell_value *value);

/* After a read, of a whole value of at least eight bytes: is it one that may still be read? */
void cell_value_order(struct worker *w, struct cell_value *value, uint64_t stamp);

#endif
