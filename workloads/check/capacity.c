/* Memory: when it is taken, what happens when there is no more, and how it is given back. Each check has a /dev/shm of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include "workloads/check/rows.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Pages of a /dev/shm with this option. */
#define SMALL "nr_blocks=64"
#define SMALL_PAGES 64

static long long blocks_of(struct check *c, int fd)
{
    struct stat st;
    must(c, fstat(fd, &st));
    return st.st_blocks;
}

static long long size_of(struct check *c, int fd)
{
    struct stat st;
    must(c, fstat(fd, &st));
    return st.st_size;
}

static long long pages_free(struct check *c)
{
    struct statvfs fs;
    must(c, statvfs("/dev/shm", &fs));
    return (long long)(fs.f_bfree * fs.f_frsize / check_page());
}

/* An object that takes all but `spare` pages. What is larger than it was asked to be may be the machine's, and is not filled. */
static int fill_all_but(struct check *c, long long spare)
{
    long long pages = pages_free(c) - spare;
    if (pages > SMALL_PAGES)
        check_fail(c, "a /dev/shm mounted with " SMALL " has 64 pages", "it has %lld free ones", pages + spare);
    int fd = check_object(c, check_name(c), 0);
    if (pages > 0)
        must_rc(c, posix_fallocate(fd, 0, (off_t)((size_t)pages * check_page())));
    expect_number(c, pages_free(c), spare, "pages left free");
    return fd;
}

static void sizing_takes_nothing(struct check *c)
{
    size_t bytes = 1 << 20;
    int fd = check_object(c, check_name(c), bytes);
    check_map(c, fd, bytes);
    expect_number(c, blocks_of(c, fd), 0, "st_blocks of 1 MiB that nobody touched");
    expect_number(c, size_of(c, fd), (long long)bytes, "its size");
}

static void touching_takes_pages(struct check *c)
{
    size_t page = check_page();
    unsigned char byte;
    int fd = check_object(c, check_name(c), 8 * page);
    unsigned char *at = check_map(c, fd, 8 * page);
    long long per_page = (long long)page / 512;
    if (!check_counts_pages(c))
        check_unsupported(c, "needs a tmpfs without huge pages: /dev/shm is of another kind here");
    must(c, pread(fd, &byte, 1, 0));
    expect_number(c, blocks_of(c, fd), 0, "st_blocks after pread of a hole");
    touch_read(at);
    expect_number(c, blocks_of(c, fd), per_page, "st_blocks after reading one byte of the mapping");
    touch_write(at + page, 1);
    expect_number(c, blocks_of(c, fd), 2 * per_page, "st_blocks after writing one byte of another page");
}

static void size_is_the_limit(struct check *c)
{
    struct statvfs fs;
    must(c, statvfs("/dev/shm", &fs));
    expect_number(c, (long long)(fs.f_blocks * fs.f_frsize), 1 << 20, "bytes of the file system");
    size_t page = check_page(), pages = (1 << 20) / page;
    unsigned char *one = check_map(c, check_object(c, check_name(c), pages * page), pages * page);
    unsigned char *other = check_map(c, check_object(c, check_name(c), pages * page), pages * page);
    size_t taken = 0;
    for (size_t i = 0; i < pages; i++)
        if (touch_write((i % 2 ? one : other) + i * page, 1).signal == 0)
            taken++;
    expect_number(c, (long long)taken, (long long)pages, "pages that two objects could have together");
    expect_touch(c, touch_write(one, 1), SIGBUS, BUS_ADRERR, one, "a write to one page more");
}

static void full_write_faults(struct check *c)
{
    size_t page = check_page();
    fill_all_but(c, 1);
    unsigned char *at = check_map(c, check_object(c, check_name(c), 3 * page), 3 * page);
    expect_touch(c, touch_write(at + page, 1), 0, 0, NULL, "a write to the last page to be had");
    expect_touch(c, touch_write(at + 2 * page + 5, 1), SIGBUS, BUS_ADRERR, at + 2 * page + 5, "a write to the next");
    expect_touch(c, touch_write(at + page + 1, 1), 0, 0, NULL, "another write to the page that is there");
}

