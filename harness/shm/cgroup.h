/* The control groups of a process, of both versions: the folders in which they state limits and count. */
#ifndef SHM_CGROUP_H
#define SHM_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum cgroup_version { CGROUP_V1, CGROUP_V2 };

/* Calls visit for each folder of the process's groups, pid 0 being the calling one: of version 1 in the hierarchy of a
 * controller ("memory", "cpu"), of version 2 in the only one; from its own group up to the root of the mount. In a container
 * the path may lead outside the mount: then the mount's root holds the container's own limit, and is the only one that is
 * there. Ends when visit returns false. */
void cgroup_upward(pid_t pid, const char *controller,
                   bool (*visit)(const char *folder, enum cgroup_version version, void *user), void *user);

/* A file that holds one number, or "max" (UINT64_MAX). False where there is none. */
bool cgroup_number(const char *folder, const char *name, uint64_t *value);

/* The number after a key in a file of such lines. */
bool cgroup_keyed(const char *folder, const char *name, const char *key, uint64_t *value);

#endif
