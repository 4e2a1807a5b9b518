/* Strays: processes that the code under test has forked and left behind. */
#ifndef RUN_STRAY_H
#define RUN_STRAY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* From now on whatever the crew leaves behind comes to this process instead of to init; who is its child already is remembered. */
void stray_begin(void);

/* Whoever is there now is left alone as well, until stray_release(): helpers that the primitive's create() has started. */
void stray_spare(void);
void stray_release(void);

/* Writes down who these helpers are, the dead ones among them, `max` at the most. Returns how many. */
uint32_t stray_helpers(pid_t *pids, uint32_t max);

/* Waits for the adopted processes to end by themselves, for so long at the most, and reaps them; longer for those that run, or were
 * killed, and have had no CPU for it. True: there are none left. */
bool stray_wait(uint64_t patience_ns);

/* Ends and reaps the adopted processes: children of this one that run its own program and were not there at stray_begin(). What
 * was started by somebody else, or has become another program, is left alone. Returns how many were ended. To be called when no
 * other child is left that is still wanted. */
uint32_t stray_end(void);

#endif
