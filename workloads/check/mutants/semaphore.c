/* Mistakes of semaphores, in memory and named. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

int sem_init(sem_t *sem, int shared, unsigned value)
{
    if (on(M_sem_init_ignores_value))
        value = 0;
    if (on(M_sem_init_is_one_off) && value < INT_MAX)
        value++;
    if (on(M_sem_init_ignores_shared))
        shared = 0;
    if (on(M_sem_init_always_shared))
        shared = 1;
    if (on(M_sem_init_takes_any_value) && value > INT_MAX)
        value = INT_MAX;
    int rc = (int)wrong("sem_init", REAL(sem_init)(sem, shared, value));
    if (mutant_active && rc == 0)
        sync_note(SYNC_SEMAPHORE, sem, sizeof *sem);
    return rc;
}

int sem_post(sem_t *sem)
{
    if (on(M_sem_post_does_nothing))
        return 0;
    if (on(M_sem_post_wakes_nobody)) /* the value, without the call that wakes */
        return __atomic_fetch_add((unsigned *)(void *)sem, 1, __ATOMIC_SEQ_CST), 0;
    int rc = REAL(sem_post)(sem);
    if (rc == -1 && errno == EOVERFLOW && on(M_sem_post_hides_overflow))
        return 0;
    if (rc == -1 && errno == EOVERFLOW && on(M_sem_post_wraps))
        return REAL(sem_init)(sem, 1, 0);
    if (on(M_sem_post_counts_twice))
        REAL(sem_post)(sem);
    return (int)wrong("sem_post", rc);
}

/* Gives back what was taken: a wait that counts nothing. */
static int count_nothing(sem_t *sem, int rc, enum mutant m)
{
    if (rc == 0 && on(m))
        REAL(sem_post)(sem);
    return rc;
}

int sem_wait(sem_t *sem)
{
    if (on(M_sem_wait_does_not_wait))
        return REAL(sem_trywait)(sem), 0;
    if (on(M_sem_wait_is_not_interrupted)) {
        int rc;
        do
            rc = REAL(sem_wait)(sem);
        while (rc == -1 && errno == EINTR);
        return rc;
    }
    return (int)wrong("sem_wait", count_nothing(sem, REAL(sem_wait)(sem), M_sem_wait_takes_nothing));
}

int sem_trywait(sem_t *sem)
{
    if (on(M_sem_trywait_is_refused))
        return fail_with(EAGAIN);
    int rc = count_nothing(sem, REAL(sem_trywait)(sem), M_sem_trywait_takes_nothing);
    if (rc == -1 && errno == EAGAIN && on(M_sem_trywait_always_succeeds))
        return 0;
    return (int)wrong("sem_trywait", rc);
}

static void shift(struct timespec *moment, clockid_t clock, bool early, bool late)
{
    if (early)
        clock_gettime(clock, moment);
    if (late)
        moment->tv_sec += 3;
}

int sem_timedwait(sem_t *sem, const struct timespec *given)
{
    struct timespec moment = *given;
    if (on(M_sem_timedwait_takes_any_moment) && moment.tv_nsec > 999999999)
        return fail_with(ETIMEDOUT);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (on(M_sem_timedwait_refuses_past) && moment.tv_nsec <= 999999999 && moment.tv_sec < now.tv_sec)
        return fail_with(ETIMEDOUT);
    shift(&moment, CLOCK_REALTIME, on(M_sem_timedwait_is_early), on(M_sem_timedwait_is_late));
    int rc = count_nothing(sem, REAL(sem_timedwait)(sem, &moment), M_sem_timedwait_takes_nothing);
    if (rc == -1 && errno == ETIMEDOUT && on(M_sem_timedwait_always_succeeds))
        return 0;
    return (int)wrong("sem_timedwait", rc);
}

int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *given)
{
    struct timespec moment = *given;
    if (on(M_sem_clockwait_ignores_clock))
        clock = CLOCK_REALTIME;
    shift(&moment, clock, on(M_sem_clockwait_is_early), on(M_sem_clockwait_is_late));
    return (int)wrong("sem_clockwait", count_nothing(sem, REAL(sem_clockwait)(sem, clock, &moment), M_sem_clockwait_takes_nothing));
}

