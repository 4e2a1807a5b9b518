/* What a mapping allows, where it lies, and how it changes: protection, hints, large offsets, mremap. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
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
    check_fill(s.at, s.bytes, 1);
    return s;
}

static void protection_holds(struct check *c)
{
    struct scene s = set(c, 1);
    unsigned char *none = must_map(c, mmap(NULL, s.page, PROT_NONE, MAP_SHARED, s.fd, 0));
    expect_touch(c, touch_read(none + 9), SIGSEGV, SEGV_ACCERR, none + 9, "a read with PROT_NONE");
    expect_touch(c, touch_write(none + 9, 1), SIGSEGV, SEGV_ACCERR, none + 9, "a store with PROT_NONE");
    unsigned char *reading = must_map(c, mmap(NULL, s.page, PROT_READ, MAP_SHARED, s.fd, 0));
    expect_filled(c, reading, s.page, 1, "contents, with PROT_READ");
    expect_touch(c, touch_write(reading + 9, 1), SIGSEGV, SEGV_ACCERR, reading + 9, "a store with PROT_READ");
    expect_filled(c, s.at, s.page, 1, "contents after what was refused");
    expect_ok(c, mprotect(reading, s.page, PROT_READ | PROT_WRITE)); /* the descriptor allows it */
    expect_touch(c, touch_write(reading + 9, 1), 0, 0, NULL, "a store after mprotect");
    expect_number(c, s.at[9], 1, "what it stored, in another mapping");
    expect_ok(c, mprotect(none, s.page, PROT_READ));
    expect_number(c, touch_read(none + 9).value, 1, "what is read there once mprotect allows it");
}

static void protection_of_a_range(struct check *c)
{
    struct scene s = set(c, 4);
    expect_ok(c, mprotect(s.at + s.page, s.page + 1, PROT_READ)); /* rounded up: two pages */
    expect_touch(c, touch_write(s.at + s.page - 1, 1), 0, 0, NULL, "a store before the range");
    expect_touch(c, touch_write(s.at + s.page, 1), SIGSEGV, SEGV_ACCERR, s.at + s.page, "a store into its first byte");
    expect_touch(c, touch_write(s.at + 3 * s.page - 1, 1), SIGSEGV, SEGV_ACCERR, s.at + 3 * s.page - 1, "a store into its last byte");
    expect_touch(c, touch_write(s.at + 3 * s.page, 1), 0, 0, NULL, "a store behind it");
}

