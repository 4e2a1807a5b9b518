/* Mistakes of posix_fallocate and fallocate. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

#define PAGE 4096
#define HOLE (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static int sys_fallocate(int fd, int mode, off_t from, off_t bytes)
{
    return (int)syscall(SYS_fallocate, fd, mode, from, bytes);
}

static off_t size_of(int fd)
{
    struct stat st = {0};
    sys_fstat(fd, &st);
    return st.st_size;
}

static void clear(int fd, off_t from, off_t to)
{
    static const char zeros[PAGE];
    for (off_t at = from; at < to; at += PAGE)
        sys_pwrite(fd, zeros, to - at < PAGE ? (size_t)(to - at) : PAGE, at);
}

/* Page by page, and what was to be had stays taken. */
static int reserve_what_there_is(int fd, off_t from, off_t to)
{
    for (off_t at = from; at < to; at += PAGE)
        if (sys_fallocate(fd, 0, at, to - at < PAGE ? to - at : PAGE) != 0)
            return errno;
    return 0;
}

int posix_fallocate(int fd, off_t from, off_t bytes)
{
    off_t old = size_of(fd), end = from + bytes;
    if (!mutant_active || !is_object(fd, NULL))
        return wrong_number("posix_fallocate", REAL(posix_fallocate)(fd, from, bytes));
    if (on(M_reserve_does_nothing))
        return 0;
    if (on(M_reserve_only_sizes) && bytes > 0 && from >= 0)
        return end > old && sys_ftruncate(fd, end) != 0 ? errno : 0;
    if (on(M_reserve_keeps_size))
        return sys_fallocate(fd, FALLOC_FL_KEEP_SIZE, from, bytes) == 0 ? 0 : errno;
    if (on(M_reserve_leaves_partial))
        return reserve_what_there_is(fd, from, end);
    if (on(M_reserve_takes_empty_range) && bytes == 0)
        return 0;
    if (on(M_reserve_takes_negative) && from < 0)
        return 0;
    if (on(M_reserve_takes_reading) && (syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return 0;
    if (on(M_reserve_ignores_offset))
        from = 0;
    if (on(M_reserve_one_page_less) && bytes > PAGE)
        bytes -= PAGE;
    int rc = REAL(posix_fallocate)(fd, from, bytes);
    if (rc == 0 && on(M_reserve_clears))
        clear(fd, from, end);
    if (rc == 0 && on(M_reserve_clears_last_byte) && old > 0 && end > old)
        sys_pwrite(fd, "", 1, old - 1);
    if (rc == 0 && on(M_reserve_cuts) && old > end)
        sys_ftruncate(fd, end);
    if (rc == 0 && on(M_reserve_rounds_size))
        sys_ftruncate(fd, (size_of(fd) + PAGE - 1) / PAGE * PAGE);
    if (rc == 0 && on(M_reserve_fills_with_stale))
        sys_pwrite(fd, "stale", 5, old < end ? old : from);
    if (rc == ENOSPC && on(M_reserve_grows_when_full))
        sys_ftruncate(fd, end);
    if (rc && on(M_reserve_sets_errno))
        return fail_with(rc);
    return wrong_number("posix_fallocate", rc);
}

int fallocate(int fd, int mode, off_t from, off_t bytes)
{
    bool punches = mode & FALLOC_FL_PUNCH_HOLE;
    off_t end = from + bytes, old = size_of(fd);
    if (!mutant_active || !is_object(fd, NULL))
        return (int)wrong("fallocate", REAL(fallocate)(fd, mode, from, bytes));
    if (on(M_punch_does_nothing) && punches)
        return 0;
    if (on(M_punch_frees_nothing) && punches)
        return clear(fd, from, end), 0;
    if (on(M_punch_whole_pages_only) && punches && end / PAGE * PAGE <= (from + PAGE - 1) / PAGE * PAGE)
        return 0;
    if (on(M_punch_page_more) && punches)
        return sys_fallocate(fd, mode, from > PAGE ? from - PAGE : 0, bytes + PAGE);
    if (on(M_punch_page_less) && punches && bytes > PAGE)
        return sys_fallocate(fd, mode, from, bytes - PAGE);
    if (on(M_punch_cuts) && punches) {
        sys_fallocate(fd, mode, from, bytes);
        return sys_ftruncate(fd, end < old ? end : old);
    }
    if (on(M_keep_size_grows) && mode == FALLOC_FL_KEEP_SIZE)
        mode = 0;
    if (on(M_keep_size_takes_nothing) && mode == FALLOC_FL_KEEP_SIZE)
        return 0;
    if (on(M_zero_range_succeeds) && (mode & FALLOC_FL_ZERO_RANGE))
        return clear(fd, from, end), 0;
    if (on(M_collapse_succeeds) && (mode & FALLOC_FL_COLLAPSE_RANGE))
        return 0;
    if (on(M_insert_succeeds) && (mode & FALLOC_FL_INSERT_RANGE))
        return 0;
    return (int)wrong("fallocate", REAL(fallocate)(fd, mode, from, bytes));
}
