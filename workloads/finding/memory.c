/* Findings about the memory behind /dev/shm: cgroups, kills, swap, huge pages, NUMA. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/units.h"
#include "workloads/finding/rows.h"

/* Less than one part in so many left is nearly nothing. */
#define NEARLY_FULL 20

#define RAISE                                                                                                               \
    {                                                                                                                       \
        [RUNTIME_HOST] =                                                                                                    \
            "raise the limit in the file named above, or make /dev/shm smaller: mount -o remount,size=256M /dev/shm",       \
        [RUNTIME_DOCKER] = "{engine} run --memory=4g --shm-size=1g ...        # the limit above the size",                  \
        [RUNTIME_KUBERNETES] = "resources: {limits: {memory: 4Gi}}\n"                                                       \
                               "volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 1Gi}}]",                        \
        [RUNTIME_SYSTEMD] = "systemctl edit {unit}        # [Service] MemoryMax=4G"                                         \
    }

static void look_below(struct diagnosis *d)
{
    char limit[UNITS_TEXT], size[UNITS_TEXT];
    if (d->memory.limit_bytes == CAPACITY_UNLIMITED) {
        diagnosis_fact(d, "no memory limit of a cgroup");
        return;
    }
    units_print(&units_size, (double)d->memory.limit_bytes, limit);
    diagnosis_fact(d, "%s (%s)", limit, d->memory.file);
    if (d->shm_there && d->shm.size_bytes > d->memory.limit_bytes && !d->shm.read_only)
        diagnosis_finding(d, SEVERITY_WARNING, "/dev/shm takes %s, but the memory cgroup gives %s (%s)",
                          d->shm.free_bytes == CAPACITY_UNLIMITED
                              ? "any amount"
                              : units_print(&units_size, (double)d->shm.size_bytes, size),
                          limit, d->memory.file);
}

static void look_room(struct diagnosis *d)
{
    char room[UNITS_TEXT], limit[UNITS_TEXT], shmem[UNITS_TEXT];
    struct memory_group group = memory_group_of(0);
    if (d->memory.limit_bytes == CAPACITY_UNLIMITED)
        return;
    units_print(&units_size, (double)d->memory.room_bytes, room);
    units_print(&units_size, (double)d->memory.limit_bytes, limit);
    units_print(&units_size, (double)group.shmem_bytes, shmem);
    diagnosis_fact(d, "%s left of %s, %s of it charged for shared memory", room, limit, shmem);
    if (d->memory.room_bytes < d->memory.limit_bytes / NEARLY_FULL)
        diagnosis_finding(d, SEVERITY_WARNING, "the memory cgroup has %s left of %s (%s); shared memory is charged with %s",
                          room, limit, d->memory.file, shmem);
}

static void look_kills(struct diagnosis *d)
{
    struct memory_group group = memory_group_of(0);
    if (!group.folder[0]) {
        diagnosis_fact(d, "no memory cgroup can be seen");
        return;
    }
    diagnosis_fact(d, "%" PRIu64 " since the group was made", group.oom_kills);
    if (group.oom_kills)
        diagnosis_finding(d, SEVERITY_WARNING,
                          "the kernel has killed %" PRIu64 " process%s of this memory cgroup for want of memory (%s)",
                          group.oom_kills, group.oom_kills == 1 ? "" : "es", group.folder);
}

/* Kilobytes of /proc/meminfo, as bytes. */
static uint64_t meminfo(const char *key)
{
    char line[128], name[64];
    uint64_t kib = 0, value;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%63[^:]: %" SCNu64, name, &value) == 2 && strcmp(name, key) == 0)
            kib = value;
    if (file)
        fclose(file);
    return kib * 1024;
}

