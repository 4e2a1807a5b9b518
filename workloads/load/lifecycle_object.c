/* One object's life: the steps and their checks. */
#include "workloads/load/lifecycle_object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static void step_record(struct worker *w, enum object_step step, uint64_t start_ns)
{
    uint64_t now = clock_ns();
    worker_record(w, HISTOGRAM_OWN + (unsigned)step, now - start_ns, now);
}

void object_init(struct lifecycle_object *o, const struct worker *w, uint64_t stamp)
{
    memset(o, 0, sizeof *o);
    o->fd = -1;
    o->bytes = w->shape->size;
    o->stamp = stamp;
    o->prefault = w->shape->layout.choice[LAYOUT_PREFAULT];
}

void object_refused(struct lifecycle_object *o, struct worker *w, const char *call, int flags)
{
    int e = o->errnum;
    if (worker_denied(w, e))
        return;
    w->leave = true;
    if (e == ENOSPC || e == EMFILE || e == ENFILE || e == ENOMEM || e == EFBIG || e == EACCES || e == EROFS) {
        slot_store(&w->slot->failed, (uint32_t)e);
        snprintf(w->slot->failure, sizeof w->slot->failure,
                 "object %s (%llu bytes): %s: %s; the trial needs more room than there is: free some, or use a smaller --size",
                 o->name, (unsigned long long)o->bytes, call, error_name(e));
        return;
    }
    worker_violation_text(w, VIOLATION_LIFECYCLE, "%s: %s%s: %s", o->name, call, flags & O_CREAT ? " (O_CREAT|O_EXCL)" : "",
                          error_name(e));
}

bool object_open(struct lifecycle_object *o, struct worker *w, int flags)
{
    uint64_t start = clock_ns();
    o->fd = shm_open(o->name, flags, 0600);
    o->errnum = o->fd < 0 ? errno : 0;
    if (o->fd >= 0)
        step_record(w, OBJECT_OPEN, start);
    return o->fd >= 0;
}

static bool object_size(struct lifecycle_object *o, struct worker *w)
{
    struct stat st;
    if (fstat(o->fd, &st) == 0 && st.st_size != 0)
        worker_violation_values(w, VIOLATION_LIFECYCLE, 0, (uint64_t)st.st_size,
                                "%s: a newly created object has a size of %lld bytes", o->name, (long long)st.st_size);
    uint64_t start = clock_ns();
    if (ftruncate(o->fd, (off_t)o->bytes) != 0) {
        o->errnum = errno;
        object_refused(o, w, "ftruncate", 0);
        return false;
    }
    int rc = o->prefault == PREFAULT_FALLOCATE ? posix_fallocate(o->fd, 0, (off_t)o->bytes) : 0;
    if (rc != 0 && rc != EOPNOTSUPP && rc != EINVAL && rc != EINTR) {
        o->errnum = rc;
        object_refused(o, w, "posix_fallocate", 0);
        return false;
    }
    step_record(w, OBJECT_SIZE, start);
    return true;
}

/* mmap does not tell that it could not have them all. */
static bool all_pages(struct lifecycle_object *o)
{
    struct stat st;
    return fstat(o->fd, &st) == 0 && (uint64_t)st.st_blocks * 512 >= o->bytes;
}

static bool object_map(struct lifecycle_object *o, struct worker *w, int protection)
{
    uint64_t start = clock_ns();
    int populate = o->prefault == PREFAULT_POPULATE && protection & PROT_WRITE ? MAP_POPULATE : 0;
    void *base = mmap(NULL, o->bytes, protection, MAP_SHARED | populate, o->fd, 0);
    if (base == MAP_FAILED) {
        o->errnum = errno;
        object_refused(o, w, "mmap", 0);
        return false;
    }
    step_record(w, OBJECT_MAP, start);
    o->base = base;
    if (populate && !all_pages(o)) {
        o->errnum = ENOSPC;
        object_refused(o, w, "mmap (MAP_POPULATE)", 0);
        return false;
    }
    o->mapped_ns = clock_ns();
    return true;
}

/* Fresh pages read as zeros: looks at the first, the last and a random byte of each page. */
static void object_zeroed(struct lifecycle_object *o, struct worker *w)
{
    for (uint64_t page = 0; page < o->bytes; page += 4096) {
        uint64_t left = o->bytes - page < 4096 ? o->bytes - page : 4096;
        uint64_t places[3] = {page, page + left - 1, page + seed_below(&w->random, (uint32_t)left)};
        for (int i = 0; i < 3; i++) {
            if (o->base[places[i]] == 0)
                continue;
            worker_violation_values(w, VIOLATION_PERSISTENCE, 0, o->base[places[i]],
                                    "%s: a newly created object holds the byte %02x at offset %llu instead of zero", o->name,
                                    o->base[places[i]], (unsigned long long)places[i]);
            return;
        }
    }
}

