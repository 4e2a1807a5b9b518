/* Every load row, one declaration a row; workloads/contents.c puts them in order. */
#ifndef WORKLOADS_LOAD_ROWS_H
#define WORKLOADS_LOAD_ROWS_H

#include "contract/load.h"

extern const struct load_ops load_counter;
extern const struct load_ops load_snapshot;
extern const struct load_ops load_quit;
extern const struct load_ops load_cells;
extern const struct load_ops load_neighbours;
extern const struct load_ops load_bank;
extern const struct load_ops load_pool;
extern const struct load_ops load_phases;
extern const struct load_ops load_lifecycle;
extern const struct load_ops load_stream;
extern const struct load_ops load_pingpong;
extern const struct load_ops load_verify;

#endif
