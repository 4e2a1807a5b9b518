/* An object as a file: positions, reading, writing, duplicates of descriptors. POSIX leaves read, write and lseek on objects open. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"

/* An object of odd size that holds a pattern. */
static int make(struct check *c, const char *name, size_t bytes)
{
    int fd = check_object(c, name, bytes);
    check_fill(check_map(c, fd, bytes), bytes, 1);
    return fd;
}

static long long position(struct check *c, int fd)
{
    return must(c, lseek(fd, 0, SEEK_CUR));
}

static void positions_stay(struct check *c)
{
    unsigned char bytes[100];
    int fd = make(c, check_name(c), 5000);
    must(c, lseek(fd, 77, SEEK_SET));
    must(c, pread(fd, bytes, sizeof bytes, 1000));
    expect_number(c, position(c, fd), 77, "position after pread");
    must(c, pwrite(fd, bytes, sizeof bytes, 1000));
    expect_number(c, position(c, fd), 77, "position after pwrite");
    must(c, ftruncate(fd, 3000));
    expect_number(c, position(c, fd), 77, "position after ftruncate made it shorter");
    must(c, ftruncate(fd, 9000));
    expect_number(c, position(c, fd), 77, "position after ftruncate made it longer");
    must_map(c, mmap(NULL, check_page(), PROT_READ, MAP_SHARED, fd, 0));
    expect_number(c, position(c, fd), 77, "position after mmap");
    must_rc(c, posix_fallocate(fd, 0, 10000));
    expect_number(c, position(c, fd), 77, "position after posix_fallocate");
}

static void positions_move(struct check *c)
{
    unsigned char bytes[100], wanted[5000];
    struct stat st;
    int fd = make(c, check_name(c), 5000);
    check_fill(wanted, sizeof wanted, 1);
    expect_number(c, read(fd, bytes, sizeof bytes), (long long)sizeof bytes, "bytes read");
    expect_bytes(c, bytes, wanted, sizeof bytes, "what read reads first");
    expect_number(c, read(fd, bytes, sizeof bytes), (long long)sizeof bytes, "bytes read");
    expect_bytes(c, bytes, wanted + sizeof bytes, sizeof bytes, "what read reads next");
    expect_number(c, lseek(fd, 0, SEEK_END), 5000, "SEEK_END");
    expect_number(c, read(fd, bytes, sizeof bytes), 0, "bytes read at the end");
    expect_number(c, write(fd, "more", 4), 4, "bytes written at the end");
    expect_number(c, position(c, fd), 5004, "position after that");
    expect_number(c, lseek(fd, 100000, SEEK_SET), 100000, "SEEK_SET behind the end");
    must(c, fstat(fd, &st));
    expect_number(c, st.st_size, 5004, "size, which no seek changes");
    expect_errno(c, lseek(fd, -1, SEEK_SET), EINVAL);
}

static void holes_are_found(struct check *c)
{
    off_t page = (off_t)check_page();
    int fd = check_object(c, check_name(c), (size_t)(4 * page));
    must(c, pwrite(fd, "x", 1, 2 * page));
    expect_number(c, lseek(fd, 0, SEEK_DATA), 2 * page, "SEEK_DATA from the start");
    expect_number(c, lseek(fd, 0, SEEK_HOLE), 0, "SEEK_HOLE from the start");
    expect_number(c, lseek(fd, 2 * page, SEEK_HOLE), 3 * page, "SEEK_HOLE from the data");
    expect_errno(c, lseek(fd, 3 * page, SEEK_DATA), ENXIO);
}

static void ends_at_its_end(struct check *c)
{
    unsigned char bytes[64];
    int fd = make(c, check_name(c), 4097);
    memset(bytes, 0xee, sizeof bytes);
    expect_number(c, pread(fd, bytes, sizeof bytes, 4090), 7, "bytes that pread finds seven before the end");
    expect_fill(c, bytes + 7, 0xee, sizeof bytes - 7, "the rest of the buffer");
    expect_number(c, pread(fd, bytes, sizeof bytes, 4097), 0, "bytes that pread finds at the end");
    expect_number(c, pread(fd, bytes, sizeof bytes, 1 << 20), 0, "bytes that pread finds far behind it");
    expect_errno(c, pread(fd, bytes, sizeof bytes, -1), EINVAL);
}

static void appending_goes_to_the_end(struct check *c)
{
    const char *name = check_name(c);
    char bytes[4] = "";
    int fd = check_object(c, name, 10), other = (int)must(c, shm_open(name, O_RDWR, 0));
    must(c, fcntl(fd, F_SETFL, O_APPEND));
    must(c, ftruncate(other, 20));
    expect_number(c, write(fd, "end", 3), 3, "bytes appended");
    must(c, pread(other, bytes, 3, 20));
    expect_bytes(c, bytes, "end", 3, "what stands behind the size that another descriptor set");
}

