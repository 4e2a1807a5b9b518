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

/* Reads a file that holds one number, or "max". False where there is none. */
static bool number_file(const char *folder, const char *name, uint64_t *value, char *path, size_t size)
{
    char text[64] = "";
    snprintf(path, size, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool got = fgets(text, sizeof text, file) != NULL;
    fclose(file);
    if (!got)
        return false;
    *value = strncmp(text, "max", 3) == 0 ? CAPACITY_UNLIMITED : strtoull(text, NULL, 10);
    return true;
}

/* The number after a key in a file of such lines. */
static bool keyed_number(const char *folder, const char *file_name, const char *key, uint64_t *value)
{
    char path[640], name[64];
    uint64_t number;
    bool found = false;
    snprintf(path, sizeof path, "%s/%s", folder, file_name);
    FILE *file = fopen(path, "re");
    while (file && !found && fscanf(file, "%63s %" SCNu64, name, &number) == 2)
        found = strcmp(name, key) == 0;
    if (found)
        *value = number;
    if (file)
        fclose(file);
    return found;
}

/* Page cache that the kernel drops before it kills: "inactive_file N" (v2) or "total_inactive_file N" (v1). */
static uint64_t droppable(const char *folder, const char *key)
{
    uint64_t value = 0;
    keyed_number(folder, "memory.stat", key, &value);
    return value;
}

struct cgroup_version {
    const char *limit, *usage, *droppable;
};
static const struct cgroup_version cgroup_v1 = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
static const struct cgroup_version cgroup_v2 = {"memory.max", "memory.current", "inactive_file"};

/* v1 writes "no limit" as a number just below 2^63. */
#define V1_NO_LIMIT (1ULL << 62)

static void limit_of_folder(const char *folder, const struct cgroup_version *v, struct memory_limit *tightest)
{
    char path[640], other[640];
    uint64_t limit, usage = 0;
    if (!number_file(folder, v->limit, &limit, path, sizeof path) || limit >= V1_NO_LIMIT)
        return;
    number_file(folder, v->usage, &usage, other, sizeof other);
    uint64_t drop = droppable(folder, v->droppable);
    usage = usage > drop ? usage - drop : 0;
    uint64_t room = limit > usage ? limit - usage : 0;
    if (room >= tightest->room_bytes)
        return;
    tightest->limit_bytes = limit;
    tightest->room_bytes = room;
    snprintf(tightest->file, sizeof tightest->file, "%.*s", (int)sizeof tightest->file - 1, path);
}

/* The group's folder and all above it. Inside a container the path may lead outside the mount: then the mount's root
 * holds the container's own limit. */
static void limits_upward(const char *mount, const char *group, const struct cgroup_version *v, struct memory_limit *t)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s%s", mount, group);
    while (strlen(folder) > strlen(mount)) {
        limit_of_folder(folder, v, t);
        *strrchr(folder, '/') = '\0';
    }
    limit_of_folder(mount, v, t);
}

/* Calls visit for each hierarchy in which a process has a memory group: where it is mounted, and the group's path there. */
static void each_group(pid_t pid, void (*visit)(const char *mount, const char *group, const struct cgroup_version *v, void *user),
                       void *user)
{
    char line[512], path[64];
    snprintf(path, sizeof path, pid ? "/proc/%d/cgroup" : "/proc/self/cgroup", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        if (strcmp(controllers, ":memory") == 0) {
            visit("/sys/fs/cgroup/memory", group, &cgroup_v1, user);
        } else if (strcmp(controllers, ":") == 0) {
            visit("/sys/fs/cgroup", group, &cgroup_v2, user);
            visit("/sys/fs/cgroup/unified", group, &cgroup_v2, user);
        }
    }
    fclose(file);
}

static void visit_limit(const char *mount, const char *group, const struct cgroup_version *v, void *user)
{
    limits_upward(mount, group, v, user);
}

struct memory_limit memory_limit_of(pid_t pid)
{
    struct memory_limit tightest = {CAPACITY_UNLIMITED, CAPACITY_UNLIMITED, ""};
    each_group(pid, visit_limit, &tightest);
    return tightest;
}

struct memory_limit memory_limit_read(void)
{
    return memory_limit_of(0);
}

/* Of the group itself, not of those below it, where the kernel keeps them apart. */
static bool read_events(struct memory_group *group)
{
    static const char *const files[] = {"memory.events.local", "memory.events", "memory.oom_control"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (keyed_number(group->folder, files[i], "oom_kill", &group->oom_kills))
            return true;
    return false;
}

static void visit_group(const char *mount, const char *group, const struct cgroup_version *v, void *user)
{
    struct memory_group *found = user, here = {.folder = ""};
    (void)v;
    for (int inside = 0; inside < 2 && !found->folder[0]; inside++) {
        /* in a container the path may lead outside the mount: then the mount's root is the group */
        snprintf(here.folder, sizeof here.folder, "%.100s%.260s", mount, inside || strcmp(group, "/") == 0 ? "" : group);
        bool stat = keyed_number(here.folder, "memory.stat", "shmem", &here.shmem_bytes);
        bool events = read_events(&here);
        if (stat && events)
            *found = here;
    }
}

struct memory_group memory_group_of(pid_t pid)
{
    struct memory_group group = {.folder = ""};
    each_group(pid, visit_group, &group);
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
