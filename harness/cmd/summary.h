/* What a run has come to: its verdicts counted, and the exit status that they earn. */
#ifndef CMD_SUMMARY_H
#define CMD_SUMMARY_H

#include "report/run_info.h"

/* A positive control is no trial of its own: it decides nothing, unless it got away. */
void summary_count(struct run_summary *summary, enum verdict verdict, bool as_expected, bool control);

/* An unexpected verdict outranks all but a signal; `interrupted` is that signal, or 0. */
int summary_status(const struct run_summary *summary, int interrupted);

#endif
