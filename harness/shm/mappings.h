/* What one process maps of shared memory: its regions, and the objects behind them.
 *
 * An object is reached through /proc/PID/map_files where the kernel lets, else by its name in the process's own mount
 * namespace, else through a descriptor that the process has open, each time compared by device and inode. Where none of them
 * leads to it, its region is listed and not measured. Nothing is read from the memory itself: that would fill holes.
 */
#ifndef SHM_MAPPINGS_H
#define SHM_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct mapping {
    uint64_t from, to; /* addresses in the process */
    uint64_t offset;   /* in the object */
    char rights[5];    /* "rw-s" */
    char name[128];    /* what /proc calls it, without the folder */
    dev_t device;
    ino_t inode;
    int fd;            /* of the object, with O_PATH; -1: cannot be reached */
    bool deleted;      /* the object has no name any more */
    /* valid where fd >= 0 */
    uint64_t object_bytes, allocated_bytes;
    uint64_t size_bytes, free_bytes; /* of its file system; UINT64_MAX without a limit */
};

struct mappings {
    struct mapping *list;
    size_t count;
    size_t lines; /* regions of all kinds that the process has */
    bool cut;     /* more of shared memory than can be listed */
};

/* Lists what lies on a tmpfs, memfds included. Fails with status ENVIRONMENT when there is no such process, or it may not be
 * looked into. */
int mappings_read(struct mappings *mappings, pid_t pid, struct error *error);
void mappings_free(struct mappings *mappings);

/* Bytes of the region behind the last page of the object; and the first address of them. 0 where it is not measured. */
uint64_t mapping_beyond(const struct mapping *mapping, uint64_t *first);

/* Bytes of the object that the region shows, and that have no page yet. */
uint64_t mapping_holes(const struct mapping *mapping);

/* Do both show the same object? */
bool mapping_same(const struct mapping *a, const struct mapping *b);

#endif
