/* Findings about the objects that lie in /dev/shm. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "shm/program.h"
#include "shm/region.h"
#include "workloads/finding/rows.h"

/* Between shm_open and ftruncate lie microseconds, unless somebody is off the CPU there. */
#define UNSIZED_S 3

static bool is_object(const struct object *object)
{
    return object->kind == OBJECT_SHM || object->kind == OBJECT_SEMAPHORE;
}

static void look_states(struct diagnosis *d)
{
    size_t counts[OBJECT_STATES] = {0};
    for (size_t i = 0; i < d->objects.count; i++)
        counts[d->objects.list[i].state] += is_object(&d->objects.list[i]);
    char late[80] = "";
    if (d->objects.unasked)
        snprintf(late, sizeof late, "; no time to look at %u of the processes: shmoo ls takes it", d->objects.unasked);
    diagnosis_fact(d, "%zu in use, %zu in use elsewhere, %zu unused, %zu unknown%s", counts[OBJECT_IN_USE],
                   counts[OBJECT_ELSEWHERE], counts[OBJECT_UNUSED], counts[OBJECT_UNKNOWN], late);
}

/* "1 h": in the largest unit that it is whole in. */
static void age_text(uint64_t seconds, char text[UNITS_TEXT])
{
    static const struct {
        unsigned seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;
    while (i < 3 && (seconds == 0 || seconds % units[i].seconds))
        i++;
    snprintf(text, UNITS_TEXT, "%" PRIu64 " %s", seconds / units[i].seconds, units[i].name);
}

static void look_left(struct diagnosis *d)
{
    char size[UNITS_TEXT], age[UNITS_TEXT];
    uint64_t bytes = 0, count = 0;
    const struct object *largest = NULL;
    for (size_t i = 0; i < d->objects.count; i++) {
        const struct object *object = &d->objects.list[i];
        if (!is_object(object) || object->state != OBJECT_UNUSED || object_age_s(object) < d->left_s)
            continue;
        count++;
        bytes += object->allocated_bytes / (object->links ? object->links : 1);
        if (!largest || object->allocated_bytes > largest->allocated_bytes)
            largest = object;
    }
    units_print(&units_size, (double)bytes, size);
    age_text(d->left_s, age);
    diagnosis_fact(d, "%s in %" PRIu64 " objects unused for more than %s", size, count, age);
    bool much = bytes > d->shm.size_bytes / 10 || (d->shm.inodes && count > d->shm.inodes / 10);
    if (count)
        diagnosis_finding(d, much ? SEVERITY_WARNING : SEVERITY_NOTE,
                          "%" PRIu64 " object%s, proven unused and older than %s, hold%s %s; the largest is %.100s", count,
                          count == 1 ? "" : "s", age, count == 1 ? "s" : "", size, largest->name);
}

static void look_unsized(struct diagnosis *d)
{
    const struct object *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < d->objects.count; i++) {
        const struct object *object = &d->objects.list[i];
        if (object->kind != OBJECT_SHM || object->bytes || object->holder_count == 0 || object_age_s(object) < UNSIZED_S ||
            strncmp(object->name, "shmoo.", 6) == 0)
            continue;
        first = first ? first : object;
        count++;
    }
    if (first)
        diagnosis_finding(d, SEVERITY_NOTE, "%zu object%s of size 0 open in process %d and others: %.100s", count,
                          count == 1 ? " is" : "s are", (int)first->holders[0].pid, first->name);
}

static void look_protected(struct diagnosis *d)
{
    char value[16] = "0";
    if (!finding_line("/proc/sys/fs/protected_regular", value, sizeof value)) {
        diagnosis_fact(d, "fs.protected_regular cannot be seen");
        return;
    }
    int level = atoi(value);
    diagnosis_fact(d, "fs.protected_regular is %d%s", level,
                   level ? ": O_CREAT on an object of another user is refused, also to root; open without it first" : "");
    if (level == 0 || !(d->folder.st_mode & S_ISVTX) || !(d->folder.st_mode & S_IWOTH))
        return;
    for (size_t i = 0; i < d->objects.count; i++) {
        const struct object *object = &d->objects.list[i];
        bool shared = object->mode & (S_IWOTH | S_IWGRP);
        if (!is_object(object) || !shared || object->owner == geteuid() || object->owner == d->folder.st_uid)
            continue;
        diagnosis_finding(
            d, SEVERITY_WARNING,
            "%.100s belongs to user %u and may be written by others (mode %04o), but fs.protected_regular is %d",
            object->name, (unsigned)object->owner, (unsigned)object->mode & 07777, level);
        return;
    }
}

