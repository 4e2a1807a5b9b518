/* The meter's own cost, measured on this machine by the loop that every worker runs: so much of a figure is the harness itself.
 *
 * A trial's sampling times one operation in so many; what that adds to the one, and what the loop costs around all of them, is
 * measured once a process, in batches of which the median counts.
 */
#ifndef RUN_METER_H
#define RUN_METER_H

#include "run/result.h"
#include "run/spec.h"

struct meter {
    const char *clock; /* that latencies are taken with: "TSC" or "CLOCK_MONOTONIC" */
    double stamp_ns;   /* one reading of it */
    double empty_ns;   /* what two readings with nothing between them say: contained in each latency, and never subtracted */
    double step_ns;    /* all of its readings differ by multiples of it: no latency is known more finely */
    double loop_ns;    /* an operation of the general loop, with a lock that does nothing and no data */
    double timing_ns;  /* what timing adds to an operation */
};

/* Measures at the first call, for some milliseconds. */
const struct meter *meter_facts(void);

/* Which share of the crew's CPU time went into timing, from 0 to 1; negative where the kernel saw no CPU time at all. */
double meter_share(const struct meter *meter, const struct trial_result *result);

#endif
