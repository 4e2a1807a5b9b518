/* The patient: its state, its regions and where their pages are, and its limits, from /proc. */
#define _GNU_SOURCE
#include "run/patient.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/process.h"
#include "shm/program.h"
#include "shm/region.h"

static bool proc_line(pid_t pid, const char *file, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return finding_line(path, text, size);
}

/* The number behind a key in /proc/PID/status. */
static bool status_number(pid_t pid, const char *key, unsigned long long *value)
{
    char path[64], line[256];
    size_t length = strlen(key);
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && !found && fgets(line, sizeof line, file))
        found = strncmp(line, key, length) == 0 && sscanf(line + length, ": %llu", value) == 1;
    if (file)
        fclose(file);
    return found;
}

/* ---- who it is ---- */

/* A thread that lives, of a process whose leader has ended; 0: none. */
static pid_t living_thread(pid_t pid)
{
    char path[64];
    pid_t found = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *stream = opendir(path);
    for (struct dirent *entry; stream && !found && (entry = readdir(stream));) {
        pid_t thread = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;
        char state = thread ? process_look(thread).state : 0;
        found = state && state != 'Z' && state != 'X' ? thread : 0;
    }
    if (stream)
        closedir(stream);
    return found;
}

/* Fills in who it is. What has no memory is refused. */
static int look_at_process(struct patient *patient, pid_t *memory_of, struct error *error)
{
    struct stat st;
    char path[64];
    unsigned long long threads = 0, leader = 0, parent = 0;
    pid_t pid = patient->pid;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    struct process_look look = process_look(pid);
    patient->state = look.state;
    if (patient->state == 0 || stat(path, &st) != 0)
        return error_set(error, STATUS_ENVIRONMENT, ESRCH,
                         access("/proc/self", F_OK) ? "process %d cannot be looked at: there is no /proc here"
                                                    : "there is no process %d here: it has ended, or is in another pid namespace",
                         (int)pid);
    if (!proc_line(pid, "comm", patient->command, sizeof patient->command))
        snprintf(patient->command, sizeof patient->command, "?");
    if (look.kernel)
        return error_set(error, STATUS_ENVIRONMENT, 0, "process %d (%s) is a thread of the kernel: it maps nothing", (int)pid,
                         patient->command);
    status_number(pid, "Threads", &threads);
    status_number(pid, "PPid", &parent);
    if (status_number(pid, "Tgid", &leader) && leader && (pid_t)leader != pid)
        patient->pid = pid = (pid_t)leader; /* the number of a thread: its process is meant */
    patient->threads = (unsigned)threads;
    patient->owner = st.st_uid;
    patient->bits = program_bits(pid);
    *memory_of = pid;
    if (patient->state == 'Z' || patient->state == 'X') {
        *memory_of = living_thread(pid);
        if (*memory_of == 0)
            return error_set(error, STATUS_ENVIRONMENT, 0,
                             "process %d (%s) has ended and maps nothing any more; its parent, process %llu, has not yet reaped it",
                             (int)pid, patient->command, parent);
    }
    return 0;
}

/* ---- its regions ---- */

static bool is_region(const struct patient *patient, uint64_t from)
{
    for (size_t i = 0; i < patient->mappings.count; i++)
        if (patient->mappings.list[i].from == from)
            return true;
    return false;
}

/* "Swap:  12 kB" of the regions in smaps. */
static void read_swap(struct patient *patient)
{
    char path[64], *line = NULL;
    size_t room = 0;
    bool inside = false;
    snprintf(path, sizeof path, "/proc/%d/smaps", (int)patient->pid);
    FILE *file = fopen(path, "re");
    while (file && getline(&line, &room, file) > 0) {
        uint64_t from, to, kib;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2)
            inside = is_region(patient, from);
        else if (inside && sscanf(line, "Swap: %" SCNu64, &kib) == 1)
            patient->swap_bytes += kib * 1024;
    }
    free(line);
    if (file)
        fclose(file);
}

/* May the process run on a CPU of this node? */
static bool runs_on(pid_t pid, unsigned node)
{
    char path[96], text[1024];
    cpu_set_t allowed;
    snprintf(path, sizeof path, "/sys/devices/system/node/node%u/cpulist", node);
    if (sched_getaffinity(pid, sizeof allowed, &allowed) != 0 || !finding_line(path, text, sizeof text))
        return true; /* unknown is not far */
    hwloc_bitmap_t cpus = hwloc_bitmap_alloc();
    bool runs = !cpus || hwloc_bitmap_list_sscanf(cpus, text) != 0;
    for (int cpu = 0; cpus && !runs && cpu < CPU_SETSIZE; cpu++)
        runs = CPU_ISSET(cpu, &allowed) && hwloc_bitmap_isset(cpus, (unsigned)cpu);
    hwloc_bitmap_free(cpus);
    return runs;
}

