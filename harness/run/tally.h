/* The tally: what a trial's operations cost in system calls, counted by the same crew in a short second trial of its own. */
#ifndef RUN_TALLY_H
#define RUN_TALLY_H

#include "run/result.h"
#include "run/spec.h"

/* How many operations a crew should have counted; until then it goes on, for TALLY_LONGER times its length at the most. */
#define TALLY_OPS 1000
#define TALLY_LONGER 5

/* Counts, where the spec asks for it and it can be done, and notes the sum in result->syscalls. Nothing else of the result
 * changes. */
void tally_run(const struct trial_spec *spec, struct trial_result *result);

#endif
