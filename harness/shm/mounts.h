/* Objects that are mounted by themselves at another place: "mount --bind /dev/shm/x /y", "docker run -v /dev/shm/x:/y".
 *
 * Nobody has such an object open, and no lease tells of it, but unlinking it takes it away from whoever sees the mount.
 */
#ifndef SHM_MOUNTS_H
#define SHM_MOUNTS_H

#include "shm/objects.h"

/* Mount namespaces that have been looked at; zero to begin with. */
struct mounts_seen {
    ino_t *spaces;
    size_t count, room;
};

/* Enters a process, whose folder in /proc is open, with every object that is mounted in its mount namespace: once for each
 * namespace, and only where this user may know it. */
void mounts_read(struct objects *objects, struct mounts_seen *seen, int folder, pid_t pid, const char *command);

void mounts_free(struct mounts_seen *seen);

#endif
