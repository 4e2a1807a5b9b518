/* The judgement: from what the workers left behind to a verdict. */
#ifndef RUN_JUDGE_H
#define RUN_JUDGE_H

#include "run/crew.h"
#include "run/result.h"
#include "run/spec.h"
#include "run/watchdog.h"

/* Adds up the slots into the result and decides. `watch`: how the watchdog left it, `why` its explanation. `audit_failure`:
 * why the audit could not be done, or NULL.
 *
 * A death outranks a wedge, a wedge outranks corruption, and corruption outranks too little exposure: nothing that went
 * wrong with a worker is hidden behind a verdict that was expected. */
void judge(const struct trial_spec *spec, const struct crew *crew, enum watch watch, const char *why,
           const char *audit_failure, struct trial_result *result);

/* While the crew still runs: has it met often enough for a clean verdict, or broken something already? */
bool judge_exposed(const struct trial_spec *spec, const struct ledger *ledger);

#endif