static void look_swap(struct diagnosis *d)
{
    char total[UNITS_TEXT], lock[UNITS_TEXT];
    struct rlimit limit;
    uint64_t swap = meminfo("SwapTotal");
    bool unlimited = getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY;
    snprintf(lock, sizeof lock, "no limit");
    if (!unlimited)
        units_print(&units_size, (double)limit.rlim_cur, lock);
    if (swap)
        diagnosis_fact(d, "%s: shared memory may be swapped out; mlock keeps it (limit: %s)",
                       units_print(&units_size, (double)swap, total), lock);
    else
        diagnosis_fact(d, "none: shared memory stays, and fills the memory (mlock limit: %s)", lock);
}

static void look_available(struct diagnosis *d)
{
    char available[UNITS_TEXT], shmem[UNITS_TEXT];
    uint64_t bytes = memory_available();
    if (bytes == CAPACITY_UNLIMITED)
        return;
    units_print(&units_size, (double)bytes, available);
    diagnosis_fact(d, "%s available; %s in shared memory and tmpfs", available,
                   units_print(&units_size, (double)meminfo("Shmem"), shmem));
    if (bytes < (64ULL << 20))
        diagnosis_finding(d, SEVERITY_SERIOUS, "%s of memory are available in all", available);
}

/* The word in brackets: "always [never]" */
static void chosen(const char *path, char text[64])
{
    char line[256];
    const char *open = NULL;
    snprintf(text, 64, "unknown");
    if (finding_line(path, line, sizeof line))
        open = strchr(line, '[');
    if (open)
        snprintf(text, 64, "%.*s", (int)strcspn(open + 1, "]"), open + 1);
}

static void look_huge(struct diagnosis *d)
{
    char shmem[64], value[64];
    const char *mounted = finding_option(d, "huge=", value);
    chosen("/sys/kernel/mm/transparent_hugepage/shmem_enabled", shmem);
    diagnosis_fact(d, "/dev/shm mounted huge=%s; memfd and anonymous shared memory: %s", mounted ? mounted : "never", shmem);
}

static void look_numa(struct diagnosis *d)
{
    char value[64];
    const char *policy = finding_option(d, "mpol=", value);
    unsigned nodes = 0;
    DIR *folder = opendir("/sys/devices/system/node");
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        nodes += strncmp(entry->d_name, "node", 4) == 0 && entry->d_name[4] >= '0' && entry->d_name[4] <= '9';
    if (folder)
        closedir(folder);
    if (nodes < 2)
        diagnosis_fact(d, "one node");
    else
        diagnosis_fact(d, "%u nodes, policy of /dev/shm: %s: pages lie on the node that touches them first", nodes,
                       policy ? policy : "default");
}

const struct finding_ops findings_memory[] = {
    {.id = "memory-below-shm",
     .area = "memory",
     .title = "memory limit",
     .look = look_below,
     .consequence = "df shows room that the cgroup does not give: the OOM killer comes (exit status 137) before ENOSPC does",
     .fix = RAISE},
    {.id = "memory-room",
     .area = "memory",
     .title = "room in the cgroup",
     .look = look_room,
     .consequence = "the next pages that are touched may end in the OOM killer: SIGKILL, exit status 137, no SIGBUS",
     .fix = RAISE},
    {.id = "memory-kills",
     .area = "memory",
     .title = "killed for memory",
     .look = look_kills,
     .consequence = "exit status 137 was the OOM killer, and shared memory that the dead have left is still charged",
     .fix = RAISE},
    {.id = "memory-available",
     .area = "memory",
     .title = "memory",
     .look = look_available,
     .consequence = "the next pages that are touched may end in the OOM killer",
     .fix = {[RUNTIME_HOST] = "shmoo ls --state unused     # what could be had back; shmoo gc --name '*' --apply"}},
    {.id = "memory-swap", .area = "memory", .title = "swap", .look = look_swap},
    {.id = "memory-huge", .area = "memory", .title = "huge pages", .look = look_huge},
    {.id = "memory-numa", .area = "memory", .title = "NUMA", .look = look_numa},
    {0},
};
