/* On what the checks run: the C library, and an emulator of another processor; and what is known to differ there. */
#ifndef RUN_CHECK_SYSTEM_H
#define RUN_CHECK_SYSTEM_H

#include "contract/check.h"

/* Bits of enum check_system; 0: glibc, and the processor itself. Asks /proc once. */
unsigned check_system(void);

/* A FAIL or an ERROR that is a known difference of one of these systems becomes DEVIATES, with the reason. */
void check_excuse(struct check_report *report, const char *id, unsigned systems, const struct check_difference *differences);

#endif
