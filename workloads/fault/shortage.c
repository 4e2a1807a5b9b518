/* shm-full, memory-limit, descriptors: what a crew may run out of, in windows of some milliseconds, again and again. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/error.h"
#include "workloads/fault/halt.h"
#include "workloads/fault/rows.h"

enum { RESERVED, HOLES };
static const char *const regions[] = {"reserved", "holes", NULL};
/* The C library aborts who cannot wait on a word that has no page. */
static const int bus_error[] = {SIGBUS, SIGSEGV, SIGABRT, 0}, killed[] = {SIGKILL, SIGBUS, SIGSEGV, SIGABRT, 0};
static const int no_space[] = {ENOSPC, 0}, no_memory[] = {ENOMEM, ENOSPC, 0}, no_descriptors[] = {EMFILE, 0};

/* What the crew may still use up besides, where its region was reserved: the kernel's own share. */
#define MEMORY_SLACK (4u << 20)

struct shortage {
    uint32_t note; /* of the window that is open */
    bool open;
};

static uint64_t window_ns(const struct nemesis *nemesis)
{
    return (uint64_t)(nemesis->parameter * (double)NS_PER_MS);
}

/* Opens a window, or closes it; a failure is told in its place, once. */
static void note(struct nemesis *nemesis, bool begins, const char *detail, int errnum)
{
    struct shortage *shortage = nemesis->commons;
    char failure[64];
    snprintf(failure, sizeof failure, "could not be done: %s", error_name(errnum));
    if (errnum)
        nemesis->note(nemesis, nemesis->workers, failure);
    else if (begins)
        shortage->note = nemesis->begin(nemesis, nemesis->workers, detail);
    else if (shortage->open)
        nemesis->end(nemesis, shortage->note);
    shortage->open = begins && !errnum;
}

static bool begins(const struct nemesis *nemesis)
{
    return nemesis->step % 2;
}

/* What was not reserved is asked for only now, when there is none. */
static int shortage_with_holes(struct nemesis *nemesis, int (*take)(struct nemesis *nemesis))
{
    halt_crew(nemesis);
    int rc = halt_punch(nemesis);
    rc = rc ? rc : take(nemesis);
    continue_crew(nemesis);
    return rc;
}

static int fill(struct nemesis *nemesis)
{
    return nemesis->fill_shm(nemesis, true);
}

static uint64_t full_act(struct nemesis *nemesis)
{
    if (nemesis->step == 0)
        return window_ns(nemesis);
    if (nemesis->choices[0] == HOLES) {
        note(nemesis, true, "/dev/shm is full, and the region's pages are gone", shortage_with_holes(nemesis, fill));
        return UINT64_MAX;
    }
    note(nemesis, begins(nemesis), "/dev/shm is full", nemesis->fill_shm(nemesis, begins(nemesis)));
    return nemesis->now_ns + window_ns(nemesis);
}

static unsigned holes_crash(const uint8_t *choices)
{
    return choices[0] == HOLES ? 1u << VERDICT_CRASHED : 0;
}

const struct fault_ops fault_shm_full = {
    .name = "shm-full",
    .summary = "/dev/shm is full for so many milliseconds, and has room for as long (in one of the run's own): who has reserved his region "
               "does not notice; shm-full:holes: as if it had not been reserved, SIGBUS",
    .choices = {regions},
    .parameter = "milliseconds",
    .fallback = 50,
    .min = 1,
    .max = 3600e3,
    .expect = -1,
    .needs = FAULT_NEEDS_OWN_SHM,
    .verdicts = holes_crash,
    .brings = bus_error,
    .denies = no_space,
    .act = full_act,
};

static int limit_to_nothing(struct nemesis *nemesis)
{
    return nemesis->limit_memory(nemesis, 0);
}

static uint64_t memory_act(struct nemesis *nemesis)
{
    if (nemesis->step == 0)
        return window_ns(nemesis);
    if (nemesis->choices[0] == HOLES) {
        note(nemesis, true, "no memory to be had in the crew's cgroup", shortage_with_holes(nemesis, limit_to_nothing));
        return UINT64_MAX;
    }
    note(nemesis, begins(nemesis), "hardly any memory to be had in the crew's cgroup",
         nemesis->limit_memory(nemesis, begins(nemesis) ? MEMORY_SLACK : UINT64_MAX));
    return nemesis->now_ns + window_ns(nemesis);
}

const struct fault_ops fault_memory_limit = {
    .name = "memory-limit",
    .summary = "the crew's memory cgroup is at its limit for so many milliseconds, and not for as long: who has reserved his region goes on; "
               "memory-limit:holes: as if it had not been reserved, and the OOM killer comes",
    .choices = {regions},
    .parameter = "milliseconds",
    .fallback = 50,
    .min = 1,
    .max = 3600e3,
    .expect = -1,
    .needs = FAULT_NEEDS_MEMORY_LIMIT,
    .verdicts = holes_crash,
    .brings = killed,
    .denies = no_memory,
    .act = memory_act,
};

/* No descriptor can be opened any more; those that are open stay so. */
static int limit_descriptors(struct nemesis *nemesis, bool denied)
{
    int rc = 0;
    for (uint32_t i = 0; i < nemesis->workers; i++) {
        pid_t pid = nemesis->process(nemesis, i);
        struct rlimit limit;
        if (!pid)
            continue;
        if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) != 0)
            rc = errno;
        limit.rlim_cur = denied ? 0 : limit.rlim_max;
        if (prlimit(pid, RLIMIT_NOFILE, &limit, NULL) != 0)
            rc = errno;
    }
    return rc;
}

static uint64_t descriptors_act(struct nemesis *nemesis)
{
    if (nemesis->step)
        note(nemesis, begins(nemesis), "no descriptor to be had", limit_descriptors(nemesis, begins(nemesis)));
    return nemesis->now_ns + window_ns(nemesis);
}

const struct fault_ops fault_descriptors = {
    .name = "descriptors",
    .summary = "no worker can open a descriptor for so many milliseconds, and all can for as long: EMFILE for who opens, nothing for who has "
               "what he needs",
    .parameter = "milliseconds",
    .fallback = 20,
    .min = 1,
    .max = 3600e3,
    .expect = -1,
    .denies = no_descriptors,
    .act = descriptors_act,
};
