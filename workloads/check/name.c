/* Names: which are taken, which are refused, and what they stand for. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"

static void same_file(struct check *c, int one, int other, bool same)
{
    struct stat a, b;
    must(c, fstat(one, &a));
    must(c, fstat(other, &b));
    expect_true(c, (a.st_ino == b.st_ino && a.st_dev == b.st_dev) == same, same ? "one object" : "two objects",
                "inodes %llu and %llu", (unsigned long long)a.st_ino, (unsigned long long)b.st_ino);
}

static void read_by_name(struct check *c, void *user)
{
    int fd = (int)must(c, shm_open(user, O_RDWR, 0)), again = (int)must(c, shm_open(user, O_RDWR | O_CREAT, 0600));
    unsigned char *at = check_map(c, fd, check_page());
    same_file(c, fd, again, true);
    expect_filled(c, at, check_page(), 1, "another process, by the same name");
    check_fill(at, check_page(), 2);
}

static void one_object_for_all(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    unsigned char *at = check_map(c, check_object(c, name, check_page()), check_page());
    check_fill(at, check_page(), 1);
    struct check_peer peer = check_start(c, read_by_name, name);
    expect_end(c, &peer);
    expect_filled(c, at, check_page(), 2, "what the other process stored");
}

static void in_dev_shm(struct check *c)
{
    const char *name = check_name(c);
    struct stat by_path, by_fd;
    must(c, fstat(check_object(c, name, 4321), &by_fd));
    expect_ok(c, stat(check_path(name), &by_path));
    expect_true(c, by_path.st_ino == by_fd.st_ino, "the file in /dev/shm is the object", "they are two inodes");
    expect_true(c, S_ISREG(by_fd.st_mode), "a regular file", "type %06o", (unsigned)(by_fd.st_mode & S_IFMT));
}

static void longest(struct check *c)
{
    const char *name = check_long_name(c, NAME_MAX);
    if (!expect_ok(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600)))
        return;
    expect_true(c, check_exists(name), "the whole name is in /dev/shm", "it is not");
    expect_ok(c, shm_open(name, O_RDWR, 0));
    expect_ok(c, shm_unlink(name));
    expect_true(c, !check_exists(name), "the name has gone", "it is still there");
}

static void one_too_long(struct check *c)
{
    const char *name = check_long_name(c, NAME_MAX + 1);
    expect_errno(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), ENAMETOOLONG);
    expect_errno(c, shm_open(name, O_RDONLY, 0), ENAMETOOLONG);
    expect_errno(c, shm_unlink(name), ENAMETOOLONG);
}

static void far_too_long(struct check *c)
{
    static char name[PATH_MAX + 100];
    memset(name, 'n', sizeof name - 1);
    name[0] = '/';
    int rc = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), errnum = errno;
    if (rc == -1 && errnum == EINVAL) /* glibc's own buffer for the name is what is too small */
        check_deviates(c, "shm_open of a name longer than PATH_MAX fails with ENAMETOOLONG", "it fails with EINVAL",
                       "glibc builds the path in a buffer of its own and reports EINVAL when the name does not fit");
    else
        expect_true(c, rc == -1 && errnum == ENAMETOOLONG, "a name longer than PATH_MAX is refused with ENAMETOOLONG",
                    "returned %d, errno %d", rc, errnum);
}

static void refused(struct check *c)
{
    const char *name = c->row->with;
    expect_errno(c, shm_open(name, O_RDWR, 0600), EINVAL);
    expect_errno(c, shm_open(name, O_CREAT | O_RDWR, 0600), EINVAL);
}

static void no_folders(struct check *c)
{
    const char *folder = check_name(c);
    char inside[CHECK_NAME + 8];
    snprintf(inside, sizeof inside, "%s/x", folder);
    expect_errno(c, shm_open(inside, O_CREAT | O_EXCL | O_RDWR, 0600), EINVAL);
    must(c, mkdir(check_path(folder), 0700));
    expect_errno(c, shm_open(inside, O_CREAT | O_EXCL | O_RDWR, 0600), EINVAL);
    must(c, rmdir(check_path(folder)));
}

