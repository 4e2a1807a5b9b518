/* Opening what is there: descriptors, access, and truncation. Creating is in create.c, who may in access.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"

#define CREATE (O_CREAT | O_EXCL | O_RDWR)

static struct stat stat_of(struct check *c, int fd)
{
    struct stat st = {0};
    must(c, fstat(fd, &st));
    return st;
}

static void exclusive_refuses(struct check *c)
{
    const char *name = check_name(c);
    unsigned char *at = check_map(c, check_object(c, name, check_page()), check_page());
    check_fill(at, check_page(), 1);
    expect_errno(c, shm_open(name, CREATE, 0600), EEXIST);
    expect_errno(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_TRUNC, 0600), EEXIST);
    expect_errno(c, shm_open(name, O_CREAT | O_EXCL | O_RDONLY, 0600), EEXIST);
    expect_number(c, stat_of(c, (int)must(c, shm_open(name, O_RDWR, 0))).st_size, (long long)check_page(),
                  "size of the object that was there");
    expect_filled(c, at, check_page(), 1, "contents of the object that was there");
}

static void creat_opens_what_is_there(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 300);
    must(c, pwrite(fd, "kept", 4, 100));
    int again = shm_open(name, O_CREAT | O_RDWR, 0777);
    if (!expect_ok(c, again))
        return;
    char bytes[4] = "";
    struct stat st = stat_of(c, again);
    expect_true(c, st.st_ino == stat_of(c, fd).st_ino, "the same object", "another one");
    expect_number(c, st.st_size, 300, "its size");
    expect_mode(c, st.st_mode, 0600, "the mode argument has no effect on it");
    must(c, pread(again, bytes, 4, 100));
    expect_bytes(c, bytes, "kept", 4, "its contents");
}

static void own_description(struct check *c)
{
    const char *name = check_name(c);
    int one = check_object(c, name, 1000), other = (int)must(c, shm_open(name, O_RDWR, 0));
    expect_number(c, lseek(other, 0, SEEK_CUR), 0, "offset of a new descriptor");
    must(c, lseek(one, 500, SEEK_SET));
    expect_number(c, lseek(other, 0, SEEK_CUR), 0, "offset of the other after a seek in one");
    must(c, fcntl(one, F_SETFL, O_APPEND));
    expect_number(c, fcntl(other, F_GETFL) & O_APPEND, 0, "O_APPEND of the other after setting it in one");
}

static void lowest_descriptor(struct check *c)
{
    const char *name = check_name(c);
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = (int)must(c, open("/", O_RDONLY | O_CLOEXEC));
    close(fds[1]);
    close(fds[2]);
    expect_number(c, shm_open(name, CREATE, 0600), fds[1], "descriptor of the first object");
    expect_number(c, shm_open(name, O_RDONLY, 0), fds[2], "descriptor of the second opening");
}

static void close_on_exec(struct check *c)
{
    const char *name = check_name(c);
    expect_number(c, fcntl(check_object(c, name, 0), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "FD_CLOEXEC of a new object");
    expect_number(c, fcntl((int)must(c, shm_open(name, O_RDONLY, 0)), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC,
                  "FD_CLOEXEC of one that was there");
}

static void access_modes(struct check *c)
{
    const char *name = check_name(c);
    char byte;
    expect_number(c, fcntl(check_object(c, name, 10), F_GETFL) & O_ACCMODE, O_RDWR, "access mode of O_RDWR");
    int fd = (int)must(c, shm_open(name, O_RDONLY, 0));
    expect_number(c, fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY, "access mode of O_RDONLY");
    expect_errno(c, pwrite(fd, "x", 1, 0), EBADF);
    expect_number(c, pread(fd, &byte, 1, 0), 1, "bytes read through O_RDONLY");
}

/* What open(2) adds by itself, and how it was opened, are no status that the caller asked for. */
static void no_other_flags(struct check *c)
{
    const int others = O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_DIRECT | O_ASYNC | O_NOATIME;
    const char *name = check_name(c);
    expect_number(c, fcntl(check_object(c, name, 0), F_GETFL) & others, 0, "status flags of a new object's descriptor");
    expect_number(c, fcntl((int)must(c, shm_open(name, O_RDWR, 0)), F_GETFL) & others, 0, "status flags with O_RDWR");
    expect_number(c, fcntl((int)must(c, shm_open(name, O_RDONLY, 0)), F_GETFL) & others, 0, "status flags with O_RDONLY");
}

