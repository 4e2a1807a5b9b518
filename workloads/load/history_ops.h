/* What the checks of a history share: all recorded operations in one list, and how they are told. */
#ifndef WORKLOADS_LOAD_HISTORY_OPS_H
#define WORKLOADS_LOAD_HISTORY_OPS_H

#include "workloads/load/history.h"

#define HISTORY_NEVER UINT64_MAX

struct history_op {
    uint64_t start, end, value;
    uint32_t worker;
    enum history_kind kind;
};

struct history_ops {
    const struct worker *auditor;
    const char *noun;        /* "version", "element" */
    const char *verbs[3];    /* of each kind */
    struct history_op *ops;
    size_t count;
    uint64_t *until;  /* of each worker: what is not recorded of it began after that; HISTORY_NEVER: all is recorded */
    uint64_t *newest; /* of each worker: the highest version of its recorded writes; 0: none */
    uint64_t origin;  /* the first start: times are told from here */
};

/* Collects the records into `all`, whose words are set; freed with history_free(). */
void history_gather(struct worker *auditor, void *memory, struct history_ops *all);
void history_free(struct history_ops *all);

/* Memory for a check, zeroed; the audit cannot go on without it and ends. */
void *history_room(struct worker *auditor, size_t count, size_t size);

/* When the writing of a value began that nobody recorded: at the earliest. HISTORY_NEVER: it was never written. */
uint64_t history_written_after(const struct history_ops *all, uint64_t value);

#define HISTORY_OP_TEXT 104

/* "worker 3 read version 5 of worker 0 (12.345 to 12.400 us)" */
const char *history_op_text(const struct history_ops *all, const struct history_op *op, char text[HISTORY_OP_TEXT]);

/* "version 5 of worker 0", "the initial content" */
const char *history_value_text(const struct history_ops *all, uint64_t value, char text[64]);

/* By value, then by kind, then by start. */
int history_by_value(const void *a, const void *b);

#endif
