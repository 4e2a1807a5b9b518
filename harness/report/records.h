/* The records: one JSON object for each thing that results/README.md describes. This file is their only maker. */
#ifndef REPORT_RECORDS_H
#define REPORT_RECORDS_H

#include <jansson.h>

#include "report/run_info.h"
#include "run/result.h"
#include "run/spec.h"

/* All return a new reference. */
json_t *record_run(const struct run_info *run);
json_t *record_trial(const struct run_info *run, const struct trial_spec *spec, uint64_t started_ns, const char *replay);
json_t *record_verdict(const struct trial_spec *spec, const struct trial_result *result);
json_t *record_end(const struct run_summary *summary);

/* Text from outside may be anything; what is not UTF-8 is replaced byte by byte. */
json_t *record_text(const char *text);

/* The records that a trial leaves, in order, each passed to `emit` (which does not take the reference); ends with the
 * verdict. */
void records_of_trial(const struct trial_spec *spec, const struct trial_result *result,
                      void (*emit)(void *user, const json_t *record), void *user);

#endif
