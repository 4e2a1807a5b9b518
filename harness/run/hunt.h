/* A hunt: one trial made of many short slices, each with another load and another disturbance.
 *
 * No single way of disturbing a crew finds every bug. A hunt rotates through those that its load and its fault stand for
 * (load_ops.loads, fault_ops.disturbances), gives more time to what has found something before in this run, ends with the
 * first finding, and is CLEAN only if many slices had the exposure for it.
 */
#ifndef RUN_HUNT_H
#define RUN_HUNT_H

#include "run/result.h"
#include "run/spec.h"

/* Does this trial stand for slices? */
bool hunt_is(const struct trial_spec *spec);

/* How many kinds of slices it stands for, at the most. */
uint32_t hunt_slices(const struct trial_spec *spec);

/* The slice of kind `i`. False: it does not apply to this sync, crew or system. *slice borrows from *spec. */
bool hunt_slice(const struct trial_spec *spec, uint32_t i, struct trial_spec *slice);

/* NULL, or why none of its slices can be run. */
const char *hunt_unsupported(const struct trial_spec *spec);

/* The largest crew among the slices. */
void hunt_crew(const struct trial_spec *spec, uint32_t *writers, uint32_t *readers);

/* Runs it. The result is filled in as trial_run() does. */
void hunt_run(const struct trial_spec *spec, struct trial_result *result);

#endif
