/* The monitor: watches a crew from outside while it runs, takes the intervals, acts the fault's nemesis, and ends what does
 * not end by itself.
 */
#ifndef RUN_MONITOR_H
#define RUN_MONITOR_H

#include "run/crew.h"
#include "run/result.h"
#include "run/watchdog.h"

/* Runs the trial from the opening of the gate until every worker has ended or been given up. Fills in the result's gate_ns,
 * intervals, faults, window, overlaps, interrupted and reap_ns. Anything but WATCH_GO_ON: the crew would not end, and `why`
 * tells who waits where. */
enum watch monitor_run(struct crew *crew, const struct trial_spec *spec, struct trial_result *result, char *why, size_t size);

/* So long may a worker run, with the time that is added while processes have not met. 0: as long as its operations take. */
uint64_t monitor_longest_ns(const struct trial_spec *spec);

#endif
