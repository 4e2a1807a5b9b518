/* Mistakes of fcntl and flock (locks, leases, seals, close-on-exec), and of memfd_create. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

static int sys_fcntl(int fd, int command, void *argument)
{
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

/* ---- record locks ---- */

static int lock(int fd, int command, struct flock *wanted)
{
    struct flock own = *wanted;
    bool of_process = command == F_SETLK || command == F_SETLKW, takes = wanted->l_type != F_UNLCK;
    own.l_pid = 0;
    if ((on(M_lock_is_always_granted) && of_process) || (on(M_ofd_lock_is_always_granted) && !of_process))
        return 0;
    if (on(M_lock_is_of_description) && of_process)
        command = command == F_SETLK ? F_OFD_SETLK : F_OFD_SETLKW;
    else if (on(M_ofd_lock_is_of_process) && !of_process)
        command = command == F_OFD_SETLK ? F_SETLK : F_SETLKW;
    else if (on(M_lock_takes_whole_file))
        own.l_start = own.l_len = 0;
    else if (on(M_lock_takes_byte_more) && own.l_len)
        own.l_len++;
    else if (on(M_lock_for_reading_excludes) && own.l_type == F_RDLCK && (sys_fcntl(fd, F_GETFL, NULL) & O_ACCMODE) == O_RDWR)
        own.l_type = F_WRLCK;
    else if (on(M_lock_for_writing_shares) && own.l_type == F_WRLCK)
        own.l_type = F_RDLCK;
    else if (on(M_unlock_does_nothing) && !takes)
        return 0;
    return (int)wrong("fcntl", sys_fcntl(fd, command, &own));
}

static int get_lock(int fd, struct flock *wanted)
{
    if (on(M_getlk_finds_nothing)) {
        wanted->l_type = F_UNLCK;
        return 0;
    }
    int rc = sys_fcntl(fd, F_GETLK, wanted);
    if (on(M_getlk_names_caller) && wanted->l_type != F_UNLCK)
        wanted->l_pid = getpid();
    return rc;
}

/* ---- leases ---- */

static int lease(int fd, long type)
{
    if (type == F_UNLCK)
        return sys_fcntl(fd, F_SETLEASE, (void *)type);
    if (on(M_lease_is_always_granted))
        return 0;
    if (on(M_lease_is_never_granted))
        return fail_with(EAGAIN);
    if (on(M_lease_ignores_owner) && sys_fcntl(fd, F_SETLEASE, (void *)type) == -1 && errno == EACCES)
        return 0;
    /* a mapping holds a reference of its own, so that only descriptors can be told from it by what is open here */
    if (on(M_lease_counts_itself_only)) {
        sys_fcntl(fd, F_SETLEASE, (void *)type);
        return 0;
    }
    return (int)wrong("fcntl", sys_fcntl(fd, F_SETLEASE, (void *)type));
}

/* ---- seals ---- */

static int add_seals(int fd, long seals)
{
    if (on(M_seal_does_nothing))
        return 0;
    if (on(M_seal_shrink_is_lost))
        seals &= ~F_SEAL_SHRINK;
    if (on(M_seal_grow_is_lost))
        seals &= ~F_SEAL_GROW;
    if (on(M_seal_write_is_lost))
        seals &= ~F_SEAL_WRITE;
    if (on(M_seal_seal_is_lost))
        seals &= ~F_SEAL_SEAL;
    if (on(M_seal_future_is_lost))
        seals &= ~F_SEAL_FUTURE_WRITE;
    if (on(M_seal_shrink_is_grow) && seals == F_SEAL_SHRINK)
        seals = F_SEAL_GROW;
    if (on(M_seal_future_is_write) && seals == F_SEAL_FUTURE_WRITE)
        seals = F_SEAL_WRITE;
    if (on(M_seal_write_is_future) && seals == F_SEAL_WRITE)
        seals = F_SEAL_FUTURE_WRITE;
    int rc = sys_fcntl(fd, F_ADD_SEALS, (void *)seals);
    if (on(M_seal_ignores_mappings) && rc == -1 && errno == EBUSY)
        return 0;
    return (int)wrong("fcntl", rc);
}

static int get_seals(int fd)
{
    int seals = sys_fcntl(fd, F_GET_SEALS, NULL);
    if (on(M_seals_look_empty) && seals > 0)
        return 0;
    return (int)wrong("fcntl", seals);
}

int fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    if (!mutant_active || !is_object(fd, NULL))
        return sys_fcntl(fd, command, argument);
    switch (command) {
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock(fd, command, argument);
    case F_GETLK:
        return get_lock(fd, argument);
    case F_SETLEASE:
        return lease(fd, (long)argument);
    case F_ADD_SEALS:
        return add_seals(fd, (long)argument);
    case F_GET_SEALS:
        return get_seals(fd);
    case F_SETFD:
        return on(M_setfd_does_nothing) ? 0 : (int)wrong("fcntl", sys_fcntl(fd, command, argument));
    default:
        return (int)wrong("fcntl", sys_fcntl(fd, command, argument));
    }
}

int flock(int fd, int operation)
{
    if (on(M_flock_does_nothing))
        return 0;
    if (on(M_flock_shared_excludes) && (operation & LOCK_SH))
        operation = (operation & ~LOCK_SH) | LOCK_EX;
    if (on(M_flock_exclusive_shares) && (operation & LOCK_EX))
        operation = (operation & ~LOCK_EX) | LOCK_SH;
    if (on(M_flock_unlock_does_nothing) && (operation & LOCK_UN))
        return 0;
    return (int)wrong("flock", REAL(flock)(fd, operation));
}

/* ---- memfd ---- */

int memfd_create(const char *name, unsigned flags)
{
    if (on(M_memfd_is_kept_on_exec))
        flags &= ~MFD_CLOEXEC;
    if (on(M_memfd_closes_on_exec))
        flags |= MFD_CLOEXEC;
    if (on(M_memfd_takes_unknown_flags))
        flags &= MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB;
    if (on(M_memfd_can_always_be_sealed))
        flags |= MFD_ALLOW_SEALING;
    if (on(M_memfd_can_never_be_sealed))
        flags &= ~MFD_ALLOW_SEALING;
    if (on(M_memfd_has_no_huge_pages))
        flags &= ~MFD_HUGETLB;
    if (on(M_memfd_has_a_name))
        return REAL(shm_open)(name, O_CREAT | O_RDWR, 0600);
    if (on(M_memfd_may_become_executable) && (flags & 8u))
        flags = (flags & ~8u) | MFD_ALLOW_SEALING;
    if (on(M_memfd_long_names_are_taken))
        name = "x";
    int fd = REAL(memfd_create)(name, flags);
    if (fd >= 0 && on(M_memfd_starts_with_page))
        sys_ftruncate(fd, 4096);
    if (fd >= 0 && on(M_memfd_is_for_reading)) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int anew = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        if (anew >= 0)
            syscall(SYS_dup3, anew, fd, O_CLOEXEC), sys_close(anew);
    }
    return (int)wrong("memfd_create", fd);
}
