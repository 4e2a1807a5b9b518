/* What a run has come to: its verdicts counted, and the exit status that they earn. */
#ifndef CMD_SUMMARY_H
#define CMD_SUMMARY_H

#include "report/run_info.h"

/* A positive control is no trial of its own: it decides nothing, unless it got away. */
void summary_count(struct run_summary *summary, enum verdict verdict, bool as_expected, bool control);

/* A trial with that pinning has measured so long a way of a cache line; 0: none. `pin` must last as long as the summary. */
void summary_distance(struct run_summary *summary, const char *pin, uint64_t line_ns);

/* An unexpected verdict outranks all but a signal; `interrupted` is that signal, or 0. */
int summary_status(const struct run_summary *summary, int interrupted);

#endif
