/* A hunt: one trial made of many short slices, each with another load and another disturbance.
 *
 * No single way of disturbing a crew finds every bug. A hunt rotates through those that its load and its fault stand for
 * (load_ops.loads, fault_ops.disturbances), gives more time to what has found something before in this run, ends with the
 * first finding, and is CLEAN only if many slices had the exposure for it.
 */
#ifndef RUN_HUNT_H
#define RUN_HUNT_H

#include "run/hunt_slice.h"
#include "run/result.h"

/* Runs it. The result is filled in as trial_run() does. */
void hunt_run(const struct trial_spec *spec, struct trial_result *result);

#endif
