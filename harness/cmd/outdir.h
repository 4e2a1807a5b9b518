/* The folder of a run: made, named, and pointed at by results/latest. */
#ifndef CMD_OUTDIR_H
#define CMD_OUTDIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "report/run_info.h"

#define RUNS_FOLDER "results/runs"
#define LATEST_LINK "results/latest"

/* Names the run in run->id and run->started. */
void outdir_name(struct run_info *run);

/* Makes the folder `wanted`, or results/runs/ID when that is NULL, and checks that no run lies in it. `path` receives the
 * folder. Fails with status ENVIRONMENT. */
int outdir_make(const struct run_info *run, const char *wanted, char *path, size_t size, struct error *error);

/* Points results/latest at a run in results/runs. A failure is only told: the run itself is whole. */
void outdir_publish(const struct run_info *run);

#endif
