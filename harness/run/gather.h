/* Gathering: the crew on its way to the gate. */
#ifndef RUN_GATHER_H
#define RUN_GATHER_H

#include "base/error.h"
#include "run/crew.h"
#include "run/ledger.h"

/* Waits until all workers are at the gate. Returns 0, or -1 with the error filled in, when somebody will not come. *verdict says
 * what that makes of the trial: CRASHED, a worker died in the primitive's attach(); WEDGED, one does not come out of it; ERROR, an
 * errno was returned, an interrupt came, or the machine is at fault. */
int gather(struct crew *crew, const struct ledger *ledger, const struct sync_ops *sync, enum verdict *verdict,
           struct error *error);

#endif
