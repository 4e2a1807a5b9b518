/* What a worker process does from its first moment to its last. */
#ifndef RUN_CREW_WORKER_H
#define RUN_CREW_WORKER_H

#include <sys/types.h>

#include "run/crew.h"

/* Runs worker `index` in the calling process and exits. `harness` is the process that forked it. */
_Noreturn void crew_worker_run(const struct crew_plan *plan, uint32_t index, pid_t harness);

/* Prepares the worker's view of the trial; also used for the auditor, which runs in the harness with index == workers. */
void crew_worker_init(struct worker *worker, const struct crew_plan *plan, uint32_t index, void *region_base);

/* Attaches the worker to every instance of the sync, as worker self.index of the crew; ends the process if that fails. */
void crew_worker_attach(struct worker *worker, const struct crew_plan *plan, void *region_base);

/* Exit statuses of workers. */
enum { WORKER_DONE = 0, WORKER_SETUP_FAILED = 90 };

#endif
