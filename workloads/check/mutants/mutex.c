/* Mistakes of mutexes and their attributes. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

/* ---- attributes ---- */

int pthread_mutexattr_setpshared(pthread_mutexattr_t *attr, int shared)
{
    if (on(M_mutexattr_ignores_shared))
        return 0;
    if (on(M_mutexattr_takes_any_shared) && shared != PTHREAD_PROCESS_SHARED && shared != PTHREAD_PROCESS_PRIVATE)
        return 0;
    if (on(M_mutexattr_always_shared))
        shared = PTHREAD_PROCESS_SHARED;
    return wrong_number("pthread_mutexattr_setpshared", REAL(pthread_mutexattr_setpshared)(attr, shared));
}

int pthread_mutexattr_getpshared(const pthread_mutexattr_t *attr, int *shared)
{
    int rc = REAL(pthread_mutexattr_getpshared)(attr, shared);
    if (on(M_mutexattr_says_private))
        *shared = PTHREAD_PROCESS_PRIVATE;
    if (on(M_mutexattr_says_shared))
        *shared = PTHREAD_PROCESS_SHARED;
    return rc;
}

int pthread_mutexattr_setrobust(pthread_mutexattr_t *attr, int robust)
{
    if (on(M_mutexattr_ignores_robust))
        return 0;
    if (on(M_mutexattr_takes_any_robust) && robust != PTHREAD_MUTEX_ROBUST && robust != PTHREAD_MUTEX_STALLED)
        return 0;
    if (on(M_mutexattr_always_robust))
        robust = PTHREAD_MUTEX_ROBUST;
    return wrong_number("pthread_mutexattr_setrobust", REAL(pthread_mutexattr_setrobust)(attr, robust));
}

int pthread_mutexattr_getrobust(const pthread_mutexattr_t *attr, int *robust)
{
    int rc = REAL(pthread_mutexattr_getrobust)(attr, robust);
    if (on(M_mutexattr_says_stalled))
        *robust = PTHREAD_MUTEX_STALLED;
    if (on(M_mutexattr_says_robust))
        *robust = PTHREAD_MUTEX_ROBUST;
    return rc;
}

int pthread_mutexattr_settype(pthread_mutexattr_t *attr, int type)
{
    if (on(M_mutexattr_ignores_type) || (on(M_mutexattr_ignores_recursive) && type == PTHREAD_MUTEX_RECURSIVE) ||
        (on(M_mutexattr_ignores_errorcheck) && type == PTHREAD_MUTEX_ERRORCHECK))
        return 0;
    if (on(M_mutexattr_takes_any_type) && type > PTHREAD_MUTEX_ERRORCHECK + 1)
        return 0;
    return wrong_number("pthread_mutexattr_settype", REAL(pthread_mutexattr_settype)(attr, type));
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t *attr, int *type)
{
    int rc = REAL(pthread_mutexattr_gettype)(attr, type);
    if (on(M_mutexattr_says_default_type))
        *type = PTHREAD_MUTEX_DEFAULT;
    return rc;
}

int pthread_mutexattr_setprotocol(pthread_mutexattr_t *attr, int protocol)
{
    if (on(M_mutexattr_ignores_protocol))
        return 0;
    return wrong_number("pthread_mutexattr_setprotocol", REAL(pthread_mutexattr_setprotocol)(attr, protocol));
}

int pthread_mutexattr_getprotocol(const pthread_mutexattr_t *attr, int *protocol)
{
    int rc = REAL(pthread_mutexattr_getprotocol)(attr, protocol);
    if (on(M_mutexattr_says_no_protocol))
        *protocol = PTHREAD_PRIO_NONE;
    return rc;
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
    if (on(M_mutex_init_ignores_attributes))
        attr = NULL;
    int rc = wrong_number("pthread_mutex_init", REAL(pthread_mutex_init)(mutex, attr));
    if (mutant_active && rc == 0)
        sync_note(SYNC_MUTEX, mutex, sizeof *mutex);
    return rc;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    if (on(M_mutex_destroy_is_busy) && in_object(mutex))
        return EBUSY;
    return wrong_number("pthread_mutex_destroy", REAL(pthread_mutex_destroy)(mutex));
}

/* ---- locking: what all four ways have in common ---- */

enum way { LOCK, TRY, TIMED, CLOCKED };

static bool hides_owner_death(enum way way)
{
    return on(M_robust_death_is_hidden) || (on(M_robust_death_is_hidden_by_lock) && way == LOCK) ||
           (on(M_robust_death_is_hidden_by_trylock) && way == TRY) ||
           (on(M_robust_death_is_hidden_by_timedlock) && way == TIMED) ||
           (on(M_robust_death_is_hidden_by_clocklock) && way == CLOCKED);
}

