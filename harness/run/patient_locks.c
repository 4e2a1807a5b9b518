/* The patient's locks: those in its objects with their owners, its threads that sleep on a word, and its lists of robust ones. */
#define _GNU_SOURCE
#include "run/patient.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/owners.h"
#include "run/process.h"

/* Of one object, and so of a large one only the beginning: the whole diagnosis has two seconds. */
#define SEARCH_BYTES (128ULL << 20)
#define SEARCH_NS (700 * NS_PER_MS)
#define ROBUST_MAX 256

/* ---- threads that sleep on a word ---- */

static void read_word(struct patient_wait *wait)
{
    char way[64];
    snprintf(way, sizeof way, "/proc/self/fd/%d", wait->mapping->fd);
    int fd = open(way, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    wait->readable = fd >= 0 && pread(fd, &wait->value, sizeof wait->value, (off_t)wait->offset) == (ssize_t)sizeof wait->value;
    if (fd >= 0)
        close(fd);
}

static void look_at_thread(struct patient *patient, pid_t thread)
{
    struct process_call call = process_call(thread);
    for (size_t i = 0; call.word_at && i < patient->mappings.count && patient->wait_count < PATIENT_WAITS; i++) {
        const struct mapping *m = &patient->mappings.list[i];
        if (call.word_at < m->from || call.word_at >= m->to || m->rights[3] != 's')
            continue;
        struct patient_wait *wait = &patient->waits[patient->wait_count++];
        *wait = (struct patient_wait){.thread = thread,
                                      .mapping = m,
                                      .offset = call.word_at - m->from + m->offset,
                                      .expected = call.expected,
                                      .within = call.within,
                                      .timed = call.wait == PROCESS_WAITS_A_TIME};
        read_word(wait);
    }
}

/* ---- lists of robust locks ---- */

static bool read_memory(pid_t pid, uint64_t from, void *to, size_t bytes)
{
    struct iovec local = {to, bytes}, remote = {(void *)(uintptr_t)from, bytes};
    return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)bytes;
}

/* The kernel walks the list when the thread ends, and marks what is on it. Where it meets memory that is not mapped any more, it
 * stops: that lock and all behind it stay locked for ever. */
static void look_at_robust(struct patient *patient, pid_t thread)
{
    struct robust_list_head *at = NULL, head;
    size_t length = 0;
    if (syscall(SYS_get_robust_list, thread, &at, &length) != 0 || !at || length != sizeof head ||
        !read_memory(thread, (uint64_t)(uintptr_t)at, &head, sizeof head))
        return;
    uint64_t end = (uint64_t)(uintptr_t)at, entry = (uint64_t)(uintptr_t)head.list.next & ~1ULL;
    for (int i = 0; i < ROBUST_MAX && entry && entry != end; i++) {
        uint64_t next;
        errno = 0;
        if (!read_memory(thread, entry, &next, sizeof next)) {
            patient->robust_lost += errno == EFAULT;
            patient->robust_thread = thread;
            return;
        }
        entry = next & ~1ULL;
    }
}

/* Are the numbers in /proc those that system calls take? Not so where it is another pid namespace's. */
static bool proc_is_ours(void)
{
    char self[32], number[32];
    ssize_t n = readlink("/proc/self", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    snprintf(number, sizeof number, "%d", (int)getpid());
    return strcmp(self, number) == 0;
}

static void look_at_threads(struct patient *patient)
{
    char path[64];
    bool ours = proc_is_ours();
    snprintf(path, sizeof path, "/proc/%d/task", (int)patient->pid);
    DIR *stream = opendir(path);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        if (!isdigit((unsigned char)entry->d_name[0]) || patient->bits == 32)
            continue; /* calls and lists of 32 bits are others */
        look_at_thread(patient, (pid_t)atoi(entry->d_name));
        if (ours)
            look_at_robust(patient, (pid_t)atoi(entry->d_name));
    }
    if (stream)
        closedir(stream);
}

/* ---- locks in objects ---- */

struct search {
    struct patient *patient;
    const struct mapping *mapping;
};

