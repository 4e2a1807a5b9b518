/* Mistakes about what is to be seen of an object: stat, statvfs, /proc, names in a folder. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

static void spoil_stat(struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return;
    if (on(M_stat_rounds_size))
        st->st_size = (st->st_size + 4095) / 4096 * 4096;
    else if (on(M_stat_has_32_bits))
        st->st_size &= 0xffffffff;
    else if (on(M_stat_has_a_link))
        st->st_nlink = 1;
    else if (on(M_stat_has_no_link))
        st->st_nlink = 0;
    else if (on(M_stat_has_no_blocks))
        st->st_blocks = 0;
    else if (on(M_stat_blocks_follow_size))
        st->st_blocks = (st->st_size + 4095) / 4096 * 8;
    else if (on(M_stat_mode_is_0600))
        st->st_mode = (st->st_mode & S_IFMT) | 0600;
    else if (on(M_stat_hides_others_bits))
        st->st_mode &= ~07u;
    else if (on(M_stat_owner_is_0))
        st->st_uid = 0;
    else if (on(M_stat_group_is_0))
        st->st_gid = 0;
    else if (on(M_stat_owner_is_caller))
        st->st_uid = geteuid(), st->st_gid = getegid();
    else if (on(M_stat_inode_is_0))
        st->st_ino = 0;
    else if (on(M_stat_times_stand))
        st->st_mtim = st->st_ctim = (struct timespec){0};
    else if (on(M_stat_type_is_lost))
        st->st_mode &= 07777;
}

int fstat(int fd, struct stat *st)
{
    int rc = sys_fstat(fd, st);
    if (rc == 0 && mutant_active && is_object(fd, NULL))
        spoil_stat(st);
    return rc;
}

int stat(const char *path, struct stat *st)
{
    int rc = (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0);
    if (rc == 0 && mutant_active && strncmp(path, "/dev/shm/", 9) == 0)
        spoil_stat(st);
    if (rc == 0 && on(M_folder_is_not_sticky) && strcmp(path, "/dev/shm") == 0)
        st->st_mode &= ~(mode_t)S_ISVTX;
    return rc;
}

int statfs(const char *path, struct statfs *fs)
{
    int rc = REAL(statfs)(path, fs);
    if (rc == 0 && on(M_folder_is_no_tmpfs))
        fs->f_type = 0xef53;
    if (rc == 0 && on(M_folder_is_twice_as_large))
        fs->f_blocks *= 2;
    if (rc == 0 && on(M_folder_has_few_inodes))
        fs->f_files = 1000;
    return rc;
}

static void spoil_statvfs(struct statvfs *fs)
{
    if (on(M_statvfs_is_constant))
        fs->f_bfree = fs->f_bavail = fs->f_blocks;
    else if (on(M_statvfs_counts_in_sixteens))
        fs->f_bfree = fs->f_bfree / 16 * 16;
    else if (on(M_statvfs_inodes_stand))
        fs->f_ffree = fs->f_files;
    else if (on(M_statvfs_block_is_1024))
        fs->f_frsize = 1024;
}

int statvfs(const char *path, struct statvfs *fs)
{
    int rc = REAL(statvfs)(path, fs);
    if (rc == 0 && mutant_active)
        spoil_statvfs(fs);
    return rc;
}

/* ---- /proc ---- */

char *fgets(char *line, int size, FILE *file)
{
    char *got = REAL(fgets)(line, size, file), *mark;
    if (got && on(M_proc_hides_deletion) && (mark = strstr(line, " (deleted)")))
        strcpy(mark, "\n");
    if (got && on(M_proc_hides_names) && (mark = strstr(line, "/dev/shm/shmoo-check")))
        strcpy(mark, "\n");
    if (got && on(M_proc_always_says_deleted) && strstr(line, "/dev/shm/") && !strstr(line, "deleted"))
        strcpy(line + strcspn(line, "\n"), " (deleted)\n");
    return got;
}

ssize_t readlink(const char *path, char *target, size_t size)
{
    ssize_t length = REAL(readlink)(path, target, size);
    if (length > 10 && on(M_proc_hides_deletion) && memcmp(target + length - 10, " (deleted)", 10) == 0)
        return memset(target + length - 10, 0, 10), length - 10;
    if (length > 0 && on(M_proc_hides_descriptors) && memmem(target, (size_t)length, "/shmoo-check", 12))
        return target[0] = '?', 1;
    return length;
}

/* The binary calls open() with two or three arguments. */
int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    bool reopens = strncmp(path, "/proc/self/fd/", 14) == 0;
    if (on(M_proc_does_not_reopen) && reopens)
        return fail_with(ENOENT);
    if (on(M_proc_reopens_for_reading) && reopens)
        flags &= ~O_ACCMODE;
    int fd = REAL(open)(path, flags, mode);
    if (on(M_proc_reopens_a_copy) && reopens && fd >= 0) {
        int copy = (int)syscall(SYS_memfd_create, "copy", 1u);
        syscall(SYS_dup3, copy, fd, O_CLOEXEC);
        sys_close(copy);
    }
    return fd;
}

int linkat(int from, const char *path, int to, const char *name, int flags)
{
    if (on(M_link_of_unlinked_succeeds))
        return 0;
    return (int)wrong("linkat", REAL(linkat)(from, path, to, name, flags));
}
