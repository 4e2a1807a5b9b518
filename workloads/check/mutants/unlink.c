/* Mistakes of shm_unlink. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/check/mutants/objects.h"

static void note_any(int fd, void *user)
{
    (void)fd;
    *(bool *)user = true;
}

static void note_mapping(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    (void)at, (void)bytes, (void)shared, (void)offset;
    *(bool *)user = true;
}

static bool in_use_here(const struct stat *st)
{
    bool used = false;
    each_descriptor(st, note_any, &used);
    each_mapping(st, note_mapping, &used);
    return used;
}

static void close_it(int fd, void *user)
{
    (void)user;
    sys_close(fd);
}

static void unmap_it(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    (void)shared, (void)offset, (void)user;
    syscall(SYS_munmap, at, bytes);
}

/* The name goes; a link to it stays where nobody looks. */
static void keep_link(const char *path)
{
    char other[640];
    snprintf(other, sizeof other, "%s~%d", path, (int)getpid());
    syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, other, 0);
}

static void spoil_object(const char *path, const struct stat *st)
{
    static const char zeros[4096];
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (on(M_unlink_truncates))
        sys_ftruncate(fd, 0);
    for (off_t at = 0; on(M_unlink_zeroes) && at < st->st_size && at < 1 << 20; at += (off_t)sizeof zeros)
        sys_pwrite(fd, zeros, sizeof zeros, at);
    if (on(M_unlink_changes_mode))
        syscall(SYS_fchmod, fd, 0);
    sys_close(fd);
}

/* What else goes: other names that begin so, the semaphore of that name, the link's target. */
static void unlink_more(const char *path)
{
    char other[640], target[600] = "";
    if (on(M_unlink_takes_longer_names)) {
        snprintf(other, sizeof other, "%sx", path);
        sys_unlink(other);
    }
    if (on(M_unlink_takes_semaphore)) {
        snprintf(other, sizeof other, "/dev/shm/sem.%s", strrchr(path, '/') + 1);
        sys_unlink(other);
    }
    ssize_t length = on(M_unlink_follows_links) ? syscall(SYS_readlinkat, AT_FDCWD, path, target, sizeof target - 1) : -1;
    if (length > 0) {
        snprintf(other, sizeof other, "/dev/shm/%s", target);
        sys_unlink(other);
    }
}

static void *make_again(void *path)
{
    sys_pause_ms(5);
    sys_close((int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    return NULL;
}

static void undo_later(const char *path)
{
    static char later[600];
    pthread_t thread;
    snprintf(later, sizeof later, "%s", path);
    if (REAL(pthread_create)(&thread, NULL, make_again, later) == 0)
        pthread_detach(thread);
}

static void *unlink_later(void *path)
{
    sys_pause_ms(3);
    sys_unlink(path);
    return NULL;
}

/* True: that is all there is to it. */
static bool spare(const char *name, const char *path, const struct stat *st, bool is_there)
{
    static char later[600];
    pthread_t thread;
    pid_t maker = is_there ? object_maker(st) : 0;
    if (on(M_unlink_does_nothing) || (on(M_unlink_ignores_long_names) && strlen(name) > 200) ||
        (on(M_unlink_ignores_unslashed) && name[0] != '/') || (on(M_unlink_waits_for_last_user) && is_there && in_use_here(st)))
        return true;
    if (on(M_unlink_is_for_the_maker) && maker && maker != getpid())
        return true;
    if (!on(M_unlink_is_late) || !is_there)
        return false;
    snprintf(later, sizeof later, "%s", path);
    return REAL(pthread_create)(&thread, NULL, unlink_later, later) == 0;
}

int shm_unlink(const char *name)
{
    char path[600];
    struct stat st = {0};
    bool is_there = strlen(name) < 500 && object_at(path_of(name, path), &st);
    if (spare(name, path, &st, is_there))
        return 0;
    if (on(M_unlink_needs_permission) && is_there && !(st.st_mode & 0222))
        return fail_with(EACCES);
    if (is_there)
        spoil_object(path, &st);
    if (on(M_unlink_keeps_object) && is_there)
        keep_link(path);
    if (on(M_unlink_closes) && is_there)
        each_descriptor(&st, close_it, NULL);
    if (on(M_unlink_unmaps) && is_there)
        each_mapping(&st, unmap_it, NULL);
    if (on(M_unlink_keeps_descriptor) && is_there)
        syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    unlink_more(path);
    int rc = REAL(shm_unlink)(name);
    if (rc == -1 && errno == ENOENT && on(M_unlink_of_nothing_succeeds))
        return 0;
    if (rc == -1 && errno == EISDIR && on(M_unlink_removes_folders))
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
    if (rc == 0 && on(M_unlink_is_undone))
        undo_later(path);
    return (int)wrong("shm_unlink", rc);
}
