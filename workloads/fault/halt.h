/* Holding a whole crew still for a moment, so that something can be done to its memory that nobody sees half done. */
#ifndef WORKLOADS_FAULT_HALT_H
#define WORKLOADS_FAULT_HALT_H

#include "contract/fault.h"

/* Stops all workers, and waits until they have stopped, for 200 ms at the most. */
void halt_crew(struct nemesis *nemesis);
void continue_crew(struct nemesis *nemesis);

/* Takes all pages of the region away: what was in them is gone, and a touch asks for a new one. Of a crew that is halted. Returns 0
 * or an errno. */
int halt_punch(const struct nemesis *nemesis);

#endif