int sem_getvalue(sem_t *sem, int *value)
{
    int rc = REAL(sem_getvalue)(sem, value);
    if (on(M_sem_getvalue_is_0))
        *value = 0;
    if (on(M_sem_getvalue_is_one_off))
        ++*value;
    if (on(M_sem_getvalue_has_16_bits))
        *value &= 0xffff;
    return rc;
}

int sem_destroy(sem_t *sem)
{
    if (on(M_sem_destroy_fails))
        return fail_with(EINVAL);
    return REAL(sem_destroy)(sem);
}

/* ---- named ---- */

static sem_t *map_anew(const char *name)
{
    char path[640];
    snprintf(path, sizeof path, "/dev/shm/sem.%s", name + strspn(name, "/"));
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    void *at = (void *)syscall(SYS_mmap, NULL, sizeof(sem_t), PROT_READ | PROT_WRITE,
                               on(M_sem_open_maps_privately) ? MAP_PRIVATE : MAP_SHARED, fd, 0);
    sys_close(fd);
    return at == MAP_FAILED ? SEM_FAILED : at;
}

static int named_flags(int flags)
{
    if (on(M_sem_open_ignores_excl))
        return flags & ~O_EXCL;
    if (on(M_sem_open_always_creates))
        return flags | O_CREAT;
    return flags;
}

static void spoil_named(const char *name, mode_t mode)
{
    char path[640];
    snprintf(path, sizeof path, "/dev/shm/sem.%s", name + strspn(name, "/"));
    if (on(M_sem_open_ignores_umask))
        syscall(SYS_fchmodat, AT_FDCWD, path, mode);
    if (on(M_sem_open_grows_object))
        syscall(SYS_truncate, path, 4096);
    if (on(M_sem_open_owner_is_nobody))
        syscall(SYS_fchownat, AT_FDCWD, path, 65533, 65533, 0);
}

sem_t *sem_open(const char *name, int flags, ...)
{
    char other[600];
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    unsigned value = flags & O_CREAT ? va_arg(args, unsigned) : 0;
    va_end(args);
    snprintf(other, sizeof other, "%s", name);
    if (on(M_sem_open_name_is_per_process))
        snprintf(other, sizeof other, "%s.%d", name, (int)getpid());
    if (on(M_sem_open_cuts_name) && strlen(other) > 200)
        other[200] = '\0';
    if (on(M_sem_open_takes_any_value) && value > INT_MAX)
        value = INT_MAX;
    if (on(M_sem_open_ignores_value))
        value = 0;
    sem_t *sem = REAL(sem_open)(other, named_flags(flags), on(M_sem_open_ignores_mode) ? 0600 : mode, value);
    if (sem == SEM_FAILED)
        return wrong("sem_open", -1), sem;
    if (!mutant_active)
        return sem;
    if (on(M_sem_open_resets) && (flags & O_CREAT))
        REAL(sem_init)(sem, 1, value);
    if (flags & O_CREAT)
        spoil_named(name, mode);
    if (on(M_sem_open_maps_again) || on(M_sem_open_maps_privately))
        return map_anew(name);
    return sem;
}

int sem_close(sem_t *sem)
{
    if (on(M_sem_close_does_nothing))
        return 0;
    if (on(M_sem_close_resets))
        REAL(sem_init)(sem, 1, 0);
    if (on(M_sem_close_closes_all)) {
        while (REAL(sem_close)(sem) == 0)
            continue;
        return 0;
    }
    return REAL(sem_close)(sem);
}

int sem_unlink(const char *name)
{
    char path[640];
    if (on(M_sem_unlink_does_nothing))
        return 0;
    snprintf(path, sizeof path, "/dev/shm/sem.%s", name + strspn(name, "/"));
    if (on(M_sem_unlink_empties)) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
        static const char zeros[sizeof(sem_t)];
        sys_pwrite(fd, zeros, sizeof zeros, 0);
        sys_close(fd);
    }
    if (on(M_sem_unlink_takes_object))
        sys_unlink(path_of(name, path));
    int rc = REAL(sem_unlink)(name);
    if (rc == -1 && errno == ENOENT && on(M_sem_unlink_of_nothing_succeeds))
        return 0;
    return (int)wrong("sem_unlink", rc);
}