bool object_size_and_map(struct lifecycle_object *o, struct worker *w)
{
    if (!object_size(o, w) || !object_map(o, w, PROT_READ | PROT_WRITE))
        return false;
    object_zeroed(o, w);
    return true;
}

bool object_make(struct lifecycle_object *o, struct worker *w)
{
    if (!object_open(o, w, O_RDWR | O_CREAT | O_EXCL)) {
        object_refused(o, w, "shm_open", O_CREAT);
        return false;
    }
    if (object_size_and_map(o, w))
        return true;
    object_leave(o, w);
    object_unlink(o, w);
    return false;
}

void object_fill(struct lifecycle_object *o, struct worker *w)
{
    (void)w;
    payload_fill(o->base, o->bytes, o->stamp);
}

void object_leave(struct lifecycle_object *o, struct worker *w)
{
    if (o->base) {
        step_record(w, OBJECT_USE, o->mapped_ns);
        uint64_t start = clock_ns();
        munmap(o->base, o->bytes);
        step_record(w, OBJECT_UNMAP, start);
        o->base = NULL;
    }
    if (o->fd >= 0) {
        uint64_t start = clock_ns();
        close(o->fd);
        step_record(w, OBJECT_CLOSE, start);
        o->fd = -1;
    }
}

int object_unlink(struct lifecycle_object *o, struct worker *w)
{
    uint64_t start = clock_ns();
    if (shm_unlink(o->name) != 0) {
        o->errnum = errno;
        return -1;
    }
    step_record(w, OBJECT_UNLINK, start);
    return 0;
}

void object_persists(struct lifecycle_object *o, struct worker *w)
{
    struct payload_view view;
    struct stat st = {0};
    if (!object_open(o, w, O_RDONLY)) {
        if (worker_denied(w, o->errnum))
            return;
        worker_violation_text(w, VIOLATION_PERSISTENCE, "%s: after munmap and close the object cannot be opened again: %s",
                              o->name, error_name(o->errnum));
        return;
    }
    if (fstat(o->fd, &st) != 0 || (uint64_t)st.st_size != o->bytes) {
        worker_violation_values(w, VIOLATION_PERSISTENCE, o->bytes, (uint64_t)st.st_size,
                                "%s: the object was left with %llu bytes and has %lld", o->name, (unsigned long long)o->bytes,
                                (long long)st.st_size);
    } else if (object_map(o, w, PROT_READ)) {
        if (!payload_read(o->base, o->bytes, &view) || view.stamp != (o->stamp & payload_mask(o->bytes)))
            worker_violation_values(w, VIOLATION_PERSISTENCE, payload_version(o->stamp), payload_version(view.stamp),
                                    "%s: opened again, the object does not hold what was left in it", o->name);
    }
    object_leave(o, w);
}

/* Every word is zero still, or belongs to the one write that the creator made. */
static void visit_contents(const struct lifecycle_object *o, struct worker *w)
{
    uint64_t stamp = 0;
    for (uint64_t i = 0; i < o->bytes / 8; i++) {
        uint64_t word = ((const volatile uint64_t *)(const void *)o->base)[i];
        uint64_t gives = word - i * PAYLOAD_STRIDE;
        if (word == 0 || gives == stamp)
            continue;
        bool first = stamp == 0 && payload_tag(gives) == record_tag(w->shape) && payload_writer(gives) < w->shape->writers;
        if (first) {
            stamp = gives;
            continue;
        }
        worker_violation_values(w, VIOLATION_FOREIGN, stamp, gives,
                                "%s: at offset %llu an object holds what its creator has not written", o->name,
                                (unsigned long long)i * 8);
        return;
    }
}

void object_visit(struct lifecycle_object *o, struct worker *w)
{
    struct stat st;
    if (!object_open(o, w, O_RDWR)) {
        if (o->errnum != ENOENT)
            object_refused(o, w, "shm_open", 0);
        return;
    }
    if (fstat(o->fd, &st) != 0 || (st.st_size != 0 && (uint64_t)st.st_size != o->bytes))
        worker_violation_values(w, VIOLATION_LIFECYCLE, o->bytes, (uint64_t)st.st_size,
                                "%s: the object has %lld bytes; its creator makes it 0 or %llu", o->name,
                                (long long)st.st_size, (unsigned long long)o->bytes);
    /* not all blocks there: still being made; touching it now could need a page that a full file system cannot give */
    else if ((uint64_t)st.st_blocks * 512 >= o->bytes && st.st_size != 0 && object_map(o, w, PROT_READ))
        visit_contents(o, w);
    object_leave(o, w);
}
