/* Another program to turn into by exec: cat, which stays alive and answers what it is told. */
#ifndef WORKLOADS_CHECK_PROGRAM_H
#define WORKLOADS_CHECK_PROGRAM_H

#include <stddef.h>

#include "contract/check.h"

/* For a peer: executes the program (NULL: cat, from PATH) with the peer's channel as its input and output. */
_Noreturn void program_become(struct check *c, const char *path);

/* For the one who started it: true once the program answers, UNSUPPORTED when it cannot be executed. */
void program_await(struct check *c, const struct check_peer *peer);

/* Ends it, by the end of its input. */
void program_end(struct check *c, struct check_peer *peer);

/* Does the process have this object open? The name is looked for in /proc/PID/fd. */
bool program_has_open(pid_t pid, const char *name);

/* Where cat is; UNSUPPORTED without it. */
void program_find(struct check *c, char *path, size_t size);

#endif
