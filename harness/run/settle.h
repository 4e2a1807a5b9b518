/* Settling the ledger: what workers have left in it is looked over before anybody relies on it.
 *
 * Workers share the ledger, and run code that may write anywhere. Once they are gone, every field that is used as a count, an
 * index, a length or a text is held against what a worker can have written there. What is impossible is replaced by something
 * harmless, and is a violation: somebody writes outside its own memory.
 */
#ifndef RUN_SETTLE_H
#define RUN_SETTLE_H

#include "run/ledger.h"

/* Looks all slots and histograms over; `gate_ns`: when the gate was opened. Impossible ones are mended, and reported as one
 * violation, scribbled, in the auditor's slot. Returns how many slots had been overwritten. No worker may be left alive. */
uint32_t settle(const struct ledger *ledger, uint64_t gate_ns);

#endif
