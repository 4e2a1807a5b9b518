/* The place: what the mount at /dev/shm decides, and what namespaces do not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "workloads/check/rows.h"

#define FOLDER "/dev/shm"
#define TMPFS_MAGIC 0x01021994

static void remount(struct check *c, unsigned long flags, const char *options)
{
    if (mount("shmoo-check", FOLDER, "tmpfs", MS_REMOUNT | MS_NODEV | flags, options) != 0)
        check_unsupported(c, "needs to mount " FOLDER " anew with %s: %s", options, error_name(errno));
}

static void is_a_tmpfs(struct check *c)
{
    struct statfs fs;
    struct stat st;
    must(c, statfs(FOLDER, &fs));
    must(c, stat(FOLDER, &st));
    expect_true(c, fs.f_type == TMPFS_MAGIC, "a tmpfs", "file system type 0x%lx", (unsigned long)fs.f_type);
    expect_true(c, S_ISDIR(st.st_mode), "a folder", "mode %06o", (unsigned)st.st_mode);
    expect_mode(c, st.st_mode, 01777, FOLDER);
}

static void mount_another(struct check *c, void *user)
{
    const char *name = user;
    if (unshare(CLONE_NEWNS) != 0 || mount("shmoo-check", FOLDER, "tmpfs", MS_NODEV, "size=1m") != 0)
        check_unsupported(c, "needs another private " FOLDER ": %s", error_name(errno));
    expect_errno(c, shm_open(name, O_RDWR, 0), ENOENT);
    expect_ok(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
    expect_ok(c, shm_unlink(name));
}

static void another_mount_another_name(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    check_object(c, name, 100);
    struct check_peer peer = check_start(c, mount_another, name);
    expect_end(c, &peer);
    expect_true(c, check_exists(name), "the object of that name is still there", "it has gone");
}

static void leave_ipc(struct check *c, void *user)
{
    if (unshare(CLONE_NEWIPC) != 0)
        check_unsupported(c, "needs an IPC namespace: unshare: %s", error_name(errno));
    int fd = shm_open(user, O_RDWR, 0);
    if (expect_ok(c, fd))
        check_fill(check_map(c, fd, check_page()), check_page(), 2);
}

static void not_of_the_ipc_namespace(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    unsigned char *at = check_map(c, check_object(c, name, check_page()), check_page());
    struct check_peer peer = check_start(c, leave_ipc, name);
    expect_end(c, &peer);
    expect_filled(c, at, check_page(), 2, "what a process of another IPC namespace stored");
}

static void read_only(struct check *c)
{
    const char *name = check_name(c), *new = check_name(c);
    int fd = check_object(c, name, 100);
    must(c, close(fd));
    remount(c, MS_RDONLY, "size=1m");
    expect_errno(c, shm_open(new, O_CREAT | O_EXCL | O_RDWR, 0600), EROFS);
    expect_errno(c, shm_open(name, O_RDWR, 0), EROFS);
    expect_errno(c, shm_unlink(name), EROFS);
    expect_ok(c, shm_open(name, O_RDONLY, 0));
}

static void no_execution(struct check *c)
{
    int fd = check_object(c, check_name(c), check_page());
    unsigned char *at = mmap(NULL, check_page(), PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    expect_true(c, at != MAP_FAILED, "mapped for execution, on a mount that allows it", "errno %d", errno);
    remount(c, MS_NOEXEC, "size=1m");
    expect_no_map(c, mmap(NULL, check_page(), PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0), EPERM);
    at = check_map(c, fd, check_page());
    expect_errno(c, mprotect(at, check_page(), PROT_READ | PROT_EXEC), EACCES);
}

static void growing_makes_room(struct check *c)
{
    size_t page = check_page();
    unsigned char *at = check_map(c, check_object(c, check_name(c), 32 * page), 32 * page);
    for (size_t i = 0; i < 16; i++)
        expect_touch(c, touch_write(at + i * page, 1), 0, 0, NULL, "a write to a page that the file system has");
    expect_touch(c, touch_write(at + 16 * page, 1), SIGBUS, BUS_ADRERR, at + 16 * page, "a write to one page too many");
    remount(c, 0, "nr_blocks=32");
    expect_touch(c, touch_write(at + 16 * page, 1), 0, 0, NULL, "the same write once the file system was made larger");
    expect_errno(c, mount("shmoo-check", FOLDER, "tmpfs", MS_REMOUNT | MS_NODEV, "nr_blocks=8"), EINVAL);
    expect_touch(c, touch_write(at + 31 * page, 1), 0, 0, NULL, "a write after making it smaller was refused");
}

static void outlives_its_mount(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, check_page());
    unsigned char *at = check_map(c, fd, check_page()), byte = 0;
    check_fill(at, check_page(), 1);
    expect_errno(c, umount2(FOLDER, 0), EBUSY);
    must(c, umount2(FOLDER, MNT_DETACH));
    expect_errno(c, shm_open(name, O_RDWR, 0), ENOENT);
    expect_filled(c, at, check_page(), 1, "contents, after the mount has gone");
    expect_touch(c, touch_write(at, 9), 0, 0, NULL, "a store");
    must(c, pread(fd, &byte, 1, 0));
    expect_number(c, byte, 9, "the same through the descriptor");
}

/* Half of the memory, and half as many inodes as pages, unless something else was asked for. */
static void default_size(struct check *c)
{
    struct sysinfo info;
    struct statfs fs;
    must(c, sysinfo(&info));
    must(c, statfs(FOLDER, &fs));
    long long bytes = (long long)fs.f_blocks * fs.f_bsize, half = (long long)info.totalram * info.mem_unit / 2;
    expect_true(c, bytes > half - half / 50 && bytes < half + half / 50, "half of the memory", "%lld bytes, and half is %lld", bytes, half);
    half = (long long)fs.f_blocks;
    expect_true(c, (long long)fs.f_files > half - half / 50 && (long long)fs.f_files < half + half / 50,
                "as many inodes as half of the memory has pages", "%lld inodes, and %lld pages", (long long)fs.f_files, half);
}

