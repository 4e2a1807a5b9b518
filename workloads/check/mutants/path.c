/* Mistakes of the calls that take an object's path. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

static bool is_path(const char *path)
{
    return strncmp(path, "/dev/shm/", 9) == 0;
}

static int copy(const char *from, const char *to)
{
    char bytes[4096];
    struct stat st;
    ssize_t n;
    int in = (int)syscall(SYS_openat, AT_FDCWD, from, O_RDONLY | O_CLOEXEC);
    int out = (int)syscall(SYS_openat, AT_FDCWD, to, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (off_t at = 0; (n = sys_pread(in, bytes, sizeof bytes, at)) > 0; at += n)
        sys_pwrite(out, bytes, (size_t)n, at);
    int rc = sys_fstat(in, &st);
    sys_close(in);
    sys_close(out);
    return rc;
}

int link(const char *from, const char *to)
{
    return on(M_link_copies) && is_path(from) ? copy(from, to) : REAL(link)(from, to);
}

int rename(const char *from, const char *to)
{
    if (on(M_rename_keeps_old) && is_path(from)) {
        sys_unlink(to);
        return REAL(link)(from, to);
    }
    if (!on(M_rename_copies) || !is_path(from))
        return REAL(rename)(from, to);
    sys_unlink(to);
    int rc = copy(from, to);
    sys_unlink(from);
    return rc;
}

int truncate(const char *path, off_t size)
{
    return on(M_path_truncate_does_nothing) ? 0 : REAL(truncate)(path, size);
}

int chmod(const char *path, mode_t mode)
{
    return on(M_path_chmod_does_nothing) && is_path(path) ? 0 : REAL(chmod)(path, mode);
}

int unlink(const char *path)
{
    return on(M_path_unlink_does_nothing) && is_path(path) ? 0 : REAL(unlink)(path);
}

int fsync(int fd)
{
    return on(M_fsync_fails) && is_object(fd, NULL) ? fail_with(EINVAL) : REAL(fsync)(fd);
}
