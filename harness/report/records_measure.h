/* The parts of the records that say how something was measured, and how evenly: meter, fairness, quantiles. */
#ifndef REPORT_RECORDS_MEASURE_H
#define REPORT_RECORDS_MEASURE_H

#include <jansson.h>

#include "run/result.h"
#include "run/spec.h"
#include "shm/histogram.h"

/* Into a verdict: what the meter cost the trial, and how the crew shared the primitive. */
void records_put_meter(json_t *record, const struct trial_spec *spec, const struct trial_result *result);
void records_put_fairness(json_t *record, const struct trial_spec *spec, const struct trial_result *result);

/* Into a histogram that is not empty: quantiles of the values, by number and by time. */
void records_put_quantiles(json_t *record, const struct histogram *h);

/* The pages that mappings of the region had; nothing where nobody has looked. */
void records_put_pages(json_t *record, const struct page_sizes *had);

#endif
