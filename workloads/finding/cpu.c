/* Findings about the processors: how many, of which order, which clock, and what disturbs a measurement. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "shm/cgroup.h"
#include "workloads/finding/rows.h"

#define CPU "/sys/devices/system/cpu/"
#define STEAL_SAMPLE_NS 50000000

static int allowed_cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* How many groups of CPUs there are, by a file of each CPU that lists its group: a group counts at its first CPU. 0: not to be
 * seen. */
static int count_groups(long cpus, const char *file)
{
    char path[96], line[64];
    int groups = 0;
    for (long cpu = 0; cpu < cpus; cpu++) {
        snprintf(path, sizeof path, CPU "cpu%ld/%s", cpu, file);
        groups += finding_line(path, line, sizeof line) && strtol(line, NULL, 10) == cpu;
    }
    return groups;
}

static void look_cpus(struct diagnosis *d)
{
    char smt[16] = "";
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int allowed = allowed_cpus();
    bool siblings = finding_line(CPU "smt/active", smt, sizeof smt) && smt[0] == '1';
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    int cores = count_groups(cpus, "topology/thread_siblings_list"), caches = count_groups(cpus, "cache/index3/shared_cpu_list");
    diagnosis_fact(d, "%d of %ld may be used; %d cores, %d last-level caches, %d packages%s", allowed, online, cores, caches,
                   count_groups(cpus, "topology/core_siblings_list"),
                   siblings ? "; hardware threads share cores (SMT)" : "");
    if (allowed == 1)
        diagnosis_finding(d, SEVERITY_NOTE, "only one CPU may be used");
}

/* The tightest of a group's limits and those above it, in CPUs' worth of time. */
struct quota {
    double cpus; /* 0: none */
    char file[256];
};

static bool visit_quota(const char *folder, enum cgroup_version version, void *user)
{
    struct quota *tightest = user;
    const char *name = version == CGROUP_V2 ? "cpu.max" : "cpu.cfs_quota_us";
    char path[640], line[128];
    double quota = 0, period = 0;
    uint64_t period_us = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!finding_line(path, line, sizeof line) || sscanf(line, "%lf %lf", &quota, &period) < 1)
        return true; /* "max" is no number */
    if (version == CGROUP_V1 && cgroup_number(folder, "cpu.cfs_period_us", &period_us))
        period = (double)period_us;
    if (quota > 0 && period > 0 && (tightest->cpus == 0 || quota / period < tightest->cpus)) {
        tightest->cpus = quota / period;
        snprintf(tightest->file, sizeof tightest->file, "%.200s/%s", folder, name);
    }
    return true;
}

static void look_quota(struct diagnosis *d)
{
    struct quota quota = {0};
    cgroup_upward(0, "cpu", visit_quota, &quota);
    snprintf(d->quota, sizeof d->quota, "%s", quota.file);
    if (quota.cpus <= 0) {
        diagnosis_fact(d, "no limit");
        return;
    }
    diagnosis_fact(d, "%.2f CPUs (%s)", quota.cpus, quota.file);
    if (quota.cpus < allowed_cpus())
        diagnosis_finding(d, SEVERITY_NOTE, "the cgroup gives the time of %.2f CPUs, to be used on %d (%s)", quota.cpus,
                          allowed_cpus(), quota.file);
}

static void look_order(struct diagnosis *d)
{
    long line = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);
#if defined(__x86_64__) || defined(__i386__)
    const char *order = "strong (TSO): a missing barrier may show on other machines only";
#else
    const char *order = "weak: a missing barrier shows here";
#endif
    diagnosis_fact(d, "%s; cache line %ld B", order, line > 0 ? line : 64);
}

static void look_clock(struct diagnosis *d)
{
    static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"};
    char source[64] = "unknown";
    struct clock_facts clock = clock_measure();
    finding_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", source, sizeof source);
    diagnosis_fact(d, "%s, %" PRIu64 " ns a reading", source, clock.cost_ns);
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++)
        if (strcmp(source, slow[i]) == 0)
            diagnosis_finding(d, SEVERITY_WARNING, "the clock source is %s: a reading takes %" PRIu64 " ns", source,
                              clock.cost_ns);
}

static void look_governor(struct diagnosis *d)
{
    char governor[64], low[32] = "", high[32] = "";
    if (!finding_line(CPU "cpu0/cpufreq/scaling_governor", governor, sizeof governor)) {
        diagnosis_fact(d, "not to be seen");
        return;
    }
    finding_line(CPU "cpu0/cpufreq/scaling_min_freq", low, sizeof low);
    finding_line(CPU "cpu0/cpufreq/scaling_max_freq", high, sizeof high);
    diagnosis_fact(d, "%s, %.0f to %.0f MHz", governor, strtod(low, NULL) / 1000, strtod(high, NULL) / 1000);
    if (strcmp(governor, "powersave") == 0 || strcmp(governor, "ondemand") == 0 || strcmp(governor, "conservative") == 0)
        diagnosis_finding(d, SEVERITY_NOTE, "the frequency governor is %s", governor);
}

