/* Unlinking: the name goes at once, the object when nobody has it any more. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "workloads/check/rows.h"

#define CREATE (O_CREAT | O_EXCL | O_RDWR)

static void look_for_name(struct check *c, void *user)
{
    expect_errno(c, shm_open(user, O_RDWR, 0), ENOENT);
}

static void name_goes_at_once(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, check_page());
    check_map(c, fd, check_page());
    expect_ok(c, shm_unlink(name));
    expect_true(c, !check_exists(name), "the name has gone from /dev/shm", "it is there");
    expect_errno(c, shm_open(name, O_RDWR, 0), ENOENT);
    struct check_peer peer = check_start(c, look_for_name, name);
    expect_end(c, &peer);
    check_pause_ms(15);
    expect_true(c, !check_exists(name), "the name does not come back", "it is there again");
}

static void descriptor_keeps(struct check *c)
{
    const char *name = check_name(c);
    size_t bytes = 3 * check_page();
    int fd = check_object(c, name, bytes);
    void *at = check_map(c, fd, bytes);
    check_fill(at, bytes, 1);
    must(c, munmap(at, bytes));
    must(c, shm_unlink(name));
    expect_filled(c, check_map(c, fd, bytes), bytes, 1, "contents, mapped after the unlink");
    struct stat st;
    must(c, fstat(fd, &st));
    expect_number(c, st.st_size, (long long)bytes, "size");
    expect_ok(c, ftruncate(fd, (off_t)(2 * bytes)));
    expect_number(c, pwrite(fd, "x", 1, (off_t)bytes), 1, "bytes written behind the old end");
}

static void store_elsewhere(struct check *c, void *user)
{
    check_fill(user, check_page(), 2);
    tell(c->channel, 1);
}

static void mapping_keeps(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, check_page());
    void *one = check_map(c, fd, check_page()), *other = check_map(c, fd, check_page());
    check_fill(one, check_page(), 1);
    must(c, shm_unlink(name));
    must(c, close(fd));
    expect_filled(c, other, check_page(), 1, "contents, through another mapping");
    struct check_peer peer = check_start(c, store_elsewhere, one);
    hear(peer.channel);
    expect_end(c, &peer);
    expect_filled(c, other, check_page(), 2, "what another process stored after the unlink");
}

static void name_is_free_again(struct check *c)
{
    const char *name = check_name(c);
    struct stat old, new;
    int fd = check_object(c, name, check_page());
    void *at = check_map(c, fd, check_page());
    check_fill(at, check_page(), 1);
    must(c, shm_unlink(name));
    int again = shm_open(name, CREATE, 0600);
    if (!expect_ok(c, again))
        return;
    must(c, fstat(fd, &old));
    must(c, fstat(again, &new));
    expect_true(c, old.st_ino != new.st_ino, "another inode", "the same inode, %llu", (unsigned long long)new.st_ino);
    expect_number(c, new.st_size, 0, "size of the new object");
    must(c, ftruncate(again, (off_t)check_page()));
    void *fresh = check_map(c, again, check_page());
    expect_fill(c, fresh, 0, check_page(), "contents of the new object");
    check_fill(fresh, check_page(), 2);
    expect_filled(c, at, check_page(), 1, "contents of the old object, after a store into the new one");
}

static void unlink_it(struct check *c, void *user)
{
    expect_ok(c, shm_unlink(user));
    expect_true(c, !check_exists(user), "the name has gone", "it is there");
}

static void anybody_unlinks(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, check_page());
    unsigned char *at = check_map(c, fd, check_page());
    check_fill(at, check_page(), 1);
    struct check_peer peer = check_start(c, unlink_it, name);
    expect_end(c, &peer);
    expect_errno(c, shm_open(name, O_RDWR, 0), ENOENT);
    expect_filled(c, at, check_page(), 1, "contents, for who has it mapped");
    expect_number(c, pwrite(fd, "x", 1, 0), 1, "bytes that can still be written");
    expect_ok(c, shm_open(name, CREATE, 0600));
}

static void nothing_but_the_name(struct check *c)
{
    const char *name = check_name(c);
    struct stat before, after;
    int fd = check_object(c, name, 100);
    must(c, fchmod(fd, 0642));
    must(c, fstat(fd, &before));
    must(c, shm_unlink(name));
    must(c, fstat(fd, &after));
    expect_mode(c, after.st_mode, 0642, "mode after the unlink");
    expect_true(c, after.st_ino == before.st_ino && after.st_uid == before.st_uid && after.st_gid == before.st_gid &&
                       after.st_size == 100,
                "inode, owner, group and size stay", "one of them has changed");
    expect_true(c, after.st_mtim.tv_sec == before.st_mtim.tv_sec && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec,
                "st_mtime stays", "it has moved");
}

static void child_sees_no_links(struct check *c, void *fd)
{
    struct stat st;
    must(c, fstat(*(int *)fd, &st));
    expect_number(c, (long long)st.st_nlink, 0, "st_nlink, in another process");
}

static void no_links_left(struct check *c)
{
    const char *name = check_name(c);
    struct stat st;
    int fd = check_object(c, name, 10);
    must(c, shm_unlink(name));
    must(c, fstat(fd, &st));
    expect_number(c, (long long)st.st_nlink, 0, "st_nlink");
    struct check_peer peer = check_start(c, child_sees_no_links, &fd);
    expect_end(c, &peer);
}

static void proc_says_deleted(struct check *c)
{
    const char *name = check_name(c);
    char link[64], text[512] = "";
    int fd = check_object(c, name, check_page());
    check_map(c, fd, check_page());
    expect_true(c, check_proc_line(getpid(), "maps", name, NULL, NULL, 0), "/proc/self/maps holds the name", "it does not");
    expect_true(c, !check_proc_line(getpid(), "maps", name, "(deleted)", NULL, 0), "and does not say (deleted)", "it says so");
    must(c, shm_unlink(name));
    expect_true(c, check_proc_line(getpid(), "maps", name, " (deleted)", NULL, 0), "/proc/self/maps says (deleted)",
                "it does not");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    must(c, readlink(link, text, sizeof text - 1));
    expect_text(c, text, " (deleted)", link);
}

static void twice(struct check *c)
{
    const char *name = check_name(c);
    check_object(c, name, 0);
    expect_ok(c, shm_unlink(name));
    expect_errno(c, shm_unlink(name), ENOENT);
    expect_errno(c, shm_unlink(check_name(c)), ENOENT);
}

static void leaves_others_alone(struct check *c)
{
    const char *name = check_name(c), *other = check_name(c);
    char longer[CHECK_NAME + 8];
    snprintf(longer, sizeof longer, "%sx", name);
    check_object(c, name, 0);
    check_object(c, other, 0);
    check_object(c, longer, 0);
    expect_ok(c, shm_unlink(name));
    expect_true(c, check_exists(other) && check_exists(longer), "other names stay, also a longer one", "one of them has gone");
    expect_ok(c, shm_unlink(longer));
}

static void reopens_through_proc(struct check *c)
{
    const char *name = check_name(c);
    char path[64], bytes[4] = "";
    struct stat one, other;
    int fd = check_object(c, name, 100);
    must(c, pwrite(fd, "kept", 4, 0));
    must(c, shm_unlink(name));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDWR | O_CLOEXEC);
    if (!expect_ok(c, again))
        return;
    must(c, fstat(fd, &one));
    must(c, fstat(again, &other));
    expect_true(c, one.st_ino == other.st_ino, "the same object", "another one");
    must(c, pread(again, bytes, 4, 0));
    expect_bytes(c, bytes, "kept", 4, "contents");
    expect_number(c, pwrite(again, "new", 3, 0), 3, "bytes written through it");
    must(c, pread(fd, bytes, 3, 0));
    expect_bytes(c, bytes, "new", 3, "the same through the first descriptor");
}

static void no_way_back(struct check *c)
{
    const char *name = check_name(c), *back = check_name(c);
    char path[64];
    int fd = check_object(c, name, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    must(c, shm_unlink(name));
    expect_errno(c, linkat(AT_FDCWD, path, AT_FDCWD, check_path(back), AT_SYMLINK_FOLLOW), ENOENT);
}

static struct statvfs capacity(struct check *c)
{
    struct statvfs fs = {0};
    must(c, statvfs("/dev/shm", &fs));
    return fs;
}

static void last_unmap_frees(struct check *c)
{
    const char *name = check_name(c);
    size_t bytes = 64 * check_page();
    struct statvfs before = capacity(c);
    int fd = check_object(c, name, bytes);
    void *one = check_map(c, fd, bytes), *other = check_map(c, fd, bytes);
    check_fill(one, bytes, 1);
    expect_number(c, (long long)(before.f_bfree - capacity(c).f_bfree), 64, "blocks taken by 64 pages");
    expect_number(c, (long long)(before.f_ffree - capacity(c).f_ffree), 1, "inodes taken by an object");
    must(c, shm_unlink(name));
    must(c, close(fd));
    must(c, munmap(one, bytes));
    expect_number(c, (long long)(before.f_bfree - capacity(c).f_bfree), 64, "blocks still taken while one mapping is left");
    must(c, munmap(other, bytes));
    expect_number(c, (long long)(before.f_bfree - capacity(c).f_bfree), 0, "blocks taken after the last munmap");
    expect_number(c, (long long)(before.f_ffree - capacity(c).f_ffree), 0, "inodes taken after the last munmap");
}

static void last_close_frees(struct check *c)
{
    const char *name = check_name(c);
    size_t bytes = 64 * check_page();
    struct statvfs before = capacity(c);
    int fd = check_object(c, name, bytes), other = (int)must(c, dup(fd));
    void *at = check_map(c, fd, bytes);
    check_fill(at, bytes, 1);
    must(c, munmap(at, bytes));
    must(c, close(fd));
    must(c, shm_unlink(name));
    expect_number(c, (long long)(before.f_bfree - capacity(c).f_bfree), 64, "blocks still taken while one descriptor is left");
    must(c, close(other));
    expect_number(c, (long long)(before.f_bfree - capacity(c).f_bfree), 0, "blocks taken after the last close");
    expect_number(c, (long long)(before.f_ffree - capacity(c).f_ffree), 0, "inodes taken after the last close");
}

static void flight_keeps(struct check *c)
{
    int ends[2];
    const char *name = check_name(c);
    size_t bytes = 16 * check_page();
    struct statvfs before = capacity(c);
    int fd = check_object(c, name, bytes);
    void *at = check_map(c, fd, bytes);
    check_fill(at, bytes, 1);
    must(c, munmap(at, bytes));
    must(c, shm_unlink(name));
    must(c, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
    must(c, check_send_fd(ends[0], fd));
    must(c, close(fd));
    expect_number(c, (long long)(before.f_bfree - capacity(c).f_bfree), 16, "blocks taken with the descriptor in flight alone");
    must(c, close(ends[0]));
    expect_number(c, (long long)(before.f_bfree - capacity(c).f_bfree), 16, "blocks taken with the sender's end closed");
    must(c, close(ends[1]));
    for (int i = 0; i < 100 && before.f_bfree != capacity(c).f_bfree; i++)
        check_pause_ms(5);
    expect_number(c, (long long)(before.f_bfree - capacity(c).f_bfree), 0, "blocks taken with the socket closed");
}

static void name_alone_keeps(struct check *c)
{
    const char *name = check_name(c);
    size_t bytes = 16 * check_page();
    struct statvfs before = capacity(c);
    int fd = check_object(c, name, bytes);
    void *at = check_map(c, fd, bytes);
    check_fill(at, bytes, 1);
    must(c, munmap(at, bytes));
    must(c, close(fd));
    expect_number(c, (long long)(before.f_bfree - capacity(c).f_bfree), 16, "blocks taken with nothing but the name left");
    fd = (int)must(c, shm_open(name, O_RDWR, 0));
    expect_filled(c, check_map(c, fd, bytes), bytes, 1, "contents");
}

static void invalid_names(struct check *c)
{
    static const char *const names[] = {"", "/", "/a/b", "/.", "/.."};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int rc = shm_unlink(names[i]), errnum = errno;
        expect_true(c, rc == -1 && (errnum == EINVAL || errnum == ENOENT || errnum == EISDIR),
                    "shm_unlink fails with EINVAL, ENOENT or EISDIR",
                    "shm_unlink(\"%s\") returns %d, errno %d", names[i], rc, errnum);
    }
}

const struct check_ops checks_unlink[] = {
    {.id = "unlink/name-goes-at-once", .interface = "shm_unlink", .level = CHECK_POSIX_MUST, .run = name_goes_at_once,
     .clause = SHM_UNLINK "DESCRIPTION: removed before shm_unlink() returns",
     .summary = "the name is gone when shm_unlink returns, for everybody, although the object is in use"},
    {.id = "unlink/descriptor-keeps-object", .interface = "shm_unlink", .level = CHECK_POSIX_MUST, .run = descriptor_keeps,
     .clause = SHM_UNLINK "DESCRIPTION: postponed until all references are removed",
     .summary = "an unlinked object that is open keeps its contents, and can be mapped and resized"},
    {.id = "unlink/mapping-keeps-object", .interface = "shm_unlink", .level = CHECK_POSIX_MUST, .run = mapping_keeps,
     .clause = SHM_UNLINK "DESCRIPTION: postponed until all references are removed",
     .summary = "an unlinked object that is only mapped keeps its contents, and stays shared"},
    {.id = "unlink/name-is-free-again", .interface = "shm_unlink", .level = CHECK_POSIX_MUST, .run = name_is_free_again,
     .clause = SHM_UNLINK "DESCRIPTION: reuse of the name", .summary = "the same name then makes a new, empty object beside the old one"},
    {.id = "unlink/anybody-unlinks", .interface = "shm_unlink", .level = CHECK_POSIX_MUST, .run = anybody_unlinks,
     .clause = SHM_UNLINK "DESCRIPTION", .summary = "another process than the maker unlinks it, for everybody"},
    {.id = "unlink/nothing-but-the-name", .interface = "shm_unlink", .level = CHECK_LINUX_OBSERVED, .run = nothing_but_the_name,
     .clause = "shm_unlink(3), DESCRIPTION", .summary = "mode, owner, size and time of the last change stay"},
    {.id = "unlink/twice", .interface = "shm_unlink", .level = CHECK_POSIX_MUST, .run = twice,
     .clause = SHM_UNLINK "ERRORS [ENOENT]", .summary = "a name that is not there cannot be unlinked"},
    {.id = "unlink/leaves-others-alone", .interface = "shm_unlink", .level = CHECK_POSIX_MUST, .run = leaves_others_alone,
     .clause = SHM_UNLINK "DESCRIPTION: removes the name", .summary = "no other name is touched"},
    {.id = "unlink/invalid-names", .interface = "shm_unlink", .level = CHECK_LINUX_OBSERVED, .run = invalid_names,
     .clause = "shm_unlink(3), ERRORS", .summary = "names that shm_open refuses cannot be unlinked either"},
    {.id = "unlink/no-links-left", .interface = "shm_unlink", .level = CHECK_LINUX_OBSERVED, .run = no_links_left,
     .clause = "inode(7), st_nlink", .summary = "an unlinked object has st_nlink 0"},
    {.id = "unlink/proc-says-deleted", .interface = "/proc", .level = CHECK_LINUX_DOCUMENTED, .run = proc_says_deleted,
     .clause = "proc_pid_maps(5): (deleted)", .needs = CHECK_NEEDS_PROC, .summary = "/proc says (deleted) of mappings and descriptors"},
    {.id = "unlink/reopens-through-proc", .interface = "/proc", .level = CHECK_LINUX_DOCUMENTED, .run = reopens_through_proc,
     .clause = "proc_pid_fd(5)", .needs = CHECK_NEEDS_PROC, .summary = "an unlinked object can be opened anew through /proc/self/fd"},
    {.id = "unlink/no-way-back", .interface = "shm_unlink", .level = CHECK_LINUX_DOCUMENTED, .run = no_way_back,
     .clause = "link(2), ERRORS ENOENT", .needs = CHECK_NEEDS_PROC, .summary = "an unlinked object cannot be given a name again"},
    {.id = "unlink/last-unmap-frees", .interface = "munmap", .level = CHECK_POSIX_MUST, .run = last_unmap_frees,
     .clause = SHM_UNLINK "DESCRIPTION: postponed until all references are removed", .needs = CHECK_NEEDS_MOUNTS, .shm = "size=8m",
     .summary = "the last munmap of an unlinked object gives blocks and inode back, not one earlier"},
    {.id = "unlink/last-close-frees", .interface = "close", .level = CHECK_POSIX_MUST, .run = last_close_frees,
     .clause = "POSIX.1-2024 close, DESCRIPTION: last close of an unlinked shared memory object", .needs = CHECK_NEEDS_MOUNTS,
     .shm = "size=8m", .summary = "the last close of an unlinked object gives blocks and inode back, not one earlier"},
    {.id = "unlink/flight-keeps-object", .interface = "SCM_RIGHTS", .level = CHECK_LINUX_DOCUMENTED, .run = flight_keeps,
     .clause = "unix(7), SCM_RIGHTS", .needs = CHECK_NEEDS_MOUNTS, .shm = "size=8m",
     .summary = "a descriptor in flight alone keeps an unlinked object and its memory, until the socket is closed"},
    {.id = "unlink/name-alone-keeps-object", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = name_alone_keeps,
     .clause = SHM_OPEN "DESCRIPTION: persists until unlinked", .needs = CHECK_NEEDS_MOUNTS, .shm = "size=8m",
     .summary = "closed and unmapped by all, an object keeps contents and memory while it has its name"},
    {0},
};
