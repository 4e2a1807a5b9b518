/* Objects by way of the file system: other names for them, and the calls that take a path. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"

static struct stat stat_of(struct check *c, int fd)
{
    struct stat st = {0};
    must(c, fstat(fd, &st));
    return st;
}

static void two_names(struct check *c)
{
    const char *name = check_name(c), *other = check_name(c);
    int fd = check_object(c, name, 100);
    must(c, pwrite(fd, "kept", 4, 0));
    expect_ok(c, link(check_path(name), check_path(other)));
    expect_number(c, (long long)stat_of(c, fd).st_nlink, 2, "links of an object with two names");
    int again = shm_open(other, O_RDWR, 0);
    if (!expect_ok(c, again))
        return;
    expect_true(c, stat_of(c, again).st_ino == stat_of(c, fd).st_ino, "one object by both names", "two");
    expect_ok(c, shm_unlink(name));
    expect_errno(c, shm_open(name, O_RDWR, 0), ENOENT);
    expect_number(c, (long long)stat_of(c, fd).st_nlink, 1, "links when one name has gone");
    expect_ok(c, shm_open(other, O_RDWR, 0));
    expect_ok(c, shm_unlink(other));
}

static void renamed(struct check *c)
{
    const char *name = check_name(c), *other = check_name(c);
    int fd = check_object(c, name, 100), replaced = check_object(c, other, 200);
    unsigned char *at = check_map(c, fd, 100);
    expect_ok(c, rename(check_path(name), check_path(other)));
    expect_errno(c, shm_open(name, O_RDWR, 0), ENOENT);
    int again = shm_open(other, O_RDWR, 0);
    if (!expect_ok(c, again))
        return;
    expect_true(c, stat_of(c, again).st_ino == stat_of(c, fd).st_ino, "the object by its new name", "another one");
    expect_number(c, (long long)stat_of(c, replaced).st_nlink, 0, "links of the object that had that name");
    at[7] = 9;
    must(c, pread(again, at + 50, 1, 7));
    expect_number(c, at[50], 9, "what is stored through a mapping from before, read through the new name");
}

static void calls_with_a_path(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 100);
    must(c, pwrite(fd, "kept", 4, 0));
    expect_ok(c, truncate(check_path(name), 300));
    expect_number(c, stat_of(c, fd).st_size, 300, "size after truncate of the file");
    expect_ok(c, chmod(check_path(name), 0640));
    expect_mode(c, stat_of(c, fd).st_mode, 0640, "mode after chmod of the file");
    int other = open(check_path(name), O_RDWR | O_CLOEXEC);
    if (!expect_ok(c, other))
        return;
    expect_number(c, pwrite(other, "file", 4, 0), 4, "bytes written through open");
    char bytes[4] = "";
    must(c, pread(fd, bytes, 4, 0));
    expect_bytes(c, bytes, "file", 4, "the same through shm_open's descriptor");
    expect_ok(c, fsync(fd));
    expect_ok(c, unlink(check_path(name)));
    expect_errno(c, shm_open(name, O_RDWR, 0), ENOENT);
    expect_number(c, (long long)stat_of(c, fd).st_nlink, 0, "links after unlink of the file");
}

static void file_is_an_object(struct check *c)
{
    const char *name = check_name(c);
    int file = (int)must(c, open(check_path(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    must(c, ftruncate(file, 100));
    int fd = shm_open(name, O_RDWR, 0);
    if (!expect_ok(c, fd))
        return;
    check_fill(check_map(c, fd, 100), 100, 1);
    expect_filled(c, check_map(c, file, 100), 100, 1, "what was stored through shm_open, in the file");
    expect_ok(c, shm_unlink(name));
    expect_true(c, !check_exists(name), "the file has gone", "it is still there");
}

#define FILES .clause = "shm_overview(7), Accessing shared memory objects via the filesystem"

const struct check_ops checks_alias[] = {
    {.id = "name/file-is-an-object", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = file_is_an_object, FILES,
     .summary = "a file made in /dev/shm is opened and unlinked as an object"},
    {.id = "name/calls-with-a-path", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = calls_with_a_path, FILES,
     .summary = "truncate, chmod, open and unlink act on an object by its file"},
    {.id = "name/two-names", .interface = "shm_unlink", .level = CHECK_LINUX_OBSERVED, .run = two_names,
     .clause = "link(2), DESCRIPTION", .summary = "an object with two names lives under the one that is left"},
    {.id = "name/renamed", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = renamed,
     .clause = "rename(2), DESCRIPTION", .summary = "a renamed object is the same, by its new name alone"},
    {0},
};