static void slashes_before(struct check *c)
{
    const char *name = check_name(c);
    char doubled[CHECK_NAME + 2];
    int fd = check_object(c, name, 0);
    snprintf(doubled, sizeof doubled, "/%s", name);
    same_file(c, fd, (int)must(c, shm_open(name + 1, O_RDWR, 0)), true);
    same_file(c, fd, (int)must(c, shm_open(doubled, O_RDWR, 0)), true);
    expect_errno(c, shm_open(name + 1, O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
    expect_ok(c, shm_unlink(doubled));
    expect_errno(c, shm_open(name, O_RDWR, 0), ENOENT);
}

static void every_byte_counts(struct check *c)
{
    char lower[CHECK_NAME + 8], upper[CHECK_NAME + 8];
    const char *name = check_name(c);
    snprintf(lower, sizeof lower, "%s \377\001a", name);
    snprintf(upper, sizeof upper, "%s \377\001A", name);
    same_file(c, check_object(c, lower, 0), check_object(c, upper, 0), false);
    expect_true(c, check_exists(lower) && check_exists(upper), "both names are there, byte for byte", "they are not");
    expect_ok(c, shm_unlink(lower));
    expect_ok(c, shm_unlink(upper));
}

static void no_symbolic_links(struct check *c)
{
    const char *link = check_name(c), *target = check_name(c);
    int fd = check_object(c, target, 100);
    struct stat st;
    must(c, symlink(target + 1, check_path(link)));
    expect_errno(c, shm_open(link, O_RDWR, 0), ELOOP);
    expect_errno(c, shm_open(link, O_RDWR | O_CREAT | O_TRUNC, 0600), ELOOP);
    must(c, fstat(fd, &st));
    expect_number(c, st.st_size, 100, "size of the link's target");
    expect_ok(c, shm_unlink(link));
    expect_true(c, check_exists(target) && !check_exists(link), "shm_unlink removes the link, not its target",
                "the target or the link tells otherwise");
}

static void not_a_directory(struct check *c)
{
    const char *name = check_name(c);
    must(c, mkdir(check_path(name), 0700));
    expect_errno(c, shm_open(name, O_RDWR, 0), EINVAL);
    must(c, rmdir(check_path(name)));
}

static void directory_for_reading(struct check *c)
{
    const char *name = check_name(c);
    struct stat st = {0};
    must(c, mkdir(check_path(name), 0700));
    int fd = shm_open(name, O_RDONLY, 0);
    if (expect_ok(c, fd)) {
        must(c, fstat(fd, &st));
        expect_true(c, S_ISDIR(st.st_mode), "a descriptor of the directory", "type %06o", (unsigned)(st.st_mode & S_IFMT));
        expect_no_map(c, mmap(NULL, check_page(), PROT_READ, MAP_SHARED, fd, 0), ENODEV);
    }
    must(c, rmdir(check_path(name)));
}

static void fifo_opens(struct check *c)
{
    const char *name = check_name(c);
    struct stat st = {0};
    must(c, mkfifo(check_path(name), 0600));
    int fd = shm_open(name, O_RDWR, 0);
    if (expect_ok(c, fd)) {
        must(c, fstat(fd, &st));
        expect_true(c, S_ISFIFO(st.st_mode), "only fstat tells that it is a FIFO", "type %06o", (unsigned)(st.st_mode & S_IFMT));
    }
    must(c, unlink(check_path(name)));
}

static void directory_stays(struct check *c)
{
    const char *name = check_name(c);
    must(c, mkdir(check_path(name), 0700));
    expect_errno(c, shm_unlink(name), EISDIR);
    expect_true(c, check_exists(name), "the directory is still there", "it has gone");
    must(c, rmdir(check_path(name)));
}

static void semaphores_share(struct check *c)
{
    const char *name = check_name(c);
    char file[CHECK_NAME + 8];
    struct stat st;
    sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 3);
    expect_true(c, sem != SEM_FAILED, "sem_open creates a semaphore", "errno %d", errno);
    snprintf(file, sizeof file, "/sem.%s", name + 1);
    int fd = shm_open(file, O_RDWR, 0);
    if (!expect_ok(c, fd))
        return;
    must(c, fstat(fd, &st));
    expect_number(c, st.st_size, (long long)sizeof(sem_t), "size of the object /sem.NAME");
    expect_ok(c, shm_unlink(file));
    expect_true(c, sem_open(name, 0) == SEM_FAILED && errno == ENOENT, "without the object the semaphore has no name",
                "errno %d", errno);
}

static void ends_count(struct check *c)
{
    static const char *const ends[] = {"", " ", ".", "..", "\t", "~", "\\", "%", "*"};
    enum { COUNT = sizeof ends / sizeof ends[0] };
    const char *name = check_name(c);
    char names[COUNT][CHECK_NAME + 8];
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "%s%s", name, ends[i]);
        fds[i] = shm_open(names[i], O_CREAT | O_EXCL | O_RDWR, 0600);
        if (!expect_ok(c, fds[i]))
            return;
        for (int k = 0; k < i; k++)
            same_file(c, fds[i], fds[k], false);
    }
    for (int i = 0; i < COUNT; i++) {
        expect_true(c, check_exists(names[i]), "each name is in /dev/shm", "\"%s\" is not", names[i]);
        expect_ok(c, shm_unlink(names[i]));
        expect_true(c, !check_exists(names[i]), "and goes by itself", "\"%s\" is still there", names[i]);
    }
}

