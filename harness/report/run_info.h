/* A run as its records tell it: how it began, and how it ended. */
#ifndef REPORT_RUN_INFO_H
#define REPORT_RUN_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "contract/verdict.h"

#define SHMOO_SCHEMA "shmoo/1"
#define SHMOO_VERSION "0.1.0"

struct run_info {
    char id[64];
    char started[40]; /* UTC, ISO 8601 */
    uint64_t started_ns; /* clock */
    char *const *command;
    int command_count;
    const char *folder; /* of the run */
    uint64_t seed;
    uint32_t trials;
    struct clock_facts clock;
};

struct run_summary {
    uint32_t done, planned;
    uint32_t as_expected, unexpected;
    uint32_t verdicts[VERDICTS];
    uint32_t decided; /* trials that came to a verdict, and controls that got away */
    bool environment_failed; /* a trial could not be run because of the machine's state */
    const char *pin; /* of all trials that have measured a distance (run/distance.h); NULL: none has, or not all had the same one */
    uint64_t line_least_ns, line_most_ns; /* the distances that were measured; 0: none */
    double seconds;
    int exit_status;
    int interrupted; /* signal number */
};

#endif
