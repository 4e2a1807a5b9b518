/* Mortality: deaths that a fault has brought about on purpose, and what became of the others. */
#ifndef RUN_MORTALITY_H
#define RUN_MORTALITY_H

#include "run/crew.h"
#include "run/result.h"
#include "run/spec.h"

/* Did worker `i` die, or leave, by the fault's hand? */
bool mortality_doomed(const struct trial_spec *spec, const struct ledger *ledger, uint32_t i);

/* Does the fault kill, with the words that were given? Else it only stops somebody for a while. */
bool mortality_strikes(const struct trial_spec *spec);

/* Has anybody died of it? */
bool mortality_any(const struct trial_spec *spec, const struct ledger *ledger);

/* Has somebody else acquired the primitive since? */
bool mortality_survived(const struct trial_spec *spec, const struct ledger *ledger);

/* How many members have ended otherwise than by the end of their loop, and not by the fault's hand. */
uint32_t mortality_unplanned(const struct trial_spec *spec, const struct crew *crew, const struct ledger *ledger);

/* Notes death and recovery in the result: who died first, when, and when somebody else acquired the primitive next. */
void mortality_note(const struct trial_spec *spec, struct trial_result *result);

/* "worker 1 died inside (killed by SIGKILL); the next acquisition came 53 us later", or what else there is to tell; empty when
 * nobody has died. */
void mortality_text(const struct trial_spec *spec, const struct crew *crew, const struct trial_result *result, char *text,
                    size_t size);

/* What has become of the others, in a word, for the crash matrix: "recovered" (they went on, and the data are whole), "wedged",
 * "permit lost" (wedged, and the dead one took the permit away), "corrupt", "aborted" (the primitive's own code ended a survivor),
 * "crashed", "inconclusive". */
const char *mortality_outcome(const struct trial_spec *spec, const struct trial_result *result);

/* NULL, or why nobody could judge such deaths in that trial. */
const char *mortality_refuses(const struct trial_spec *spec);

/* Is the sync broken, in a way that whoever is left can show? */
bool mortality_breaks(const struct trial_spec *spec);

/* What such a fault should make of the trial. */
enum verdict mortality_expected(const struct trial_spec *spec);

/* May such a death honestly come to that verdict as well? The place may be such that nobody can know what the victim had or had
 * not yet done. */
bool mortality_allows(const struct trial_spec *spec, enum verdict verdict);

#endif
