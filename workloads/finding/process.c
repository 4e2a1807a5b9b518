/* Findings about one process: what it maps, what of that cannot be touched, where its pages are, and its limits. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "workloads/finding/rows.h"

#define REGIONS_SHOWN 24
/* More than so many parts in a hundred of a limit are nearly all of it. */
#define NEARLY_ALL 95

static const char *state_text(char state)
{
    switch (state) {
    case 'R':
        return "runs";
    case 'T':
        return "stopped by a signal";
    case 't':
        return "stopped by a debugger";
    case 'D':
        return "waits in the kernel, and cannot be interrupted";
    case 'Z':
        return "its first thread has ended";
    default:
        return "sleeps";
    }
}

static void look_state(struct diagnosis *d)
{
    const struct patient *p = d->patient;
    char bits[24] = "";
    if (p->bits)
        snprintf(bits, sizeof bits, "; %u bits", p->bits);
    diagnosis_fact(d, "%d (%s), of user %u: %s; %u thread%s%s", (int)p->pid, p->command, (unsigned)p->owner, state_text(p->state),
                   p->threads, p->threads == 1 ? "" : "s", bits);
}

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
        diagnosis_fact(d, "and %zu more regions%s", mappings->count - REGIONS_SHOWN, mappings->cut ? " at the least" : "");
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

/* Is what the region shows shown by an earlier one as well? Then its holes are counted there. */
static bool shown_before(const struct mappings *mappings, size_t at)
{
    const struct mapping *m = &mappings->list[at];
    for (size_t i = 0; i < at; i++) {
        const struct mapping *other = &mappings->list[i];
        if (usable(other) && mapping_same(other, m) && other->offset <= m->offset &&
            other->offset + (other->to - other->from) >= m->offset + (m->to - m->from))
            return true;
    }
    return false;
}

static uint64_t holes_of(const struct mappings *mappings, size_t at)
{
    return usable(&mappings->list[at]) && !shown_before(mappings, at) ? mapping_holes(&mappings->list[at]) : 0;
}

static void look_holes(struct diagnosis *d)
{
    char holes[UNITS_TEXT], left[UNITS_TEXT], size[UNITS_TEXT];
    for (size_t i = 0; i < d->patient->mappings.count; i++) {
        const struct mapping *m = &d->patient->mappings.list[i];
        uint64_t bytes = holes_of(&d->patient->mappings, i);
        if (bytes == 0 || bytes <= m->free_bytes)
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
    if (memory->limit_bytes == CAPACITY_UNLIMITED) {
        diagnosis_fact(d, "its cgroup has no memory limit");
        return;
    }
    for (size_t i = 0; i < d->patient->mappings.count; i++)
        bytes += holes_of(&d->patient->mappings, i);
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

static void look_swap(struct diagnosis *d)
{
    char swap[UNITS_TEXT];
    units_print(&units_size, (double)d->patient->swap_bytes, swap);
    diagnosis_fact(d, "%s of its regions are in swap", swap);
    if (d->patient->swap_bytes)
        diagnosis_finding(d, SEVERITY_NOTE, "%s of its regions are in swap", swap);
}

static void look_nodes(struct diagnosis *d)
{
    char text[160] = "", size[UNITS_TEXT], far[UNITS_TEXT];
    uint64_t all = 0;
    unsigned nodes = 0;
    for (unsigned node = 0; node < PATIENT_NODES; node++) {
        size_t used = strlen(text);
        if (d->patient->node_bytes[node] == 0)
            continue;
        all += d->patient->node_bytes[node];
        if (nodes++ < 4)
            snprintf(text + used, sizeof text - used, "%s%s on node %u", used ? ", " : "",
                     units_print(&units_size, (double)d->patient->node_bytes[node], size), node);
    }
    if (nodes == 0)
        return;
    diagnosis_fact(d, "%s of its regions%s", text, nodes > 4 ? ", and more" : "");
    if (d->patient->far_bytes > all / 2)
        diagnosis_finding(d, SEVERITY_NOTE, "%s of the %s of its regions lie on NUMA nodes on whose CPUs it may not run",
                          units_print(&units_size, (double)d->patient->far_bytes, far), units_print(&units_size, (double)all, size));
}

static bool nearly_all(uint64_t used, uint64_t limit)
{
    return limit && used > limit / 100 * NEARLY_ALL;
}

static void look_files(struct diagnosis *d)
{
    if (d->patient->files_max == 0)
        return;
    diagnosis_fact(d, "%" PRIu64 " descriptors open of %" PRIu64, d->patient->files, d->patient->files_max);
    if (nearly_all(d->patient->files, d->patient->files_max))
        diagnosis_finding(d, SEVERITY_WARNING, "it has %" PRIu64 " descriptors open of the %" PRIu64 " that it may have",
                          d->patient->files, d->patient->files_max);
}

static void look_map_count(struct diagnosis *d)
{
    uint64_t lines = d->patient->mappings.lines, limit = d->patient->regions_max;
    if (limit == 0)
        return;
    diagnosis_fact(d, "%" PRIu64 " regions of all kinds, of %" PRIu64 " (vm.max_map_count)", lines, limit);
    if (nearly_all(lines, limit))
        diagnosis_finding(d, SEVERITY_WARNING, "it has %" PRIu64 " regions mapped of the %" PRIu64 " that vm.max_map_count allows",
                          lines, limit);
}

#define PROCESS .area = "process", .subject = SUBJECT_PROCESS

const struct finding_ops findings_process[] = {
    {.id = "process-state", PROCESS, .title = "process", .look = look_state},
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
    {.id = "process-swap",
     PROCESS,
     .title = "swap",
     .look = look_swap,
     .consequence = "the first touch after a while waits for the disc",
     .fix = {[RUNTIME_HOST] = "mlock(address, size); /* with ulimit -l as large */"}},
    {.id = "process-nodes",
     PROCESS,
     .title = "NUMA",
     .look = look_nodes,
     .consequence = "every access goes through another node's memory: slower, and unevenly so",
     .fix = {[RUNTIME_HOST] = "taskset -c 0-3 ...     # CPUs of the node that has the pages; or let who runs there touch them first"}},
    {.id = "process-files",
     PROCESS,
     .title = "open files",
     .look = look_files,
     .consequence = "shm_open fails with EMFILE; a mapping needs no descriptor: close it after mmap",
     .fix = {[RUNTIME_HOST] = "{root}prlimit --pid {pid} --nofile=65536:65536",
             [RUNTIME_DOCKER] = "{engine} run --ulimit nofile=65536 ...",
             [RUNTIME_SYSTEMD] = FIX_SERVICE("LimitNOFILE=65536")}},
    {.id = "process-map-count",
     PROCESS,
     .title = "regions in all",
     .look = look_map_count,
     .consequence = "mmap fails with ENOMEM though there is memory",
     .fix = {[RUNTIME_HOST] = "{root}sysctl vm.max_map_count=262144     # in a container: on its host"}},
    {0},
};
