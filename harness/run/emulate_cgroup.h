/* The memory cgroup of an emulated machine. */
#ifndef RUN_EMULATE_CGROUP_H
#define RUN_EMULATE_CGROUP_H

#include "base/error.h"

/* Makes a cgroup with this limit below the process's own, and continues in a copy of the process in it. The original waits
 * for the copy, passes signals on, removes the cgroup, and ends as the copy did. -1 with status ENVIRONMENT: none can be
 * made. */
int emulate_cgroup_enter(unsigned long long limit_bytes, const char *name, struct error *error);

#endif
