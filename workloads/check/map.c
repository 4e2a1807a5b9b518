/* Mapping: what mmap, munmap and mprotect do with an object; what madvise, msync and mlock add is in advise.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "workloads/check/rows.h"

/* One object, some pages, one mapping. */
struct scene {
    const char *name;
    int fd;
    size_t page, bytes;
    unsigned char *at;
};

static struct scene set(struct check *c, size_t pages)
{
    struct scene s = {.name = check_name(c), .page = check_page(), .bytes = pages * check_page()};
    s.fd = check_object(c, s.name, s.bytes);
    s.at = check_map(c, s.fd, s.bytes);
    return s;
}

static void store_by_name(struct check *c, void *user)
{
    int fd = (int)must(c, shm_open(user, O_RDWR, 0));
    unsigned char *at = check_map(c, fd, 2 * check_page());
    expect_filled(c, at, 2 * check_page(), 1, "the other's stores, in this process");
    check_fill(at, 2 * check_page(), 2);
    tell(c->channel, 1);
    hear(c->channel);
}

static void stores_are_shared(struct check *c)
{
    struct scene s = set(c, 2);
    unsigned char *other = check_map(c, s.fd, s.bytes), bytes[100];
    check_fill(s.at, s.bytes, 1);
    expect_true(c, other != s.at, "another address", "the same one");
    expect_filled(c, other, s.bytes, 1, "another mapping");
    must(c, pread(s.fd, bytes, sizeof bytes, 0));
    expect_filled(c, bytes, sizeof bytes, 1, "pread");
    struct check_peer peer = check_start(c, store_by_name, (void *)(uintptr_t)s.name);
    hear(peer.channel);
    expect_filled(c, s.at, s.bytes, 2, "another process's stores, while it lives");
    expect_filled(c, other, s.bytes, 2, "the same in the other mapping");
    tell(peer.channel, 1);
    expect_end(c, &peer);
    must(c, pwrite(s.fd, "written", 7, (off_t)s.page));
    expect_bytes(c, s.at + s.page, "written", 7, "pwrite, in the mapping");
}

static void private_stays_private(struct check *c)
{
    struct scene s = set(c, 2);
    check_fill(s.at, s.bytes, 1);
    unsigned char *own = must_map(c, mmap(NULL, s.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, s.fd, 0)), bytes[64];
    expect_filled(c, own, s.bytes, 1, "a private mapping, at first");
    check_fill(own, s.bytes, 2);
    expect_filled(c, s.at, s.bytes, 1, "the object, after a store into the private mapping");
    must(c, pread(s.fd, bytes, sizeof bytes, 0));
    expect_filled(c, bytes, sizeof bytes, 1, "pread");
    check_fill(s.at, s.bytes, 3);
    expect_filled(c, own, s.bytes, 2, "the private copy, after a store into the object");
    must(c, msync(own, s.bytes, MS_SYNC));
    expect_filled(c, s.at, s.bytes, 3, "the object, after msync of the private mapping");
    must(c, munmap(own, s.bytes));
    expect_filled(c, s.at, s.bytes, 3, "the object, after the private mapping has gone");
}

