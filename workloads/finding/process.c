/* Findings about one process: what it maps, what of that cannot be touched, and which locks in it nobody will release. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "workloads/finding/rows.h"

#define REGIONS_SHOWN 24
#define LOCKS_SHOWN 8

static void look_regions(struct diagnosis *d)
{
    const struct mappings *mappings = &d->patient->mappings;
    char length[UNITS_TEXT], size[UNITS_TEXT], pages[UNITS_TEXT];
    if (mappings->count == 0)
        diagnosis_fact(d, "process %d (%s) maps no shared memory", (int)d->patient->pid, d->patient->command);
    for (size_t i = 0; i < mappings->count && i < REGIONS_SHOWN; i++) {
        const struct mapping *m = &mappings->list[i];
        units_print(&units_size, (double)(m->to - m->from), length);
        if (m->fd < 0) {
            diagnosis_fact(d, "0x%" PRIx64 " %s %s of %s: the object cannot be reached from here", m->from, m->rights,
                           length, m->name);
            continue;
        }
        units_print(&units_size, (double)m->object_bytes, size);
        units_print(&units_size, (double)m->allocated_bytes, pages);
        diagnosis_fact(d, "0x%" PRIx64 " %s %s from offset %" PRIu64 " of %s%s, which has %s, %s of it in pages", m->from,
                       m->rights, length, m->offset, m->name, m->deleted ? " (without a name)" : "", size, pages);
    }
    if (mappings->count > REGIONS_SHOWN)
        diagnosis_fact(d, "and %zu more regions", mappings->count - REGIONS_SHOWN);
}

static void look_beyond(struct diagnosis *d)
{
    char region[UNITS_TEXT], size[UNITS_TEXT], beyond[UNITS_TEXT], evidence[400] = "";
    unsigned count = 0;
    for (size_t i = 0; i < d->patient->mappings.count; i++) {
        const struct mapping *m = &d->patient->mappings.list[i];
        uint64_t first, bytes = mapping_beyond(m, &first);
        if (bytes == 0 || count++)
            continue;
        units_print(&units_size, (double)(m->to - m->from), region);
        units_print(&units_size, (double)m->object_bytes, size);
        units_print(&units_size, (double)bytes, beyond);
        snprintf(evidence, sizeof evidence,
                 "%s is mapped for %s at 0x%" PRIx64 ", but the object has %s: from 0x%" PRIx64 " (offset %" PRIu64
                 " of the region) on, %s lie beyond its end",
                 m->name, region, m->from, size, first, first - m->from, beyond);
    }
    if (count)
        diagnosis_finding(d, SEVERITY_SERIOUS, "%s%s", evidence, count > 1 ? "; it is not the only region" : "");
}

/* Does the mapping allow touching at all? */
static bool usable(const struct mapping *m)
{
    return m->rights[0] == 'r' || m->rights[1] == 'w';
}

static void look_holes(struct diagnosis *d)
{
    char holes[UNITS_TEXT], left[UNITS_TEXT], size[UNITS_TEXT];
    for (size_t i = 0; i < d->patient->mappings.count; i++) {
        const struct mapping *m = &d->patient->mappings.list[i];
        uint64_t bytes = mapping_holes(m);
        if (bytes == 0 || bytes <= m->free_bytes || !usable(m))
            continue;
        diagnosis_finding(d, m->free_bytes < 65536 ? SEVERITY_SERIOUS : SEVERITY_WARNING,
                          "%s has %s without pages yet, and its tmpfs has %s free of %s", m->name,
                          units_print(&units_size, (double)bytes, holes),
                          units_print(&units_size, (double)m->free_bytes, left),
                          units_print(&units_size, (double)m->size_bytes, size));
        return;
    }
}

static void look_group(struct diagnosis *d)
{
    char holes[UNITS_TEXT], room[UNITS_TEXT], limit[UNITS_TEXT];
    const struct memory_limit *memory = &d->patient->memory;
    uint64_t bytes = 0;
    for (size_t i = 0; i < d->patient->mappings.count; i++)
        bytes += usable(&d->patient->mappings.list[i]) ? mapping_holes(&d->patient->mappings.list[i]) : 0;
    if (memory->limit_bytes == CAPACITY_UNLIMITED) {
        diagnosis_fact(d, "its cgroup has no memory limit");
        return;
    }
    units_print(&units_size, (double)memory->room_bytes, room);
    units_print(&units_size, (double)memory->limit_bytes, limit);
    diagnosis_fact(d, "%s left of %s (%s)", room, limit, memory->file);
    if (bytes > memory->room_bytes || memory->room_bytes < memory->limit_bytes / 50)
        diagnosis_finding(d, SEVERITY_WARNING,
                          "its memory cgroup has %s left of %s (%s), and its regions have %s without pages yet", room, limit,
                          memory->file, units_print(&units_size, (double)bytes, holes));
}

static void look_place(struct diagnosis *d)
{
    static const char *const words[] = {
        [SHM_UNSEEN] = "cannot be seen", [SHM_SAME] = "the one that is seen here", [SHM_OTHER] = "another one"};
    diagnosis_fact(d, "its /dev/shm is %s", words[d->patient->place]);
    if (d->patient->place == SHM_OTHER)
        diagnosis_finding(d, SEVERITY_NOTE, "process %d has another /dev/shm than the one that is seen here",
                          (int)d->patient->pid);
}

static const char *lock_kind(const struct found_lock *lock)
{
    if (lock->robust)
        return lock->inherits ? "robust, priority-inheriting" : "robust";
    return lock->inherits ? "priority-inheriting" : "plain";
}

