/* Mistakes of shm_open. */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workloads/check/mutants/objects.h"

static int sys_open(const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}

/* ---- the name ---- */

static void change_bytes(char *name, int (*change)(int))
{
    for (; *name; name++)
        *name = (char)change((unsigned char)*name);
}

static int seven_bits(int c)
{
    return c & 0x7f ? c & 0x7f : 'x';
}

static int no_control(int c)
{
    return iscntrl(c) ? '_' : c;
}

static void trim(char *name, char c)
{
    for (size_t length = strlen(name); length > 1 && name[length - 1] == c; length--)
        name[length - 1] = '\0';
}

static void cut(char *name, size_t bytes)
{
    if (strlen(name) > bytes)
        name[bytes] = '\0';
}

/* The name that is meant instead. */
static const char *other_name(const char *name, char text[600])
{
    if (strlen(name) > 500)
        return name;
    snprintf(text, 600, "%s", name);
    if (on(M_open_cuts_name_at_200))
        cut(text, 200);
    else if (on(M_open_cuts_name_at_254))
        cut(text, 255);
    else if (on(M_open_cuts_too_long_name))
        cut(text, 256);
    else if (on(M_open_folds_case))
        change_bytes(text, tolower);
    else if (on(M_open_strips_high_bit))
        change_bytes(text, seven_bits);
    else if (on(M_open_strips_control))
        change_bytes(text, no_control);
    else if (on(M_open_trims_spaces))
        trim(text, ' ');
    else if (on(M_open_trims_dots))
        trim(text, '.');
    else if (on(M_open_needs_slash) && name[0] != '/')
        snprintf(text, 600, "/_%s", name);
    else if (on(M_open_one_slash_only) && name[0] == '/' && name[1] == '/')
        snprintf(text, 600, "/_%s", name + 2);
    else if (on(M_open_name_is_per_process))
        snprintf(text, 600, "%s.%d", name, (int)getpid());
    else if (on(M_open_name_is_per_user) && geteuid() != 0)
        snprintf(text, 600, "%s.%d", name, (int)geteuid());
    return text;
}

/* ---- flags ---- */

static int other_flags(int flags, bool exists)
{
    int access = flags & O_ACCMODE;
    if (on(M_open_creating_for_reading_writes) && access == O_RDONLY && !exists && (flags & O_CREAT))
        return (flags & ~O_ACCMODE) | O_RDWR;
    if (on(M_open_ignores_excl))
        return flags & ~O_EXCL;
    if (on(M_open_excl_alone_refuses) && (flags & O_CREAT) && exists)
        return flags | O_EXCL;
    if (on(M_open_always_creates) && !exists)
        return flags | O_CREAT;
    if (on(M_open_ignores_trunc))
        return flags & ~O_TRUNC;
    if (on(M_open_ignores_trunc_when_reading) && access == O_RDONLY)
        return flags & ~O_TRUNC;
    if (on(M_open_ignores_trunc_with_creat) && (flags & O_CREAT))
        return flags & ~O_TRUNC;
    if (on(M_open_always_truncates) && access == O_RDWR && !(flags & O_EXCL))
        return flags | O_TRUNC;
    if (on(M_open_creat_truncates) && (flags & O_CREAT) && exists)
        return flags | O_TRUNC;
    if (on(M_open_reading_writes) && access == O_RDONLY)
        return (flags & ~O_ACCMODE) | O_RDWR;
    if (on(M_open_writing_reads) && access == O_RDWR && !(flags & O_CREAT))
        return flags & ~O_ACCMODE;
    if (on(M_open_write_only_reads) && access == O_WRONLY)
        return (flags & ~O_ACCMODE) | O_RDWR;
    return flags;
}

static mode_t other_mode(mode_t mode)
{
    if (on(M_open_ignores_mode))
        return 0600;
    if (on(M_open_mode_for_all))
        return 0666;
    if (on(M_open_adds_owner_bits))
        return mode | 0600;
    if (on(M_open_strips_others_bits))
        return mode & ~07u;
    if (on(M_open_strips_group_bits))
        return mode & ~070u;
    if (on(M_open_strips_execute_bits))
        return mode & ~0111u;
    if (on(M_open_strips_extra_bits))
        return mode & 0777;
    if (on(M_open_strips_setgid))
        return mode & ~(mode_t)S_ISGID;
    return mode;
}

/* ---- what is done to the descriptor and its object ---- */

static void set_mode(int fd, mode_t mode)
{
    syscall(SYS_fchmod, fd, mode);
}

static mode_t mask_now(void)
{
    mode_t mask = (mode_t)syscall(SYS_umask, 0);
    syscall(SYS_umask, mask);
    return mask;
}

