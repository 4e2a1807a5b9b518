/* Findings about the memory behind /dev/shm: cgroups, kills, swap, huge pages, NUMA. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/units.h"
#include "workloads/finding/rows.h"

/* Less than one part in so many left is nearly nothing. */
#define NEARLY_FULL 20
/* More than one part in so many of the swap is in use: the machine has been short of memory. */
#define SWAP_IN_USE 4
#define SWAP_MATTERS (64ULL << 20)
/* With huge pages everywhere an object takes one of them at least: so few objects fill /dev/shm. */
#define FEW_HUGE 256

#define UNSEEN "cannot be seen: no /proc"

#define RAISE                                                                                                               \
    {                                                                                                                       \
        [RUNTIME_HOST] = "echo 4G | {root}tee {limit}     # or less of /dev/shm: mount -o remount,size=256M /dev/shm",       \
        [RUNTIME_DOCKER] = "{engine} run --memory=4g --shm-size=1g ...     # the limit above the size",                     \
        [RUNTIME_KUBERNETES] = FIX_MEMORY, [RUNTIME_SYSTEMD] = "{systemctl} set-property {unit} MemoryMax=4G"                \
    }

/* Kilobytes of /proc/meminfo, as bytes; 0 where they are not to be seen. */
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

/* Is what lies in /dev/shm memory? */
static bool in_memory(const struct diagnosis *d)
{
    return strcmp(d->shm.filesystem, "tmpfs") == 0 || strcmp(d->shm.filesystem, "ramfs") == 0;
}

/* What there is of memory and swap in the whole machine. */
static void look_machine(struct diagnosis *d)
{
    char size[UNITS_TEXT], all[UNITS_TEXT];
    uint64_t bytes = meminfo("MemTotal") + meminfo("SwapTotal");
    units_print(&units_size, (double)bytes, all);
    diagnosis_fact(d, "%s%s", bytes ? all : UNSEEN, bytes ? " with swap" : "");
    if (bytes && in_memory(d) && d->shm.free_bytes != CAPACITY_UNLIMITED && d->shm.size_bytes > bytes && !d->shm.read_only)
        diagnosis_finding(d, SEVERITY_WARNING, "/dev/shm takes %s, but the machine has %s of memory and swap in all",
                          units_print(&units_size, (double)d->shm.size_bytes, size), all);
}

