/* shuffle: a nemesis outside the crew that moves workers from CPU to CPU. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/seed.h"
#include "workloads/fault/rows.h"

#define CPUS_MAX 8192
#define NOTES_MAX 200 /* moves that leave a record */

struct cpus {
    cpu_set_t sets[CPUS_MAX / CPU_SETSIZE];
};

/* The CPUs that this process may use, which are those that its workers could be pinned to. */
static int allowed(struct cpus *cpus)
{
    memset(cpus, 0, sizeof *cpus);
    if (sched_getaffinity(0, sizeof *cpus, cpus->sets) != 0)
        return 0;
    return CPU_COUNT_S(sizeof *cpus, cpus->sets);
}

/* The n-th of the set, counting from 0. */
static int nth(const struct cpus *cpus, int n)
{
    int cpu = 0;
    while (!CPU_ISSET_S((size_t)cpu, sizeof *cpus, cpus->sets) || n-- > 0)
        cpu++;
    return cpu;
}

static void move(struct nemesis *nemesis, uint32_t worker, const struct cpus *cpus, int count)
{
    char detail[64];
    struct cpus one;
    int cpu = nth(cpus, (int)seed_below(nemesis->random, (uint32_t)count));
    pid_t pid = nemesis->process(nemesis, worker);
    if (!pid)
        return;
    memset(&one, 0, sizeof one);
    CPU_SET_S((size_t)cpu, sizeof one, one.sets);
    if (sched_setaffinity(pid, sizeof one, one.sets) == 0)
        snprintf(detail, sizeof detail, "moved to CPU %d", cpu);
    else
        snprintf(detail, sizeof detail, "could not be moved to CPU %d: %s", cpu, error_name(errno));
    if (nemesis->step <= NOTES_MAX)
        nemesis->note(nemesis, worker, detail);
}

static uint64_t shuffle_act(struct nemesis *nemesis)
{
    struct cpus cpus;
    int count = allowed(&cpus);
    uint64_t length = (uint64_t)(nemesis->parameter * NS_PER_MS);
    if (count < 2)
        return UINT64_MAX;
    if (nemesis->step)
        move(nemesis, (uint32_t)seed_below(nemesis->random, nemesis->workers), &cpus, count);
    return nemesis->now_ns + length / 2 + seed_below(nemesis->random, (uint32_t)length) + 1;
}

static const char *shuffle_refuses(const struct shape *shape, double parameter)
{
    struct cpus cpus;
    (void)shape, (void)parameter;
    return allowed(&cpus) < 2 ? "fault shuffle needs two CPUs or more, and this process may use one only" : NULL;
}

const struct fault_ops fault_shuffle = {
    .name = "shuffle",
    .summary = "moves a worker to another CPU every so many milliseconds, more or less",
    .parameter = "milliseconds",
    .fallback = 2,
    .min = 0.1,
    .max = 4000,
    .expect = -1,
    .refuses = shuffle_refuses,
    .act = shuffle_act,
};
