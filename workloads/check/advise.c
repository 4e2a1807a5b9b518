/* Advising, flushing and locking pages: madvise, msync, mlock. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/check/rows.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

#ifdef SANITIZED /* the sanitizers make these two do nothing */
#define mlock(at, bytes) (int)syscall(SYS_mlock, (at), (bytes))
#define munlock(at, bytes) (int)syscall(SYS_munlock, (at), (bytes))
#endif

struct scene {
    int fd;
    size_t page;
    unsigned char *at; /* four pages */
};

static struct scene set(struct check *c)
{
    struct scene s = {.page = check_page()};
    s.fd = check_object(c, check_name(c), 4 * s.page);
    s.at = check_map(c, s.fd, 4 * s.page);
    check_fill(s.at, 4 * s.page, 1);
    return s;
}

static void dontneed_keeps_shared(struct check *c)
{
    struct scene s = set(c);
    unsigned char *private = must_map(c, mmap(NULL, s.page, PROT_READ | PROT_WRITE, MAP_PRIVATE, s.fd, 0));
    check_fill(private, s.page, 2);
    expect_ok(c, madvise(s.at, 4 * s.page, MADV_DONTNEED));
    expect_filled(c, s.at, 4 * s.page, 1, "a shared mapping after MADV_DONTNEED");
    expect_ok(c, madvise(private, s.page, MADV_DONTNEED));
    expect_filled(c, private, s.page, 1, "a private mapping after MADV_DONTNEED: the object's contents again");
}

static void do_and_dont(struct check *c, void *user)
{
    struct scene *s = user;
    expect_touch(c, touch_read(s->at), 0, 0, NULL, "a read in the child of a page that was taken in again");
    expect_touch(c, touch_read(s->at + s->page), SIGSEGV, SEGV_MAPERR, s->at + s->page, "a read of one that is left out");
    expect_touch(c, touch_read(s->at + 2 * s->page), 0, 0, NULL, "a read of one that never was");
}

static void dofork_undoes(struct check *c)
{
    struct scene s = set(c);
    expect_ok(c, madvise(s.at, 2 * s.page, MADV_DONTFORK));
    expect_ok(c, madvise(s.at, s.page, MADV_DOFORK));
    struct check_peer child = check_start(c, do_and_dont, &s);
    expect_end(c, &child);
}

static void not_for_shared(struct check *c)
{
    struct scene s = set(c);
    expect_errno(c, madvise(s.at, s.page, MADV_FREE), EINVAL);
    expect_errno(c, madvise(s.at, s.page, MADV_WIPEONFORK), EINVAL);
    expect_errno(c, madvise(s.at, s.page, 12345), EINVAL);
    expect_filled(c, s.at, 4 * s.page, 1, "contents");
}

static void posix_advice_is_harmless(struct check *c)
{
    static const int advices[] = {POSIX_MADV_NORMAL, POSIX_MADV_SEQUENTIAL, POSIX_MADV_RANDOM, POSIX_MADV_WILLNEED,
                                  POSIX_MADV_DONTNEED};
    struct scene s = set(c);
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        expect_rc(c, posix_madvise(s.at, 4 * s.page, advices[i]), 0);
    expect_filled(c, s.at, 4 * s.page, 1, "contents");
}

static void posix_advice_is_checked(struct check *c)
{
    struct scene s = set(c);
    expect_rc(c, posix_madvise(s.at, s.page, 4711), EINVAL);
    expect_rc(c, posix_madvise(s.at + 1, s.page, POSIX_MADV_NORMAL), EINVAL);
    must(c, munmap(s.at, s.page));
    expect_rc(c, posix_madvise(s.at, s.page, POSIX_MADV_WILLNEED), ENOMEM);
}

