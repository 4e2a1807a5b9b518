/* Counting what the primitive's own code does in one operation, up to the point where somebody is to die: its instructions, or its
 * stores into the region. x86-64 only.
 *
 *     begin()    within_begin(region, bytes, strike)
 *     before()   within_arm(...)                  for the operation that comes
 *     calling()  within_calling(trap_caller())    steps through the call, if armed
 *     called()   within_called()                  until here
 *
 * Instructions are stepped through. Stores are found by taking this process's right to write to the region away while the
 * primitive runs: each one faults, is counted, and is let through by itself. What the kernel writes on the primitive's behalf
 * is let through uncounted.
 */
#ifndef WORKLOADS_FAULT_WITHIN_H
#define WORKLOADS_FAULT_WITHIN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum within_unit { WITHIN_INSTRUCTIONS, WITHIN_STORES };

/* NULL, or why it cannot be done here. */
const char *within_refuses(void);

/* What it works with: fault_ops.means. */
#define WITHIN_MEANS ((const int[]){SIGTRAP, SIGSEGV, 0})

struct slot;

/* `strike` is called in a signal's handler. 0 or an errno. */
int within_begin(void *region, size_t bytes, struct slot *slot, void (*strike)(void *user), void *user);

/* From the next call on, over as many calls as it takes: strikes behind the instruction number `count`, or before the store that
 * follows `count` others. */
void within_arm(enum within_unit unit, uint64_t count);

/* Not any more. */
void within_disarm(void);

/* What has been counted since it was armed. */
uint64_t within_made(void);

void within_calling(uintptr_t caller);
void within_called(void);

#endif
