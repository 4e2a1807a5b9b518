/* What there is room for: the shared memory file system, and the memory that it draws on. */
#ifndef SHM_CAPACITY_H
#define SHM_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define CAPACITY_UNLIMITED UINT64_MAX

/* A mounted file system as statvfs sees it. */
struct shm_capacity {
    const char *path; /* "/dev/shm" */
    const char *filesystem; /* "tmpfs", "ramfs", "overlay", ...; a static string */
    uint64_t size_bytes;
    uint64_t free_bytes; /* CAPACITY_UNLIMITED where the file system states no limit (size=0) */
    uint64_t inodes;     /* 0 where inodes are not limited */
    uint64_t inodes_free;
    bool read_only, noexec;
};

/* Fails with status ENVIRONMENT when there is no such folder. */
int capacity_read(const char *path, struct shm_capacity *capacity, struct error *error);

/* The tightest memory limit of this process's cgroups, v1 or v2, up to the root. */
struct memory_limit {
    uint64_t limit_bytes; /* CAPACITY_UNLIMITED where there is none */
    uint64_t room_bytes;  /* limit less what is charged and cannot be dropped at once */
    char file[256];       /* the file that states the limit */
};

/* Never fails: what cannot be read sets no limit. Of this process, or of another one. */
struct memory_limit memory_limit_read(void);
struct memory_limit memory_limit_of(pid_t pid);

/* What a process's own memory cgroup has to tell. */
struct memory_group {
    char folder[384];     /* empty: none can be seen */
    uint64_t shmem_bytes; /* charged for shared memory and tmpfs */
    uint64_t oom_kills;   /* processes of this group that were killed for want of memory, since the group was made */
};
struct memory_group memory_group_of(pid_t pid);
/* The same of a group that is known by its folder. */
struct memory_group memory_group_at(const char *folder);

/* Bytes that /proc/meminfo calls available; CAPACITY_UNLIMITED where it cannot be read. */
uint64_t memory_available(void);

#endif
