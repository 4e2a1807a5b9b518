/* The contract of a sync, the primitive under test: a row of type `struct sync_ops`.
 *
 * The contract is the plugin interface, which says it all: a row inside this program and one from outside are the same. Here
 * is what the harness adds for itself.
 */
#ifndef CONTRACT_SYNC_H
#define CONTRACT_SYNC_H

#include "contract/plugin.h"
#include "contract/verdict.h"

const char *sync_family_name(enum sync_family family);

/* Of a single trait: "robust". */
const char *sync_trait_name(unsigned trait);

#endif
