/* Volume: objects that are large, that are mostly holes, or that come and go many times. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "workloads/check/rows.h"

#define MEGABYTES 6
#define BYTES ((size_t)MEGABYTES * 1024 * 1024 + 321)

static void compare_and_fill(struct check *c, void *user)
{
    int fd = (int)must(c, shm_open(user, O_RDWR, 0));
    unsigned char *at = check_map(c, fd, BYTES);
    expect_filled(c, at, BYTES, 1, "megabytes, in another process");
    check_fill(at, BYTES, 2);
}

static void megabytes(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, BYTES);
    unsigned char *at = check_map(c, fd, BYTES);
    expect_fill(c, at, 0, BYTES, "megabytes that are new");
    check_fill(at, BYTES, 1);
    struct check_peer peer = check_start(c, compare_and_fill, name);
    expect_end(c, &peer);
    expect_filled(c, at, BYTES, 2, "megabytes that another process stored, and that has gone");
    must(c, ftruncate(fd, 1000));
    must(c, ftruncate(fd, (off_t)BYTES));
    expect_filled(c, at, 1000, 2, "what was left");
    expect_fill(c, at + 1000, 0, BYTES - 1000, "what was cut off and added again");
}

static void large_and_sparse(struct check *c)
{
    const size_t bytes = (size_t)3 << 30, step = (size_t)512 << 20, page = check_page();
    struct stat st;
    int fd = check_object(c, check_name(c), bytes);
    if (sizeof(void *) < 8)
        check_unsupported(c, "needs addresses of 64 bits");
    unsigned char *one = must_map(c, mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0));
    unsigned char *other = must_map(c, mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0));
    for (size_t at = step - 1; at < bytes; at += step)
        one[at] = (unsigned char)(at >> 28 | 1);
    for (size_t at = step - 1; at < bytes; at += step) {
        expect_number(c, other[at], (long long)(unsigned char)(at >> 28 | 1), "the byte at %zu, in another mapping", at);
        expect_number(c, other[at - 1], 0, "the byte before it");
    }
    must(c, fstat(fd, &st));
    if (check_counts_pages(c))
        expect_number(c, st.st_blocks, (long long)(bytes / step * page / 512), "st_blocks of %zu touched pages", bytes / step);
}

static void again_and_again(struct check *c)
{
    const char *name = check_name(c);
    struct statvfs before, after;
    size_t page = check_page();
    must(c, statvfs("/dev/shm", &before));
    int lowest = check_object(c, name, page);
    must(c, close(lowest));
    must(c, shm_unlink(name));
    for (int i = 0; i < 200; i++) {
        int fd = check_object(c, name, 2 * page);
        if (!expect_number(c, fd, lowest, "descriptor in round %d", i))
            return;
        unsigned char *at = check_map(c, fd, 2 * page);
        if (!expect_fill(c, at, 0, 2 * page, "a new object's contents"))
            return;
        check_fill(at, 2 * page, (unsigned)i);
        must(c, munmap(at, 2 * page));
        must(c, close(fd));
        must(c, shm_unlink(name));
    }
    for (int i = 0; i < 100 && (must(c, statvfs("/dev/shm", &after)), after.f_bfree != before.f_bfree); i++)
        check_pause_ms(5);
    must(c, statvfs("/dev/shm", &after));
    expect_number(c, (long long)(before.f_bfree - after.f_bfree), 0, "blocks taken after 200 objects have come and gone");
    expect_number(c, (long long)(before.f_ffree - after.f_ffree), 0, "inodes taken after that");
}

const struct check_ops checks_volume[] = {
    {.id = "size/megabytes", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = megabytes, .needs = CHECK_NEEDS_MOUNTS,
     .shm = "size=16m", .clause = MMAP "DESCRIPTION: MAP_SHARED; " FTRUNCATE "DESCRIPTION",
     .summary = "six megabytes and some bytes are shared, kept, cut off and zero like a page"},
    {.id = "size/large-and-sparse", .interface = "mmap", .level = CHECK_POSIX_MUST, .run = large_and_sparse,
     .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m", .clause = MMAP "DESCRIPTION: MAP_SHARED",
     .summary = "in 3 GiB of which six pages are touched each byte is in its place"},
    {.id = "size/again-and-again", .interface = "shm_unlink", .level = CHECK_POSIX_MUST, .run = again_and_again,
     .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m", .clause = SHM_UNLINK "DESCRIPTION: postponed until all references are removed",
     .summary = "200 objects that come and go leave no block, inode or descriptor"},
    {0},
};
