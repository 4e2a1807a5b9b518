/* Findings about the locks of one process: held by the dead, about to be lost, or of a kind that others cannot wake up. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "workloads/finding/rows.h"

#define LOCKS_SHOWN 8

static const char *lock_kind(const struct found_lock *lock)
{
    if (lock->writer)
        return "read-write";
    if (lock->robust)
        return lock->inherits ? "robust, priority-inheriting" : "robust";
    return lock->inherits ? "priority-inheriting" : "plain";
}

static void look_locks(struct diagnosis *d)
{
    const struct patient *p = d->patient;
    char evidence[FINDING_EVIDENCE] = "";
    unsigned gone = 0, stuck = 0, unasked = 0;
    diagnosis_fact(d, "%u held lock%s in its regions%s%s%s", p->lock_count, p->lock_count == 1 ? "" : "s",
                   p->lock_count == PATIENT_LOCKS ? " or more" : "", p->unread ? "; some objects may not be read" : "",
                   p->unsearched ? "; for some there was no time" : "");
    for (unsigned i = 0; i < p->lock_count; i++) {
        const struct patient_lock *found = &p->locks[i];
        unasked += found->unasked;
        if (!found->owner_gone)
            continue;
        gone++;
        stuck += found->lock.state != LOCK_OWNER_DIED;
        size_t used = strlen(evidence);
        if (gone <= LOCKS_SHOWN && used < sizeof evidence - 160)
            snprintf(evidence + used, sizeof evidence - used, "%sat offset %" PRIu64 " of %.40s, %s: %s%s", used ? "; " : "",
                     found->lock.offset, found->mapping->name, lock_kind(&found->lock),
                     found->lock.state == LOCK_UNRECOVERABLE ? "not recoverable" : found->owner,
                     found->waiters ? "; threads of this process wait for it" : "");
    }
    if (gone)
        diagnosis_finding(d, stuck ? SEVERITY_SERIOUS : SEVERITY_WARNING, "%u lock%s %s held by the dead: %s", gone,
                          gone == 1 ? "" : "s", gone == 1 ? "is" : "are", evidence);
    else if (unasked)
        diagnosis_finding(d, SEVERITY_NOTE, "for the owners of %u locks there was no time to look among all processes", unasked);
}

static void look_living(struct diagnosis *d)
{
    for (unsigned i = 0, told = 0; i < d->patient->lock_count && told < LOCKS_SHOWN; i++) {
        const struct patient_lock *found = &d->patient->locks[i];
        if (found->owner_gone)
            continue;
        told++;
        diagnosis_fact(d, "at offset %" PRIu64 " of %.60s, %s: %s; %u threads of this process wait for it", found->lock.offset,
                       found->mapping->name, lock_kind(&found->lock), found->owner, found->waiters);
    }
}

static void look_waits(struct diagnosis *d)
{
    for (unsigned i = 0; i < d->patient->wait_count && i < LOCKS_SHOWN; i++) {
        const struct patient_wait *w = &d->patient->waits[i];
        char value[32] = "cannot be read";
        if (w->readable)
            snprintf(value, sizeof value, "is 0x%x", w->value);
        diagnosis_fact(d, "thread %d sleeps%s while the word at offset %" PRIu64 " of %.60s is 0x%x (it %s)%s", (int)w->thread,
                       w->timed ? " for some time" : "", w->offset, w->mapping->name, w->expected, value,
                       w->within ? "; only threads of this process can wake it" : "");
    }
}

static void look_within(struct diagnosis *d)
{
    for (unsigned i = 0; i < d->patient->wait_count; i++) {
        const struct patient_wait *w = &d->patient->waits[i];
        size_t count = w->within ? w->others : 0;
        if (count == 0)
            continue;
        diagnosis_finding(d, w->timed ? SEVERITY_WARNING : SEVERITY_SERIOUS,
                          "thread %d sleeps on the word at offset %" PRIu64
                          " of %.60s for threads of its own process only (FUTEX_PRIVATE_FLAG), but %zu other process%s %s the object",
                          (int)w->thread, w->offset, w->mapping->name, count, count == 1 ? "" : "es", count == 1 ? "maps" : "map");
        return;
    }
}

static void look_lost(struct diagnosis *d)
{
    if (d->patient->robust_lost)
        diagnosis_finding(d, SEVERITY_SERIOUS, "thread %d holds a robust lock in memory that it has unmapped",
                          (int)d->patient->robust_thread);
}

#define PROCESS .area = "process", .subject = SUBJECT_PROCESS

const struct finding_ops findings_process_locks[] = {
    {.id = "process-locks",
     PROCESS,
     .title = "locks",
     .look = look_locks,
     .consequence = "a plain or read-write lock stays locked for ever; of a robust one the next who asks gets EOWNERDEAD, and has "
                    "to repair the data",
     .fix = {[RUNTIME_HOST] = "pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST); /* and on EOWNERDEAD: repair, "
                              "pthread_mutex_consistent(&mutex); now: end all who map the object, and remove it */"}},
    {.id = "process-held", PROCESS, .title = "held by the living", .look = look_living},
    {.id = "process-waits", PROCESS, .title = "waiting", .look = look_waits},
    {.id = "process-private",
     PROCESS,
     .title = "private locks",
     .look = look_within,
     .consequence = "a wake-up from another process never reaches it: PTHREAD_PROCESS_SHARED, or pshared of sem_init, was forgotten",
     .fix = {[RUNTIME_HOST] = "pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED); /* and the same for conditions, "
                              "barriers and read-write locks; sem_init(sem, 1, value) */"}},
    {.id = "process-robust",
     PROCESS,
     .title = "robust lists",
     .look = look_lost,
     .consequence = "when it ends, the kernel cannot mark that lock and those behind it in the list: they stay locked for ever",
     .fix = {[RUNTIME_HOST] = "pthread_mutex_unlock(&mutex); /* before munmap, of every robust lock in there */"}},
    {0},
};
