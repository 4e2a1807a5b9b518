/* Running checks: each in a process and a process group of its own, several at a time, none longer than its deadline. */
#ifndef RUN_CHECK_RUN_H
#define RUN_CHECK_RUN_H

#include <stdint.h>

#include "base/error.h"
#include "contract/check.h"

struct check_result {
    struct check_report report; /* the texts are empty where there is nothing to say */
    uint64_t ns;                /* from fork to reaped */
};

struct check_plan {
    const struct check_ops *const *rows;
    uint32_t count;
    uint32_t jobs; /* at most so many at a time */
    uint32_t deadline_s; /* of each; 0: each row's own */
    /* Called for each row, in the order of the rows, as soon as it and all before it are done. Returns 0; anything else ends the
     * run. */
    int (*done)(uint32_t index, const struct check_result *result, void *user);
    void *user;
};

/* Runs them all. 0 when every row is done, or a signal of run/interrupt.h has ended the run (then the rows that were under way are
 * not handed out), or `done` did; -1 with an error when no process can be started. In every case no process is left, and no name. */
int check_run(const struct check_plan *plan, struct error *error);

/* Can anything be checked here? -1 with status ENVIRONMENT: no /dev/shm, or it is not to be written. */
int check_preflight(struct error *error);

#endif
