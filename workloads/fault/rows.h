/* Every fault row, one declaration a row; workloads/contents.c puts them in order. */
#ifndef WORKLOADS_FAULT_ROWS_H
#define WORKLOADS_FAULT_ROWS_H

#include "contract/fault.h"

extern const struct fault_ops fault_none;
extern const struct fault_ops fault_yield;
extern const struct fault_ops fault_delay;
extern const struct fault_ops fault_before;
extern const struct fault_ops fault_both;
extern const struct fault_ops fault_linger;
extern const struct fault_ops fault_signals;
extern const struct fault_ops fault_signals_restart;
extern const struct fault_ops fault_rounds;
extern const struct fault_ops fault_rounds_held;
extern const struct fault_ops fault_brink;
extern const struct fault_ops fault_breakpoint;
extern const struct fault_ops fault_step;
extern const struct fault_ops fault_priority;
extern const struct fault_ops fault_leave;
extern const struct fault_ops fault_shuffle;
extern const struct fault_ops fault_stutter;
extern const struct fault_ops fault_stop;
extern const struct fault_ops fault_kill;
extern const struct fault_ops fault_die;
extern const struct fault_ops fault_churn;
extern const struct fault_ops fault_no_fork;
extern const struct fault_ops fault_shrink;
extern const struct fault_ops fault_unlink;
extern const struct fault_ops fault_shm_full;
extern const struct fault_ops fault_memory_limit;
extern const struct fault_ops fault_descriptors;
extern const struct fault_ops fault_explore;

/* The first word of churn that has everybody die within the critical section. */
#define CHURN_INSIDE 1

#endif