/* As the real user, who may be root. */
static void give(int fd, uid_t user, gid_t group)
{
    uid_t effective = geteuid();
    syscall(SYS_setresuid, -1, getuid(), -1);
    syscall(SYS_fchown, fd, user, group);
    syscall(SYS_setresuid, -1, effective, -1);
}

static void spoil_new(int fd, mode_t mode)
{
    if (on(M_open_ignores_umask))
        set_mode(fd, mode);
    else if (on(M_open_ignores_umask_for_group))
        set_mode(fd, mode & ~(mask_now() & ~070u));
    else if (on(M_open_ignores_umask_for_others))
        set_mode(fd, mode & ~(mask_now() & ~07u));
    else if (on(M_open_starts_with_page))
        sys_ftruncate(fd, 4096);
    else if (on(M_open_starts_with_byte))
        sys_ftruncate(fd, 1);
    else if (on(M_open_takes_page_at_once))
        syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 4096);
    else if (on(M_open_owner_is_real) && getuid() != geteuid())
        give(fd, getuid(), getgid());
    else if (on(M_open_group_is_real) && getgid() != getegid())
        give(fd, (uid_t)-1, getgid());
    else if (on(M_open_owner_is_nobody))
        syscall(SYS_fchown, fd, 65533, -1);
    else if (on(M_open_group_is_nobody))
        syscall(SYS_fchown, fd, -1, 65533);
    else if (on(M_open_leaves_umask_zero))
        syscall(SYS_umask, 0);
    else if (on(M_open_new_is_kept_on_exec))
        syscall(SYS_fcntl, fd, F_SETFD, 0);
}

/* What only who leaves O_EXCL out meets. */
static void spoil_new_without_excl(int fd, mode_t mode)
{
    if (on(M_open_creat_alone_ignores_umask))
        set_mode(fd, mode);
    else if (on(M_open_creat_alone_is_kept_on_exec))
        syscall(SYS_fcntl, fd, F_SETFD, 0);
    else if (on(M_open_creat_alone_starts_with_page))
        sys_ftruncate(fd, 4096);
}

static void spoil_existing(int fd, int flags, mode_t mode)
{
    if (on(M_open_creat_sets_mode) && (flags & O_CREAT))
        set_mode(fd, mode & ~mask_now());
    else if (on(M_open_trunc_sets_mode) && (flags & O_TRUNC))
        set_mode(fd, mode & ~mask_now());
    else if (on(M_open_trunc_sets_owner) && (flags & O_TRUNC))
        syscall(SYS_fchown, fd, geteuid(), getegid());
    else if (on(M_open_trunc_leaves_page) && (flags & O_TRUNC))
        sys_ftruncate(fd, 4096);
    else if (on(M_open_existing_is_kept_on_exec))
        syscall(SYS_fcntl, fd, F_SETFD, 0);
}

static int move_up(int fd)
{
    int high = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 200);
    if (high < 0)
        return fd;
    sys_close(fd);
    return high;
}

static void find(int fd, void *user)
{
    int *found = user;
    if (fd != found[0] && (syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE) == (syscall(SYS_fcntl, found[0], F_GETFL) & O_ACCMODE))
        found[1] = fd;
}

/* The open file description of an earlier opening by this process, if there is one. */
static int share_description(int fd)
{
    int found[2] = {fd, -1};
    struct stat st;
    if (is_object(fd, &st))
        each_descriptor(&st, find, found);
    if (found[1] >= 0)
        syscall(SYS_dup3, found[1], fd, O_CLOEXEC);
    return fd;
}

/* Another object of the same contents: who opens it later has one of its own. */
static int copy_of(int fd)
{
    char bytes[4096];
    struct stat st;
    ssize_t n;
    int copy = (int)syscall(SYS_memfd_create, "copy", 1u);
    if (copy < 0 || !is_object(fd, &st))
        return fd;
    sys_ftruncate(copy, st.st_size);
    for (off_t at = 0; at < 1 << 20 && (n = sys_pread(fd, bytes, sizeof bytes, at)) > 0; at += n)
        sys_pwrite(copy, bytes, (size_t)n, at);
    sys_close(fd);
    return copy;
}

static int spoil_descriptor(int fd, bool created)
{
    if (on(M_open_is_kept_on_exec))
        syscall(SYS_fcntl, fd, F_SETFD, 0);
    else if (on(M_open_appends))
        syscall(SYS_fcntl, fd, F_SETFL, O_APPEND);
    else if (on(M_open_does_not_block))
        syscall(SYS_fcntl, fd, F_SETFL, O_NONBLOCK);
    else if (on(M_open_seeks_to_end))
        syscall(SYS_lseek, fd, 0, SEEK_END);
    else if (on(M_open_leaks_descriptor))
        syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 300);
    else if (on(M_open_gives_high_descriptor))
        return move_up(fd);
    else if (on(M_open_shares_description) && !created)
        return share_description(fd);
    else if (on(M_open_gives_copy) && !created)
        return copy_of(fd);
    return fd;
}

