/* One of two builds that are measured against each other: its program, its run's folder, and the records that it gathers. */
#ifndef CMD_AGAINST_SIDE_H
#define CMD_AGAINST_SIDE_H

#include <stdio.h>

#include "base/error.h"
#include "cmd/plan.h"
#include "report/run_info.h"

struct side {
    const char *name; /* "baseline" or "candidate" */
    const char *path; /* of the program, or of the plugin, as it was named */
    int fd;           /* the program itself, whatever its path comes to mean; -1: none */
    const char *plugin; /* takes the place of the plan's own; NULL: nothing does */
    char folder[4096], file_name[4200];
    FILE *out;
    const struct run_info *run;
    struct run_summary summary;
    bool begun;       /* the records `run` and `host` are written */
    const struct trial_spec *spec; /* the trial that is under way */
    unsigned turn;    /* 1 or 2: who went first */
    double at_s;
    bool judged;      /* it has a verdict */
    enum verdict verdict;
    char trouble[256]; /* a line that is no record; empty: none */
};

/* Opens the program at `place`, which messages and records call `path`. */
int side_open(struct side *side, const char *name, const char *path, const char *place, struct error *error);

/* Does this build take the trial? Tried by a dry run. */
int side_takes(struct side *side, const struct trial_spec *spec, struct error *error);

/* Makes the run's folder, FOLDER/NAME, with the plan in it. */
int side_begin(struct side *side, const struct run_info *run, const struct plan *plan, struct error *error);

/* Runs a trial, and adds what the build records of it to the run. */
int side_trial(struct side *side, const struct trial_spec *spec, unsigned turn, struct error *error);

/* Writes the last record. `failed`: the run did not come to its end, with that status. */
int side_end(struct side *side, int failed, struct error *error);

void side_close(struct side *side);

#endif