static void write_only(struct check *c)
{
    const char *name = check_name(c);
    char byte;
    check_object(c, name, check_page());
    int fd = shm_open(name, O_WRONLY, 0);
    if (!expect_ok(c, fd))
        return;
    expect_no_map(c, mmap(NULL, check_page(), PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    expect_no_map(c, mmap(NULL, check_page(), PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
    expect_errno(c, pread(fd, &byte, 1, 0), EBADF);
}

/* ---- O_TRUNC ---- */

static void empties(struct check *c, size_t bytes)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, bytes);
    unsigned char *at = check_map(c, fd, bytes);
    check_fill(at, bytes, 1);
    int again = shm_open(name, O_RDWR | O_TRUNC, 0);
    if (!expect_ok(c, again))
        return;
    expect_number(c, stat_of(c, fd).st_size, 0, "size, seen through the older descriptor");
    expect_number(c, stat_of(c, fd).st_blocks, 0, "blocks");
    must(c, ftruncate(again, (off_t)bytes));
    expect_fill(c, at, 0, bytes, "contents after growing again, in the mapping that was there");
    expect_fill(c, check_map(c, again, bytes), 0, bytes, "the same in a new one");
}

static void trunc_empties(struct check *c)
{
    empties(c, 3 * check_page() + 5);
    empties(c, (3 << 20) + 5);
}

static void trunc_keeps_the_rest(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 100);
    int given = fchown(fd, CHECK_OTHER_UID, CHECK_OTHER_GID); /* where that may be: a truncation by the caller could change it */
    (void)given;
    must(c, fchmod(fd, 0642));
    struct stat before = stat_of(c, fd);
    if (!expect_ok(c, shm_open(name, O_RDWR | O_TRUNC, 0777))) /* O_CREAT might meet fs.protected_regular */
        return;
    struct stat after = stat_of(c, fd);
    expect_number(c, after.st_size, 0, "size");
    expect_mode(c, after.st_mode, 0642, "after the truncation");
    expect_number(c, after.st_uid, before.st_uid, "owner");
    expect_number(c, after.st_gid, before.st_gid, "group");
    expect_true(c, after.st_ino == before.st_ino, "the same object", "another one has its name");
}

static void trunc_with_creat(struct check *c)
{
    const char *name = check_name(c), *new = check_name(c);
    int fd = check_object(c, name, 100);
    must(c, fchmod(fd, 0640));
    struct stat before = stat_of(c, fd);
    expect_ok(c, shm_open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));
    expect_number(c, stat_of(c, fd).st_size, 0, "size of an object that was there");
    expect_mode(c, stat_of(c, fd).st_mode, 0640, "its mode");
    expect_true(c, stat_of(c, fd).st_ino == before.st_ino && stat_of(c, fd).st_nlink == 1, "the same object", "another one");
    fd = shm_open(new, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (expect_ok(c, fd))
        expect_number(c, stat_of(c, fd).st_size, 0, "size of one that was not");
    expect_ok(c, shm_open(check_name(c), CREATE | O_TRUNC, 0600));
}

static void trunc_by_another(struct check *c, void *user)
{
    must(c, shm_open(user, O_RDWR | O_TRUNC, 0));
}

static void trunc_of_unlinked_name(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int old = check_object(c, name, 100);
    must(c, shm_unlink(name));
    int new = check_object(c, name, 200);
    struct check_peer peer = check_start(c, trunc_by_another, name);
    expect_end(c, &peer);
    expect_number(c, stat_of(c, new).st_size, 0, "size of the object that has the name");
    expect_number(c, stat_of(c, old).st_size, 100, "size of the one that had it before");
}

static void trunc_read_only(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 100);
    expect_ok(c, shm_open(name, O_RDONLY | O_TRUNC, 0));
    expect_number(c, stat_of(c, fd).st_size, 0, "size");
}

/* The lowest free descriptor: one more as soon as a call has kept one. */
static int lowest_free(struct check *c)
{
    int fd = (int)must(c, open("/", O_RDONLY | O_CLOEXEC));
    must(c, close(fd));
    return fd;
}