static void look_below(struct diagnosis *d)
{
    char limit[UNITS_TEXT], size[UNITS_TEXT];
    if (d->memory.limit_bytes == CAPACITY_UNLIMITED) {
        diagnosis_fact(d, "%s", access("/proc/self/cgroup", R_OK) == 0 ? "no memory limit of a cgroup" : UNSEEN);
        return;
    }
    units_print(&units_size, (double)d->memory.limit_bytes, limit);
    diagnosis_fact(d, "%s (%s)", limit, d->memory.file);
    if (d->shm_there && in_memory(d) && d->shm.size_bytes > d->memory.limit_bytes && !d->shm.read_only)
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

static void look_swap(struct diagnosis *d)
{
    char total[UNITS_TEXT] = "0 B", lock[UNITS_TEXT], used_text[UNITS_TEXT];
    struct rlimit limit;
    uint64_t swap = meminfo("SwapTotal");
    bool unlimited = getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY;
    snprintf(lock, sizeof lock, "no limit");
    if (!unlimited)
        units_print(&units_size, (double)limit.rlim_cur, lock);
    if (meminfo("MemTotal") == 0)
        diagnosis_fact(d, UNSEEN);
    else if (swap)
        diagnosis_fact(d, "%s: shared memory may be swapped out; mlock keeps it (limit: %s)",
                       units_print(&units_size, (double)swap, total), lock);
    else
        diagnosis_fact(d, "none: shared memory stays, and fills the memory (mlock limit: %s)", lock);
    uint64_t used = swap - meminfo("SwapFree"), shared = meminfo("Shmem");
    if (used > swap / SWAP_IN_USE && used <= swap && shared + used > SWAP_MATTERS)
        diagnosis_finding(d, SEVERITY_NOTE,
                          "%s of %s of swap are in use, and shared memory is swapped like any other (mlock limit: %s)",
                          units_print(&units_size, (double)used, used_text), total, lock);
}

/* With vm.overcommit_memory=2 each page of a tmpfs counts against the limit of what may be promised in all. */
static void look_commit(struct diagnosis *d)
{
    char mode[16] = "", limit_text[UNITS_TEXT], left_text[UNITS_TEXT];
    uint64_t limit = meminfo("CommitLimit"), committed = meminfo("Committed_AS");
    if (!finding_line("/proc/sys/vm/overcommit_memory", mode, sizeof mode))
        return;
    uint64_t left = limit > committed ? limit - committed : 0;
    units_print(&units_size, (double)limit, limit_text);
    units_print(&units_size, (double)left, left_text);
    if (atoi(mode) != 2) {
        diagnosis_fact(d, "vm.overcommit_memory is %.8s: no limit but the memory", mode);
        return;
    }
    diagnosis_fact(d, "vm.overcommit_memory is 2: %s left of %s", left_text, limit_text);
    if (left < limit / NEARLY_FULL)
        diagnosis_finding(d, SEVERITY_WARNING, "vm.overcommit_memory is 2, and %s are left of the %s that may be promised",
                          left_text, limit_text);
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

/* Bytes of a huge page; 0: there are none. */
static uint64_t huge_page(void)
{
    char line[32];
    bool found = finding_line("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", line, sizeof line);
    return found ? strtoull(line, NULL, 10) : 0;
}

static void look_huge(struct diagnosis *d)
{
    char shmem[64], value[64], page_text[UNITS_TEXT], size[UNITS_TEXT];
    const char *mounted = finding_option(d, "huge=", value);
    chosen("/sys/kernel/mm/transparent_hugepage/shmem_enabled", shmem);
    bool always = (mounted && strcmp(mounted, "always") == 0) || strcmp(shmem, "force") == 0;
    uint64_t page = huge_page(), room = page && d->shm.free_bytes != CAPACITY_UNLIMITED ? d->shm.size_bytes / page : UINT64_MAX;
    diagnosis_fact(d, "/dev/shm mounted huge=%s; memfd and anonymous shared memory: %s",
                   mounted ? mounted : d->options[0] ? "never" : "unknown", shmem);
    if (always && strcmp(shmem, "deny") != 0 && room < FEW_HUGE)
        diagnosis_finding(d, SEVERITY_WARNING,
                          "every object of /dev/shm takes whole huge pages of %s (huge=%s, shmem_enabled %s), and %s hold %" PRIu64
                          " of them",
                          units_print(&units_size, (double)page, page_text), mounted ? mounted : "never", shmem,
                          units_print(&units_size, (double)d->shm.size_bytes, size), room);
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
    {.id = "memory-machine",
     .area = "memory",
     .title = "memory in all",
     .needs_shm = true,
     .look = look_machine,
     .consequence = "df shows room that the machine does not have: the OOM killer comes (exit status 137) before ENOSPC does",
     .fix = {[RUNTIME_HOST] = "{root}mount -o remount,size=50% /dev/shm",
             [RUNTIME_DOCKER] = "{engine} run --shm-size=2g ...     # less than the machine has",
             [RUNTIME_KUBERNETES] = FIX_VOLUME}},
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
     .fix = {[RUNTIME_HOST] = "shmoo gc --name '*' --apply     # what is proven unused; what is in use: shmoo ls"}},
    {.id = "memory-commit",
     .area = "memory",
     .title = "promises",
     .look = look_commit,
     .consequence = "pages of shared memory are refused though memory is free: ENOSPC from fallocate, SIGBUS where nothing was reserved",
     .fix = {[RUNTIME_HOST] = "{root}sysctl vm.overcommit_memory=0     # or a higher vm.overcommit_ratio"}},
    {.id = "memory-swap",
     .area = "memory",
     .title = "swap",
     .look = look_swap,
     .consequence = "the first touch after a while may wait for the disc, inside a critical section too",
     .fix = {[RUNTIME_HOST] = "mlock(address, size); /* with ulimit -l as large; or sysctl vm.swappiness=1 */",
             [RUNTIME_DOCKER] = "{engine} run --memory=4g --memory-swap=4g --ulimit memlock=-1 ...     # no swap; and mlock(address, size)",
             [RUNTIME_SYSTEMD] = FIX_SERVICE("MemorySwapMax=0\\nLimitMEMLOCK=infinity")}},
    {.id = "memory-huge",
     .area = "memory",
     .title = "huge pages",
     .needs_shm = true,
     .look = look_huge,
     .consequence = "small objects take what a large one would: /dev/shm is full after that many, and then ENOSPC or SIGBUS",
     .fix = {[RUNTIME_HOST] = "{root}mount -o remount,huge=within_size /dev/shm     # or huge=never, or a larger size=",
             [RUNTIME_DOCKER] = "{engine} run --shm-size=2g ...     # huge= is the host's choice"}},
    {.id = "memory-numa", .area = "memory", .title = "NUMA", .look = look_numa},
    {0},
};