static void full_read_faults(struct check *c)
{
    fill_all_but(c, 0);
    unsigned char *at = check_map(c, check_object(c, check_name(c), check_page()), check_page());
    expect_touch(c, touch_read(at), SIGBUS, BUS_ADRERR, at, "a read of a page that cannot be had");
}

static void full_fallocate_gives_back(struct check *c)
{
    size_t page = check_page();
    fill_all_but(c, 4);
    int fd = check_object(c, check_name(c), page);
    expect_rc(c, posix_fallocate(fd, 0, (off_t)(8 * page)), ENOSPC);
    expect_number(c, size_of(c, fd), (long long)page, "size afterwards");
    expect_number(c, blocks_of(c, fd), 0, "st_blocks afterwards");
    expect_number(c, pages_free(c), 4, "free pages afterwards");
    expect_rc(c, posix_fallocate(fd, 0, (off_t)(4 * page)), 0);
}

static void reserved_is_kept(struct check *c)
{
    size_t page = check_page(), bytes = 8 * page;
    int fd = check_object(c, check_name(c), 0);
    expect_rc(c, posix_fallocate(fd, 0, (off_t)bytes), 0);
    expect_number(c, size_of(c, fd), (long long)bytes, "size");
    expect_number(c, blocks_of(c, fd), (long long)bytes / 512, "st_blocks");
    fill_all_but(c, 0);
    unsigned char *at = check_map(c, fd, bytes);
    for (size_t i = 0; i < 8; i++) {
        expect_touch(c, touch_read(at + i * page), 0, 0, NULL, "a read of a reserved page");
        expect_touch(c, touch_write(at + i * page, 1), 0, 0, NULL, "a write to a reserved page");
    }
}

static void fallocate_keeps_data(struct check *c)
{
    size_t page = check_page();
    const char *name = check_name(c);
    int fd = check_object(c, name, 4 * page);
    unsigned char *at = check_map(c, fd, 4 * page);
    check_fill(at + page, page, 1);
    expect_rc(c, posix_fallocate(fd, 0, (off_t)(2 * page)), 0);
    expect_number(c, size_of(c, fd), (long long)(4 * page), "size, which was larger");
    expect_filled(c, at + page, page, 1, "contents");
    expect_fill(c, at, 0, page, "the page that was reserved");
    check_fill(at + 3 * page, page, 2);
    expect_rc(c, posix_fallocate(fd, (off_t)(4 * page - 10), 20), 0);
    expect_number(c, size_of(c, fd), (long long)(4 * page + 10), "size, which was smaller: exact to the byte");
    expect_filled(c, at + 3 * page, page, 2, "contents up to the end that there was");
    expect_filled(c, at + page, page, 1, "contents after that");
    if (check_counts_pages(c))
        expect_number(c, blocks_of(c, fd), 4 * (long long)page / 512, "st_blocks: two reserved first, two by the range across an end");
    expect_rc(c, posix_fallocate(fd, 0, 0), EINVAL);
    expect_rc(c, posix_fallocate(fd, -1, 10), EINVAL);
    expect_rc(c, posix_fallocate((int)must(c, shm_open(name, O_RDONLY, 0)), 0, 10), EBADF);
}

static void populate_is_silent(struct check *c)
{
    size_t page = check_page(), pages = 2 * SMALL_PAGES;
    int fd = check_object(c, check_name(c), pages * page);
    unsigned char *at = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (!expect_true(c, at != MAP_FAILED, "mmap with MAP_POPULATE of twice the space succeeds", "errno %d", errno))
        return;
    expect_number(c, pages_free(c), 0, "free pages afterwards");
    unsigned char *last = at + (pages - 1) * page;
    expect_touch(c, touch_write(last, 1), SIGBUS, BUS_ADRERR, last, "a write to its last page");
}

