/* Control groups of our own: made below the process's own one or as near to it as the kernel allows, of version 1 or 2.
 *
 * A group is named after the process that made it: what a killed one has left can be swept.
 */
#ifndef RUN_CGROUP_H
#define RUN_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

enum cgroup_kind { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_KINDS };

struct cgroup {
    char folder[384]; /* empty: none */
    char home[384];   /* the folder of the group that the process was in */
    const char *limit; /* the name of its limit's file */
};

/* Makes a group with this limit; `part` tells several of one process apart. Returns 0 or an errno: the first refusal. */
int cgroup_make(struct cgroup *group, enum cgroup_kind kind, const char *part, unsigned long long limit);

/* Changes the limit. Returns 0 or an errno. */
int cgroup_limit(const struct cgroup *group, unsigned long long limit);

/* Moves a process into it (0: this one), and this one back to where it came from. Returns 0 or an errno. */
int cgroup_enter(const struct cgroup *group, pid_t pid);
int cgroup_leave(const struct cgroup *group);

/* Removes it; its processes must have gone or be dying. Idempotent. */
void cgroup_remove(struct cgroup *group);

/* Removes groups of killed processes. The kernel removes none that is not empty. */
void cgroup_sweep(void);

#endif