/* ---- the course of it ---- */

/* Looks, and then creates: two can look before one creates. */
static int create_in_two_steps(const char *path, int flags, mode_t mode)
{
    struct stat st;
    if ((flags & O_EXCL) && syscall(SYS_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return fail_with(EEXIST);
    return sys_open(path, (flags & ~O_EXCL) | O_NOFOLLOW, mode);
}

static void truncate_at(const char *path)
{
    int fd = sys_open(path, O_RDWR | O_TRUNC | O_NOFOLLOW, 0);
    if (fd >= 0)
        sys_close(fd);
}

/* Before anything is opened: true when that is all there is to it, with the result in *fd. */
static bool refuse(const char *name, const char *path, int flags, mode_t mode, bool exists, int *fd)
{
    struct stat st = {0};
    *fd = -1;
    if (on(M_open_replaces_existing) && (flags & O_CREAT) && !(flags & O_EXCL) && exists)
        sys_unlink(path);
    if (on(M_open_trunc_replaces) && (flags & O_TRUNC) && exists && object_at(path, &st)) {
        sys_unlink(path);
        *fd = sys_open(path, (flags & O_ACCMODE) | O_CREAT | O_EXCL, st.st_mode & 0777);
        return true;
    }
    if (on(M_open_excl_truncates) && (flags & O_EXCL) && exists)
        truncate_at(path);
    if (on(M_open_binds_root) && geteuid() == 0 && object_at(path, &st) && (~st.st_mode & 0400))
        return fail_with(EACCES), true;
    if (on(M_open_refuses_hidden) && name[0] == '/' && name[1] == '.' && name[2])
        return fail_with(EINVAL), true;
    if (on(M_open_refuses_write_only) && (flags & O_ACCMODE) == O_WRONLY)
        return fail_with(EINVAL), true;
    if (on(M_open_refuses_creator) && (flags & O_CREAT) && !exists && !(mode & 0200) && geteuid() != 0)
        return sys_close(sys_open(path, flags, mode)), fail_with(EACCES), true;
    if (on(M_open_takes_folders) && strchr(name + (name[0] == '/'), '/') && name[strspn(name, "/")])
        return *fd = sys_open(path, flags, mode), true;
    if (on(M_open_follows_links))
        return *fd = sys_open(path, flags, mode), true;
    if (on(M_open_excl_in_two_steps))
        return *fd = create_in_two_steps(path, flags, mode), true;
    if (on(M_open_is_refused_directories) && syscall(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0 && S_ISDIR(st.st_mode))
        return fail_with(EISDIR), true;
    if (on(M_open_is_refused_fifos) && syscall(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0 && S_ISFIFO(st.st_mode))
        return fail_with(EINVAL), true;
    return false;
}

static int finish(int fd, const char *name, int flags, mode_t mode, bool existed)
{
    bool created = (flags & O_CREAT) && !existed;
    if (fd < 0)
        return fd;
    if (created) {
        object_note(fd, name);
        spoil_new(fd, mode);
        if (!(flags & O_EXCL))
            spoil_new_without_excl(fd, mode);
    } else {
        spoil_existing(fd, flags, mode);
    }
    return spoil_descriptor(fd, created);
}

int shm_open(const char *name, int flags, mode_t mode)
{
    char text[600], path[600];
    struct stat st;
    int fd;
    const char *meant = other_name(name, text);
    path_of(meant, path);
    bool exists = syscall(SYS_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!refuse(meant, path, flags, mode, exists, &fd))
        fd = REAL(shm_open)(meant, other_flags(flags, exists), other_mode(mode));
    if (fd < 0 && on(M_open_leaves_object_without_descriptor) && errno == EMFILE && (flags & O_CREAT)) {
        syscall(SYS_mknodat, AT_FDCWD, path, S_IFREG | 0600, 0);
        errno = EMFILE;
    }
    if (fd < 0 && (on(M_open_leaks_when_it_fails) || (on(M_open_leaks_when_it_exists) && errno == EEXIST))) {
        int errnum = errno;
        syscall(SYS_openat, AT_FDCWD, exists ? path : "/", O_RDONLY | O_CLOEXEC);
        errno = errnum;
    }
    return finish((int)wrong("shm_open", fd), meant, flags, mode, exists);
}