static void look_load(struct diagnosis *d)
{
    char line[128];
    if (!finding_line("/proc/loadavg", line, sizeof line))
        return;
    double load = strtod(line, NULL);
    diagnosis_fact(d, "%.2f over the last minute, on %d CPUs", load, allowed_cpus());
    if (load > allowed_cpus())
        diagnosis_finding(d, SEVERITY_NOTE, "%.1f processes want to run on %d CPUs", load, allowed_cpus());
}

/* All time, and the part that a hypervisor gave to others. */
static bool read_steal(uint64_t *steal, uint64_t *all)
{
    uint64_t t[8] = {0};
    FILE *file = fopen("/proc/stat", "re");
    int got =
        file ? fscanf(file,
                      "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
                      &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7])
             : 0;
    if (file)
        fclose(file);
    *steal = t[7];
    *all = 0;
    for (int i = 0; i < 8; i++)
        *all += t[i];
    return got == 8;
}

static void look_steal(struct diagnosis *d)
{
    uint64_t steal[2], all[2];
    if (!read_steal(&steal[0], &all[0]))
        return;
    nanosleep(&(struct timespec){.tv_nsec = STEAL_SAMPLE_NS}, NULL);
    /* counters may go back when a virtual machine has been moved */
    if (!read_steal(&steal[1], &all[1]) || all[1] <= all[0] || steal[1] < steal[0] || steal[1] - steal[0] > all[1] - all[0])
        return;
    double part = (double)(steal[1] - steal[0]) / (double)(all[1] - all[0]);
    diagnosis_fact(d, "%.0f %% of %d ms", part * 100, STEAL_SAMPLE_NS / 1000000);
    if (part > 0.05 && steal[1] - steal[0] > 1)
        diagnosis_finding(d, SEVERITY_NOTE, "the hypervisor gives %.0f %% of the CPU time to others", part * 100);
}

const struct finding_ops findings_cpu[] = {
    {.id = "cpu-count",
     .area = "cpu",
     .title = "CPUs",
     .look = look_cpus,
     .consequence = "nothing runs at the same time: races hardly show, and spinning waits for a whole time slice",
     .fix = {[RUNTIME_HOST] = "taskset -c 0-3 ...",
             [RUNTIME_DOCKER] = "{engine} run --cpuset-cpus=0-3 ...",
             [RUNTIME_SYSTEMD] = "{systemctl} set-property {unit} AllowedCPUs=0-3"}},
    {.id = "cpu-quota",
     .area = "cpu",
     .title = "CPU time",
     .look = look_quota,
     .consequence =
         "all processes are stopped when the quota is used up, the one inside a critical section too: latencies jump",
     .fix = {[RUNTIME_HOST] = "echo max | {root}tee {quota}",
             [RUNTIME_DOCKER] = "{engine} run --cpuset-cpus=0-3 ...     # in place of --cpus",
             [RUNTIME_KUBERNETES] = "spec:\n"
                                    "  containers:\n"
                                    "  - name: NAME\n"
                                    "    resources: {requests: {cpu: 2}}     # and no limits: cpu",
             [RUNTIME_SYSTEMD] = "{systemctl} set-property {unit} CPUQuota="}},
    {.id = "cpu-order", .area = "cpu", .title = "memory order", .look = look_order},
    {.id = "clock-source",
     .area = "cpu",
     .title = "clock",
     .look = look_clock,
     .consequence = "each time stamp is a trip to a slow device: latencies are those of the clock",
     .fix = {[RUNTIME_HOST] = "cat /sys/devices/system/clocksource/clocksource0/available_clocksource     # boot with clocksource=tsc if "
                              "tsc is there"}},
    {.id = "cpu-governor",
     .area = "noise",
     .title = "frequency",
     .look = look_governor,
     .consequence = "figures depend on how fast the CPU happens to run",
     .fix = {[RUNTIME_HOST] = "{root}cpupower frequency-set -g performance"}},
    {.id = "cpu-load",
     .area = "noise",
     .title = "load",
     .look = look_load,
     .consequence = "figures contain the waiting for a CPU",
     .fix = {[RUNTIME_HOST] = "ps -eo pcpu,pid,comm --sort=-pcpu | head     # who it is"}},
    {.id = "cpu-steal",
     .area = "noise",
     .title = "stolen time",
     .look = look_steal,
     .consequence = "figures contain the waiting for the hypervisor",
     .fix = {[RUNTIME_HOST] = "vmstat 1 10     # column st; ask for dedicated CPUs"}},
    {0},
};
