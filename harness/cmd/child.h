/* A child program: started, listened to line by line, and never left behind. */
#ifndef CMD_CHILD_H
#define CMD_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct child_end {
    int status; /* as a shell would have it: the exit status, or 128+N for a signal */
    bool late;  /* it did not end in time, and was ended */
    char complaint[1024]; /* the beginning of what it wrote on standard error */
};

/* Runs `argv` (a path first, NULL-ended) and hands each whole line of its standard output to `take`, without its end. A signal
 * that is to end this program is passed on to it; it is ended with this program, and after `patience_ns`. Returns 0 once it is
 * gone, or -1 when it could not be started. */
int child_run(char *const argv[], uint64_t patience_ns, void (*take)(void *user, const char *line), void *user,
              struct child_end *end, struct error *error);

#endif
