/* A region: the seven steps of a shared memory object's life. */
#define _GNU_SOURCE
#include "shm/region.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "shm/page_sizes.h"

static const struct {
    const char *name, *call;
} steps[REGION_STEPS] = {
    [REGION_OPEN] = {"open", "shm_open"},     [REGION_SIZE] = {"size", "ftruncate"},
    [REGION_RESERVE] = {"reserve", "posix_fallocate"}, [REGION_MAP] = {"map", "mmap"},
    [REGION_USE] = {"use", "use"},            [REGION_UNMAP] = {"unmap", "munmap"},
    [REGION_CLOSE] = {"close", "close"},      [REGION_UNLINK] = {"unlink", "shm_unlink"},
};

/* The way out, by step and errno; the first row that matches, errno 0 matching all. */
static const struct {
    enum region_step step;
    int errnum;
    const char *way_out;
} ways_out[] = {
    {REGION_OPEN, EEXIST, "an object of that name is left over or in use: `shmoo gc --own` shows what is safe to remove"},
    {REGION_OPEN, ENOENT, "no /dev/shm here, or no such object: mount -t tmpfs tmpfs /dev/shm"},
    {REGION_OPEN, EACCES, "no permission on /dev/shm or on the object: it should be a tmpfs of mode 1777"},
    {REGION_OPEN, EROFS, "/dev/shm is mounted read-only: mount -o remount,rw /dev/shm"},
    {REGION_OPEN, EMFILE, "too many open files in this process: raise `ulimit -n`"},
    {REGION_OPEN, ENFILE, "too many open files in the system: raise fs.file-max"},
    {REGION_OPEN, ENOSPC, "/dev/shm has no free inode: remove objects, or remount it with a larger nr_inodes="},
    {REGION_OPEN, ENOSYS, "this system has no POSIX shared memory"},
    {REGION_SIZE, EFBIG, "the size is above the file size limit: `ulimit -f unlimited`"},
    {REGION_SIZE, EINVAL, "the size is not possible for this file system: use a smaller --size"},
    {REGION_RESERVE, ENOSPC,
     "/dev/shm is full: remove objects, use a smaller --size, or enlarge it (mount -o remount,size=...; in a container "
     "--shm-size)"},
    {REGION_RESERVE, EFBIG, "the size is above the file size limit: `ulimit -f unlimited`"},
    {REGION_RESERVE, ENOMEM, "not enough memory: use a smaller --size"},
    {REGION_OPEN, ENODEV, "this kernel or processor has no huge pages of that size: `ls /sys/kernel/mm/hugepages`"},
    {REGION_MAP, ENOMEM, "no room in this process's address space or memory: `ulimit -v unlimited`, or a smaller --size"},
    {REGION_MAP, EPERM, "the mount or a security module forbids the mapping: see mount options and the audit log"},
    {REGION_MAP, EACCES, "the object is not readable and writable by this user"},
    {REGION_MAP, ENODEV, "objects here are smaller than the trial needs, or cannot be mapped"},
    {REGION_UNLINK, ENOENT, "somebody else has removed the object meanwhile: does anything sweep /dev/shm?"},
};

static int fail(const struct region *region, enum region_step step, const char *call, int errnum, struct error *error)
{
    char size[UNITS_TEXT];
    const char *way_out = "see the manual page of the call";
    for (size_t i = 0; i < sizeof ways_out / sizeof ways_out[0]; i++) {
        if (ways_out[i].step == step && ways_out[i].errnum == errnum) {
            way_out = ways_out[i].way_out;
            break;
        }
    }
    units_print(&units_size, (double)region->bytes, size);
    return error_set(error, STATUS_ENVIRONMENT, errnum, "region %s (%s): %s: %s; %s", region->name, size, call,
                     error_name(errnum), way_out);
}

static void step_done(struct region *region, enum region_step step, uint64_t start_ns)
{
    region->step_ns[step] = clock_ns() - start_ns;
    region->step_done[step] = true;
}

const char *region_step_name(enum region_step step)
{
    return steps[step].name;
}

uint64_t region_page_bytes(enum region_pages pages)
{
    uint64_t base = (uint64_t)sysconf(_SC_PAGESIZE), transparent = 0;
    if (pages == REGION_PAGES_TRANSPARENT)
        transparent = page_sizes_transparent();
    return pages == REGION_PAGES_2M ? 2ULL << 20 : pages == REGION_PAGES_1G ? 1ULL << 30 : transparent ? transparent : base;
}

uint64_t region_whole_pages(enum region_pages pages, uint64_t bytes)
{
    uint64_t page = region_page_bytes(pages);
    return pages == REGION_PAGES_ANY ? bytes : (bytes + page - 1) / page * page;
}

static bool from_pool(const struct region *region)
{
    return region->layout.pages == REGION_PAGES_2M || region->layout.pages == REGION_PAGES_1G;
}

static int open_nameless(const struct region *region)
{
    unsigned size = region->layout.pages == REGION_PAGES_2M ? MFD_HUGE_2MB : MFD_HUGE_1GB;
    return region->layout.inherited ? fcntl(region->layout.inherited, F_DUPFD_CLOEXEC, 0)
                                    : memfd_create(region->name + 1, MFD_CLOEXEC | MFD_HUGETLB | size);
}