static void huge_is_only_advice(struct check *c)
{
    char text[128] = "";
    size_t bytes = 4 << 20;
    if (!check_first_line("/sys/kernel/mm/transparent_hugepage/shmem_enabled", text, sizeof text))
        check_unsupported(c, "needs transparent huge pages: this kernel has none for shared memory");
    int fd = check_object(c, check_name(c), bytes);
    unsigned char *at = check_map(c, fd, bytes);
    expect_ok(c, madvise(at, bytes, MADV_HUGEPAGE));
    touch_write(at, 1);
    struct stat st;
    must(c, fstat(fd, &st));
    check_needs_tmpfs(c);
    if (check_counts_pages(c) && (strstr(text, "[never]") || strstr(text, "[deny]")))
        expect_number(c, st.st_blocks, (long long)check_page() / 512, "st_blocks after one touch, with %s", text);
    else
        expect_true(c, st.st_blocks > 0, "at least a page is taken", "none");
}

static void huge_pool_may_be_empty(struct check *c)
{
    char text[64] = "";
    if (!check_proc_line(getpid(), "../meminfo", "HugePages_Free:", NULL, text, sizeof text))
        check_unsupported(c, "needs huge pages: this kernel has none");
    int fd = memfd_create("shmoo-check", MFD_CLOEXEC | MFD_HUGETLB);
    if (fd < 0 && (errno == ENOSYS || errno == EINVAL || errno == ENODEV))
        check_unsupported(c, "needs huge pages: memfd_create refuses MFD_HUGETLB");
    must(c, fd);
    long free_pages = atol(strchr(text, ':') + 1);
    if (free_pages > 0 ||
        (check_first_line("/proc/sys/vm/nr_overcommit_hugepages", text, sizeof text) && atol(text) > 0))
        check_unsupported(c, "needs an empty pool of huge pages: there are some here");
    expect_no_map(c, mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), ENOMEM);
}

/* ---- msync ---- */

static void msync_arguments(struct check *c)
{
    struct scene s = set(c);
    expect_ok(c, msync(s.at, 4 * s.page, MS_SYNC));
    expect_ok(c, msync(s.at, 4 * s.page, MS_ASYNC));
    expect_ok(c, msync(s.at, s.page, MS_SYNC | MS_INVALIDATE));
    expect_ok(c, msync(s.at, s.page, MS_ASYNC | MS_INVALIDATE));
    expect_filled(c, s.at, 4 * s.page, 1, "contents after MS_INVALIDATE");
    expect_errno(c, msync(s.at + 1, s.page, MS_SYNC), EINVAL);
    expect_errno(c, msync(s.at, s.page, MS_SYNC | MS_ASYNC), EINVAL);
    expect_errno(c, msync(s.at, s.page, MS_SYNC | 0x4000), EINVAL);
    expect_filled(c, s.at, 4 * s.page, 1, "contents");
    must(c, munmap(s.at + s.page, s.page));
    expect_errno(c, msync(s.at, 4 * s.page, MS_SYNC), ENOMEM);
}

static void msync_of_locked(struct check *c)
{
    struct scene s = set(c);
    if (mlock(s.at, s.page) != 0)
        check_unsupported(c, "needs to lock a page: RLIMIT_MEMLOCK is too low");
    expect_errno(c, msync(s.at, s.page, MS_SYNC | MS_INVALIDATE), EBUSY);
    must(c, munlock(s.at, s.page));
    expect_ok(c, msync(s.at, s.page, MS_SYNC | MS_INVALIDATE));
}