static void options_of_the_folder(struct check *c)
{
    struct stat st;
    must(c, mount("shmoo-check", FOLDER, "tmpfs", MS_NODEV, "size=1m,mode=0750,uid=65534,gid=65533") == 0 ? 0 : -1);
    must(c, stat(FOLDER, &st));
    expect_mode(c, st.st_mode, 0750, FOLDER);
    expect_number(c, st.st_uid, CHECK_OTHER_UID, "owner");
    expect_number(c, st.st_gid, 65533, "group");
    check_become_other(c);
    const char *name = check_name(c);
    expect_ok(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600)); /* his folder, with his permissions */
    expect_ok(c, shm_unlink(name));
}

static void folder_guards(struct check *c)
{
    const char *name = check_name(c), *new = check_name(c);
    must(c, fchmod(check_object(c, name, 10), 0666));
    must(c, chmod(FOLDER, 0755));
    check_become_other(c);
    expect_errno(c, shm_open(new, O_CREAT | O_EXCL | O_RDWR, 0600), EACCES);
    expect_ok(c, shm_open(name, O_RDWR, 0));
    expect_errno(c, shm_unlink(name), EACCES);
}

const struct check_ops checks_place[] = {
    {.id = "place/is-a-tmpfs", .interface = "tmpfs", .level = CHECK_LINUX_DOCUMENTED, .run = is_a_tmpfs,
     .clause = "shm_overview(7), Accessing shared memory objects via the filesystem",
     .summary = "/dev/shm is a tmpfs that everybody may write to, and sticky"},
    {.id = "place/default-size", .interface = "tmpfs", .level = CHECK_LINUX_DOCUMENTED, .run = default_size,
     .clause = "tmpfs(5), size: 50% of physical RAM", .needs = CHECK_NEEDS_MOUNTS, .shm = "mode=1777",
     .summary = "without the option size it is half of the memory"},
    {.id = "place/options-of-the-folder", .interface = "tmpfs", .level = CHECK_LINUX_DOCUMENTED, .run = options_of_the_folder,
     .clause = "tmpfs(5), mode, uid, gid", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS | CHECK_NEEDS_MOUNTS, .shm = "size=1m",
     .summary = "mode, uid and gid are the folder's"},
    {.id = "place/folder-guards", .interface = "shm_open", .level = CHECK_LINUX_DOCUMENTED, .run = folder_guards,
     .clause = "path_resolution(7), Permissions; unlink(2), ERRORS EACCES", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS | CHECK_NEEDS_MOUNTS,
     .shm = "size=1m", .summary = "who may not write the folder neither creates nor unlinks, and opens what is there"},
    {.id = "place/another-mount-another-name", .interface = "mount", .level = CHECK_LINUX_DOCUMENTED,
     .run = another_mount_another_name, .clause = "mount_namespaces(7)", .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m",
     .summary = "with another /dev/shm mounted the same name is another object"},
    {.id = "place/not-of-ipc-namespace", .interface = "mount", .level = CHECK_LINUX_OBSERVED, .run = not_of_the_ipc_namespace,
     .clause = "ipc_namespaces(7)", .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m",
     .summary = "an IPC namespace does not separate objects of shm_open"},
    {.id = "place/read-only", .interface = "tmpfs", .level = CHECK_LINUX_DOCUMENTED, .run = read_only,
     .clause = "open(2), ERRORS EROFS", .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m",
     .summary = "a read-only /dev/shm lets objects be opened for reading, and nothing else"},
    {.id = "place/no-execution", .interface = "mmap", .level = CHECK_LINUX_DOCUMENTED, .run = no_execution,
     .clause = "mmap(2), ERRORS EPERM; mprotect(2), ERRORS EACCES", .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m",
     .summary = "a /dev/shm mounted noexec gives no memory to execute"},
    {.id = "place/growing-makes-room", .interface = "tmpfs", .level = CHECK_LINUX_DOCUMENTED, .run = growing_makes_room,
     .clause = "tmpfs(5), nr_blocks; remount", .needs = CHECK_NEEDS_MOUNTS, .shm = "nr_blocks=16",
     .summary = "a full /dev/shm can be made larger while it is used, and not smaller than what is used"},
    {.id = "place/outlives-its-mount", .interface = "mount", .level = CHECK_LINUX_DOCUMENTED, .run = outlives_its_mount,
     .clause = "umount(2), ERRORS EBUSY; MNT_DETACH", .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m",
     .summary = "a /dev/shm in use is not unmounted, and detached it lives on for who has its objects"},
    {0},
};