static const char *opening_call(const struct region *region)
{
    if (!from_pool(region))
        return steps[REGION_OPEN].call;
    return region->layout.inherited ? "fcntl (F_DUPFD_CLOEXEC)" : "memfd_create (MFD_HUGETLB)";
}

static int step_open(struct region *region, int flags, struct error *error)
{
    uint64_t start = clock_ns();
    region->fd = from_pool(region) ? open_nameless(region) : shm_open(region->name, flags, 0600);
    if (region->fd < 0)
        return fail(region, REGION_OPEN, opening_call(region), errno, error);
    step_done(region, REGION_OPEN, start);
    return 0;
}

static int step_size(struct region *region, struct error *error)
{
    uint64_t start = clock_ns();
    int rc;
    while ((rc = ftruncate(region->fd, (off_t)region->bytes)) != 0 && errno == EINTR)
        continue;
    if (rc != 0)
        return fail(region, REGION_SIZE, steps[REGION_SIZE].call, errno, error);
    step_done(region, REGION_SIZE, start);
    return 0;
}

/* Where fallocate is refused (a filter, an old or foreign file system): writes zeros, which fails with ENOSPC, short of a
 * signal, when there is no room. Returns an errno. */
static int reserve_by_writing(const struct region *region)
{
    static const char zeros[65536];
    for (size_t at = 0; at < region->bytes;) {
        size_t want = region->bytes - at < sizeof zeros ? region->bytes - at : sizeof zeros;
        ssize_t n = pwrite(region->fd, zeros, want, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        at += (size_t)n;
    }
    return 0;
}

static int step_reserve(struct region *region, struct error *error)
{
    uint64_t start = clock_ns();
    int rc;
    while ((rc = posix_fallocate(region->fd, 0, (off_t)region->bytes)) == EINTR)
        continue;
    region->reserved_by = "posix_fallocate";
    if (rc == EOPNOTSUPP || rc == ENOSYS || rc == EPERM || rc == EINVAL || rc == ENODEV) {
        region->reserved_by = "pwrite";
        rc = reserve_by_writing(region);
    }
    if (rc != 0)
        return fail(region, REGION_RESERVE, region->reserved_by, rc, error);
    step_done(region, REGION_RESERVE, start);
    return 0;
}

/* There is room for it now; nobody holds it for us. */
static int step_look_for_room(struct region *region, struct error *error)
{
    struct statvfs volume;
    if (fstatvfs(region->fd, &volume) == 0 && volume.f_blocks > 0 && (uint64_t)volume.f_bavail * volume.f_frsize < region->bytes)
        return fail(region, REGION_RESERVE, "fstatvfs", ENOSPC, error);
    return 0;
}

/* mmap does not tell that it could not have them all. */
static int require_pages(struct region *region, struct error *error)
{
    struct stat st;
    if (fstat(region->fd, &st) != 0 || (uint64_t)st.st_blocks * 512 < region->bytes)
        return fail(region, REGION_RESERVE, "mmap (MAP_POPULATE)", ENOSPC, error);
    return 0;
}

static bool has_advice(const struct region *region)
{
    return region->layout.pages == REGION_PAGES_BASE || region->layout.pages == REGION_PAGES_TRANSPARENT;
}

void *region_room(enum region_pages pages, uint64_t bytes)
{
    uint64_t page = region_page_bytes(pages);
    char *room = mmap(NULL, bytes + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return NULL;
    size_t ahead = (page - (uintptr_t)room % page) % page;
    if (ahead)
        munmap(room, ahead);
    munmap(room + ahead + bytes, page - ahead);
    return room + ahead;
}

/* The kernel may take advice or not, and does not say: who wants to know looks at what came of it. Pages come after the advice. */
static void advise(const struct region *region)
{
    madvise(region->base, region->bytes, region->layout.pages == REGION_PAGES_BASE ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
    if (region->layout.fill == REGION_POPULATED && madvise(region->base, region->bytes, MADV_POPULATE_WRITE) != 0)
        for (size_t at = 0; at < region->bytes && errno == EINVAL; at += 4096) /* older than Linux 5.14; others may be writing */
            __atomic_fetch_or((char *)region->base + at, 0, __ATOMIC_RELAXED);
}

static int step_map(struct region *region, struct error *error)
{
    uint64_t start = clock_ns();
    bool populate = region->layout.fill == REGION_POPULATED, advised = has_advice(region);
    void *at = region->layout.at || !advised ? region->layout.at /* elsewhere it could have no huge page */
                                             : region_room(region->layout.pages, region->bytes);
    int flags = MAP_SHARED | (at ? MAP_FIXED : 0) | (populate && !advised ? MAP_POPULATE : 0);
    void *base = mmap(at, region->bytes, PROT_READ | PROT_WRITE, flags, region->fd, 0);
    if (base == MAP_FAILED)
        return fail(region, REGION_MAP, steps[REGION_MAP].call, errno, error);
    region->base = base;
    if (advised)
        advise(region);
    step_done(region, REGION_MAP, start);
    region->mapped_ns = clock_ns();
    return populate ? require_pages(region, error) : 0;
}

static int region_init(struct region *region, const char *name, size_t bytes, struct region_layout layout, struct error *error)
{
    memset(region, 0, sizeof *region);
    region->layout = layout;
    region->fd = -1;
    region->bytes = region_whole_pages(layout.pages, bytes);
    if (strlen(name) >= sizeof region->name)
        return error_set(error, STATUS_USAGE, ENAMETOOLONG, "region name %s: longer than %d bytes", name, REGION_NAME_MAX - 1);
    memcpy(region->name, name, strlen(name) + 1);
    return 0;
}

int region_create(struct region *region, const char *name, size_t bytes, struct error *error)
{
    return region_create_as(region, name, bytes, (struct region_layout){0}, error);
}

int region_create_as(struct region *region, const char *name, size_t bytes, struct region_layout layout, struct error *error)
{
    if (region_init(region, name, bytes, layout, error))
        return -1;
    if (step_open(region, O_RDWR | O_CREAT | O_EXCL, error))
        return -1;
    region->linked = !from_pool(region);
    struct stat st;
    if (fstat(region->fd, &st) == 0) {
        region->device = st.st_dev;
        region->inode = st.st_ino;
    }
    int (*step_room)(struct region *region, struct error *error) =
        layout.fill == REGION_RESERVED ? step_reserve : step_look_for_room;
    if (step_size(region, error) || step_room(region, error) || step_map(region, error)) {
        region_destroy(region, NULL);
        return -1;
    }
    return 0;
}

/* An object that is too small would be a SIGBUS at the first touch beyond its end. */
static int require_size(const struct region *region, struct error *error)
{
    struct stat st;
    if (fstat(region->fd, &st) != 0)
        return fail(region, REGION_MAP, "fstat", errno, error);
    if ((uint64_t)st.st_size < region->bytes)
        return error_set(error, STATUS_ENVIRONMENT, 0,
                         "region %s: the object has %lld bytes, %zu are needed; somebody has shrunk it or is still making it",
                         region->name, (long long)st.st_size, region->bytes);
    return 0;
}

int region_attach(struct region *region, const char *name, size_t bytes, struct error *error)
{
    return region_attach_as(region, name, bytes, (struct region_layout){0}, error);
}

int region_attach_as(struct region *region, const char *name, size_t bytes, struct region_layout layout, struct error *error)
{
    if (region_init(region, name, bytes, layout, error) || step_open(region, O_RDWR, error))
        return -1;
    if (require_size(region, error) || step_map(region, error)) {
        region_detach(region, NULL);
        return -1;
    }
    return 0;
}

int region_close(struct region *region, struct error *error)
{
    int rc = 0;
    if (region->fd < 0)
        return 0;
    uint64_t start = clock_ns();
    if (close(region->fd) != 0 && errno != EINTR)
        rc = fail(region, REGION_CLOSE, steps[REGION_CLOSE].call, errno, error);
    else
        step_done(region, REGION_CLOSE, start);
    region->fd = -1;
    return rc;
}

int region_detach(struct region *region, struct error *error)
{
    int rc = 0;
    if (region->base) {
        step_done(region, REGION_USE, region->mapped_ns);
        uint64_t start = clock_ns();
        if (munmap(region->base, region->bytes) != 0)
            rc = fail(region, REGION_UNMAP, steps[REGION_UNMAP].call, errno, error);
        else
            step_done(region, REGION_UNMAP, start);
        region->base = NULL;
    }
    int closed = region_close(region, rc ? NULL : error);
    return rc ? rc : closed;
}

/* What the name leads to now: 0, or an errno. */
static int look_up(const struct region *region, struct stat *st)
{
    char path[sizeof REGION_FOLDER + REGION_NAME_MAX];
    snprintf(path, sizeof path, REGION_FOLDER "%s", region->name);
    return lstat(path, st) == 0 ? 0 : errno;
}

bool region_is_named(const struct region *region)
{
    struct stat st;
    return look_up(region, &st) == 0 && st.st_dev == region->device && st.st_ino == region->inode;
}

void region_forget_name(struct region *region)
{
    region->linked = false;
}

/* If the name means nothing, unlinking will say so. */
static bool still_ours(const struct region *region)
{
    struct stat st;
    return look_up(region, &st) != 0 || region_is_named(region);
}

int region_destroy(struct region *region, struct error *error)
{
    int rc = region_detach(region, error);
    if (region->linked) {
        uint64_t start = clock_ns();
        region->linked = false;
        if (!still_ours(region))
            return rc ? rc
                      : error_set(error, STATUS_ENVIRONMENT, EEXIST,
                                  "region %s: somebody else has removed the object, and another one has taken its place; that "
                                  "one was left alone",
                                  region->name);
        if (shm_unlink(region->name) != 0)
            return rc ? rc : fail(region, REGION_UNLINK, steps[REGION_UNLINK].call, errno, error);
        step_done(region, REGION_UNLINK, start);
    }
    return rc;
}
