/* Checks on standard output: one row a format, all fed the same events. */
#ifndef REPORT_CHECKS_H
#define REPORT_CHECKS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "report/run_info.h"
#include "run/check_run.h"

struct check_event {
    uint32_t number; /* from 1 */
    const struct check_ops *row;
    const struct check_result *result;
};

struct check_summary {
    uint32_t planned, done;
    uint32_t outcomes[CHECK_OUTCOMES];
    double seconds;
    int exit_status;
    int interrupted; /* signal number */
};

struct check_sink {
    const struct check_format *format;
    FILE *out;
    const struct run_info *run; /* trials: 0 */
    uint32_t planned;
    bool colour;
    bool quiet;  /* passes are counted, not shown; of formats for people only */
    void *state; /* the format's own; freed by its end() */
};

struct check_format {
    const char *name, *summary;
    void (*begin)(struct check_sink *sink);
    void (*one)(struct check_sink *sink, const struct check_event *event);
    void (*end)(struct check_sink *sink, const struct check_summary *summary);
};

extern const struct check_format check_human, check_jsonl, check_tap, check_junit;

/* Those of this program, NULL-ended: all of them in report/checks_formats.c, and those that need no library in main_check.c. */
#define CHECK_FORMATS_MAX 8
extern const struct check_format *const check_formats[];

/* The row of that name, or NULL; and all names, NULL-ended. */
const struct check_format *check_format_find(const char *name);
const char *const *check_format_names(void);

/* "128 checks in 3.1 s: 120 PASS 8 UNSUPPORTED", without a line's end. */
void check_counts(FILE *out, const struct check_summary *summary);

/* The coverage table, in Markdown: each interface with its clauses and the checks that cite them. */
void checks_coverage(FILE *out, const struct check_ops *const *families);

#endif