static void populate_write_tells(struct check *c)
{
    size_t page = check_page();
    fill_all_but(c, 2);
    int fd = check_object(c, check_name(c), 4 * page);
    unsigned char *at = check_map(c, fd, 4 * page);
    int rc = madvise(at, 2 * page, MADV_POPULATE_WRITE);
    if (rc != 0 && errno == EINVAL)
        check_unsupported(c, "this kernel has no MADV_POPULATE_WRITE (Linux 5.14)");
    expect_true(c, rc == 0, "MADV_POPULATE_WRITE of what is to be had succeeds", "errno %d", errno);
    expect_errno(c, madvise(at, 4 * page, MADV_POPULATE_WRITE), EFAULT);
}

static void full_names_are_free(struct check *c)
{
    fill_all_but(c, 0);
    const char *name = check_name(c);
    sem_t *sem = sem_open(check_name(c), O_CREAT | O_EXCL, 0600, 1);
    int errnum = errno;
    expect_true(c, sem == SEM_FAILED && errnum == ENOSPC, "sem_open fails with ENOSPC", "%s, errno %d",
                sem == SEM_FAILED ? "it fails" : "it succeeds", errnum);
    expect_ok(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
    expect_true(c, check_exists(name), "shm_open still creates", "there is no object");
}

static void full_write_is_short(struct check *c)
{
    static char bytes[1 << 18]; /* four of the largest pages */
    size_t page = check_page();
    fill_all_but(c, 2);
    int fd = check_object(c, check_name(c), 0);
    expect_number(c, pwrite(fd, bytes, 4 * page, 0), (long long)(2 * page), "bytes written of four pages with two free");
    expect_errno(c, pwrite(fd, bytes, page, (off_t)(2 * page)), ENOSPC);
    expect_number(c, size_of(c, fd), (long long)(2 * page), "size");
}

static void holes_free(struct check *c)
{
    size_t page = check_page();
    int fd = check_object(c, check_name(c), 4 * page);
    unsigned char *at = check_map(c, fd, 4 * page);
    long long before = pages_free(c);
    check_fill(at, 4 * page, 1);
    expect_ok(c, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)page, (off_t)(2 * page)));
    expect_fill(c, at + page, 0, 1, "the hole"); /* a read: takes a page again */
    expect_number(c, before - pages_free(c), 3, "pages taken: two kept, one touched again");
    expect_fill(c, at + page, 0, 2 * page, "the whole hole");
    expect_filled(c, at, page, 1, "the page before it");
    expect_number(c, size_of(c, fd), (long long)(4 * page), "size");
    expect_ok(c, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 200));
    expect_fill(c, at + 100, 0, 200, "a hole within a page");
    expect_filled(c, at, 100, 1, "what is before it");
}

static void remove_frees(struct check *c)
{
    size_t page = check_page();
    int fd = check_object(c, check_name(c), 4 * page);
    unsigned char *at = check_map(c, fd, 4 * page), *other = check_map(c, fd, 4 * page);
    check_fill(at, 4 * page, 1);
    expect_ok(c, madvise(at + page, page, MADV_REMOVE));
    if (check_counts_pages(c))
        expect_number(c, blocks_of(c, fd), 3 * (long long)page / 512, "st_blocks");
    expect_fill(c, other + page, 0, page, "the removed page, in another mapping");
    expect_filled(c, at, page, 1, "the page before it");
}

static void no_zero_range(struct check *c)
{
    check_needs_tmpfs(c);
    size_t page = check_page();
    int fd = check_object(c, check_name(c), 4 * page);
    expect_errno(c, fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, (off_t)page), EOPNOTSUPP);
    expect_errno(c, fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, (off_t)page), EOPNOTSUPP);
    expect_errno(c, fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, (off_t)page), EOPNOTSUPP);
}

static void keep_size_takes(struct check *c)
{
    size_t page = check_page();
    int fd = check_object(c, check_name(c), 100);
    long long before = pages_free(c);
    expect_ok(c, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)(8 * page)));
    expect_number(c, size_of(c, fd), 100, "size");
    expect_number(c, before - pages_free(c), 8, "pages taken");
}