static void visit_lock(const struct found_lock *lock, void *user)
{
    struct search *search = user;
    struct patient *patient = search->patient;
    if (patient->lock_count < PATIENT_LOCKS)
        patient->locks[patient->lock_count++] = (struct patient_lock){.mapping = search->mapping, .lock = *lock};
}

/* Each object once, though it may be mapped many times. */
static bool met_before(const struct mappings *mappings, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (mapping_same(&mappings->list[i], &mappings->list[at]))
            return true;
    return false;
}

static void find_locks(struct patient *patient)
{
    uint64_t deadline_ns = clock_ns() + SEARCH_NS;
    for (size_t i = 0; i < patient->mappings.count; i++) {
        const struct mapping *mapping = &patient->mappings.list[i];
        struct search search = {patient, mapping};
        if (met_before(&patient->mappings, i))
            continue;
        if (clock_ns() > deadline_ns)
            patient->unsearched++;
        else if (mapping->fd < 0 || locks_find(mapping->fd, patient->bits == 32 ? 32 : 64, SEARCH_BYTES, visit_lock, &search))
            patient->unread++;
    }
}

static void tell_owner(struct patient_lock *found, const struct owner_look *look)
{
    char command[16] = "?", path[64];
    int number = (int)look->number;
    switch (look->answer) {
    case OWNER_FOUND:
        snprintf(path, sizeof path, "/proc/%d/comm", (int)look->thread);
        finding_line(path, command, sizeof command);
        snprintf(found->owner, sizeof found->owner, "thread %d of process %d (%s), which lives", (int)look->thread,
                 (int)look->process, command);
        return;
    case OWNER_DENIED:
        snprintf(found->owner, sizeof found->owner, "thread %d, which may not be looked into", number);
        return;
    case OWNER_UNASKED:
        found->unasked = true;
        snprintf(found->owner, sizeof found->owner, "thread %d, for which there was no time to look", number);
        return;
    case OWNER_NONE:
        break;
    }
    found->owner_gone = true;
    if (look->bystander)
        snprintf(found->owner, sizeof found->owner, "thread %d, but process %d, which has it now, does not map the object", number,
                 (int)look->bystander);
    else
        snprintf(found->owner, sizeof found->owner, "thread %d, which does not live any more", number);
}

static void judge_locks(struct patient *patient, uint64_t deadline_ns)
{
    struct owner_look looks[PATIENT_LOCKS + PATIENT_WAITS];
    size_t count = 0, waits_at;
    for (unsigned i = 0; i < patient->lock_count; i++)
        if (patient->locks[i].lock.state == LOCK_HELD)
            looks[count++] = (struct owner_look){.number = patient->locks[i].lock.owner, .mapping = patient->locks[i].mapping};
    waits_at = count;
    for (unsigned i = 0; i < patient->wait_count; i++)
        looks[count++] = (struct owner_look){.mapping = patient->waits[i].mapping};
    owners_find(looks, count, deadline_ns);
    for (unsigned i = 0; i < patient->wait_count; i++)
        patient->waits[i].others = looks[waits_at + i].holders > 1 ? looks[waits_at + i].holders - 1 : 0;
    for (unsigned i = 0, k = 0; i < patient->lock_count; i++) {
        struct patient_lock *found = &patient->locks[i];
        if (found->lock.state == LOCK_HELD) {
            tell_owner(found, &looks[k++]);
        } else {
            found->owner_gone = true;
            snprintf(found->owner, sizeof found->owner, "its owner died inside");
        }
        for (unsigned w = 0; w < patient->wait_count; w++)
            found->waiters += mapping_same(patient->waits[w].mapping, found->mapping) &&
                              patient->waits[w].offset >= found->lock.offset &&
                              patient->waits[w].offset < found->lock.offset + LOCK_WORDS(&found->lock);
    }
}

void patient_read_locks(struct patient *patient, uint64_t deadline_ns)
{
    look_at_threads(patient);
    find_locks(patient);
    judge_locks(patient, deadline_ns);
}
