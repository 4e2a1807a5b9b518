/* A trial from its first step to its last: region, sync, load, crew, audit, judgement, and nothing left behind. */
#ifndef RUN_TRIAL_H
#define RUN_TRIAL_H

#include "run/result.h"
#include "run/spec.h"

/* Begins the names of all objects of this process: "shmoo.PID.START", START being the process's start time in clock ticks
 * since boot, so that a reused pid is not mistaken for this one. */
#define TRIAL_NAME_PREFIX "shmoo."

/* Runs one trial and judges it. The result is always filled in and must be freed with trial_result_free(); a trial that
 * could not be run has the verdict ERROR and says why. */
void trial_run(const struct trial_spec *spec, struct trial_result *result);

#endif
