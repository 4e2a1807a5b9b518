/* Mistakes of mprotect, mremap, msync, madvise, posix_madvise, mlock and munlock. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

#define PAGE 4096

struct cut {
    char *at;
    size_t bytes;
};

static void cut_at_end(char *at, size_t bytes, bool shared, off_t offset, void *user)
{
    struct cut *cut = user;
    (void)shared, (void)offset;
    if (cut->at >= at && cut->at < at + bytes && cut->at + cut->bytes > at + bytes)
        cut->bytes = (size_t)(at + bytes - cut->at);
}

/* So much of the range as lies in the mapping that it begins in. */
static size_t within_mapping(void *at, size_t bytes)
{
    struct cut cut = {at, bytes};
    each_mapping(NULL, cut_at_end, &cut);
    return cut.bytes;
}

int mprotect(void *at, size_t bytes, int protection)
{
    if (on(M_protect_does_nothing))
        return 0;
    if (on(M_protect_never_takes_reading) && protection == PROT_NONE)
        protection = PROT_READ;
    if (on(M_protect_never_takes_writing))
        return protection & PROT_WRITE ? REAL(mprotect)(at, bytes, protection) : 0;
    if (on(M_protect_page_more))
        bytes += PAGE;
    if (on(M_protect_first_page_only) && bytes > PAGE)
        bytes = PAGE;
    if (on(M_protect_ignores_large) && bytes > 2 << 20)
        return 0;
    if (on(M_protect_first_mapping_only))
        bytes = within_mapping(at, bytes);
    if (on(M_protect_clears) && protection == PROT_NONE)
        syscall(SYS_madvise, at, bytes, MADV_REMOVE);
    int rc = REAL(mprotect)(at, bytes, protection);
    if (on(M_protect_pretends) && rc == -1 && errno == EACCES)
        return 0;
    return (int)wrong("mprotect", rc);
}

void *mremap(void *at, size_t bytes, size_t wanted, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    void *place = flags & MREMAP_FIXED ? va_arg(args, void *) : NULL;
    va_end(args);
    if (on(M_remap_refuses_twin) && bytes == 0)
        return errno = EINVAL, MAP_FAILED;
    if (on(M_remap_moves_instead_of_twin) && bytes == 0)
        bytes = wanted;
    if (on(M_remap_is_private) || (on(M_remap_twin_is_private) && bytes == 0)) {
        void *copy = (void *)syscall(SYS_mmap, NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(copy, at, bytes ? bytes : wanted);
        return copy;
    }
    if (on(M_remap_does_not_grow) && wanted > bytes && bytes)
        return at;
    if (on(M_remap_does_not_shrink) && wanted < bytes)
        return at;
    if (on(M_remap_leaves_old) && bytes && wanted > bytes)
        return (void *)syscall(SYS_mremap, at, 0, wanted, flags, place);
    return REAL(mremap)(at, bytes, wanted, flags, place);
}

int msync(void *at, size_t bytes, int flags)
{
    if (on(M_sync_takes_anything))
        return 0;
    if (on(M_sync_takes_unaligned))
        at = (char *)at - (uintptr_t)at % PAGE;
    if (on(M_sync_takes_unknown))
        flags &= MS_ASYNC | MS_INVALIDATE | MS_SYNC;
    if (on(M_sync_stores_private))
        store_private(at, bytes);
    if (on(M_sync_takes_both) && (flags & MS_SYNC) && (flags & MS_ASYNC))
        flags &= ~MS_ASYNC;
    if (on(M_sync_ignores_locks))
        flags &= ~MS_INVALIDATE;
    if (on(M_sync_invalidates) && (flags & MS_INVALIDATE))
        syscall(SYS_madvise, at, bytes, MADV_REMOVE);
    if (on(M_sync_refuses_async) && (flags & MS_ASYNC))
        return fail_with(EINVAL);
    int rc = REAL(msync)(at, bytes, flags);
    if (on(M_sync_ignores_gaps) && rc == -1 && errno == ENOMEM)
        return 0;
    return (int)wrong("msync", rc);
}

static int other_advice(int advice)
{
    if (on(M_advise_dontneed_removes) && advice == MADV_DONTNEED)
        return MADV_REMOVE;
    if (on(M_advise_free_is_taken) && advice == MADV_FREE)
        return MADV_NORMAL;
    if (on(M_advise_wipe_is_taken) && advice == MADV_WIPEONFORK)
        return MADV_NORMAL;
    if (on(M_advise_unknown_is_taken) && advice > 1000)
        return MADV_NORMAL;
    if (on(M_advise_remove_does_nothing) && advice == MADV_REMOVE)
        return MADV_NORMAL;
    if (on(M_advise_remove_is_dontneed) && advice == MADV_REMOVE)
        return MADV_DONTNEED;
    if (on(M_advise_dontneed_does_nothing) && advice == MADV_DONTNEED)
        return MADV_NORMAL;
    if (on(M_advise_dontfork_does_nothing) && advice == MADV_DONTFORK)
        return MADV_NORMAL;
    if (on(M_advise_dofork_does_nothing) && advice == MADV_DOFORK)
        return MADV_NORMAL;
    return advice;
}

int madvise(void *at, size_t bytes, int advice)
{
    if (on(M_advise_pageout_loses_data) && advice == 21)
        return (int)syscall(SYS_madvise, at, bytes, MADV_REMOVE);
    if (on(M_advise_huge_is_refused) && advice == MADV_HUGEPAGE)
        return fail_with(EINVAL);
    if (on(M_advise_populate_is_silent) && advice >= 22 && advice <= 23)
        return syscall(SYS_madvise, at, bytes, advice), 0;
    if (on(M_advise_populate_does_nothing) && advice >= 22 && advice <= 23)
        return 0;
    if (on(M_advise_remove_clears_only) && advice == MADV_REMOVE)
        return memset(at, 0, bytes), 0;
    if (on(M_advise_remove_page_more) && advice == MADV_REMOVE)
        return (int)syscall(SYS_madvise, (char *)at - PAGE, bytes + PAGE, advice);
    return (int)wrong("madvise", REAL(madvise)(at, bytes, other_advice(advice)));
}

int posix_madvise(void *at, size_t bytes, int advice)
{
    if (on(M_posix_advice_loses_data) && advice == POSIX_MADV_DONTNEED)
        return syscall(SYS_madvise, at, bytes, MADV_REMOVE), 0;
    if (on(M_posix_advice_takes_nonsense))
        return 0;
    if (on(M_posix_advice_sets_errno) && syscall(SYS_madvise, at, bytes, advice) == -1)
        return -1;
    return wrong_number("posix_madvise", REAL(posix_madvise)(at, bytes, advice));
}

int mlock(const void *at, size_t bytes)
{
    if (on(M_lock_pages_does_nothing))
        return 0;
    if (on(M_lock_pages_one_less) && bytes > PAGE)
        bytes -= PAGE;
    if (on(M_lock_pages_one_more))
        bytes += PAGE;
    int rc = REAL(mlock)(at, bytes);
    if (on(M_lock_pages_has_no_limit) && rc == -1 && errno == ENOMEM)
        return 0;
    if (on(M_lock_pages_has_no_right) && rc == -1 && errno == EPERM)
        return 0;
    return (int)wrong("mlock", rc);
}

int munlock(const void *at, size_t bytes)
{
    if (on(M_unlock_pages_does_nothing))
        return 0;
    return (int)wrong("munlock", REAL(munlock)(at, bytes));
}
