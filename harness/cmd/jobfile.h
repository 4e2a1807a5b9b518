/* Job files: INI, one grid of trials a section, [global] for what all sections share. */
#ifndef CMD_JOBFILE_H
#define CMD_JOBFILE_H

#include "cmd/plan.h"

/* Adds the file's grids to the plan; keys become options of source OPTION_FROM_FILE. Errors name file, line and column.
 * `path` is a file, or the name of a built-in job. */
int jobfile_read(struct plan *plan, const char *path, struct error *error);

/* Adds an empty grid with all defaults. */
struct grid *plan_add_grid(struct plan *plan, const char *job);

#endif
