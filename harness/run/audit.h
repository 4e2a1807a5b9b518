/* The audit: the load's final identities, checked by a process of its own, so that a region in ruins cannot take the harness
 * down. */
#ifndef RUN_AUDIT_H
#define RUN_AUDIT_H

#include <stddef.h>

#include "run/crew.h"

/* After deaths by the fault's hand, and where the sync is robust: acquires it once more as the next owner, who repairs what the last
 * to die has left, and lets go. To be called once all have ended, before audit_run(). */
void audit_inherit(const struct crew_plan *plan, uint64_t patience_ns);

/* Runs the load's audit() and waits for it, for so long at the most. What it finds is in the auditor's slot. `failure` is written when the audit
 * itself died or did not end in time, and left alone otherwise. */
void audit_run(const struct crew_plan *plan, uint64_t patience_ns, char *failure, size_t size);

#endif
