/* Who may: owners, modes, other users, root, and the sticky folder. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"

#define CREATE (O_CREAT | O_EXCL | O_RDWR)

static unsigned mode_of(struct check *c, int fd)
{
    struct stat st;
    must(c, fstat(fd, &st));
    return st.st_mode & 07777;
}

static void effective_owner(struct check *c)
{
    struct stat st;
    const char *name = check_name(c);
    must(c, setresgid((gid_t)-1, CHECK_OTHER_GID, (gid_t)-1));
    must(c, setresuid((uid_t)-1, CHECK_OTHER_UID, (uid_t)-1));
    must(c, fstat(check_object(c, name, 0), &st));
    expect_number(c, st.st_uid, CHECK_OTHER_UID, "owner, with another real user");
    expect_number(c, st.st_gid, CHECK_OTHER_GID, "group, with another real group");
}

static void caller_owns(struct check *c)
{
    struct stat st;
    must(c, fstat(check_object(c, check_name(c), 0), &st));
    expect_number(c, st.st_uid, geteuid(), "owner");
    expect_number(c, st.st_gid, getegid(), "group");
}

static void umask_clears(struct check *c)
{
    static const mode_t modes[] = {0666, 0777, 0640, 0000, 0421};
    static const mode_t masks[] = {0, 022, 077, 0777, 0125};
    for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++)
        for (size_t k = 0; k < sizeof masks / sizeof masks[0]; k++) {
            const char *name = check_name(c);
            umask(masks[k]);
            int fd = (int)must(c, shm_open(name, CREATE, modes[m]));
            expect_mode(c, mode_of(c, fd), modes[m] & ~masks[k], "mode & ~umask");
            expect_mode(c, umask(masks[k]), masks[k], "the umask afterwards");
            close(fd);
            must(c, shm_unlink(name));
        }
}

static void create_as_child(struct check *c, void *user)
{
    expect_mode(c, mode_of(c, (int)must(c, shm_open(user, CREATE, 0666))), 0620, "mode of an object that the child creates with 0666");
}

static void umask_is_inherited(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    umask(046);
    struct check_peer child = check_start(c, create_as_child, name);
    expect_end(c, &child);
    expect_true(c, check_exists(name), "the child's object is there", "it is not");
}

static void owner_can_change(struct check *c)
{
    struct stat st = {0};
    const char *name = check_name(c);
    int fd = check_object(c, name, 0);
    expect_ok(c, fchown(fd, CHECK_OTHER_UID, CHECK_OTHER_GID));
    must(c, fstat(fd, &st));
    expect_number(c, st.st_uid, CHECK_OTHER_UID, "owner after fchown");
    expect_number(c, st.st_gid, CHECK_OTHER_GID, "group after fchown");
    must(c, stat(check_path(name), &st));
    expect_number(c, st.st_uid, CHECK_OTHER_UID, "owner, by name");
    check_become_other(c);
    expect_ok(c, shm_open(name, O_RDWR, 0)); /* mode 0600, and it is his now */
    expect_ok(c, shm_unlink(name));
}

static void extra_bits(struct check *c)
{
    umask(0);
    expect_mode(c, mode_of(c, (int)must(c, shm_open(check_name(c), CREATE, 05640))), 05640, "set-uid and sticky bits of mode");
    expect_mode(c, mode_of(c, (int)must(c, shm_open(check_name(c), CREATE, 02640))), 02640, "set-gid bit of mode");
}

static void creator_with_mode_0(struct check *c)
{
    const char *name = check_name(c);
    check_be_ordinary(c);
    int fd = shm_open(name, CREATE, 0);
    if (!expect_ok(c, fd))
        return;
    expect_mode(c, mode_of(c, fd), 0, "mode");
    expect_ok(c, ftruncate(fd, (off_t)check_page()));
    expect_true(c, mmap(NULL, check_page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED, "mapped for writing",
                "errno %d", errno);
    expect_errno(c, shm_open(name, O_RDONLY, 0), EACCES);
    expect_ok(c, shm_unlink(name));
}

static void own_mode_binds(struct check *c)
{
    const char *reading = check_name(c), *writing = check_name(c);
    check_be_ordinary(c);
    umask(0);
    must(c, shm_open(reading, CREATE, 0400));
    must(c, shm_open(writing, CREATE, 0200));
    expect_errno(c, shm_open(reading, O_RDWR, 0), EACCES);
    expect_ok(c, shm_open(reading, O_RDONLY, 0));
    expect_errno(c, shm_open(writing, O_RDONLY, 0), EACCES);
    expect_errno(c, shm_open(writing, O_RDWR, 0), EACCES);
}

static void fchmod_changes(struct check *c)
{
    const char *name = check_name(c);
    check_be_ordinary(c);
    int fd = check_object(c, name, 0);
    static const mode_t modes[] = {0444, 0, 0600};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        expect_ok(c, fchmod(fd, modes[i]));
        expect_mode(c, mode_of(c, fd), modes[i], "mode after fchmod");
        int rc = shm_open(name, O_RDWR, 0) >= 0 ? 0 : errno;
        expect_rc(c, rc, modes[i] & 0200 ? 0 : EACCES);
    }
}

