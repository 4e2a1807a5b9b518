/* The formats of standard output, and the run's file: one row each, all fed the same events. */
#ifndef REPORT_FORMATS_H
#define REPORT_FORMATS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "report/run_info.h"
#include "run/result.h"
#include "run/spec.h"

/* Where a format writes. */
struct sink {
    const struct format_ops *format;
    FILE *out;
    const char *name; /* of `out`, for messages */
    const struct run_info *run;
    bool durable; /* flush to the disc at the end of each trial */
    bool colour;
    void *state; /* the format's own; freed by its end() */
};

struct trial_event {
    const struct trial_spec *spec;
    const struct trial_result *result; /* NULL at the trial's start */
    const char *replay;
    uint64_t started_ns; /* clock */
};

struct format_ops {
    const char *name, *summary;
    void (*begin)(struct sink *sink, const json_t *host);
    void (*trial_begin)(struct sink *sink, const struct trial_event *event);
    void (*trial_end)(struct sink *sink, const struct trial_event *event);
    void (*end)(struct sink *sink, const struct run_summary *summary);
};

extern const struct format_ops format_human, format_jsonl, format_tap, format_junit, format_csv;

/* The row of that name, or NULL; and all names, NULL-ended. */
const struct format_ops *format_find(const char *name);
const char *const *format_names(void);

/* The four events. Each returns 0, or -1 with the error that writing met. */
int sink_begin(struct sink *sink, const json_t *host, struct error *error);
int sink_trial_begin(struct sink *sink, const struct trial_event *event, struct error *error);
int sink_trial_end(struct sink *sink, const struct trial_event *event, struct error *error);
int sink_end(struct sink *sink, const struct run_summary *summary, struct error *error);

/* "counter mutex 2w+2r 64 B", with fault, pinning and layout where they were asked for. */
const char *trial_title(const struct trial_spec *spec, char text[256]);

#endif