static int after_lock(pthread_mutex_t *mutex, int rc, enum way way)
{
    static const char *const functions[] = {"pthread_mutex_lock", "pthread_mutex_trylock", "pthread_mutex_timedlock",
                                            "pthread_mutex_clocklock"};
    if (rc == EOWNERDEAD && hides_owner_death(way))
        return REAL(pthread_mutex_consistent)(mutex);
    static int told;
    if (rc == EOWNERDEAD && on(M_robust_second_death_is_hidden) && told++ > 0)
        return REAL(pthread_mutex_consistent)(mutex);
    if (rc == EOWNERDEAD && on(M_robust_death_makes_unrecoverable)) {
        REAL(pthread_mutex_unlock)(mutex);
        return ENOTRECOVERABLE;
    }
    if (rc == EOWNERDEAD && on(M_robust_death_gives_no_lock)) {
        REAL(pthread_mutex_consistent)(mutex);
        REAL(pthread_mutex_unlock)(mutex);
        return EOWNERDEAD;
    }
    if (rc == ENOTRECOVERABLE && on(M_robust_unrecoverable_is_locked))
        return 0;
    if (rc == ENOTRECOVERABLE && on(M_robust_unrecoverable_is_dead))
        return EOWNERDEAD;
    if (rc == EDEADLK && on(M_mutex_relock_succeeds))
        return 0;
    return wrong_number(functions[way], rc);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (on(M_mutex_lock_does_nothing) && in_object(mutex))
        return 0;
    if (on(M_mutex_lock_is_interrupted) && in_object(mutex))
        return INTERRUPTED(REAL(pthread_mutex_lock)(mutex));
    return after_lock(mutex, REAL(pthread_mutex_lock)(mutex), LOCK);
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    if (on(M_mutex_trylock_does_nothing) && in_object(mutex))
        return 0;
    if (on(M_mutex_trylock_is_always_busy) && in_object(mutex))
        return EBUSY;
    int rc = REAL(pthread_mutex_trylock)(mutex);
    if (rc == EBUSY && on(M_mutex_trylock_succeeds_when_busy))
        return 0;
    return after_lock(mutex, rc, TRY);
}

static void moment_after(clockid_t clock, unsigned ms, struct timespec *moment)
{
    clock_gettime(clock, moment);
    moment->tv_nsec += (long)(ms % 1000) * 1000000;
    moment->tv_sec += ms / 1000 + moment->tv_nsec / 1000000000;
    moment->tv_nsec %= 1000000000;
}

static const struct timespec *other_moment(const struct timespec *moment, clockid_t clock, struct timespec *own, bool early, bool late)
{
    *own = *moment;
    if (early)
        moment_after(clock, 0, own);
    if (late)
        own->tv_sec += 3;
    return own;
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *moment)
{
    struct timespec own;
    if (on(M_mutex_timedlock_does_nothing) && in_object(mutex))
        return 0;
    if (on(M_mutex_timedlock_is_interrupted) && in_object(mutex))
        return INTERRUPTED(REAL(pthread_mutex_timedlock)(mutex, moment));
    if (on(M_mutex_timedlock_takes_any_moment) && moment->tv_nsec > 999999999)
        return ETIMEDOUT;
    if (on(M_mutex_timedlock_heeds_moment_first) && REAL(pthread_mutex_trylock)(mutex) == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        if (now.tv_sec <= moment->tv_sec)
            return 0;
        REAL(pthread_mutex_unlock)(mutex);
        return ETIMEDOUT;
    }
    moment = other_moment(moment, CLOCK_REALTIME, &own, on(M_mutex_timedlock_is_early), on(M_mutex_timedlock_is_late));
    int rc = REAL(pthread_mutex_timedlock)(mutex, moment);
    if (rc == ETIMEDOUT && on(M_mutex_timedlock_gives_what_is_held))
        return 0;
    return after_lock(mutex, rc, TIMED);
}

int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *moment)
{
    struct timespec own;
    if (on(M_mutex_clocklock_ignores_clock))
        clock = CLOCK_REALTIME;
    moment = other_moment(moment, clock, &own, on(M_mutex_clocklock_is_early), on(M_mutex_clocklock_is_late));
    return after_lock(mutex, REAL(pthread_mutex_clocklock)(mutex, clock, moment), CLOCKED);
}

/* ---- unlocking ---- */

static pthread_mutex_t *made_consistent; /* and not unlocked yet */

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (on(M_mutex_unlock_does_nothing) && in_object(mutex))
        return 0;
    int rc = REAL(pthread_mutex_unlock)(mutex);
    if (made_consistent == mutex && on(M_consistent_does_not_last)) { /* FUTEX_OWNER_DIED, in the word that is the lock */
        *(volatile int *)(void *)mutex = 0x40000000;
        made_consistent = NULL;
    }
    if (rc == EPERM && on(M_mutex_unlock_by_anyone_pretends))
        return 0;
    if (rc == EPERM && on(M_mutex_unlock_by_anyone)) /* the word that is the lock comes first */
        return *(volatile int *)(void *)mutex = 0;
    return wrong_number("pthread_mutex_unlock", rc);
}

int pthread_mutex_consistent(pthread_mutex_t *mutex)
{
    if (on(M_consistent_does_nothing))
        return 0;
    if (on(M_consistent_is_refused))
        return EINVAL;
    int rc = REAL(pthread_mutex_consistent)(mutex);
    if (rc == EINVAL && on(M_consistent_takes_any))
        return 0;
    if (rc == 0 && on(M_consistent_unlocks))
        REAL(pthread_mutex_unlock)(mutex);
    if (rc == 0)
        made_consistent = mutex;
    return wrong_number("pthread_mutex_consistent", rc);
}
