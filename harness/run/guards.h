/* The guards of the instances' states: what lies around each state, that nobody may write. A primitive that writes beside its own
 * state shows there.
 *
 * In one object with others (--regions one) a guard is a line between two states. Where each state has an object of its own, it is
 * the whole gap: from the end of one state, over the rest of its last page, to the beginning of the next one.
 */
#ifndef RUN_GUARDS_H
#define RUN_GUARDS_H

#include <stdbool.h>

#include "run/spec.h"

struct worker;

/* Writes them all. `base`: where the region is mapped. */
void guards_write(const struct trial_spec *spec, void *base);

/* Has nobody written to them? */
bool guards_whole(const struct trial_spec *spec, void *base);

/* Looks at them; one that has changed is a violation of the auditor's. */
void guards_audit(const struct trial_spec *spec, void *base, struct worker *auditor);

#endif
