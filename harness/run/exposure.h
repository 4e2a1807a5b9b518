/* Exposure: how hard a trial has really tested. A clean trial without it proves nothing. */
#ifndef RUN_EXPOSURE_H
#define RUN_EXPOSURE_H

#include <stdbool.h>
#include <stdint.h>

#include "run/result.h"
#include "run/spec.h"

/* So many hand-offs prove that processes met, where looking at one other now and then hits the right one too seldom. */
#define EXPOSURE_MANY 1000

/* What breaks at an object's so-manieth operation only is not tried by those before: each slice of a hunt begins anew. */
#define EXPOSURE_LATE (1u << 20)

/* Have enough of the sampled operations met another process at the primitive? */
bool exposure_met(uint64_t contended, uint64_t sampled);

/* Had the crew of a trial that is over one CPU only, to take turns on? */
bool exposure_in_turns(const struct trial_result *result);

/* Has it met often enough for a clean verdict? */
bool exposure_enough(const struct trial_spec *spec, const struct trial_result *result);

/* So many of the result's hand-offs came later than that; `objects` share its operations. */
uint64_t exposure_late(const struct trial_result *result, uint64_t objects);

/* The upper bound, at 95 %, of a failure's chance per exposure after `exposures` without one. */
double exposure_upper_95(uint64_t exposures);

#endif
