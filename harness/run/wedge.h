/* The explanation of a standstill: who died holding the primitive, what its word says and whose name is in it, and who waits,
 * where, and since when. */
#ifndef RUN_WEDGE_H
#define RUN_WEDGE_H

#include <stddef.h>
#include <stdint.h>

#include "run/crew.h"
#include "run/ledger.h"

/* When a worker was last seen to move. */
struct wedge_since {
    uint64_t moves, at_ns; /* operations and beats; clock */
    uint32_t phase;
};

/* Notes for each worker whether it has moved; `since` has a place for each. */
void wedge_note(struct wedge_since *since, const struct ledger *ledger, uint64_t now);

/* Appends to `text`. `since` may be NULL. */
void wedge_explain(const struct crew *crew, const struct ledger *ledger, const struct wedge_since *since, uint64_t now, char *text,
                   size_t size);

#endif