/* One range over two mappings of two objects, of 3 MiB together. */
static void protection_across(struct check *c)
{
    size_t half = (size_t)3 << 19;
    unsigned char *at = must_map(c, mmap(NULL, 2 * half, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int i = 0; i < 2; i++)
        must_map(c, mmap(at + (size_t)i * half, half, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, check_object(c, check_name(c), half), 0));
    expect_ok(c, mprotect(at, 2 * half, PROT_READ));
    expect_touch(c, touch_write(at, 1), SIGSEGV, SEGV_ACCERR, at, "a store at the start of a large range");
    expect_touch(c, touch_write(at + half, 1), SIGSEGV, SEGV_ACCERR, at + half, "a store at the start of its second mapping");
    expect_touch(c, touch_write(at + 2 * half - 1, 1), SIGSEGV, SEGV_ACCERR, at + 2 * half - 1, "a store at its end");
    expect_ok(c, mprotect(at, 2 * half, PROT_READ | PROT_WRITE));
    expect_touch(c, touch_write(at + 2 * half - 1, 1), 0, 0, NULL, "a store at its end, allowed again");
}

static void protection_wrongly(struct check *c)
{
    struct scene s = set(c, 3);
    expect_errno(c, mprotect(s.at + 1, s.page, PROT_READ), EINVAL);
    must(c, munmap(s.at + s.page, s.page));
    expect_errno(c, mprotect(s.at + s.page, s.page, PROT_READ), ENOMEM);
    expect_touch(c, touch_write(s.at + 1, 1), 0, 0, NULL, "a store after what was refused");
}

static void hint_replaces_nothing(struct check *c)
{
    struct scene s = set(c, 2), other = set(c, 1);
    unsigned char *at = mmap(s.at, s.page, PROT_READ, MAP_SHARED, other.fd, 0);
    if (!expect_true(c, at != MAP_FAILED && at != s.at, "a mapping at another address than the one that is taken", "%p, errno %d",
                     (void *)at, errno))
        return;
    check_fill(s.at, s.bytes, 2);
    expect_filled(c, s.at, s.bytes, 2, "what is mapped there");
    expect_filled(c, at, s.page, 1, "the other object");
    must(c, munmap(s.at, s.bytes));
    at = mmap(s.at, s.page, PROT_READ, MAP_SHARED, other.fd, 0);
    expect_true(c, at == s.at, "the address that was asked for, where nothing is mapped", "%p for %p", (void *)at, (void *)s.at);
}

static void far_offsets(struct check *c)
{
    const off_t far = (off_t)6 << 30; /* beyond 32 bits */
    struct scene s = set(c, 1);
    unsigned char byte = 0;
    must(c, ftruncate(s.fd, far + (off_t)s.page));
    unsigned char *at = must_map(c, mmap(NULL, s.page, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd, far));
    expect_fill(c, at, 0, s.page, "the page at 6 GiB");
    check_fill(at, s.page, 3);
    must(c, pread(s.fd, &byte, 1, far));
    expect_number(c, byte, at[0], "its first byte through pread");
    expect_filled(c, s.at, s.page, 1, "the page at 0");
    must(c, pread(s.fd, &byte, 1, far - ((off_t)4 << 30)));
    expect_number(c, byte, 0, "the byte at 2 GiB");
    expect_no_map(c, mmap(NULL, s.page, PROT_READ, MAP_SHARED, s.fd, (off_t)(INT64_MAX - (int64_t)s.page + 1)), EOVERFLOW);
}

static void mapped_twice(struct check *c)
{
    struct scene s = set(c, 2);
    unsigned char *second = must_map(c, mmap(NULL, s.page, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd, (off_t)s.page));
    unsigned char *third = must_map(c, mmap(NULL, s.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd, 0));
    check_fill(second, s.page, 5);
    expect_filled(c, s.at + s.page, s.page, 5, "the second page, stored through a mapping of it alone");
    expect_filled(c, third + s.page, s.page, 5, "the same in a third mapping");
    expect_bytes(c, third, s.at, s.page, "the first page, which nobody stored into");
    must(c, munmap(second, s.page));
    check_fill(third, s.page, 6);
    expect_filled(c, s.at, s.page, 6, "a store after one of the mappings has gone");
}

/* ---- mremap ---- */

static void twin(struct check *c)
{
    struct scene s = set(c, 2);
    unsigned char *other = mremap(s.at, 0, s.bytes, MREMAP_MAYMOVE);
    if (!expect_true(c, other != MAP_FAILED && other != s.at, "another mapping of the same pages", "errno %d", errno))
        return;
    expect_filled(c, other, s.bytes, 1, "contents in the second");
    check_fill(other, s.bytes, 2);
    expect_filled(c, s.at, s.bytes, 2, "its stores, in the first");
}

static void grows_and_moves(struct check *c)
{
    struct scene s = set(c, 2);
    unsigned char byte = 0;
    must(c, ftruncate(s.fd, (off_t)(4 * s.page)));
    /* something behind it, so that it must move */
    must_map(c, mmap(s.at + s.bytes, s.page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    unsigned char *old = s.at, *at = mremap(s.at, s.bytes, 4 * s.page, MREMAP_MAYMOVE);
    if (!expect_true(c, at != MAP_FAILED, "mremap makes the mapping longer", "errno %d", errno))
        return;
    expect_filled(c, at, s.bytes, 1, "contents");
    expect_touch(c, touch_write(at + 4 * s.page - 1, 3), 0, 0, NULL, "a store at the new end");
    must(c, pread(s.fd, &byte, 1, (off_t)(4 * s.page - 1)));
    expect_number(c, byte, 3, "the same through pread");
    if (at != old)
        expect_touch(c, touch_read(old), SIGSEGV, SEGV_MAPERR, old, "a read where it was before it moved");
}

static void shrinks(struct check *c)
{
    struct scene s = set(c, 3);
    unsigned char *at = mremap(s.at, s.bytes, s.page, 0);
    expect_true(c, at == s.at, "mremap makes the mapping shorter where it is", "%p for %p, errno %d", (void *)at, (void *)s.at, errno);
    expect_filled(c, s.at, s.page, 1, "contents of what is left");
    expect_touch(c, touch_read(s.at + s.page), SIGSEGV, SEGV_MAPERR, s.at + s.page, "a read behind it");
    unsigned char *whole = check_map(c, s.fd, s.bytes);
    expect_filled(c, whole, s.bytes, 1, "contents of the object");
}

const struct check_ops checks_protect[] = {
    {.id = "map/protection-holds", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = protection_holds,
     .clause = MMAP "DESCRIPTION: PROT_NONE, PROT_READ; POSIX.1-2024 mprotect, DESCRIPTION",
     .summary = "a mapping allows what was asked for and no more, until mprotect changes it"},
    {.id = "map/protection-of-a-range", .interface = "mprotect", .level = CHECK_POSIX_MUST, .run = protection_of_a_range,
     .clause = "POSIX.1-2024 mprotect, DESCRIPTION: whole pages containing any part",
     .summary = "mprotect changes exactly the pages that hold a part of the range"},
    {.id = "map/protection-across", .interface = "mprotect", .level = CHECK_POSIX_MUST, .run = protection_across,
     .clause = "POSIX.1-2024 mprotect, DESCRIPTION: whole pages containing any part",
     .summary = "mprotect changes a range of some megabytes over two mappings"},
    {.id = "map/protecting-wrongly", .interface = "mprotect", .level = CHECK_POSIX_MUST, .run = protection_wrongly,
     .clause = "POSIX.1-2024 mprotect, ERRORS [EINVAL], [ENOMEM]",
     .summary = "an address within a page, and a range that is not mapped, are refused"},
    {.id = "map/hint-replaces-nothing", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = hint_replaces_nothing,
     .clause = MMAP "DESCRIPTION: without MAP_FIXED, shall not replace any extant mapping",
     .summary = "an address without MAP_FIXED is taken if it is free, and replaces nothing"},
    {.id = "map/far-offsets", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = far_offsets,
     .clause = MMAP "DESCRIPTION: off; ERRORS [EOVERFLOW]", .summary = "offsets beyond 4 GiB are their own; one that no object can have is refused"},
    {.id = "map/several-mappings", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = mapped_twice,
     .clause = MMAP "DESCRIPTION: MAP_SHARED", .summary = "mappings of parts of an object share the pages that they have in common"},
    {.id = "map/mremap-duplicates", .interface = "mremap", .level = CHECK_LINUX_DOCUMENTED, .run = twin,
     .clause = "mremap(2), old_size of zero", .summary = "mremap of size 0 makes a second mapping of the same pages"},
    {.id = "map/mremap-grows", .interface = "mremap", .level = CHECK_LINUX_DOCUMENTED, .run = grows_and_moves,
     .clause = "mremap(2), DESCRIPTION", .summary = "mremap makes a mapping longer, with its contents, still shared, and gone from its old place"},
    {.id = "map/mremap-shrinks", .interface = "mremap", .level = CHECK_LINUX_DOCUMENTED, .run = shrinks,
     .clause = "mremap(2), DESCRIPTION", .summary = "mremap makes a mapping shorter, and the object stays as it is"},
    {0},
};
