/* The records of latencies over time. */
#ifndef REPORT_RECORDS_COURSE_H
#define REPORT_RECORDS_COURSE_H

#include <jansson.h>

#include "run/result.h"
#include "run/spec.h"

/* Adds the courses of a role's workers up into a record that already says of which trial and role; false: there are none. */
bool records_put_course(json_t *record, const struct trial_spec *spec, const struct trial_result *result, bool reader);

#endif