/* "7f10a000 default file=/dev/shm/x ... N0=3 N1=7 kernelpagesize_kB=4" of the regions. */
static void read_nodes(struct patient *patient)
{
    char path[64], *line = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "/proc/%d/numa_maps", (int)patient->pid);
    FILE *file = fopen(path, "re");
    while (file && getline(&line, &room, file) > 0) {
        const char *size = strstr(line, "kernelpagesize_kB=");
        if (!is_region(patient, strtoull(line, NULL, 16)) || !size)
            continue;
        uint64_t page = strtoull(size + 18, NULL, 10) * 1024, pages;
        unsigned node;
        for (const char *at = line; (at = strstr(at, " N")); at++)
            if (sscanf(at, " N%u=%" SCNu64, &node, &pages) == 2 && node < PATIENT_NODES)
                patient->node_bytes[node] += pages * page;
    }
    free(line);
    if (file)
        fclose(file);
    for (unsigned node = 0; node < PATIENT_NODES; node++)
        if (patient->node_bytes[node] && !runs_on(patient->pid, node))
            patient->far_bytes += patient->node_bytes[node];
}

static void look_at_place(struct patient *patient)
{
    char path[64];
    struct stat own, other;
    snprintf(path, sizeof path, "/proc/%d/root" REGION_FOLDER, (int)patient->pid);
    if (stat(REGION_FOLDER, &own) == 0 && stat(path, &other) == 0)
        patient->place = own.st_dev == other.st_dev && own.st_ino == other.st_ino ? SHM_SAME : SHM_OTHER;
}

/* ---- its limits ---- */

static void read_limits(struct patient *patient)
{
    char path[64], line[256];
    unsigned long long value;
    snprintf(path, sizeof path, "/proc/%d/limits", (int)patient->pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Max open files %llu", &value) == 1)
            patient->files_max = value;
    if (file)
        fclose(file);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)patient->pid);
    DIR *stream = opendir(path);
    for (struct dirent *entry; stream && (entry = readdir(stream));)
        patient->files += isdigit((unsigned char)entry->d_name[0]) != 0;
    if (stream)
        closedir(stream);
    if (finding_line("/proc/sys/vm/max_map_count", line, sizeof line))
        patient->regions_max = strtoull(line, NULL, 10);
}

/* Why may it not be looked into, and what helps? */
static int explain_refusal(const struct patient *patient, struct error *error)
{
    char who[96];
    int errnum = error->errnum;
    if (errnum == ENOENT || errnum == ESRCH)
        return error_set(error, STATUS_ENVIRONMENT, ESRCH, "process %d (%s) ended while it was looked at", (int)patient->pid,
                         patient->command);
    if (errnum != EACCES && errnum != EPERM)
        return -1;
    if (geteuid() == 0)
        snprintf(who, sizeof who, "root lacks CAP_SYS_PTRACE here, or a security module forbids it");
    else if (patient->owner == geteuid())
        snprintf(who, sizeof who, "it has given up being looked into (PR_SET_DUMPABLE, another user's rights): try as root");
    else
        snprintf(who, sizeof who, "it belongs to user %u: try as root or as that user", (unsigned)patient->owner);
    return error_set(error, STATUS_ENVIRONMENT, errnum, "process %d (%s) may not be looked into: %s; %s", (int)patient->pid,
                     patient->command, error_name(errnum), who);
}

int patient_read(struct patient *patient, pid_t pid, uint64_t deadline_ns, struct error *error)
{
    pid_t memory_of;
    memset(patient, 0, sizeof *patient);
    patient->pid = pid;
    if (look_at_process(patient, &memory_of, error))
        return -1;
    if (mappings_read(&patient->mappings, memory_of, error))
        return explain_refusal(patient, error);
    patient->memory = memory_limit_of(patient->pid);
    look_at_place(patient);
    read_limits(patient);
    patient_read_locks(patient, deadline_ns);
    if (patient->mappings.count) {
        read_swap(patient);
        read_nodes(patient);
    }
    return 0;
}

void patient_free(struct patient *patient)
{
    mappings_free(&patient->mappings);
}
