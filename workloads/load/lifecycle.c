/* lifecycle: the seven steps of an object's life, over and over, by many processes, on own names and on names in common.
 *
 * The kernel is under test: what it promises about names, zeroed pages and persistence is checked each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "workloads/load/lifecycle_object.h"
#include "workloads/load/rows.h"

#define LINE 128
#define COMMON_NAMES 4
#define PERSISTENCE_EVERY 8

struct tally {
    _Alignas(LINE) uint64_t created, unlinked; /* of common names, by one worker */
};

struct lifecycle_area {
    _Alignas(LINE) uint64_t last[COMMON_NAMES]; /* index + 1 of who used the name last */
    struct tally tallies[];
};

static size_t lifecycle_bytes(const struct shape *shape)
{
    return sizeof(struct lifecycle_area) + shape_workers(shape) * sizeof(struct tally);
}

/* Each worker holds up to two objects at once: its own, and a common one that somebody else has unlinked. */
static uint64_t lifecycle_extra(const struct shape *shape)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), object = (shape->size + page - 1) / page * page;
    uint64_t count = 2ULL * shape_workers(shape) + COMMON_NAMES, bytes;
    return __builtin_mul_overflow(count, object, &bytes) ? UINT64_MAX : bytes;
}

static int lifecycle_prepare(void *area, const struct shape *shape)
{
    memset(area, 0, lifecycle_bytes(shape));
    return 0;
}

static void own_name(const struct shape *shape, uint32_t index, char name[OBJECT_NAME])
{
    snprintf(name, OBJECT_NAME, "%s.own%u", shape->name, index);
}

static void common_name(const struct shape *shape, uint32_t k, char name[OBJECT_NAME])
{
    snprintf(name, OBJECT_NAME, "%s.common%u", shape->name, k);
}

/* One life under a name that nobody else uses: nothing may fail, and after the last step the name is gone. */
static void own_life(struct worker *w, uint64_t version)
{
    struct lifecycle_object o;
    object_init(&o, w, payload_stamp(version, w->index, record_tag(w->shape)));
    own_name(w->shape, w->index, o.name);
    if (!object_make(&o, w))
        return;
    object_fill(&o, w);
    object_leave(&o, w);
    if (version % PERSISTENCE_EVERY == 0)
        object_persists(&o, w);
    if (object_unlink(&o, w) != 0)
        worker_violation_text(w, VIOLATION_LIFECYCLE, "%s: shm_unlink of this worker's own object: %s", o.name,
                              error_name(o.errnum));
    int fd = shm_open(o.name, O_RDONLY, 0);
    if (fd >= 0) {
        close(fd);
        worker_violation_text(w, VIOLATION_LIFECYCLE, "%s: the name is still there after shm_unlink has returned", o.name);
    }
}

static void common_unlink(struct lifecycle_object *o, struct worker *w, struct tally *tally)
{
    if (object_unlink(o, w) == 0)
        slot_store(&tally->unlinked, tally->unlinked + 1);
    else if (o->errnum != ENOENT)
        worker_violation_text(w, VIOLATION_LIFECYCLE, "%s: shm_unlink: %s", o->name, error_name(o->errnum));
}

/* One life under a name that others use at the same time: creating has one winner, and whoever unlinks first, unlinks. */
static void common_life(struct worker *w, uint64_t version, uint32_t k)
{
    struct lifecycle_area *a = w->area;
    struct tally *tally = &a->tallies[w->index];
    struct lifecycle_object o;
    object_init(&o, w, payload_stamp(version, w->index, record_tag(w->shape)));
    common_name(w->shape, k, o.name);
    if (__atomic_exchange_n(&a->last[k], w->index + 1, __ATOMIC_ACQ_REL) != w->index + 1)
        worker_handoff(w);
    if (object_open(&o, w, O_RDWR | O_CREAT | O_EXCL)) {
        slot_store(&tally->created, tally->created + 1);
        if (object_size_and_map(&o, w)) {
            object_fill(&o, w);
            worker_inside(w);
        }
        object_leave(&o, w);
        common_unlink(&o, w, tally);
    } else if (o.errnum == EEXIST) {
        object_visit(&o, w);
        if (seed_below(&w->random, 2))
            common_unlink(&o, w, tally);
    } else {
        object_refused(&o, w, "shm_open", O_CREAT);
    }
}

