/* Progress on standard error: one live line on a terminal, plain lines elsewhere. */
#ifndef REPORT_PROGRESS_H
#define REPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "run/result.h"
#include "run/spec.h"

struct progress {
    bool quiet, live;
    uint32_t trials;
    uint64_t started_ns;
    double planned_s, done_s; /* the trials' own durations: what the estimate is made from */
};

/* `planned_s`: sum of the durations of all trials. `table`: standard output shows each trial already; where both go to the
 * same file, progress is silent. */
void progress_begin(struct progress *progress, uint32_t trials, double planned_s, bool quiet, bool table);
void progress_trial(struct progress *progress, const struct trial_spec *spec);
void progress_trial_done(struct progress *progress, const struct trial_spec *spec, const struct trial_result *result);
/* Takes the live line away. */
void progress_clear(const struct progress *progress);

#endif
