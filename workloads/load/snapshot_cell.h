/* The snapshot load on a cell: whole values through the primitive's own write and read. */
#ifndef WORKLOADS_LOAD_SNAPSHOT_CELL_H
#define WORKLOADS_LOAD_SNAPSHOT_CELL_H

struct worker;

/* `histories`: the memory that operations are recorded in. */
void snapshot_cell_write(struct worker *w, void *histories);
void snapshot_cell_read(struct worker *w, void *histories);
void snapshot_cell_inspect(struct worker *auditor);
void snapshot_cell_audit(struct worker *auditor, void *histories);

#endif