static void lifecycle_write(struct worker *w)
{
    for (uint64_t version = 1; worker_next(w); version++) {
        if (version % 2) {
            own_life(w, version);
        } else {
            if (!worker_enter(w))
                return;
            common_life(w, version, (uint32_t)seed_below(&w->random, COMMON_NAMES));
            worker_leave(w);
        }
        worker_done(w);
    }
}

static void lifecycle_read(struct worker *w)
{
    struct lifecycle_area *a = w->area;
    while (worker_next(w)) {
        struct lifecycle_object o;
        uint32_t k = (uint32_t)seed_below(&w->random, COMMON_NAMES);
        object_init(&o, w, 0);
        common_name(w->shape, k, o.name);
        if (!worker_enter_shared(w))
            return;
        if (__atomic_exchange_n(&a->last[k], w->index + 1, __ATOMIC_ACQ_REL) != w->index + 1)
            worker_handoff(w);
        object_visit(&o, w);
        worker_leave(w);
        worker_done(w);
    }
}

/* Names do not multiply or vanish: what was created and not unlinked is there, and nothing else. */
static void lifecycle_audit(struct worker *auditor)
{
    struct lifecycle_area *a = auditor->area;
    uint64_t created = 0, unlinked = 0, there = 0;
    char name[OBJECT_NAME];
    for (uint32_t i = 0; i < shape_workers(auditor->shape); i++) {
        created += a->tallies[i].created;
        unlinked += a->tallies[i].unlinked;
    }
    for (uint32_t k = 0; k < COMMON_NAMES; k++) {
        common_name(auditor->shape, k, name);
        int fd = shm_open(name, O_RDONLY, 0);
        if (fd >= 0) {
            there++;
            close(fd);
        }
    }
    if (created - unlinked != there)
        worker_violation_values(auditor, VIOLATION_COUNT, created - unlinked, there,
                                "%llu objects were created under common names and %llu unlinked, so %lld must be left; there are %llu",
                                (unsigned long long)created, (unsigned long long)unlinked, (long long)(created - unlinked),
                                (unsigned long long)there);
}

static void lifecycle_sweep(const struct shape *shape)
{
    char name[OBJECT_NAME];
    for (uint32_t k = 0; k < COMMON_NAMES; k++) {
        common_name(shape, k, name);
        shm_unlink(name);
    }
    for (uint32_t i = 0; i < shape->writers; i++) {
        own_name(shape, i, name);
        shm_unlink(name);
    }
}

/* The kernel arbitrates: nothing is left to a lock. */
static bool lifecycle_breakable(const struct shape *shape)
{
    (void)shape;
    return false;
}

const struct load_ops load_lifecycle = {
    .name = "lifecycle",
    .summary = "open, size, map, use, unmap, close, unlink, over and over, on own and on common names",
    .families = 1u << SYNC_LOCK,
    .default_size = 4096,
    .min_size = 1,
    .size_means = "each object",
    .min_writers = 1,
    .uses_system = true,
    .enough = 30,
    .histograms = {"open", "size", "map", "use", "unmap", "close", "unlink", NULL},
    .area_bytes = lifecycle_bytes,
    .extra_bytes = lifecycle_extra,
    .prepare = lifecycle_prepare,
    .write = lifecycle_write,
    .read = lifecycle_read,
    .audit = lifecycle_audit,
    .sweep = lifecycle_sweep,
    .breakable = lifecycle_breakable,
};