static void shrinking_frees(struct check *c)
{
    size_t page = check_page();
    long long before = pages_free(c);
    int fd = check_object(c, check_name(c), 8 * page);
    check_fill(check_map(c, fd, 8 * page), 8 * page, 1);
    expect_number(c, before - pages_free(c), 8, "pages taken by eight");
    must(c, ftruncate(fd, (off_t)(2 * page + 1)));
    expect_number(c, before - pages_free(c), 3, "pages taken after shrinking to two and a byte");
    must(c, ftruncate(fd, 0));
    expect_number(c, before - pages_free(c), 0, "pages taken after shrinking to nothing");
}

static void unlinking_heals(struct check *c)
{
    size_t page = check_page();
    const char *name = check_name(c);
    int big = check_object(c, name, 0);
    must_rc(c, posix_fallocate(big, 0, (off_t)((size_t)pages_free(c) * page)));
    unsigned char *at = check_map(c, check_object(c, check_name(c), page), page);
    expect_touch(c, touch_write(at, 1), SIGBUS, BUS_ADRERR, at, "a write with no page free");
    must(c, shm_unlink(name));
    expect_touch(c, touch_write(at, 1), SIGBUS, BUS_ADRERR, at, "a write while the unlinked object is open");
    must(c, close(big));
    expect_touch(c, touch_write(at, 1), 0, 0, NULL, "the same write once it is closed");
}

static volatile sig_atomic_t alarms;

static void note_alarm(int number)
{
    (void)number;
    alarms++;
}