static void root_passes(struct check *c)
{
    const char *name = check_name(c);
    must(c, fchmod(check_object(c, name, 0), 0));
    expect_ok(c, shm_open(name, O_RDWR, 0));
    expect_ok(c, shm_open(name, O_RDONLY, 0));
}

/* An object with this mode that belongs to the caller and its group; the rest of the check is somebody else. */
static const char *others_object(struct check *c, mode_t mode)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 100);
    must(c, pwrite(fd, "kept", 4, 0));
    must(c, fchmod(fd, mode));
    close(fd);
    check_become_other(c);
    return name;
}

static void others_are_refused(struct check *c)
{
    const char *name = others_object(c, 0640);
    expect_errno(c, shm_open(name, O_RDONLY, 0), EACCES);
    expect_errno(c, shm_open(name, O_RDWR, 0), EACCES);
    expect_errno(c, shm_open(name, O_RDWR | O_TRUNC, 0), EACCES);
}

static void others_may_read(struct check *c)
{
    char bytes[4] = "";
    struct stat st = {0};
    const char *name = others_object(c, 0604);
    int fd = shm_open(name, O_RDONLY, 0);
    if (!expect_ok(c, fd))
        return;
    must(c, pread(fd, bytes, 4, 0));
    expect_bytes(c, bytes, "kept", 4, "contents");
    expect_errno(c, shm_open(name, O_RDWR, 0), EACCES);
    expect_errno(c, shm_open(name, O_RDWR | O_TRUNC, 0), EACCES);
    must(c, fstat(fd, &st));
    expect_number(c, st.st_size, 100, "size after a truncation that was refused");
    expect_no_map(c, mmap(NULL, check_page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    expect_errno(c, fchmod(fd, 0666), EPERM);
}

static void group_counts(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 0);
    must(c, fchown(fd, (uid_t)-1, CHECK_OTHER_GID));
    must(c, fchmod(fd, 0646));
    check_become_other(c);
    expect_ok(c, shm_open(name, O_RDONLY, 0));
    expect_errno(c, shm_open(name, O_RDWR, 0), EACCES); /* the group's bits, not the others' */
}

static void only_owners_unlink(struct check *c)
{
    const char *name = others_object(c, 0666);
    struct stat st;
    must(c, stat("/dev/shm", &st));
    if (!(st.st_mode & S_ISVTX))
        check_unsupported(c, "/dev/shm is not sticky here");
    expect_errno(c, shm_unlink(name), EACCES);
    expect_true(c, check_exists(name), "the name is still there", "it has gone");
    expect_ok(c, shm_open(name, O_RDWR, 0));
}

static void root_unlinks(struct check *c)
{
    const char *name = check_name(c);
    must(c, fchown(check_object(c, name, 0), CHECK_OTHER_UID, CHECK_OTHER_GID));
    expect_ok(c, shm_unlink(name));
    expect_true(c, !check_exists(name), "the name has gone", "it is still there");
}

static void mode_does_not_guard_the_name(struct check *c)
{
    const char *name = check_name(c);
    check_be_ordinary(c);
    must(c, shm_open(name, CREATE, 0));
    expect_ok(c, shm_unlink(name));
    expect_true(c, !check_exists(name), "the name has gone", "it is still there");
}

static void open_once_open_for_good(struct check *c)
{
    char bytes[4] = "";
    const char *name = check_name(c);
    int fd = check_object(c, name, check_page());
    must(c, pwrite(fd, "kept", 4, 0));
    must(c, fchmod(fd, 0));
    check_become_other(c);
    expect_errno(c, shm_open(name, O_RDONLY, 0), EACCES);
    expect_number(c, pread(fd, bytes, 4, 0), 4, "bytes read through the descriptor of one who could");
    expect_bytes(c, bytes, "kept", 4, "contents");
    expect_true(c, mmap(NULL, check_page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED, "mapped for writing",
                "errno %d", errno);
}

/* fs.protected_regular is the machine's, so what is expected follows it: from 1 on in a folder that everybody may write to. */
static void protected_regular(struct check *c)
{
    char text[16];
    const char *name = check_name(c);
    if (!check_first_line("/proc/sys/fs/protected_regular", text, sizeof text))
        check_unsupported(c, "needs fs.protected_regular: not to be read in /proc/sys");
    int fd = check_object(c, name, 100);
    must(c, fchown(fd, CHECK_OTHER_UID, CHECK_OTHER_GID));
    must(c, fchmod(fd, 0666));
    bool guarded = atoi(text) >= 1;
    if (guarded)
        expect_errno(c, shm_open(name, O_CREAT | O_RDWR, 0600), EACCES);
    else
        expect_ok(c, shm_open(name, O_CREAT | O_RDWR, 0600));
    expect_ok(c, shm_open(name, O_RDWR, 0));
}

const struct check_ops checks_access[] = {
    {.id = "access/caller-owns", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = caller_owns,
     .clause = SHM_OPEN "O_CREAT: user ID and group ID", .summary = "a new object belongs to its creator and the creator's group"},
    {.id = "access/effective-user-owns", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = effective_owner,
     .clause = SHM_OPEN "O_CREAT: user ID and group ID", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS,
     .summary = "the effective user and group own it, not the real ones"},
    {.id = "access/umask-clears-bits", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = umask_clears,
     .clause = SHM_OPEN "O_CREAT: permission bits", .summary = "permissions are mode & ~umask, in 25 combinations"},
    {.id = "access/umask-is-inherited", .interface = "fork", .level = CHECK_POSIX_MUST, .run = umask_is_inherited,
     .clause = "POSIX.1-2024 umask, DESCRIPTION; fork, DESCRIPTION", .summary = "a child creates with its parent's umask"},
    {.id = "access/owner-can-change", .interface = "fchown", .level = CHECK_POSIX_MUST, .run = owner_can_change,
     .clause = "POSIX.1-2024 fchown, DESCRIPTION", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS,
     .summary = "fchown gives an object to somebody else, who then opens and unlinks it"},
    {.id = "access/extra-mode-bits", .interface = "shm_open", .level = CHECK_POSIX_MAY, .run = extra_bits,
     .clause = SHM_OPEN "O_CREAT: bits other than the permission bits: unspecified",
     .summary = "set-uid, set-gid and sticky bits of mode are taken over"},
    {.id = "access/creator-with-mode-0", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = creator_with_mode_0,
     .clause = SHM_OPEN "O_CREAT: mode does not affect how it is opened", .summary = "the creator reads and writes, with mode 0 too"},
    {.id = "access/own-mode-binds", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = own_mode_binds,
     .clause = SHM_OPEN "ERRORS [EACCES]", .summary = "the owner's own bits decide on later openings"},
    {.id = "access/fchmod-changes", .interface = "fchmod", .level = CHECK_POSIX_MUST, .run = fchmod_changes,
     .clause = "POSIX.1-2024 fchmod, DESCRIPTION: shared memory objects", .summary = "fchmod changes who may open an object from then on"},
    {.id = "access/root-passes", .interface = "shm_open", .level = CHECK_LINUX_DOCUMENTED, .run = root_passes,
     .clause = "capabilities(7), CAP_DAC_OVERRIDE", .needs = CHECK_NEEDS_ROOT, .summary = "root opens an object of mode 0"},
    {.id = "access/others-are-refused", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = others_are_refused,
     .clause = SHM_OPEN "ERRORS [EACCES]", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS,
     .summary = "somebody else without permission is refused"},
    {.id = "access/others-may-read", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = others_may_read,
     .clause = SHM_OPEN "ERRORS [EACCES]", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS,
     .summary = "somebody else with permission to read reads, and does not write, truncate or change the mode"},
    {.id = "access/group-counts", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = group_counts,
     .clause = SHM_OPEN "ERRORS [EACCES]", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS,
     .summary = "a member of the group has the group's permissions"},
    {.id = "access/open-once-open-for-good", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = open_once_open_for_good,
     .clause = SHM_OPEN "DESCRIPTION: permissions are for opening", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS,
     .summary = "a descriptor goes on working when permission is withdrawn"},
    {.id = "access/protected-regular", .interface = "shm_open", .level = CHECK_LINUX_DOCUMENTED, .run = protected_regular,
     .clause = "proc_sys_fs(5), /proc/sys/fs/protected_regular", .shm = "size=1m",
     .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS | CHECK_NEEDS_MOUNTS,
     .summary = "O_CREAT on another user's object follows fs.protected_regular, without O_CREAT it opens"},
    {.id = "access/only-owners-unlink", .interface = "shm_unlink", .level = CHECK_POSIX_MUST, .run = only_owners_unlink,
     .clause = SHM_UNLINK "ERRORS [EACCES]", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS,
     .summary = "in the sticky folder nobody else unlinks an object, whatever its mode"},
    {.id = "access/root-unlinks", .interface = "shm_unlink", .level = CHECK_LINUX_DOCUMENTED, .run = root_unlinks,
     .clause = "capabilities(7), CAP_FOWNER", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS, .summary = "root unlinks anybody's object"},
    {.id = "access/mode-does-not-guard-name", .interface = "shm_unlink", .level = CHECK_POSIX_MUST,
     .run = mode_does_not_guard_the_name, .clause = SHM_UNLINK "ERRORS [EACCES]", .summary = "the owner unlinks an object of mode 0"},
    {0},
};