static void look_layouts(struct diagnosis *d)
{
    for (size_t i = 0; i < d->objects.count; i++) {
        const struct object *object = &d->objects.list[i];
        unsigned first = 0;
        for (size_t k = 0; object->holder_count > 1 && k < object->holder_count && k < 32 && is_object(object); k++) {
            unsigned bits = program_bits(object->holders[k].pid);
            first = first ? first : bits;
            if (bits && bits != first) {
                diagnosis_finding(d, SEVERITY_WARNING,
                                  "%.100s is shared by a program of %u bits (process %d) and one of %u (process %d)",
                                  object->name, first, (int)object->holders[0].pid, bits, (int)object->holders[k].pid);
                return;
            }
        }
    }
}

static void namespace_of(const char *kind, char text[64])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    ssize_t n = readlink(path, text, 63);
    text[n > 0 ? n : 0] = '\0';
}

static void look_namespaces(struct diagnosis *d)
{
    char mounts[64], pids[64];
    struct stat first;
    namespace_of("mnt", mounts);
    namespace_of("pid", pids);
    const char *same = "cannot be seen";
    if (stat("/proc/1/root" REGION_FOLDER, &first) == 0)
        same = first.st_dev == d->folder.st_dev ? "the same" : "another one";
    diagnosis_fact(d, "device %u, %s, %s; that of process 1: %s; the mount decides who shares a name",
                   (unsigned)d->folder.st_dev, mounts[0] ? mounts : "mnt unknown", pids[0] ? pids : "pid unknown", same);
}

#define COLLECT "shmoo gc --name '*' --apply     # removes what is proven unused; look first: shmoo ls --state unused"

const struct finding_ops findings_objects[] = {
    {.id = "objects", .area = "objects", .title = "objects", .needs_shm = true, .look = look_states},
    {.id = "objects-left",
     .area = "objects",
     .title = "left behind",
     .needs_shm = true,
     .look = look_left,
     .consequence =
         "they hold memory until the machine or container ends, and a full /dev/shm is a SIGBUS for whoever comes next",
     .fix = {[RUNTIME_HOST] = COLLECT, [RUNTIME_KUBERNETES] = "kubectl exec POD -- shmoo gc --name '*' --apply"}},
    {.id = "objects-unsized",
     .area = "objects",
     .title = "not yet sized",
     .needs_shm = true,
     .look = look_unsized,
     .consequence = "who attaches to it maps nothing, and the first touch is a SIGBUS",
     .fix = {[RUNTIME_HOST] = "shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600); /* size, fill, and a ready flag last; who attaches "
                              "waits for size and flag */"}},
    {.id = "objects-protected",
     .area = "objects",
     .title = "protected files",
     .needs_shm = true,
     .look = look_protected,
     .consequence = "shm_open with O_CREAT fails with EACCES for everybody but its owner, root included",
     .fix = {[RUNTIME_HOST] = "shm_open(name, O_RDWR, 0); /* without O_CREAT first; O_CREAT | O_EXCL when there is none; or: sysctl "
                              "fs.protected_regular=0 */"}},
    {.id = "objects-layouts",
     .area = "objects",
     .title = "layouts",
     .needs_shm = true,
     .look = look_layouts,
     .consequence = "pthread_mutex_t, size_t and pointers have other sizes in the two: they lock and read different places",
     .fix = {[RUNTIME_HOST] = "if (header->layout != LAYOUT_HASH) return EPROTO; /* in who attaches; and build both for one architecture */"}},
    {.id = "objects-namespace", .area = "objects", .title = "namespace", .needs_shm = true, .look = look_namespaces},
    {0},
};
