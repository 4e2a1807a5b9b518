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
#include <unistd.h>

#include "run/process.h"
#include "shm/maps_line.h"
#include "shm/region.h"

/* Of one object, and so of a large one only the beginning: the whole diagnosis has two seconds. */
#define SEARCH_BYTES (128ULL << 20)

static bool proc_line(pid_t pid, const char *file, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return finding_line(path, text, size);
}

/* Is that the thread's number in one of the pid namespaces it is in? "NSpid:" of /proc/TID/status has them all. */
static bool has_number(const char *status, pid_t number)
{
    char line[256];
    bool found = false;
    FILE *file = fopen(status, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        if (strncmp(line, "NSpid:", 6) != 0)
            continue;
        for (char *at = line + 6, *end; (end = at + strspn(at, " \t"), *end && *end != '\n'); at = end)
            found |= (pid_t)strtol(end, &end, 10) == number;
        break;
    }
    if (file)
        fclose(file);
    return found;
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
        struct maps_line parsed;
        found = maps_line_parse(line, &parsed) && parsed.inode == mapping->inode && parsed.device == mapping->device;
    }
    free(line);
    fclose(file);
    return found;
}

/* A thread of the process that has this number in some namespace; 0: none. */
static pid_t thread_of(pid_t pid, pid_t number)
{
    char path[300];
    pid_t found = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *stream = opendir(path);
    for (struct dirent *entry; stream && !found && (entry = readdir(stream));) {
        pid_t tid = (pid_t)atoi(entry->d_name);
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/status", (int)pid, entry->d_name);
        struct process_look look = tid > 0 ? process_look(tid) : (struct process_look){0};
        bool alive = look.state && look.state != 'Z' && look.state != 'X';
        if (alive && has_number(path, number))
            found = tid;
    }
    if (stream)
        closedir(stream);
    return found;
}

/* Who has this number, and maps the object? The number may be one of any pid namespace. Returns the process, 0 for nobody, -1
 * where somebody has it who may not be looked into. */
static pid_t find_owner(const struct mapping *mapping, pid_t number, pid_t *thread)
{
    pid_t found = 0;
    DIR *stream = opendir("/proc");
    for (struct dirent *entry; stream && found <= 0 && (entry = readdir(stream));) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;
        int held = pid ? holds(pid, mapping) : 0;
        *thread = held ? thread_of(pid, number) : 0;
        if (*thread)
            found = held > 0 ? pid : -1;
    }
    if (stream)
        closedir(stream);
    return found;
}

static void judge_owner(struct patient_lock *found)
{
    pid_t number = found->lock.owner, thread = 0;
    if (found->lock.state != LOCK_HELD) {
        found->owner_gone = true;
        snprintf(found->owner, sizeof found->owner, "its owner died inside");
        return;
    }
    pid_t process = find_owner(found->mapping, number, &thread);
    if (process < 0) {
        snprintf(found->owner, sizeof found->owner, "thread %d, which may not be looked into", (int)number);
    } else if (process > 0) {
        char command[16] = "?";
        proc_line(thread, "comm", command, sizeof command);
        snprintf(found->owner, sizeof found->owner, "thread %d of process %d (%s), which lives", (int)thread, (int)process, command);
    } else {
        bool again = kill(number, 0) == 0 || errno == EPERM;
        found->owner_gone = true;
        snprintf(found->owner, sizeof found->owner, "thread %d, %s", (int)number,
                 again ? "which is somebody else by now" : "which does not live any more");
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
    judge_owner(found);
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