static void private_on_read_only(struct check *c)
{
    struct scene s = set(c, 1);
    int fd = (int)must(c, shm_open(s.name, O_RDONLY, 0));
    unsigned char *own = mmap(NULL, s.page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (!expect_true(c, own != MAP_FAILED, "a private writable mapping of a read-only descriptor", "errno %d", errno))
        return;
    expect_touch(c, touch_write(own, 5), 0, 0, NULL, "a store into it");
    expect_number(c, s.at[0], 0, "the object");
}

static void read_only_is_kept(struct check *c)
{
    struct scene s = set(c, 1);
    int fd = (int)must(c, shm_open(s.name, O_RDONLY, 0));
    expect_no_map(c, mmap(NULL, s.page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    expect_no_map(c, mmap(NULL, s.page, PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    unsigned char *at = must_map(c, mmap(NULL, s.page, PROT_READ, MAP_SHARED, fd, 0));
    expect_touch(c, touch_write(at, 1), SIGSEGV, SEGV_ACCERR, at, "a store into a mapping for reading");
    expect_touch(c, touch_read(at), 0, 0, NULL, "a read of it");
    expect_errno(c, mprotect(at, s.page, PROT_READ | PROT_WRITE), EACCES);
    expect_touch(c, touch_write(at, 1), SIGSEGV, SEGV_ACCERR, at, "a store after mprotect was refused");
}

static void protection_can_change(struct check *c)
{
    struct scene s = set(c, 2);
    check_fill(s.at, s.bytes, 1);
    must(c, mprotect(s.at, s.page, PROT_NONE));
    expect_touch(c, touch_read(s.at), SIGSEGV, SEGV_ACCERR, s.at, "a read with PROT_NONE");
    expect_touch(c, touch_write(s.at + s.page, 1), 0, 0, NULL, "a store into the page behind");
    must(c, mprotect(s.at, s.page, PROT_READ));
    expect_touch(c, touch_write(s.at, 1), SIGSEGV, SEGV_ACCERR, s.at, "a store with PROT_READ");
    expect_filled(c, s.at, s.page, 1, "contents");
    must(c, mprotect(s.at, s.page, PROT_READ | PROT_WRITE));
    expect_touch(c, touch_write(s.at, 1), 0, 0, NULL, "a store with PROT_WRITE again");
}

static void invalid_arguments(struct check *c)
{
    struct scene s = set(c, 2);
    expect_no_map(c, mmap(NULL, 0, PROT_READ, MAP_SHARED, s.fd, 0), EINVAL);
    expect_no_map(c, mmap(NULL, s.page, PROT_READ, MAP_SHARED, s.fd, 100), EINVAL);
    expect_no_map(c, mmap(NULL, s.page, PROT_READ, 0, s.fd, 0), EINVAL);
    expect_no_map(c, mmap((void *)(s.at + 1), s.page, PROT_READ, MAP_SHARED | MAP_FIXED, s.fd, 0), EINVAL);
}

static void no_descriptor(struct check *c)
{
    struct scene s = set(c, 1);
    int ends[2];
    must(c, close(s.fd));
    expect_no_map(c, mmap(NULL, s.page, PROT_READ, MAP_SHARED, s.fd, 0), EBADF);
    must(c, pipe(ends));
    expect_no_map(c, mmap(NULL, s.page, PROT_READ, MAP_SHARED, ends[0], 0), ENODEV);
}

static void too_large(struct check *c)
{
    struct scene s = set(c, 1);
    expect_no_map(c, mmap(NULL, (size_t)1 << 62, PROT_READ, MAP_SHARED, s.fd, 0), ENOMEM);
    struct rlimit limit = {0};
    must(c, getrlimit(RLIMIT_AS, &limit));
    limit.rlim_cur = 1 << 20; /* less than the process has: nothing more */
    must(c, setrlimit(RLIMIT_AS, &limit));
    int rc = mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, s.fd, 0) == MAP_FAILED ? errno : 0;
    limit.rlim_cur = limit.rlim_max;
    must(c, setrlimit(RLIMIT_AS, &limit));
    expect_rc(c, rc, ENOMEM);
}

static void offsets_count(struct check *c)
{
    struct scene s = set(c, 4);
    for (size_t i = 0; i < 4; i++)
        check_fill(s.at + i * s.page, s.page, (unsigned)i + 1);
    for (size_t i = 0; i < 4; i++) {
        unsigned char *one = must_map(c, mmap(NULL, s.page, PROT_READ, MAP_SHARED, s.fd, (off_t)(i * s.page)));
        expect_filled(c, one, s.page, (unsigned)i + 1, "the page at its offset");
    }
}

static void survives_close(struct check *c)
{
    struct scene s = set(c, 1);
    check_fill(s.at, s.page, 1);
    must(c, close(s.fd));
    expect_filled(c, s.at, s.page, 1, "contents after close");
    check_fill(s.at, s.page, 2);
    int fd = (int)must(c, shm_open(s.name, O_RDWR, 0));
    expect_filled(c, check_map(c, fd, s.page), s.page, 2, "what was stored after close, by name");
}

static void unmapped_is_gone(struct check *c)
{
    struct scene s = set(c, 2);
    unsigned char *other = check_map(c, s.fd, s.bytes);
    check_fill(s.at, s.bytes, 1);
    expect_ok(c, munmap(s.at, s.bytes));
    expect_touch(c, touch_read(s.at), SIGSEGV, SEGV_MAPERR, s.at, "a read of the first page");
    expect_touch(c, touch_write(s.at + s.bytes - 1, 1), SIGSEGV, SEGV_MAPERR, s.at + s.bytes - 1, "a write to the last byte");
    expect_filled(c, other, s.bytes, 1, "another mapping of the object");
}

static void unmapping_a_part(struct check *c)
{
    struct scene s = set(c, 3);
    check_fill(s.at, s.bytes, 1);
    expect_ok(c, munmap(s.at + s.page, 1)); /* rounded up to the page */
    expect_touch(c, touch_read(s.at + s.page), SIGSEGV, SEGV_MAPERR, s.at + s.page, "a read of the page that was unmapped");
    expect_touch(c, touch_read(s.at + s.page - 1), 0, 0, NULL, "a read before it");
    expect_touch(c, touch_write(s.at + 2 * s.page, 1), 0, 0, NULL, "a write behind it");
}

static void unmapping_wrongly(struct check *c)
{
    struct scene s = set(c, 2);
    expect_errno(c, munmap(s.at + 1, s.page), EINVAL);
    expect_errno(c, munmap(s.at, 0), EINVAL);
    expect_touch(c, touch_read(s.at), 0, 0, NULL, "a read afterwards");
    must(c, munmap(s.at, s.bytes));
    expect_ok(c, munmap(s.at, s.bytes)); /* nothing there: no error */
}

static void fixed_replaces(struct check *c)
{
    struct scene s = set(c, 2), other = set(c, 1);
    check_fill(s.at, s.bytes, 1);
    check_fill(other.at, other.bytes, 2);
    void *at = mmap(s.at, s.page, PROT_READ, MAP_SHARED | MAP_FIXED, other.fd, 0);
    expect_true(c, at == s.at, "MAP_FIXED gives the address that was asked for", "%p for %p", at, (void *)s.at);
    expect_filled(c, s.at, s.page, 2, "the other object in its place");
    unsigned char *again = check_map(c, s.fd, s.bytes);
    expect_bytes(c, s.at + s.page, again + s.page, s.page, "the page behind, which is the first object's still");
    must(c, munmap(other.at, other.bytes));
    expect_filled(c, again, s.bytes, 1, "the object that was mapped there before");
}

/* Whole pages, and no more: what /proc shows is what there is. */
static void exact_length(struct check *c)
{
    char line[512], wanted[64];
    struct scene s = set(c, 4);
    must(c, munmap(s.at, s.bytes));
    const size_t lengths[] = {1, s.page - 1, s.page, s.page + 1, 3 * s.page};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        unsigned char *at = check_map(c, s.fd, lengths[i]);
        unsigned long from = (unsigned long)(uintptr_t)at, to = from + (lengths[i] + s.page - 1) / s.page * s.page;
        snprintf(wanted, sizeof wanted, "%lx-%lx rw-s 00000000 ", from, to);
        if (!check_proc_line(getpid(), "maps", s.name, NULL, line, sizeof line))
            check_fail(c, "/proc/self/maps holds the mapping", "it does not");
        expect_text(c, line, wanted, "the mapping in /proc/self/maps");
        must(c, munmap(at, lengths[i]));
        expect_true(c, !check_proc_line(getpid(), "maps", s.name, NULL, NULL, 0), "no mapping of it after munmap", "there is one");
    }
}

/* KiB of the mapping of this object that are resident, counted page by page. */
static long resident_kb(struct check *c, const char *name)
{
    char line[512];
    bool here = false;
    long seen = -1;
    FILE *lines = fopen("/proc/self/smaps", "re");
    while (lines && seen < 0 && fgets(line, sizeof line, lines)) {
        here |= strstr(line, name) != NULL;
        if (here && strncmp(line, "Rss:", 4) == 0)
            seen = atol(line + 4);
    }
    if (lines)
        fclose(lines);
    if (seen < 0)
        check_unsupported(c, "needs /proc/PID/smaps, which this kernel does not have");
    return seen;
}

static void resident_pages_are_told(struct check *c)
{
    struct scene s = set(c, 8);
    long page_kb = (long)s.page / 1024;
    if (!check_counts_pages(c))
        check_unsupported(c, "needs a tmpfs without huge pages: /dev/shm is of another kind here");
    expect_number(c, resident_kb(c, s.name), 0, "KiB resident of eight pages that nobody touched");
    check_fill(s.at, 3 * s.page, 1);
    expect_number(c, resident_kb(c, s.name), 3 * page_kb, "KiB resident after three were touched");
    expect_ok(c, madvise(s.at, s.bytes, MADV_DONTNEED));
    expect_number(c, resident_kb(c, s.name), 0, "KiB resident after MADV_DONTNEED");
    expect_filled(c, s.at, 3 * s.page, 1, "contents, which the object has kept");
}

static void fixed_noreplace(struct check *c)
{
    struct scene s = set(c, 1);
    check_fill(s.at, s.page, 1);
    int flags = MAP_SHARED | MAP_FIXED_NOREPLACE;
    expect_no_map(c, mmap(s.at, s.page, PROT_READ, flags, s.fd, 0), EEXIST);
    expect_filled(c, s.at, s.page, 1, "what is mapped there");
}

static void validated_flags(struct check *c)
{
    struct scene s = set(c, 1);
    expect_no_map(c, mmap(NULL, s.page, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, s.fd, 0), EOPNOTSUPP);
    expect_true(c, mmap(NULL, s.page, PROT_READ, MAP_SHARED_VALIDATE, s.fd, 0) != MAP_FAILED,
                "MAP_SHARED_VALIDATE alone maps", "errno %d", errno);
}

const struct check_ops checks_map[] = {
    {.id = "map/stores-are-shared", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = stores_are_shared,
     .clause = MMAP "DESCRIPTION: MAP_SHARED", .summary = "stores are seen through other mappings, pread and other processes, and pwrite in mappings"},
    {.id = "map/private-stays-private", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = private_stays_private,
     .clause = MMAP "DESCRIPTION: MAP_PRIVATE", .summary = "private stores change neither the object nor are they changed by it"},
    {.id = "map/private-of-read-only", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = private_on_read_only,
     .clause = MMAP "DESCRIPTION: PROT_WRITE with MAP_PRIVATE", .summary = "a private mapping may be written through a read-only descriptor"},
    {.id = "map/read-only-is-kept", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = read_only_is_kept,
     .clause = MMAP "ERRORS [EACCES]; POSIX.1-2024 mprotect, ERRORS [EACCES]",
     .summary = "a read-only descriptor gives no shared mapping for writing, at once or by mprotect"},
    {.id = "map/protection-changes", .interface = "mprotect", .level = CHECK_POSIX_MUST, .run = protection_can_change,
     .clause = "POSIX.1-2024 mprotect, DESCRIPTION", .summary = "mprotect takes access page by page, and gives it back"},
    {.id = "map/invalid-arguments", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = invalid_arguments,
     .clause = MMAP "ERRORS [EINVAL]", .summary = "length 0, an offset within a page, and neither shared nor private are refused"},
    {.id = "map/bad-descriptor", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = no_descriptor,
     .clause = MMAP "ERRORS [EBADF], [ENODEV]", .summary = "a closed descriptor and a pipe are refused"},
    {.id = "map/too-large", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = too_large,
     .clause = MMAP "ERRORS [ENOMEM]", .summary = "more than the address space or RLIMIT_AS allows is ENOMEM"},
    {.id = "map/offsets-count", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = offsets_count,
     .clause = MMAP "DESCRIPTION: off", .summary = "an offset maps exactly the page that lies there"},
    {.id = "map/survives-close", .interface = "close", .level = CHECK_POSIX_MUST, .run = survives_close,
     .clause = MMAP "DESCRIPTION: a reference that close() does not remove", .summary = "a mapping goes on when its descriptor is closed"},
    {.id = "map/unmapped-is-gone", .interface = "munmap", .level = CHECK_POSIX_MUST, .run = unmapped_is_gone,
     .clause = "POSIX.1-2024 munmap, DESCRIPTION: SIGSEGV", .summary = "unmapped memory is a SIGSEGV, all of it; other mappings stay"},
    {.id = "map/unmapping-a-part", .interface = "munmap", .level = CHECK_POSIX_MUST, .run = unmapping_a_part,
     .clause = "POSIX.1-2024 munmap, DESCRIPTION: entire pages", .summary = "whole pages are unmapped, and no others"},
    {.id = "map/unmapping-wrongly", .interface = "munmap", .level = CHECK_POSIX_MUST, .run = unmapping_wrongly,
     .clause = "POSIX.1-2024 munmap, ERRORS [EINVAL]", .summary = "an address within a page and length 0 are refused; nothing to unmap is no error"},
    {.id = "map/fixed-replaces", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = fixed_replaces,
     .clause = MMAP "DESCRIPTION: MAP_FIXED", .summary = "MAP_FIXED replaces exactly the pages that it is given"},
    {.id = "map/exact-length", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = exact_length, .needs = CHECK_NEEDS_PROC,
     .clause = MMAP "DESCRIPTION: whole pages", .summary = "exactly the pages that hold the length are mapped, and unmapped"},
    {.id = "map/resident-pages-told", .interface = "/proc", .level = CHECK_LINUX_DOCUMENTED, .run = resident_pages_are_told,
     .clause = "proc_pid_smaps(5), Rss; madvise(2), MADV_DONTNEED", .needs = CHECK_NEEDS_PROC,
     .summary = "smaps counts the pages that are touched; MADV_DONTNEED drops them from the process, not from the object"},
    {.id = "map/fixed-noreplace", .interface = "mmap", .level = CHECK_LINUX_DOCUMENTED, .run = fixed_noreplace,
     .clause = "mmap(2), MAP_FIXED_NOREPLACE", .summary = "MAP_FIXED_NOREPLACE replaces nothing"},
    {.id = "map/validated-flags", .interface = "mmap", .level = CHECK_LINUX_DOCUMENTED, .run = validated_flags,
     .clause = "mmap(2), MAP_SHARED_VALIDATE, ERRORS EOPNOTSUPP", .summary = "MAP_SHARED_VALIDATE refuses flags that tmpfs does not have"},
    {0},
};
