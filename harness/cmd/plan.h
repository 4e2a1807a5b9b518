/* The plan: from options and job files to trials, and from a trial back to the line that replays it. */
#ifndef CMD_PLAN_H
#define CMD_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/option.h"
#include "run/spec.h"

/* Row numbers of run_options: what `shmoo run` takes, on the command line and (those with OPTION_KEY) in job files. */
enum run_option {
    RUN_PLUGIN,
    RUN_LOAD,
    RUN_SYNC,
    RUN_WRITERS,
    RUN_READERS,
    RUN_SIZE,
    RUN_FAULT,
    RUN_DURATION,
    RUN_OPS,
    RUN_REPEAT,
    RUN_HOLD,
    RUN_THINK,
    RUN_RATE,
    RUN_PIN,
    RUN_PREFAULT, /* the first of LAYOUT_AXES, in their order */
    RUN_PAGES,
    RUN_ADDRESS,
    RUN_PACKING,
    RUN_REGIONS,
    RUN_SAMPLE,
    RUN_HISTORY,
    RUN_EXPOSURE,
    RUN_EXPECT,
    RUN_CONTROL,
    RUN_PROVE,
    RUN_COUNT,
    RUN_SEED,
    RUN_AGAINST,
    RUN_THRESHOLD,
    RUN_OUT,
    RUN_FORMAT,
    RUN_DRY_RUN,
    RUN_QUIET,
    RUN_HELP,
    RUN_OPTIONS,
};

#define RUN_LAYOUT RUN_PREFAULT

extern const struct option_row run_options[RUN_OPTIONS];

/* One grid of trials: a section of a job file, or the command line alone. Later sources win over earlier ones; the command
 * line wins over all. */
struct grid {
    char *job; /* the section's name; owned */
    struct option_list options[RUN_OPTIONS];
};

struct plan {
    struct grid *grids;
    size_t grid_count;
    struct trial_spec *trials; /* in running order; strings point into the grids */
    size_t trial_count;
    uint64_t seed;
};

/* With --against, repeats of each condition where nobody has said how many: fewer could not tell a small change from noise. */
#define PLAN_REPEATS_AGAINST "20"

#ifndef PLAN_TRIALS_MAX /* a build for fuzzing has no time for so many */
#define PLAN_TRIALS_MAX 1000000
#endif

/* Reads the job files (paths, or names of built-in jobs), lays the command line over them, and expands the grids. The result
 * must be freed, also after a failure. */
int plan_build(struct plan *plan, char *const *jobs, int job_count, const struct option_list *command_line,
               struct error *error);
void plan_free(struct plan *plan);

/* The command line that runs this trial again, alone and with the same seed. Returns a string that the caller frees. */
char *plan_replay(const struct trial_spec *spec);

/* Writes the plan as a job file that runs the same trials with the same seeds. */
int plan_write(const struct plan *plan, const char *path, struct error *error);

#endif