static void signals_do_not_stop_it(struct check *c)
{
    struct sigaction action = {.sa_handler = note_alarm}; /* without SA_RESTART */
    struct itimerval often = {{0, 200}, {0, 200}}, never = {0};
    int fd = check_object(c, check_name(c), 0), rc = 0;
    sigaction(SIGALRM, &action, NULL);
    must(c, setitimer(ITIMER_REAL, &often, NULL));
    for (int i = 0; i < 20 && rc == 0 && alarms < 100; i++) {
        rc = posix_fallocate(fd, 0, 24 << 20);
        if (i < 19 && rc == 0 && ftruncate(fd, 0) != 0)
            check_error(c, "ftruncate under signals: errno %d", errno);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    if (alarms == 0)
        check_error(c, "no signal arrived");
    if (rc == EINTR) {
        check_deviates(c, "posix_fallocate goes on when a signal was handled", "it returns EINTR",
                       "older kernels give up on any signal, which POSIX allows: call it again");
    } else if (expect_rc(c, rc, 0)) {
        expect_number(c, size_of(c, fd), 24 << 20, "size afterwards");
        expect_number(c, blocks_of(c, fd), (24 << 20) / 512, "st_blocks afterwards");
    }
}

/* ---- a memory cgroup ---- */

struct hog {
    const char *name;
    size_t limit, bytes;
};

static void take_all(struct check *c, void *user)
{
    struct hog *hog = user;
    check_enter_cgroup(c, hog->limit);
    int fd = (int)must(c, shm_open(hog->name, O_RDWR, 0));
    unsigned char *at = check_map(c, fd, hog->bytes);
    tell(c->channel, 1);
    for (size_t i = 0; i < hog->bytes; i += check_page())
        touch_write(at + i, 1);
    tell(c->channel, check_cgroup_charge(c));
    hear(c->channel);
}

static void limit_kills(struct check *c)
{
    struct hog hog = {check_name(c), 4 << 20, 64 << 20};
    check_object(c, hog.name, hog.bytes);
    struct check_peer peer = check_start(c, take_all, &hog);
    if (hear(peer.channel) == CHECK_GONE)
        check_fail(c, "a process maps 64 MiB under a limit of 4 MiB", "it did not come so far"); /* it has told why, and first */
    int64_t charge = hear(peer.channel);
    if (charge != CHECK_GONE) {
        check_kill(c, &peer);
        expect_true(c, charge <= (int64_t)hog.limit, "no more than the limit of 4 MiB is charged", "%lld bytes are", (long long)charge);
        check_unsupported(c, "needs a memory cgroup whose limit binds: swap took what it refused");
    }
    expect_number(c, check_end_of(c, &peer), -SIGKILL, "how a process ended that touched 64 MiB under a limit of 4 MiB");
}

static void charge_stays(struct check *c)
{
    struct hog hog = {check_name(c), 64 << 20, 8 << 20};
    int fd = check_object(c, hog.name, hog.bytes);
    check_enter_cgroup(c, hog.limit);
    long long before = check_cgroup_charge(c);
    struct check_peer peer = check_start(c, take_all, &hog);
    hear(peer.channel);
    expect_true(c, hear(peer.channel) >= (8 << 20), "8 MiB are charged while they are taken", "less");
    tell(peer.channel, 1);
    expect_end(c, &peer);
    long long after = check_cgroup_charge(c);
    expect_true(c, after - before >= 7 << 20, "they stay charged when the process has gone", "%lld more than before",
                after - before);
    must(c, shm_unlink(hog.name));
    must(c, close(fd));
    for (int i = 0; i < 100 && check_cgroup_charge(c) - before > 2 << 20; i++)
        check_pause_ms(10); /* counted in batches */
    after = check_cgroup_charge(c);
    expect_true(c, after - before <= 2 << 20, "the charge is gone with the object", "%lld more than before", after - before);
}

#define PRIVATE .needs = CHECK_NEEDS_MOUNTS, .shm = SMALL

const struct check_ops checks_capacity[] = {
    {.id = "capacity/sizing-takes-nothing", .interface = "ftruncate", .level = CHECK_LINUX_OBSERVED, .run = sizing_takes_nothing,
     .clause = "tmpfs(5)", .summary = "ftruncate and mmap reserve no memory"},
    {.id = "capacity/touching-takes-pages", .interface = "tmpfs", .level = CHECK_LINUX_OBSERVED, .run = touching_takes_pages,
     .clause = "tmpfs(5)", .summary = "pages are taken by touching, also by reading a hole through a mapping; not by pread"},
    {.id = "capacity/size-is-the-limit", .interface = "tmpfs", .level = CHECK_LINUX_DOCUMENTED, .run = size_is_the_limit,
     .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m",
     .clause = "tmpfs(5), size", .summary = "all objects together have exactly the pages of the option size"},
    {.id = "capacity/full-write-faults", .interface = "mmap", .level = CHECK_LINUX_OBSERVED, .run = full_write_faults, PRIVATE,
     .clause = "mmap(2), SIGBUS", .summary = "a write to a page that a full tmpfs cannot give is a SIGBUS, at the exact address"},
    {.id = "capacity/full-read-faults", .interface = "mmap", .level = CHECK_LINUX_OBSERVED, .run = full_read_faults, PRIVATE,
     .clause = "mmap(2), SIGBUS", .summary = "so is a read"},
    {.id = "capacity/full-fallocate-gives-back", .interface = "posix_fallocate", .level = CHECK_POSIX_MUST,
     .run = full_fallocate_gives_back, PRIVATE, .clause = "POSIX.1-2024 posix_fallocate, ERRORS [ENOSPC]",
     .summary = "what cannot be reserved whole is not reserved at all, and the size stays"},
    {.id = "capacity/reserved-is-kept", .interface = "posix_fallocate", .level = CHECK_POSIX_MUST, .run = reserved_is_kept, PRIVATE,
     .clause = "POSIX.1-2024 posix_fallocate, DESCRIPTION: subsequent writes shall not fail due to lack of space",
     .summary = "what is reserved can be touched when all the rest is used up"},
    {.id = "capacity/fallocate-keeps-data", .interface = "posix_fallocate", .level = CHECK_POSIX_MUST, .run = fallocate_keeps_data,
     .clause = "POSIX.1-2024 posix_fallocate, DESCRIPTION; ERRORS [EINVAL], [EBADF]",
     .summary = "reserving leaves data and a larger size alone, and refuses what makes no sense"},
    {.id = "capacity/populate-is-silent", .interface = "mmap", .level = CHECK_LINUX_DOCUMENTED, .run = populate_is_silent, PRIVATE,
     .clause = "mmap(2), NOTES: mmap() does not fail if the mapping cannot be populated",
     .summary = "MAP_POPULATE beyond the limit succeeds without a word"},
    {.id = "capacity/populate-write-tells", .interface = "madvise", .level = CHECK_LINUX_DOCUMENTED, .run = populate_write_tells,
     PRIVATE, .clause = "madvise(2), MADV_POPULATE_WRITE, ERRORS EFAULT",
     .summary = "MADV_POPULATE_WRITE tells with EFAULT, without a signal, that memory is short"},
    {.id = "capacity/full-names-are-free", .interface = "sem_open", .level = CHECK_POSIX_MUST, .run = full_names_are_free, PRIVATE,
     .clause = "POSIX.1-2024 sem_open, ERRORS [ENOSPC]", .summary = "with no page free sem_open fails, and shm_open still creates"},
    {.id = "capacity/full-write-is-short", .interface = "tmpfs", .level = CHECK_LINUX_OBSERVED, .run = full_write_is_short, PRIVATE,
     .clause = "write(2), ERRORS ENOSPC", .summary = "pwrite writes what there is room for, then fails with ENOSPC"},
    {.id = "capacity/holes-free", .interface = "fallocate", .level = CHECK_LINUX_DOCUMENTED, .run = holes_free, PRIVATE,
     .clause = "fallocate(2), FALLOC_FL_PUNCH_HOLE", .summary = "a punched hole reads as zeros and gives its pages back"},
    {.id = "capacity/remove-frees", .interface = "madvise", .level = CHECK_LINUX_DOCUMENTED, .run = remove_frees,
     .clause = "madvise(2), MADV_REMOVE", .summary = "MADV_REMOVE does the same, for every mapping"},
    {.id = "capacity/no-zero-range", .interface = "fallocate", .level = CHECK_LINUX_DOCUMENTED, .run = no_zero_range,
     .clause = "fallocate(2), ERRORS EOPNOTSUPP", .summary = "tmpfs has no zero range, collapse range or insert range"},
    {.id = "capacity/keep-size-takes", .interface = "fallocate", .level = CHECK_LINUX_DOCUMENTED, .run = keep_size_takes, PRIVATE,
     .clause = "fallocate(2), FALLOC_FL_KEEP_SIZE", .summary = "FALLOC_FL_KEEP_SIZE takes pages behind the end"},
    {.id = "capacity/shrinking-frees", .interface = "ftruncate", .level = CHECK_LINUX_OBSERVED, .run = shrinking_frees, PRIVATE,
     .clause = FTRUNCATE "DESCRIPTION: whole pages are discarded", .summary = "shrinking gives pages back at once"},
    {.id = "capacity/unlinking-heals", .interface = "shm_unlink", .level = CHECK_POSIX_MUST, .run = unlinking_heals, PRIVATE,
     .clause = SHM_UNLINK "DESCRIPTION: postponed until all references are removed",
     .summary = "a full tmpfs has room again when an object is unlinked and closed, not before"},
    {.id = "capacity/fallocate-under-signals", .interface = "posix_fallocate", .level = CHECK_LINUX_OBSERVED,
     .run = signals_do_not_stop_it, .needs = CHECK_NEEDS_MOUNTS, .shm = "size=32m",
     .clause = "POSIX.1-2024 posix_fallocate, ERRORS [EINTR]", .summary = "signals do not make reserving fail"},
    {.id = "capacity/cgroup-limit-kills", .interface = "cgroup", .level = CHECK_LINUX_DOCUMENTED, .run = limit_kills,
     .needs = CHECK_NEEDS_CGROUP | CHECK_NEEDS_MOUNTS, .shm = "size=128m", .clause = "cgroups(7); memory controller: OOM",
     .summary = "at the memory cgroup's limit a touch ends in SIGKILL, not in SIGBUS"},
    {.id = "capacity/cgroup-charge-stays", .interface = "cgroup", .level = CHECK_LINUX_DOCUMENTED, .run = charge_stays,
     .needs = CHECK_NEEDS_CGROUP | CHECK_NEEDS_MOUNTS, .shm = "size=128m", .clause = "cgroups(7); memory controller: memory ownership",
     .summary = "pages stay charged when their process has gone, until the object goes"},
    {0},
};
