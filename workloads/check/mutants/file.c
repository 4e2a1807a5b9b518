/* Mistakes about descriptors of objects: reading, writing, seeking, duplicating, closing. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/check/mutants/objects.h"

#define PAGE 4096

ssize_t pread(int fd, void *bytes, size_t size, off_t at)
{
    struct stat st;
    if (!mutant_active || !is_object(fd, &st))
        return REAL(pread)(fd, bytes, size, at);
    if (on(M_pread_goes_past_end) && at < st.st_size && at + (off_t)size > st.st_size) {
        memset(bytes, 0, size);
        REAL(pread)(fd, bytes, size, at);
        return (ssize_t)size;
    }
    if (on(M_pread_of_a_hole_takes_page))
        syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, at, size);
    if (on(M_pread_ignores_offset))
        at = 0;
    if (on(M_pread_moves_offset))
        syscall(SYS_lseek, fd, at + (off_t)size, SEEK_SET);
    if (on(M_pread_reads_write_only) && (syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
        return memset(bytes, 0, size), (ssize_t)size;
    if (on(M_pread_is_short) && size > 1 << 20)
        size = 1 << 20;
    return wrong("pread", REAL(pread)(fd, bytes, size, at));
}

static void fill_gap(int fd, off_t from, off_t to)
{
    for (off_t at = from; at < to && at < from + 4 * PAGE; at++)
        sys_pwrite(fd, "\xa5", 1, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    struct stat st;
    if (!mutant_active || !is_object(fd, &st))
        return REAL(pwrite)(fd, bytes, size, at);
    if (on(M_pwrite_does_nothing))
        return (ssize_t)size;
    if (on(M_pwrite_does_not_extend) && at + (off_t)size > st.st_size)
        size = at < st.st_size ? (size_t)(st.st_size - at) : 0;
    if (on(M_pwrite_writes_read_only) && (syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return (ssize_t)size;
    if (on(M_pwrite_moves_offset))
        syscall(SYS_lseek, fd, at + (off_t)size, SEEK_SET);
    if (on(M_pwrite_gap_is_stale) && at > st.st_size)
        fill_gap(fd, st.st_size, at);
    if (on(M_pwrite_is_short) && size > 1 << 20)
        size = 1 << 20;
    ssize_t done = REAL(pwrite)(fd, bytes, size, at);
    if (on(M_pwrite_keeps_times))
        syscall(SYS_utimensat, fd, NULL, (struct timespec[]){st.st_atim, st.st_mtim}, 0);
    if (on(M_pwrite_rounds_size) && done > 0 && at + done > st.st_size)
        sys_ftruncate(fd, (at + done + PAGE - 1) / PAGE * PAGE);
    if (on(M_pwrite_claims_all) && done >= 0)
        return (ssize_t)size;
    return wrong("pwrite", done);
}

off_t lseek(int fd, off_t at, int whence)
{
    if (on(M_lseek_end_is_page_up) && whence == SEEK_END && is_object(fd, NULL))
        return (REAL(lseek)(fd, at, whence) + PAGE - 1) / PAGE * PAGE;
    return wrong("lseek", REAL(lseek)(fd, at, whence));
}

/* ---- close ---- */

static void close_other(int fd, void *user)
{
    if (fd != *(int *)user)
        sys_close(fd);
}

static void unmap(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    (void)shared, (void)offset, (void)user;
    syscall(SYS_munmap, at, bytes);
}

static void unlink_object(const struct entry *entry, const struct stat *st)
{
    char path[600];
    struct stat now;
    if (object_at(path_of(entry->name, path), &now) && same_object(&now, st))
        sys_unlink(path);
}

static const struct stat *closing;

static void unlink_if_closing(const struct entry *entry)
{
    if (same_object(&entry->object, closing))
        unlink_object(entry, closing);
}

static void spoil_closing(int fd, const struct stat *st)
{
    static const char zeros[PAGE];
    closing = st;
    if (on(M_close_closes_duplicates))
        each_descriptor(st, close_other, &fd);
    if (on(M_close_unmaps))
        each_mapping(st, unmap, NULL);
    if (on(M_close_unlinks) && object_maker(st))
        each_made_by(object_maker(st), unlink_if_closing);
    if (on(M_close_truncates))
        sys_ftruncate(fd, 0);
    for (off_t at = 0; on(M_close_zeroes) && at < st->st_size && at < 1 << 20; at += PAGE)
        sys_pwrite(fd, zeros, st->st_size - at < PAGE ? (size_t)(st->st_size - at) : PAGE, at);
    if (on(M_close_moves_times))
        syscall(SYS_utimensat, fd, NULL, NULL, 0);
    if (on(M_close_rounds_size))
        sys_ftruncate(fd, (st->st_size + PAGE - 1) / PAGE * PAGE);
    if (on(M_close_of_unlinked_frees) && st->st_nlink == 0)
        sys_ftruncate(fd, 0);
}

int close(int fd)
{
    struct stat st;
    if (!mutant_active || !is_object(fd, &st))
        return (int)wrong("close", REAL(close)(fd));
    if (on(M_close_does_nothing) || (on(M_close_keeps_unlinked) && st.st_nlink == 0))
        return 0;
    if (on(M_close_leaks))
        syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 300);
    spoil_closing(fd, &st);
    int rc = REAL(close)(fd);
    if (on(M_close_fails))
        return fail_with(EIO);
    return (int)wrong("close", rc);
}

int dup(int fd)
{
    char path[64];
    int copy = REAL(dup)(fd);
    if (on(M_dup_opens_anew) && is_object(fd, NULL) && copy >= 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int anew = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR);
        if (anew >= 0)
            syscall(SYS_dup3, anew, copy, 0), sys_close(anew);
    }
    if (on(M_dup_keeps_close_on_exec) && is_object(fd, NULL))
        syscall(SYS_fcntl, copy, F_SETFD, FD_CLOEXEC);
    return copy;
}

/* ---- fchmod, fchown ---- */

int fchmod(int fd, mode_t mode)
{
    if (!mutant_active || !is_object(fd, NULL))
        return REAL(fchmod)(fd, mode);
    if (on(M_fchmod_does_nothing))
        return 0;
    if (on(M_fchmod_adds_owner_bits))
        mode |= 0600;
    if (on(M_fchmod_heeds_umask))
        mode &= ~022u;
    if (on(M_fchmod_is_for_all) && syscall(SYS_fchmod, fd, mode) != 0)
        return 0;
    return (int)wrong("fchmod", REAL(fchmod)(fd, mode));
}

int fchown(int fd, uid_t user, gid_t group)
{
    if (on(M_fchown_does_nothing) && is_object(fd, NULL))
        return 0;
    return (int)wrong("fchown", REAL(fchown)(fd, user, group));
}