static void duplicates_share(struct check *c)
{
    int fd = make(c, check_name(c), 5000), copy = (int)must(c, dup(fd));
    must(c, lseek(fd, 123, SEEK_SET));
    expect_number(c, position(c, copy), 123, "position of a duplicate");
    must(c, lseek(copy, 7, SEEK_SET));
    expect_number(c, position(c, fd), 7, "position of the first, after a seek in the duplicate");
    expect_number(c, fcntl(copy, F_GETFD) & FD_CLOEXEC, 0, "FD_CLOEXEC of what dup returns");
    int third = (int)must(c, fcntl(fd, F_DUPFD_CLOEXEC, 50));
    expect_true(c, third >= 50, "F_DUPFD_CLOEXEC gives a descriptor from 50 on", "it gives %d", third);
    expect_number(c, fcntl(third, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "FD_CLOEXEC of what F_DUPFD_CLOEXEC returns");
    expect_number(c, position(c, third), 7, "its position");
    must(c, close(fd));
    expect_number(c, pwrite(copy, "x", 1, 0), 1, "bytes written through the duplicate when the first is closed");
}

static void closed_is_closed(struct check *c)
{
    char byte;
    const char *name = check_name(c);
    int fd = make(c, name, 100);
    struct stat st;
    expect_ok(c, close(fd));
    expect_errno(c, close(fd), EBADF);
    expect_errno(c, pread(fd, &byte, 1, 0), EBADF);
    expect_errno(c, fstat(fd, &st), EBADF);
    expect_errno(c, fcntl(fd, F_GETFD), EBADF);
    expect_number(c, shm_open(name, O_RDWR, 0), fd, "the next descriptor: the one that was closed");
}

/* More than any buffer on the way holds. */
static void large_transfers(struct check *c)
{
    const size_t bytes = (size_t)3 << 20;
    unsigned char *mine = must_map(c, mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    int fd = check_object(c, check_name(c), 0);
    check_fill(mine, bytes, 1);
    expect_number(c, pwrite(fd, mine, bytes, 1), (long long)bytes, "bytes written of 3 MiB");
    unsigned char *at = check_map(c, fd, bytes + 1);
    expect_bytes(c, at + 1, mine, bytes, "what the mapping shows");
    check_fill(at, bytes, 2);
    expect_number(c, pread(fd, mine, bytes, 0), (long long)bytes, "bytes read of 3 MiB");
    expect_filled(c, mine, bytes, 2, "what was read");
}

static void large_positions(struct check *c)
{
    const off_t far = (off_t)5 << 30; /* beyond 32 bits */
    char bytes[4] = "";
    struct stat st;
    int fd = check_object(c, check_name(c), 0);
    expect_number(c, pwrite(fd, "far!", 4, far), 4, "bytes written at 5 GiB");
    must(c, fstat(fd, &st));
    expect_number(c, st.st_size, far + 4, "size");
    must(c, pread(fd, bytes, 4, far));
    expect_bytes(c, bytes, "far!", 4, "what is there");
    must(c, pread(fd, bytes, 4, far - ((off_t)4 << 30)));
    expect_fill(c, bytes, 0, 4, "what is at 1 GiB");
}

#define OBSERVED .level = CHECK_LINUX_OBSERVED

const struct check_ops checks_file[] = {
    {.id = "file/positions-stay", .interface = "pread", OBSERVED, .run = positions_stay,
     .clause = "pread(2), ftruncate(2): the file offset is not changed",
     .summary = "pread, pwrite, ftruncate, mmap and posix_fallocate leave the descriptor's position alone"},
    {.id = "file/positions-move", .interface = "read", OBSERVED, .run = positions_move,
     .clause = "POSIX.1-2024 read, write, lseek: unspecified for shared memory objects",
     .summary = "read and write move it, lseek goes anywhere from 0 on, and changes no size"},
    {.id = "file/ends-at-its-end", .interface = "pread", OBSERVED, .run = ends_at_its_end,
     .clause = "POSIX.1-2024 read: unspecified for shared memory objects", .summary = "pread ends at the object's last byte"},
    {.id = "file/holes-are-found", .interface = "lseek", OBSERVED, .run = holes_are_found, .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m",
     .clause = "lseek(2), SEEK_DATA, SEEK_HOLE", .summary = "SEEK_DATA and SEEK_HOLE tell what takes memory"},
    {.id = "file/appending", .interface = "write", OBSERVED, .run = appending_goes_to_the_end, .clause = "fcntl(2), F_SETFL: O_APPEND",
     .summary = "with O_APPEND set, writing goes to the end that the object has then"},
    {.id = "file/large-positions", .interface = "pwrite", OBSERVED, .run = large_positions,
     .clause = "POSIX.1-2024 write: unspecified for shared memory objects", .summary = "positions beyond 4 GiB are their own"},
    {.id = "file/large-transfers", .interface = "pwrite", OBSERVED, .run = large_transfers,
     .clause = "POSIX.1-2024 write: unspecified for shared memory objects", .summary = "pwrite and pread move 3 MiB in one go"},
    {.id = "file/duplicates-share", .interface = "dup", .level = CHECK_POSIX_MUST, .run = duplicates_share,
     .clause = "POSIX.1-2024 dup, fcntl F_DUPFD_CLOEXEC, DESCRIPTION",
     .summary = "duplicates share a position; dup clears FD_CLOEXEC, F_DUPFD_CLOEXEC sets it"},
    {.id = "file/closed-is-closed", .interface = "close", .level = CHECK_POSIX_MUST, .run = closed_is_closed,
     .clause = "POSIX.1-2024 close, ERRORS [EBADF]", .summary = "a closed descriptor is none, and is the next to be given"},
    {0},
};
