/* The slices that a hunt is made of: one kind for each load and each disturbance that it stands for. */
#ifndef RUN_HUNT_SLICE_H
#define RUN_HUNT_SLICE_H

#include "run/spec.h"

#define HUNT_DISTURBANCES_MAX 64

/* Does this trial stand for slices? */
bool hunt_is(const struct trial_spec *spec);

/* Loads and disturbances that it stands for; 1 where it names one itself. Kind `i` has load i / disturbances. */
uint32_t hunt_loads(const struct trial_spec *spec);
uint32_t hunt_disturbances(const struct trial_spec *spec);

/* How many kinds of slices that makes, at the most. */
uint32_t hunt_slices(const struct trial_spec *spec);

/* The slice of kind `i`. False: it does not apply to this sync, crew or system. *slice borrows from *spec, and from memory that the
 * next call overwrites. */
bool hunt_slice(const struct trial_spec *spec, uint32_t i, struct trial_spec *slice);

/* NULL, or why none of its slices can be run. */
const char *hunt_unsupported(const struct trial_spec *spec);

/* The largest crew among the slices. */
void hunt_crew(const struct trial_spec *spec, uint32_t *writers, uint32_t *readers);

#endif
