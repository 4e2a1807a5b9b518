/* The explanation of a standstill: who waits where, since when, on which word. */
#ifndef RUN_WEDGE_H
#define RUN_WEDGE_H

#include <stddef.h>
#include <stdint.h>

#include "run/crew.h"
#include "run/ledger.h"

/* Appends a sentence or two on every worker left, the first few of them by name. `text` holds a beginning already. */
void wedge_explain(const struct crew *crew, const struct ledger *ledger, char *text, size_t size);

#endif