/* POSIX marks st_mtime between a store and the next msync. */
static void msync_moves_mtime(struct check *c)
{
    struct scene s = set(c);
    struct stat before, after;
    must(c, msync(s.at, s.page, MS_SYNC));
    must(c, fstat(s.fd, &before));
    check_pause_ms(20);
    s.at[0] ^= 0xff;
    must(c, msync(s.at, s.page, MS_SYNC));
    must(c, fstat(s.fd, &after));
    if (before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
        check_deviates(c, "st_mtime moves after a store and msync", "it stays",
                       "tmpfs moves it at a page's first write fault only: the time cannot tell when an object was last used");
    else
        expect_true(c, after.st_mtim.tv_sec > before.st_mtim.tv_sec ||
                           (after.st_mtim.tv_sec == before.st_mtim.tv_sec && after.st_mtim.tv_nsec > before.st_mtim.tv_nsec),
                    "st_mtime moves forward", "it moves backward");
}

/* ---- mlock ---- */

static void mlock_is_limited(struct check *c)
{
    struct scene s = set(c);
    check_be_ordinary(c);
    struct rlimit limit = {0, 0};
    must(c, getrlimit(RLIMIT_MEMLOCK, &limit));
    if (limit.rlim_max < s.page)
        check_unsupported(c, "needs to lock a page: RLIMIT_MEMLOCK is too low");
    limit.rlim_cur = s.page;
    must(c, setrlimit(RLIMIT_MEMLOCK, &limit));
    expect_ok(c, mlock(s.at, s.page));
    expect_errno(c, mlock(s.at, 2 * s.page), ENOMEM);
    must(c, munlock(s.at, s.page));
    limit.rlim_cur = 0;
    must(c, setrlimit(RLIMIT_MEMLOCK, &limit));
    expect_errno(c, mlock(s.at, s.page), EPERM);
}

static void mlock_brings_pages(struct check *c)
{
    size_t page = check_page();
    struct stat st;
    int fd = check_object(c, check_name(c), 4 * page);
    unsigned char *at = check_map(c, fd, 4 * page);
    if (mlock(at, 2 * page) != 0)
        check_unsupported(c, "needs to lock two pages: RLIMIT_MEMLOCK is too low");
    must(c, fstat(fd, &st));
    if (check_counts_pages(c))
        expect_number(c, st.st_blocks, 2 * (long long)page / 512, "st_blocks of two locked pages");
    expect_ok(c, munmap(at, 4 * page)); /* locked pages can be unmapped */
    expect_errno(c, mlock(at, page), ENOMEM);
}

/* What /proc/PID/status says in this line, in KiB; -1: nothing. */
static long status_kb(const char *key)
{
    char line[128] = "";
    return check_proc_line(getpid(), "status", key, NULL, line, sizeof line) ? atol(line + strlen(key)) : -1;
}

static void look_for_locks(struct check *c, void *user)
{
    (void)user;
    expect_number(c, status_kb("VmLck:"), 0, "KiB that the child has locked");
}

static void mlock_is_not_inherited(struct check *c)
{
    struct scene s = set(c);
    if (mlock(s.at, 4 * s.page) != 0)
        check_unsupported(c, "needs to lock four pages: RLIMIT_MEMLOCK is too low");
    expect_number(c, status_kb("VmLck:"), 4 * (long)s.page / 1024, "KiB that are locked");
    struct check_peer child = check_start(c, look_for_locks, NULL);
    expect_end(c, &child);
    must(c, munlock(s.at, 2 * s.page));
    expect_number(c, status_kb("VmLck:"), 2 * (long)s.page / 1024, "KiB that are locked after munlock of a half");
    must(c, munmap(s.at, 4 * s.page));
    expect_number(c, status_kb("VmLck:"), 0, "KiB that are locked after munmap");
}

static void cold_keeps_data(struct check *c)
{
    struct scene s = set(c);
    unsigned char *other = check_map(c, s.fd, 4 * s.page);
    if (madvise(s.at, 4 * s.page, MADV_COLD) != 0 && errno == EINVAL)
        check_unsupported(c, "needs MADV_COLD and MADV_PAGEOUT: this kernel has neither (Linux 5.4)");
    expect_ok(c, madvise(s.at, 4 * s.page, MADV_PAGEOUT));
    expect_filled(c, other, 4 * s.page, 1, "contents, in another mapping");
    expect_filled(c, s.at, 4 * s.page, 1, "contents");
}

const struct check_ops checks_advise[] = {
    {.id = "advise/dontneed-keeps-shared", .interface = "madvise", .level = CHECK_LINUX_DOCUMENTED, .run = dontneed_keeps_shared,
     .clause = "madvise(2), MADV_DONTNEED", .summary = "MADV_DONTNEED keeps shared data, and drops private copies"},
    {.id = "advise/dofork-undoes", .interface = "madvise", .level = CHECK_LINUX_DOCUMENTED, .run = dofork_undoes,
     .clause = "madvise(2), MADV_DONTFORK, MADV_DOFORK", .summary = "MADV_DOFORK takes pages in again that MADV_DONTFORK left out"},
    {.id = "advise/not-for-shared", .interface = "madvise", .level = CHECK_LINUX_DOCUMENTED, .run = not_for_shared,
     .clause = "madvise(2), MADV_FREE, MADV_WIPEONFORK: private anonymous pages only",
     .summary = "MADV_FREE, MADV_WIPEONFORK and unknown advice are refused"},
    {.id = "advise/posix-advice-is-harmless", .interface = "posix_madvise", .level = CHECK_POSIX_MUST,
     .run = posix_advice_is_harmless, .clause = "POSIX.1-2024 posix_madvise, DESCRIPTION: no effect on semantics",
     .summary = "no advice of POSIX changes the data, DONTNEED included"},
    {.id = "advise/posix-advice-is-checked", .interface = "posix_madvise", .level = CHECK_POSIX_MUST, .run = posix_advice_is_checked,
     .clause = "POSIX.1-2024 posix_madvise, ERRORS [EINVAL], [ENOMEM]; RETURN VALUE: an error number",
     .summary = "unknown advice, and a range that is not mapped, are refused by the return value"},
    {.id = "advise/huge-is-only-advice", .interface = "madvise", .level = CHECK_LINUX_DOCUMENTED, .run = huge_is_only_advice,
     .clause = "madvise(2), MADV_HUGEPAGE; transparent_hugepage/shmem_enabled", .needs = CHECK_NEEDS_HUGE,
     .summary = "MADV_HUGEPAGE is accepted, and follows shmem_enabled"},
    {.id = "advise/huge-pool-may-be-empty", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED,
     .run = huge_pool_may_be_empty, .clause = "memfd_create(2), MFD_HUGETLB; mmap(2), ERRORS ENOMEM", .needs = CHECK_NEEDS_HUGE,
     .summary = "MFD_HUGETLB with an empty pool cannot be mapped"},
    {.id = "advise/msync-arguments", .interface = "msync", .level = CHECK_POSIX_MUST, .run = msync_arguments,
     .clause = "POSIX.1-2024 msync, ERRORS [EINVAL], [ENOMEM]", .summary = "msync takes and refuses what it should, and changes no data"},
    {.id = "advise/msync-of-locked", .interface = "msync", .level = CHECK_POSIX_MUST, .run = msync_of_locked,
     .clause = "POSIX.1-2024 msync, ERRORS [EBUSY]", .summary = "MS_INVALIDATE of locked pages is refused"},
    {.id = "advise/msync-moves-mtime", .interface = "msync", .level = CHECK_POSIX_MUST, .run = msync_moves_mtime,
     .clause = MMAP "DESCRIPTION: last data modification timestamp", .summary = "a store, then msync, moves st_mtime"},
    {.id = "advise/mlock-is-limited", .interface = "mlock", .level = CHECK_LINUX_DOCUMENTED, .run = mlock_is_limited,
     .clause = "mlock(2), ERRORS ENOMEM, EPERM", .summary = "RLIMIT_MEMLOCK holds for shared memory: ENOMEM beyond it, EPERM when it is 0"},
    {.id = "advise/mlock-is-not-inherited", .interface = "mlock", .level = CHECK_POSIX_MUST, .run = mlock_is_not_inherited,
     .clause = "POSIX.1-2024 fork, DESCRIPTION: memory locks; munlock, munmap, DESCRIPTION", .needs = CHECK_NEEDS_PROC,
     .summary = "locks are not a child's, and go with munlock and munmap"},
    {.id = "advise/cold-keeps-data", .interface = "madvise", .level = CHECK_LINUX_DOCUMENTED, .run = cold_keeps_data,
     .clause = "madvise(2), MADV_COLD, MADV_PAGEOUT", .summary = "MADV_COLD and MADV_PAGEOUT lose nothing"},
    {.id = "advise/mlock-brings-pages", .interface = "mlock", .level = CHECK_POSIX_MUST, .run = mlock_brings_pages,
     .clause = "POSIX.1-2024 mlock, DESCRIPTION: memory-resident; ERRORS [ENOMEM]",
     .summary = "locking brings exactly those pages in, and does not hinder munmap"},
    {0},
};