static void hidden(struct check *c)
{
    char names[2][CHECK_NAME + 8];
    const char *name = check_name(c);
    snprintf(names[0], sizeof names[0], "/.%s", name + 1);
    snprintf(names[1], sizeof names[1], "/...%s", name + 1);
    for (int i = 0; i < 2; i++) {
        expect_ok(c, shm_open(names[i], O_CREAT | O_EXCL | O_RDWR, 0600));
        expect_true(c, check_exists(names[i]), "the name is in /dev/shm", "it is not");
        expect_ok(c, shm_unlink(names[i]));
        expect_true(c, !check_exists(names[i]), "the name has gone", "it is still there");
    }
}

static void short_name(struct check *c)
{
    static const char names[] = "shmocek";
    char name[3] = "/";
    for (size_t i = 0; i < sizeof names - 1; i++) { /* /dev/shm is this check's own */
        name[1] = names[i];
        expect_ok(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
        expect_true(c, check_exists(name), "the name is in /dev/shm", "it is not");
        expect_ok(c, shm_unlink(name));
        expect_errno(c, shm_open(name, O_RDWR, 0), ENOENT);
    }
}

static void unknown(struct check *c)
{
    const char *name = check_name(c);
    expect_errno(c, shm_open(name, O_RDWR, 0600), ENOENT);
    expect_errno(c, shm_open(name, O_RDONLY, 0), ENOENT);
    expect_true(c, !check_exists(name), "nothing is created", "there is an object of that name");
}

const struct check_ops checks_name[] = {
    {.id = "name/one-object-for-all", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = one_object_for_all,
     .clause = SHM_OPEN "DESCRIPTION: same name, same object",
     .summary = "processes that open one name share one object, and see each other's stores"},
    {.id = "name/no-such-object", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = unknown,
     .clause = SHM_OPEN "ERRORS [ENOENT]", .summary = "a name that nobody created is not found, and not created without O_CREAT"},
    {.id = "name/in-dev-shm", .interface = "shm_open", .level = CHECK_LINUX_DOCUMENTED, .run = in_dev_shm,
     .clause = "shm_overview(7), Accessing shared memory objects via the filesystem",
     .summary = "an object is a regular file of its name in /dev/shm"},
    {.id = "name/255-bytes", .interface = "shm_open", .level = CHECK_LINUX_DOCUMENTED, .run = longest,
     .clause = "shm_open(3), DESCRIPTION: up to NAME_MAX (i.e., 255) characters",
     .summary = "a name of 255 bytes behind its slash works, whole"},
    {.id = "name/256-bytes", .interface = "shm_open", .level = CHECK_POSIX_MAY, .run = one_too_long,
     .clause = SHM_OPEN "ERRORS [ENAMETOOLONG]", .summary = "a name of 256 bytes behind its slash is too long"},
    {.id = "name/over-path-max", .interface = "shm_open", .level = CHECK_POSIX_MAY, .run = far_too_long,
     .clause = SHM_OPEN "ERRORS [ENAMETOOLONG]", .summary = "a name longer than PATH_MAX is too long"},
    {.id = "name/empty", .interface = "shm_open", .level = CHECK_LINUX_DOCUMENTED, .run = refused, .with = "",
     .clause = "shm_open(3), ERRORS EINVAL", .summary = "an empty name is refused"},
    {.id = "name/slash", .interface = "shm_open", .level = CHECK_LINUX_DOCUMENTED, .run = refused, .with = "/",
     .clause = "shm_open(3), ERRORS EINVAL", .summary = "a slash alone is refused"},
    {.id = "name/dot", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = refused, .with = "/.",
     .clause = "shm_open(3), ERRORS EINVAL", .summary = "the folder itself is refused"},
    {.id = "name/dot-dot", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = refused, .with = "/..",
     .clause = "shm_open(3), ERRORS EINVAL", .summary = "the folder above is refused"},
    {.id = "name/slash-inside", .interface = "shm_open", .level = CHECK_LINUX_DOCUMENTED, .run = no_folders,
     .clause = "shm_open(3), DESCRIPTION: an initial slash, followed by characters, none of which are slashes",
     .summary = "a slash inside is refused, also where the folder exists"},
    {.id = "name/leading-slashes", .interface = "shm_open", .level = CHECK_POSIX_MAY, .run = slashes_before,
     .clause = SHM_OPEN "DESCRIPTION: without a leading slash, implementation-defined",
     .summary = "x, /x and //x are one object"},
    {.id = "name/every-byte-counts", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = every_byte_counts,
     .clause = SHM_OPEN "DESCRIPTION: construction rules for a pathname",
     .summary = "names are bytes: letter case counts, and any byte but 0 and the slash may stand there"},
    {.id = "name/ends-count", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = ends_count,
     .clause = SHM_OPEN "DESCRIPTION: construction rules for a pathname",
     .summary = "spaces, dots and other bytes at a name's end are part of it"},
    {.id = "name/hidden", .interface = "shm_open", .level = CHECK_LINUX_DOCUMENTED, .run = hidden,
     .clause = "shm_open(3), DESCRIPTION: followed by one or more characters, none of which are slashes",
     .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m", .summary = "a name may begin with dots"},
    {.id = "name/one-byte", .interface = "shm_open", .level = CHECK_LINUX_DOCUMENTED, .run = short_name,
     .clause = "shm_open(3), DESCRIPTION: followed by one or more characters", .needs = CHECK_NEEDS_MOUNTS, .shm = "size=1m",
     .summary = "one byte behind the slash is a name"},
    {.id = "name/symbolic-link", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = no_symbolic_links,
     .clause = "shm_open(3): glibc opens with O_NOFOLLOW", .summary = "a symbolic link in /dev/shm is not followed"},
    {.id = "name/directory-for-writing", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = not_a_directory,
     .clause = "shm_open(3), ERRORS EINVAL", .summary = "a directory cannot be opened for writing: EINVAL"},
    {.id = "name/directory-for-reading", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = directory_for_reading,
     .clause = "shm_open(3), DESCRIPTION", .summary = "a directory opens for reading, but cannot be mapped"},
    {.id = "name/fifo-opens", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = fifo_opens,
     .clause = "shm_open(3), DESCRIPTION", .summary = "a FIFO in /dev/shm opens: S_ISREG is for the caller to check"},
    {.id = "name/unlink-directory", .interface = "shm_unlink", .level = CHECK_LINUX_OBSERVED, .run = directory_stays,
     .clause = "shm_unlink(3), ERRORS", .summary = "a directory is not unlinked: EISDIR"},
    {.id = "name/semaphores-share-it", .interface = "sem_open", .level = CHECK_LINUX_DOCUMENTED, .run = semaphores_share,
     .clause = "sem_overview(7), Accessing named semaphores via the filesystem",
     .summary = "a named semaphore is the object /sem.NAME"},
    {0},
};