static void failing_keeps_nothing(struct check *c)
{
    const char *name = check_name(c), *nobody = check_name(c);
    must(c, close(check_object(c, name, 100)));
    int before = lowest_free(c);
    expect_errno(c, shm_open(nobody, O_RDWR, 0), ENOENT);
    expect_errno(c, shm_open(name, CREATE, 0600), EEXIST);
    expect_errno(c, shm_open("/a/b", O_RDWR, 0), EINVAL);
    expect_errno(c, shm_open(check_long_name(c, 256), CREATE, 0600), ENAMETOOLONG);
    expect_errno(c, shm_unlink(nobody), ENOENT);
    expect_number(c, lowest_free(c), before, "lowest free descriptor after calls that failed");
    expect_ok(c, shm_unlink(name));
    expect_number(c, lowest_free(c), before, "lowest free descriptor after unlinking");
}

const struct check_ops checks_open[] = {
    {.id = "open/exclusive-refuses", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = exclusive_refuses,
     .clause = SHM_OPEN "ERRORS [EEXIST]", .summary = "O_EXCL refuses an existing name, and leaves its object as it was"},
    {.id = "open/creat-opens-existing", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = creat_opens_what_is_there,
     .clause = SHM_OPEN "O_CREAT: no effect on an object that exists", .summary = "O_CREAT alone opens an existing object and changes nothing"},
    {.id = "open/own-description", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = own_description,
     .clause = SHM_OPEN "DESCRIPTION: the open file description is new", .summary = "offset and flags of one opening are not another's"},
    {.id = "open/lowest-descriptor", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = lowest_descriptor,
     .clause = SHM_OPEN "DESCRIPTION: File Descriptor Allocation", .summary = "the lowest free descriptor is given"},
    {.id = "open/failing-keeps-nothing", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = failing_keeps_nothing,
     .clause = SHM_OPEN "RETURN VALUE; POSIX.1-2024 open: no files shall be created or modified if it returns -1",
     .summary = "a call that fails, and one that unlinks, leave no descriptor open"},
    {.id = "open/close-on-exec", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = close_on_exec,
     .clause = SHM_OPEN "DESCRIPTION: FD_CLOEXEC is set", .summary = "every descriptor has FD_CLOEXEC set"},
    {.id = "open/access-mode", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = access_modes,
     .clause = SHM_OPEN "O_RDONLY, O_RDWR", .summary = "a descriptor reads and writes as it was opened, and not more"},
    {.id = "open/no-other-flags", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = no_other_flags,
     .clause = SHM_OPEN "DESCRIPTION: the file status flags are set according to oflag",
     .summary = "a descriptor neither appends nor refuses to wait, nor has another flag that nobody asked for"},
    {.id = "open/write-only", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = write_only,
     .clause = SHM_OPEN "DESCRIPTION: exactly one of O_RDONLY and O_RDWR",
     .summary = "O_WRONLY is taken, but such a descriptor cannot be mapped"},
    {.id = "open/trunc-empties", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = trunc_empties,
     .clause = SHM_OPEN "O_TRUNC: truncated to zero length", .summary = "O_TRUNC empties the object for everybody, and its bytes are gone"},
    {.id = "open/trunc-keeps-mode-and-owner", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = trunc_keeps_the_rest,
     .clause = SHM_OPEN "O_TRUNC: mode and owner unchanged", .summary = "O_TRUNC leaves mode, owner and group alone"},
    {.id = "open/trunc-with-creat", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = trunc_with_creat,
     .clause = SHM_OPEN "O_TRUNC; O_CREAT", .summary = "O_CREAT beside it makes no difference to an object that exists"},
    {.id = "open/trunc-goes-by-name", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = trunc_of_unlinked_name,
     .clause = SHM_OPEN "O_TRUNC: if the shared memory object exists", .summary = "O_TRUNC truncates the object that has the name now, not one that had it"},
    {.id = "open/trunc-read-only", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = trunc_read_only,
     .clause = SHM_OPEN "O_TRUNC with O_RDONLY: undefined", .summary = "O_TRUNC with O_RDONLY truncates"},
    {0},
};
