/* Shortages: a tmpfs without room, a memory cgroup at its limit, forks that are refused; and all of it taken back. */
#define _GNU_SOURCE
#include "run/room.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/units.h"
#include "run/cgroup.h"
#include "run/emulate.h"
#include "shm/capacity.h"

/* A group that is only made to see whether one can be had. */
#define TRIAL_LIMIT (1ULL << 20)
#define NO_LIMIT (1ULL << 60)

/* Of the trial that is under way. */
static struct {
    bool shm_full, forks_denied, memory_limited;
    uint64_t memory_bytes; /* the limit */
    struct cgroup memory, pids;
    struct rlimit processes; /* as it was */
} now;

/* Why it is not to be had, each asked for once; empty: it is. */
static char no_shm[400], no_memory[400], no_forks[400];

static bool can_make(enum cgroup_kind kind, const char *name, char *why, size_t size)
{
    struct cgroup group = {.folder = ""};
    int rc = cgroup_make(&group, kind, ".probe", TRIAL_LIMIT);
    cgroup_remove(&group);
    if (rc)
        snprintf(why, size,
                 "this fault needs a %s cgroup of the crew's own, and none can be made: %s; run it as root, where /sys/fs/cgroup may "
                 "be written",
                 name, error_name(rc));
    return rc == 0;
}

/* Who is nobody special is refused by a limit of his own. */
static bool forks_by_rlimit(void)
{
    return geteuid() != 0;
}

void room_prepare(unsigned needs)
{
    struct error error;
    if (needs & FAULT_NEEDS_OWN_SHM && emulation_enter_shm(&error))
        snprintf(no_shm, sizeof no_shm, "this fault needs %.380s", error.text);
    else if (needs & FAULT_NEEDS_OWN_SHM && emulation_fill_shm(false))
        snprintf(no_shm, sizeof no_shm, "this fault needs to mount /dev/shm anew, which this user may not do under --env");
    if (needs & FAULT_NEEDS_MEMORY_LIMIT)
        can_make(CGROUP_MEMORY, "memory", no_memory, sizeof no_memory);
    if (needs & FAULT_NEEDS_FORK_LIMIT && !forks_by_rlimit())
        can_make(CGROUP_PIDS, "pids", no_forks, sizeof no_forks);
}

const char *room_refuses(unsigned needs)
{
    if (needs & FAULT_NEEDS_OWN_SHM && no_shm[0])
        return no_shm;
    if (needs & FAULT_NEEDS_OWN_SHM && !emulation_owns_shm())
        return "this fault needs a /dev/shm of the run's own, and the run has none";
    if (needs & FAULT_NEEDS_MEMORY_LIMIT && no_memory[0])
        return no_memory;
    return needs & FAULT_NEEDS_FORK_LIMIT && no_forks[0] ? no_forks : NULL;
}

int room_fill_shm(bool full)
{
    if (!emulation_owns_shm())
        return EPERM;
    now.shm_full = full;
    return emulation_fill_shm(full);
}

/* What the crew has had so far is charged where it was before, and stays there. */
int room_limit_memory(const struct crew *crew, uint64_t bytes)
{
    int rc = 0;
    now.memory_bytes = bytes;
    unsigned long long limit = bytes < NO_LIMIT ? bytes : NO_LIMIT;
    if (now.memory.folder[0])
        return cgroup_limit(&now.memory, limit);
    rc = cgroup_make(&now.memory, CGROUP_MEMORY, ".crew", NO_LIMIT);
    for (uint32_t i = 0; i < crew->count && rc == 0; i++)
        if (crew->members[i].exit == EXIT_NOT_YET)
            rc = cgroup_enter(&now.memory, crew->members[i].pid);
    now.memory_limited = rc == 0;
    return rc ? rc : cgroup_limit(&now.memory, limit);
}

static int deny_by_rlimit(bool denied)
{
    struct rlimit none;
    if (denied && getrlimit(RLIMIT_NPROC, &now.processes) != 0)
        return errno;
    none = now.processes;
    none.rlim_cur = 0;
    return setrlimit(RLIMIT_NPROC, denied ? &none : &now.processes) == 0 ? 0 : errno;
}

/* The harness goes into a group of its own, where it is one too many. */
static int deny_by_cgroup(bool denied)
{
    if (!denied) {
        int left = cgroup_leave(&now.pids);
        cgroup_remove(&now.pids);
        return left;
    }
    int rc = cgroup_make(&now.pids, CGROUP_PIDS, ".alone", 1);
    if (rc == 0)
        rc = cgroup_enter(&now.pids, 0);
    if (rc)
        cgroup_remove(&now.pids);
    return rc;
}

int room_deny_forks(bool denied)
{
    if (denied == now.forks_denied)
        return 0;
    int rc = forks_by_rlimit() ? deny_by_rlimit(denied) : deny_by_cgroup(denied);
    now.forks_denied = denied && rc == 0;
    return rc;
}

void room_restore(void)
{
    if (now.shm_full)
        room_fill_shm(false);
    room_deny_forks(false);
    cgroup_remove(&now.memory);
    now.memory_limited = false;
}

bool room_explains_kill(char *text, size_t size)
{
    char limit[UNITS_TEXT];
    text[0] = '\0';
    if (!now.memory_limited)
        return false;
    struct memory_group group = memory_group_at(now.memory.folder);
    if (group.oom_kills == 0)
        return false;
    snprintf(text, size, "the OOM killer has struck %llu time%s in the memory cgroup that the fault has put the crew into, at its "
             "limit of %s (%.200s)", (unsigned long long)group.oom_kills, group.oom_kills == 1 ? "" : "s",
             units_print(&units_size, (double)now.memory_bytes, limit), group.folder);
    return true;
}
