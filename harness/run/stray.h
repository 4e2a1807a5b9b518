/* Strays: processes that the code under test has forked and left behind. */
#ifndef RUN_STRAY_H
#define RUN_STRAY_H

#include <stdint.h>

/* Has whatever the crew leaves behind come to this process instead of to init. Idempotent. */
void stray_adopt(void);

/* Now, on the clock of process_look().start. */
uint64_t stray_clock(void);

/* Ends and reaps the adopted processes: children of this one that run its own program and were not there before `since`
 * (stray_clock()). What was started by somebody else, or has become another program, is left alone. Returns how many were
 * ended. To be called when no child is wanted any more. */
uint32_t stray_end(uint64_t since);

#endif
