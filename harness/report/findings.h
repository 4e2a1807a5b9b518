/* Findings on standard output: for people, and as records. */
#ifndef REPORT_FINDINGS_H
#define REPORT_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "contract/finding.h"
#include "report/run_info.h"

struct finding_sink {
    FILE *out;
    const struct run_info *run;
    double seconds;
    int exit_status;
    bool colour;
    bool quiet; /* no facts; of the format for people */
};

struct finding_format {
    const char *name, *summary;
    void (*write)(const struct finding_sink *sink, const struct diagnosis *d);
};

/* The row of that name, or NULL; and all names, NULL-ended. */
const struct finding_format *finding_format_find(const char *name);
const char *const *finding_format_names(void);

/* The record `finding`; a new reference. */
json_t *record_finding(const struct diagnosis *d, const struct finding *finding);

#endif
