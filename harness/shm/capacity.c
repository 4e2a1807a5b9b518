/* What there is room for: statvfs, memory cgroups of both versions, and /proc/meminfo. */
#define _GNU_SOURCE
#include "shm/capacity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "shm/cgroup.h"

/* Magic numbers of statfs(2). */
static const struct {
    unsigned long magic;
    const char *name;
} filesystems[] = {
    {0x01021994, "tmpfs"}, {0x858458f6, "ramfs"}, {0xef53, "ext4"},   {0x794c7630, "overlay"},
    {0x58465342, "xfs"},   {0x9123683e, "btrfs"}, {0x6969, "nfs"},    {0x958458f6, "hugetlbfs"},
};

static const char *filesystem_name(unsigned long magic)
{
    for (size_t i = 0; i < sizeof filesystems / sizeof filesystems[0]; i++)
        if (filesystems[i].magic == magic)
            return filesystems[i].name;
    return "other";
}

int capacity_read(const char *path, struct shm_capacity *capacity, struct error *error)
{
    struct statvfs vfs;
    struct statfs fs;
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return error_set(error, STATUS_ENVIRONMENT, ENOTDIR,
                         "%s: %s; POSIX shared memory needs a folder there: mount -t tmpfs -o mode=1777 tmpfs %s", path,
                         error_name(ENOTDIR), path);
    if (statvfs(path, &vfs) != 0 || statfs(path, &fs) != 0)
        return error_set(error, STATUS_ENVIRONMENT, errno,
                         "%s: statvfs: %s; POSIX shared memory needs it: mount -t tmpfs -o mode=1777 tmpfs %s", path,
                         error_name(errno), path);
    *capacity = (struct shm_capacity){
        .path = path,
        .filesystem = filesystem_name((unsigned long)fs.f_type & 0xffffffffUL),
        .size_bytes = (uint64_t)vfs.f_blocks * vfs.f_frsize,
        .free_bytes = vfs.f_blocks ? (uint64_t)vfs.f_bavail * vfs.f_frsize : CAPACITY_UNLIMITED,
        .inodes = vfs.f_files,
        .inodes_free = vfs.f_favail,
        .read_only = vfs.f_flag & ST_RDONLY,
        .noexec = vfs.f_flag & ST_NOEXEC,
    };
    return 0;
}

static const struct {
    const char *limit, *usage;
    const char *droppable[2]; /* page cache that the kernel drops before it kills, in memory.stat */
} files[] = {
    [CGROUP_V1] = {"memory.limit_in_bytes", "memory.usage_in_bytes", {"total_inactive_file", "total_active_file"}},
    [CGROUP_V2] = {"memory.max", "memory.current", {"inactive_file", "active_file"}},
};

/* v1 writes "no limit" as a number just below 2^63. */
#define V1_NO_LIMIT (1ULL << 62)

static bool visit_limit(const char *folder, enum cgroup_version version, void *user)
{
    struct memory_limit *tightest = user;
    uint64_t limit, usage = 0;
    if (!cgroup_number(folder, files[version].limit, &limit) || limit >= V1_NO_LIMIT)
        return true;
    cgroup_number(folder, files[version].usage, &usage);
    for (int i = 0; i < 2; i++) {
        uint64_t drop = 0;
        cgroup_keyed(folder, "memory.stat", files[version].droppable[i], &drop);
        usage = usage > drop ? usage - drop : 0;
    }
    uint64_t room = limit > usage ? limit - usage : 0;
    if (room >= tightest->room_bytes)
        return true;
    tightest->limit_bytes = limit;
    tightest->room_bytes = room;
    snprintf(tightest->file, sizeof tightest->file, "%.200s/%s", folder, files[version].limit);
    return true;
}

struct memory_limit memory_limit_of(pid_t pid)
{
    struct memory_limit tightest = {CAPACITY_UNLIMITED, CAPACITY_UNLIMITED, ""};
    cgroup_upward(pid, "memory", visit_limit, &tightest);
    return tightest;
}

struct memory_limit memory_limit_read(void)
{
    return memory_limit_of(0);
}

/* Of the group itself, not of those below it, where the kernel keeps them apart. */
static bool read_kills(struct memory_group *group)
{
    static const char *const events[] = {"memory.events.local", "memory.events", "memory.oom_control"};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (cgroup_keyed(group->folder, events[i], "oom_kill", &group->oom_kills))
            return true;
    return false;
}

/* The first folder that counts is the group: of version 2, those below it may have no memory controller. */
static bool visit_group(const char *folder, enum cgroup_version version, void *user)
{
    struct memory_group *found = user, here = {.folder = ""};
    (void)version;
    snprintf(here.folder, sizeof here.folder, "%.380s", folder);
    bool stat = cgroup_keyed(here.folder, "memory.stat", "shmem", &here.shmem_bytes);
    if (!read_kills(&here) || !stat)
        return true;
    *found = here;
    return false;
}

struct memory_group memory_group_of(pid_t pid)
{
    struct memory_group group = {.folder = ""};
    cgroup_upward(pid, "memory", visit_group, &group);
    return group;
}

struct memory_group memory_group_at(const char *folder)
{
    struct memory_group group = {.folder = ""};
    visit_group(folder, (enum cgroup_version)0, &group);
    return group;
}

uint64_t memory_available(void)
{
    char line[128];
    uint64_t kib, result = CAPACITY_UNLIMITED;
    FILE *file = fopen("/proc/meminfo", "re");
    if (!file)
        return result;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
            result = kib * 1024;
    fclose(file);
    return result;
}
