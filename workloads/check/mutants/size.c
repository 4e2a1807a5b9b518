/* Mistakes of ftruncate. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/check/mutants/objects.h"

#define PAGE 4096

static off_t down(off_t size)
{
    return size / PAGE * PAGE;
}

static off_t up(off_t size)
{
    return down(size + PAGE - 1);
}

static off_t other_size(off_t size, off_t old)
{
    if (on(M_truncate_rounds_up))
        return up(size);
    if (on(M_truncate_rounds_down))
        return down(size);
    if (on(M_truncate_large_rounds_up) && size > 1 << 20 && size < 1 << 30)
        return (size + (2 << 20) - 1) / (2 << 20) * (2 << 20);
    if (on(M_truncate_adds_byte) && size > 0)
        return size + 1;
    if (on(M_truncate_loses_byte) && size > 0)
        return size - 1;
    if (on(M_truncate_adds_page) && size > 0)
        return size + PAGE;
    if (on(M_truncate_loses_page) && size > PAGE)
        return size - PAGE;
    if (on(M_truncate_does_not_grow) && size > old && old > 0)
        return old;
    if (on(M_truncate_does_not_shrink) && size < old)
        return old;
    if (on(M_truncate_does_not_empty) && size == 0 && old > 0)
        return 1;
    if (on(M_truncate_has_32_bits))
        return size & 0xffffffff;
    if (on(M_truncate_has_31_bits) && size > 0)
        return size & 0x7fffffff;
    if (on(M_truncate_takes_negative) && size < 0)
        return 0;
    return size;
}

/* ---- bytes that shrinking cut off, kept for when the object grows again ---- */

#define KEPT (1 << 16)
static unsigned char kept[KEPT];
static off_t kept_from, kept_to;
static struct stat kept_of;

static void keep(int fd, off_t size, const struct stat *st)
{
    bool whole = on(M_truncate_keeps_bytes), rest = on(M_truncate_keeps_rest_of_page), pages = on(M_truncate_keeps_pages);
    bool emptied = on(M_truncate_keeps_bytes_when_emptied) && size == 0;
    if (!(whole || rest || pages || emptied) || size >= st->st_size)
        return;
    kept_from = pages ? up(size) : size;
    kept_to = rest && up(size) < st->st_size ? up(size) : st->st_size;
    if (kept_to - kept_from > KEPT)
        kept_to = kept_from + KEPT;
    kept_of = *st;
    if (kept_to > kept_from)
        sys_pread(fd, kept, (size_t)(kept_to - kept_from), kept_from);
}

static void bring_back(int fd, off_t size, const struct stat *st)
{
    if (!same_object(st, &kept_of) || size <= st->st_size || kept_to <= kept_from)
        return;
    off_t end = kept_to < size ? kept_to : size;
    if (end > kept_from)
        sys_pwrite(fd, kept, (size_t)(end - kept_from), kept_from);
}

/* ---- the rest ---- */

static void fill(int fd, off_t from, off_t to)
{
    unsigned char stale[PAGE];
    memset(stale, 0xa5, sizeof stale);
    for (off_t at = from; at < to && at < from + 16 * PAGE; at += PAGE)
        sys_pwrite(fd, stale, to - at < PAGE ? (size_t)(to - at) : PAGE, at);
}

static void spoil_growth(int fd, off_t size, off_t old)
{
    if (on(M_truncate_grows_with_stale_bytes))
        fill(fd, old, size);
    else if (on(M_truncate_first_page_is_stale) && old == 0)
        fill(fd, 0, size < PAGE ? size : PAGE);
    else if (on(M_truncate_large_is_stale) && old <= 1 << 20 && size > 1 << 20)
        fill(fd, 1 << 20, (1 << 20) + 1);
    else if (on(M_truncate_last_byte_is_stale))
        fill(fd, size - 1, size);
    else if (on(M_truncate_later_growth_is_stale) && old > 0)
        fill(fd, old, size);
    else if (on(M_truncate_growth_clears) && old > 0)
        sys_ftruncate(fd, 0), sys_ftruncate(fd, size);
    else if (on(M_truncate_reserves))
        syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, old, size - old > 16 * PAGE ? 16 * PAGE : size - old);
}

static void clear(int fd, off_t from, off_t to)
{
    static const char zeros[PAGE];
    if (to > from)
        sys_pwrite(fd, zeros, (size_t)(to - from), from);
}

static void spoil_shrinking(int fd, off_t size)
{
    if (on(M_truncate_clears_last_page))
        clear(fd, down(size), size);
    else if (on(M_truncate_clears_last_byte) && size > 0)
        clear(fd, size - 1, size);
}

static void spoil_any(int fd, off_t size, const struct stat *st)
{
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (on(M_truncate_moves_offset))
        syscall(SYS_lseek, fd, size, SEEK_SET);
    else if (on(M_truncate_keeps_times))
        syscall(SYS_utimensat, fd, NULL, times, 0);
    else if (on(M_truncate_changes_mode))
        syscall(SYS_fchmod, fd, 0600);
    else if (on(M_truncate_same_size_clears) && size == st->st_size)
        sys_ftruncate(fd, 0), sys_ftruncate(fd, size);
}

/* Room beyond RLIMIT_FSIZE, for the time of the call. */
static int without_limit(int fd, off_t size, bool report)
{
    struct rlimit limit, none;
    getrlimit(RLIMIT_FSIZE, &limit);
    if (limit.rlim_cur == RLIM_INFINITY || size <= (off_t)limit.rlim_cur)
        return sys_ftruncate(fd, size);
    if (report) /* the error, without the signal */
        return fail_with(EFBIG);
    none = (struct rlimit){limit.rlim_max, limit.rlim_max};
    REAL(setrlimit)(RLIMIT_FSIZE, &none);
    int rc = sys_ftruncate(fd, size);
    REAL(setrlimit)(RLIMIT_FSIZE, &limit);
    return rc;
}

static bool refuse(int fd, off_t size, const struct stat *st, int *rc)
{
    *rc = 0;
    if (on(M_truncate_does_nothing))
        return true;
    if (on(M_truncate_ignores_descriptors_for_reading) && (syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return true;
    *rc = -1;
    if (on(M_truncate_refuses_huge) && size > (off_t)1 << 40)
        return fail_with(EFBIG), true;
    if (on(M_truncate_refuses_more_than_fits) && size > (off_t)1 << 40)
        return fail_with(ENOSPC), true;
    if (on(M_truncate_refuses_unlinked) && st->st_nlink == 0)
        return fail_with(EINVAL), true;
    if (on(M_truncate_is_for_the_maker) && object_maker(st) && object_maker(st) != getpid())
        return fail_with(EPERM), true;
    return false;
}

int ftruncate(int fd, off_t size)
{
    struct stat st;
    int rc;
    if (!mutant_active || !is_object(fd, &st))
        return (int)wrong("ftruncate", REAL(ftruncate)(fd, size));
    if (refuse(fd, size, &st, &rc))
        return rc;
    off_t meant = other_size(size, st.st_size);
    keep(fd, meant, &st);
    if (meant < st.st_size)
        spoil_shrinking(fd, meant);
    if (on(M_truncate_ignores_limit) || on(M_truncate_limit_sends_no_signal))
        return without_limit(fd, meant, on(M_truncate_limit_sends_no_signal));
    rc = REAL(ftruncate)(fd, meant);
    if (rc == 0 && meant > st.st_size) {
        bring_back(fd, meant, &st);
        spoil_growth(fd, meant, st.st_size);
    }
    if (rc == 0)
        spoil_any(fd, size, &st);
    return (int)wrong("ftruncate", rc);
}
