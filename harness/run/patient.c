/* The patient: regions from /proc, locks from the objects, their owners and waiters from the threads. */
#define _GNU_SOURCE
#include "run/patient.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "run/process.h"
#include "shm/region.h"

/* Of one object, and so of a large one only the beginning: the whole diagnosis has two seconds. */
#define SEARCH_BYTES (128ULL << 20)

static bool proc_line(pid_t pid, const char *file, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return finding_line(path, text, size);
}

/* The numbers of a line of /proc/TID/status: "Tgid:", or the last one of "NSpid:". */
static pid_t status_number(pid_t tid, const char *key)
{
    char path[64], line[256];
    pid_t value = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        const char *last = strrchr(line, '\t');
        value = last ? (pid_t)atoi(last + 1) : 0;
        break;
    }
    if (file)
        fclose(file);
    return value;
}

static bool same_pid_namespace(pid_t pid)
{
    struct stat own, other;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    return stat("/proc/self/ns/pid", &own) == 0 && stat(path, &other) == 0 && own.st_ino == other.st_ino;
}

/* Does the process hold the object, mapped or open? 1, 0, or -1: it may not be looked into. */
static int holds(pid_t pid, const struct mapping *mapping)
{
    char path[64], *line = NULL;
    size_t room = 0;
    int found = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    while (!found && getline(&line, &room, file) > 0) {
        unsigned major, minor;
        uint64_t inode;
        if (sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major, &minor, &inode) == 3)
            found = inode == (uint64_t)mapping->inode && makedev(major, minor) == mapping->device;
    }
    free(line);
    fclose(file);
    return found;
}

/* Who is the owner, and is he gone? Only numbers of this pid namespace can be looked up. */
static void judge_owner(const struct patient *patient, struct patient_lock *found)
{
    pid_t tid = found->lock.owner;
    if (found->lock.state != LOCK_HELD) {
        found->owner_gone = true;
        snprintf(found->owner, sizeof found->owner, "its owner died inside");
        return;
    }
    if (!same_pid_namespace(patient->pid)) {
        snprintf(found->owner, sizeof found->owner, "thread %d of another pid namespace: cannot be looked up", (int)tid);
        return;
    }
    bool there = kill(tid, 0) == 0 || errno == EPERM;
    pid_t process = there ? status_number(tid, "Tgid:") : 0;
    char state = process ? process_look(tid).state : 0;
    if (!there || state == 'Z' || state == 'X') {
        found->owner_gone = true;
        snprintf(found->owner, sizeof found->owner, "thread %d, which does not live any more", (int)tid);
    } else if (process && holds(process, found->mapping) == 0) {
        found->owner_gone = true;
        snprintf(found->owner, sizeof found->owner, "thread %d; a process that does not map the object has that number now",
                 (int)tid);
    } else {
        char command[16] = "?";
        proc_line(tid, "comm", command, sizeof command);
        snprintf(found->owner, sizeof found->owner, "thread %d of process %d (%s), which lives", (int)tid, (int)process,
                 command);
    }
}

/* Threads of the process that sleep on the lock's word, wherever it is mapped. */
static unsigned count_waiters(const struct patient *patient, const struct patient_lock *found)
{
    char path[64];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)patient->pid);
    DIR *stream = opendir(path);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        struct process_call call = process_call((pid_t)atoi(entry->d_name));
        for (size_t i = 0; call.word_at && i < patient->mappings.count; i++) {
            const struct mapping *m = &patient->mappings.list[i];
            count += m->inode == found->mapping->inode && m->device == found->mapping->device && call.word_at >= m->from &&
                     call.word_at < m->to && call.word_at - m->from + m->offset == found->lock.offset;
        }
    }
    if (stream)
        closedir(stream);
    return count;
}

struct search {
    struct patient *patient;
    const struct mapping *mapping;
};

static void visit_lock(const struct found_lock *lock, void *user)
{
    struct search *search = user;
    struct patient *patient = search->patient;
    if (patient->lock_count == PATIENT_LOCKS)
        return;
    struct patient_lock *found = &patient->locks[patient->lock_count++];
    *found = (struct patient_lock){.mapping = search->mapping, .lock = *lock};
    judge_owner(patient, found);
    found->waiters = count_waiters(patient, found);
}

/* Each object once, though it may be mapped many times. */
static bool met_before(const struct mappings *mappings, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (mappings->list[i].inode == mappings->list[at].inode && mappings->list[i].device == mappings->list[at].device)
            return true;
    return false;
}

static void find_locks(struct patient *patient)
{
    for (size_t i = 0; i < patient->mappings.count; i++) {
        const struct mapping *mapping = &patient->mappings.list[i];
        struct search search = {patient, mapping};
        if (!met_before(&patient->mappings, i) &&
            (mapping->fd < 0 || locks_find(mapping->fd, SEARCH_BYTES, visit_lock, &search)))
            patient->unread++;
    }
}

/* "Swap:  12 kB" of the regions in smaps, which are listed in the same order as in maps. */
static void read_swap(struct patient *patient)
{
    char path[64], *line = NULL;
    size_t room = 0;
    bool inside = false;
    snprintf(path, sizeof path, "/proc/%d/smaps", (int)patient->pid);
    FILE *file = fopen(path, "re");
    while (file && getline(&line, &room, file) > 0) {
        uint64_t from, to, kib;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2) {
            inside = false;
            for (size_t i = 0; i < patient->mappings.count && !inside; i++)
                inside = patient->mappings.list[i].from == from;
        } else if (inside && sscanf(line, "Swap: %" SCNu64, &kib) == 1) {
            patient->swap_bytes += kib * 1024;
        }
    }
    free(line);
    if (file)
        fclose(file);
}

static void look_at_place(struct patient *patient)
{
    char path[64];
    struct stat own, other;
    snprintf(path, sizeof path, "/proc/%d/root" REGION_FOLDER, (int)patient->pid);
    if (stat(REGION_FOLDER, &own) == 0 && stat(path, &other) == 0)
        patient->place = own.st_dev == other.st_dev && own.st_ino == other.st_ino ? SHM_SAME : SHM_OTHER;
}

int patient_read(struct patient *patient, pid_t pid, struct error *error)
{
    memset(patient, 0, sizeof *patient);
    patient->pid = pid;
    if (mappings_read(&patient->mappings, pid, error))
        return -1;
    proc_line(pid, "comm", patient->command, sizeof patient->command);
    patient->memory = memory_limit_of(pid);
    look_at_place(patient);
    find_locks(patient);
    if (patient->mappings.count)
        read_swap(patient);
    return 0;
}

void patient_free(struct patient *patient)
{
    mappings_free(&patient->mappings);
}
