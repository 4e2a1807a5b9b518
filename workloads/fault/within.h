/* Counting the instructions of the primitive's own code, up to the one that somebody is to die behind. x86-64 only.
 *
 *     begin()    within_begin(after, strike)
 *     calling()  within_calling(trap_caller())    steps through the call, when the time has come
 *     called()   within_called()
 */
#ifndef WORKLOADS_FAULT_WITHIN_H
#define WORKLOADS_FAULT_WITHIN_H

#include <stdint.h>

/* NULL, or why it cannot be done here. */
const char *within_refuses(void);

/* `strike` is called once, behind the instruction number `after`, counted over as many calls as it takes. 0 or an errno. */
int within_begin(uint64_t after, void (*strike)(void *user), void *user);

void within_calling(uintptr_t caller);
void within_called(void);

#endif
