/* The monitor: watches a crew from outside while it runs, takes the intervals, acts the fault's nemesis, and ends what does
 * not end by itself.
 */
#ifndef RUN_MONITOR_H
#define RUN_MONITOR_H

#include "run/crew.h"
#include "run/result.h"
#include "run/watchdog.h"

/* Waits until all workers are at the gate. Returns 0, or -1 with `why` written: a worker failed or died, an interrupt came,
 * or the time for it ran out. */
int monitor_gather(struct crew *crew, const struct ledger *ledger, char *why, size_t size);

/* Runs the trial from the opening of the gate until every worker has ended or been given up. Fills in the result's gate_ns,
 * intervals, faults, window, overlaps, interrupted and reap_ns. Anything but WATCH_GO_ON: the crew would not end, and `why`
 * tells who waits where. */
enum watch monitor_run(struct crew *crew, const struct trial_spec *spec, struct trial_result *result, char *why, size_t size);

#endif
