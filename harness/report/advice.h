/* Advice: what a row of the diagnosis looks at, what follows from it, and what helps on each runtime. */
#ifndef REPORT_ADVICE_H
#define REPORT_ADVICE_H

#include <stdio.h>

#include "contract/finding.h"

/* One row, for people. */
void advice_human(FILE *out, const struct finding_ops *row);

/* The record `advice`, a line. */
void advice_jsonl(FILE *out, const struct finding_ops *row);

#endif
