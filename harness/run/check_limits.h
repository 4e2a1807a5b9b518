/* Limits of the process that checks run under: raised as far as they go, and told where they are too low for a verdict. */
#ifndef RUN_CHECK_LIMITS_H
#define RUN_CHECK_LIMITS_H

#include "contract/check.h"

/* In a check's own process: every soft limit that stands in its way goes up to the hard one. */
void check_limits_raise(void);

/* Under a hard limit that checks may meet a FAIL proves nothing: it becomes an ERROR, and its reason names the limit. */
void check_limits_doubt(struct check_report *report);

#endif
