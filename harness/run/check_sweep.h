/* Sweeping: the names that checks have left in /dev/shm, and a janitor that does it when the harness itself is killed. */
#ifndef RUN_CHECK_SWEEP_H
#define RUN_CHECK_SWEEP_H

#include <sys/types.h>

#include "base/error.h"

/* Removes every name in /dev/shm that begins so, "sem." before it or not. */
void check_sweep(const char *prefix);

struct check_janitor {
    pid_t pid;
    int line; /* its end means: the harness is gone */
};

/* Starts the janitor of names that begin so. */
int check_janitor_start(struct check_janitor *janitor, const char *prefix, struct error *error);
/* Sends it home. */
void check_janitor_end(struct check_janitor *janitor);

#endif