static void look_locks(struct diagnosis *d)
{
    const struct patient *p = d->patient;
    char evidence[FINDING_EVIDENCE] = "";
    unsigned gone = 0, stuck = 0;
    diagnosis_fact(d, "%u held mutex%s in its regions%s", p->lock_count, p->lock_count == 1 ? "" : "es",
                   p->unread ? "; some objects may not be read" : "");
    for (unsigned i = 0; i < p->lock_count; i++) {
        const struct patient_lock *found = &p->locks[i];
        if (!found->owner_gone)
            continue;
        gone++;
        stuck += found->lock.state != LOCK_OWNER_DIED;
        size_t used = strlen(evidence);
        if (gone <= LOCKS_SHOWN && used < sizeof evidence - 120)
            snprintf(evidence + used, sizeof evidence - used, "%sat offset %" PRIu64 " of %.40s, %s: %s%s", used ? "; " : "",
                     found->lock.offset, found->mapping->name, lock_kind(&found->lock),
                     found->lock.state == LOCK_UNRECOVERABLE ? "not recoverable" : found->owner,
                     found->waiters ? "; threads of this process wait for it" : "");
    }
    if (gone)
        diagnosis_finding(d, stuck ? SEVERITY_SERIOUS : SEVERITY_WARNING, "%u mutex%s %s held by the dead: %s", gone,
                          gone == 1 ? "" : "es", gone == 1 ? "is" : "are", evidence);
}

static void look_living(struct diagnosis *d)
{
    for (unsigned i = 0; i < d->patient->lock_count && i < LOCKS_SHOWN; i++) {
        const struct patient_lock *found = &d->patient->locks[i];
        if (!found->owner_gone)
            diagnosis_fact(d, "at offset %" PRIu64 " of %.60s, %s: %s; %u threads of this process wait for it",
                           found->lock.offset, found->mapping->name, lock_kind(&found->lock), found->owner, found->waiters);
    }
}

static void look_swap(struct diagnosis *d)
{
    char swap[UNITS_TEXT];
    units_print(&units_size, (double)d->patient->swap_bytes, swap);
    diagnosis_fact(d, "%s of its regions are in swap", swap);
    if (d->patient->swap_bytes)
        diagnosis_finding(d, SEVERITY_NOTE, "%s of its regions are in swap", swap);
}

#define PROCESS .area = "process", .subject = SUBJECT_PROCESS

const struct finding_ops findings_process[] = {
    {.id = "process-regions", PROCESS, .title = "regions", .look = look_regions},
    {.id = "process-beyond",
     PROCESS,
     .title = "beyond the end",
     .look = look_beyond,
     .consequence = "touching them is a SIGBUS (BUS_ADRERR): the object was shrunk, or mapped before it had its size",
     .fix = {[RUNTIME_HOST] = "fstat(fd, &st); /* before mmap, and map no more than st_size; never ftruncate what others map; or seal it: "
                              "memfd_create(name, MFD_ALLOW_SEALING), F_SEAL_SHRINK */"}},
    {.id = "process-full",
     PROCESS,
     .title = "holes",
     .look = look_holes,
     .consequence = "the first touch of such a page is a SIGBUS: ftruncate promised it, and the tmpfs cannot give it",
     .fix = {[RUNTIME_HOST] = "shmoo gc --name '*' --apply; {root}mount -o remount,size=2G /dev/shm     # then posix_fallocate after ftruncate",
             [RUNTIME_DOCKER] = "{engine} run --shm-size=2g ...     # and posix_fallocate after ftruncate",
             [RUNTIME_KUBERNETES] = FIX_VOLUME}},
    {.id = "process-memory",
     PROCESS,
     .title = "memory cgroup",
     .look = look_group,
     .consequence = "the next pages that are touched may end in the OOM killer: SIGKILL, exit status 137",
     .fix = {[RUNTIME_HOST] = "echo 4G | {root}tee {limit}",
             [RUNTIME_DOCKER] = "{engine} update --memory=4g --memory-swap=4g CONTAINER",
             [RUNTIME_KUBERNETES] = FIX_MEMORY,
             [RUNTIME_SYSTEMD] = "{systemctl} set-property {unit} MemoryMax=4G"}},
    {.id = "process-place",
     PROCESS,
     .title = "namespace",
     .look = look_place,
     .consequence = "names in the one mean nothing in the other: it finds none of the objects that shmoo ls shows here",
     .fix = {[RUNTIME_HOST] = "{root}nsenter --target {pid} --mount -- shmoo ls",
             [RUNTIME_DOCKER] = "{engine} run --ipc=container:NAME ...     # shares the /dev/shm of a container that was started with "
                                "--ipc=shareable",
             [RUNTIME_KUBERNETES] = "spec:\n"
                                    "  containers:     # the same volume in both\n"
                                    "  - {name: ONE, volumeMounts: [{name: shm, mountPath: /dev/shm}]}\n"
                                    "  - {name: OTHER, volumeMounts: [{name: shm, mountPath: /dev/shm}]}\n"
                                    "  volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 2Gi}}]"}},
    {.id = "process-locks",
     PROCESS,
     .title = "locks",
     .look = look_locks,
     .consequence = "a plain mutex stays locked for ever; of a robust one the next who asks gets EOWNERDEAD, and has to "
                    "repair the data",
     .fix = {[RUNTIME_HOST] = "pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST); /* and on EOWNERDEAD: repair, "
                              "pthread_mutex_consistent(&mutex); now: end all who map the object, and remove it */"}},
    {.id = "process-held", PROCESS, .title = "held by the living", .look = look_living},
    {.id = "process-swap",
     PROCESS,
     .title = "swap",
     .look = look_swap,
     .consequence = "the first touch after a while waits for the disc",
     .fix = {[RUNTIME_HOST] = "mlock(address, size); /* with ulimit -l as large */"}},
    {0},
};
