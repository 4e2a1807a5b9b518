/* Mistakes of condition variables, read-write locks, spin locks and barriers. */
#define _GNU_SOURCE
#include <pthread.h>
#include <time.h>

#include "workloads/check/mutants/shim.h"

/* ---- condition variables ---- */

int pthread_condattr_setpshared(pthread_condattr_t *attr, int shared)
{
    if (on(M_cond_ignores_shared))
        return 0;
    return wrong_number("pthread_condattr_setpshared", REAL(pthread_condattr_setpshared)(attr, shared));
}

int pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t clock)
{
    if (on(M_cond_ignores_clock))
        return 0;
    return wrong_number("pthread_condattr_setclock", REAL(pthread_condattr_setclock)(attr, clock));
}

int pthread_cond_signal(pthread_cond_t *cond)
{
    if (on(M_cond_signal_does_nothing))
        return 0;
    return REAL(pthread_cond_signal)(cond);
}

int pthread_cond_broadcast(pthread_cond_t *cond)
{
    if (on(M_cond_broadcast_does_nothing))
        return 0;
    if (on(M_cond_broadcast_wakes_one))
        return REAL(pthread_cond_signal)(cond);
    return REAL(pthread_cond_broadcast)(cond);
}

static int without_mutex(pthread_mutex_t *mutex, int rc)
{
    if (on(M_cond_wait_returns_unlocked))
        REAL(pthread_mutex_unlock)(mutex);
    return rc;
}

int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    if (on(M_cond_wait_keeps_mutex)) {
        sys_pause_ms(1000);
        return 0;
    }
    if (on(M_cond_wait_is_interrupted))
        return INTERRUPTED(REAL(pthread_cond_wait)(cond, mutex));
    return without_mutex(mutex, REAL(pthread_cond_wait)(cond, mutex));
}

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *given)
{
    struct timespec moment = *given;
    if (on(M_cond_wait_keeps_mutex)) {
        sys_pause_ms(1000);
        return ETIMEDOUT;
    }
    if (on(M_cond_timedwait_is_interrupted))
        return INTERRUPTED(REAL(pthread_cond_timedwait)(cond, mutex, given));
    if (on(M_cond_timedwait_is_early))
        moment.tv_sec = 1;
    if (on(M_cond_timedwait_is_late))
        moment.tv_sec += 3;
    int rc = without_mutex(mutex, REAL(pthread_cond_timedwait)(cond, mutex, &moment));
    if (rc == ETIMEDOUT && on(M_cond_timeout_is_hidden))
        return 0;
    return wrong_number("pthread_cond_timedwait", rc);
}

int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *moment)
{
    if (on(M_cond_clockwait_ignores_clock))
        clock = CLOCK_REALTIME;
    return wrong_number("pthread_cond_clockwait", REAL(pthread_cond_clockwait)(cond, mutex, clock, moment));
}

int pthread_cond_destroy(pthread_cond_t *cond)
{
    return on(M_cond_destroy_is_busy) ? EBUSY : REAL(pthread_cond_destroy)(cond);
}

/* ---- read-write locks ---- */

int pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attr, int shared)
{
    if (on(M_rwlock_ignores_shared))
        return 0;
    return wrong_number("pthread_rwlockattr_setpshared", REAL(pthread_rwlockattr_setpshared)(attr, shared));
}

int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attr)
{
    int rc = REAL(pthread_rwlock_init)(lock, attr);
    if (mutant_active && rc == 0)
        sync_note(SYNC_RWLOCK, lock, sizeof *lock);
    return rc;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    if (on(M_rdlock_does_nothing))
        return 0;
    if (on(M_rdlock_excludes))
        return REAL(pthread_rwlock_wrlock)(lock);
    if (on(M_rdlock_is_interrupted))
        return INTERRUPTED(REAL(pthread_rwlock_rdlock)(lock));
    return wrong_number("pthread_rwlock_rdlock", REAL(pthread_rwlock_rdlock)(lock));
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    if (on(M_tryrdlock_excludes))
        return REAL(pthread_rwlock_trywrlock)(lock);
    int rc = REAL(pthread_rwlock_tryrdlock)(lock);
    if (rc == EBUSY && on(M_tryrdlock_always_succeeds))
        return 0;
    return wrong_number("pthread_rwlock_tryrdlock", rc);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    if (on(M_wrlock_does_nothing))
        return 0;
    if (on(M_wrlock_shares))
        return REAL(pthread_rwlock_rdlock)(lock);
    if (on(M_wrlock_is_interrupted))
        return INTERRUPTED(REAL(pthread_rwlock_wrlock)(lock));
    return wrong_number("pthread_rwlock_wrlock", REAL(pthread_rwlock_wrlock)(lock));
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    if (on(M_trywrlock_shares))
        return REAL(pthread_rwlock_tryrdlock)(lock);
    int rc = REAL(pthread_rwlock_trywrlock)(lock);
    if (rc == EBUSY && on(M_trywrlock_always_succeeds))
        return 0;
    return wrong_number("pthread_rwlock_trywrlock", rc);
}

static int timed(int rc)
{
    return rc == ETIMEDOUT && on(M_rwlock_timeout_is_hidden) ? 0 : rc;
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *given)
{
    struct timespec moment = *given;
    if (on(M_timedwrlock_is_early))
        moment.tv_sec = 1;
    if (on(M_rwlock_timed_is_late))
        moment.tv_sec += 3;
    return wrong_number("pthread_rwlock_timedwrlock", timed(REAL(pthread_rwlock_timedwrlock)(lock, &moment)));
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *given)
{
    struct timespec moment = *given;
    if (on(M_timedrdlock_is_early))
        moment.tv_sec = 1;
    if (on(M_rwlock_timed_is_late))
        moment.tv_sec += 3;
    if (on(M_timedrdlock_excludes))
        return REAL(pthread_rwlock_timedwrlock)(lock, &moment);
    return wrong_number("pthread_rwlock_timedrdlock", timed(REAL(pthread_rwlock_timedrdlock)(lock, &moment)));
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    if (on(M_rwlock_unlock_does_nothing))
        return 0;
    return REAL(pthread_rwlock_unlock)(lock);
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    return on(M_rwlock_destroy_is_busy) ? EBUSY : REAL(pthread_rwlock_destroy)(lock);
}

/* ---- spin locks ---- */

int pthread_spin_init(pthread_spinlock_t *lock, int shared)
{
    int rc = REAL(pthread_spin_init)(lock, shared);
    if (on(M_spin_starts_locked))
        REAL(pthread_spin_trylock)(lock);
    if (mutant_active && rc == 0)
        sync_note(SYNC_SPIN, (void *)(uintptr_t)lock, sizeof *lock);
    return rc;
}

int pthread_spin_lock(pthread_spinlock_t *lock)
{
    if (on(M_spin_lock_does_nothing))
        return 0;
    if (on(M_spin_lock_does_not_wait))
        return REAL(pthread_spin_trylock)(lock), 0;
    return REAL(pthread_spin_lock)(lock);
}

int pthread_spin_trylock(pthread_spinlock_t *lock)
{
    int rc = REAL(pthread_spin_trylock)(lock);
    if (rc == EBUSY && on(M_spin_trylock_always_succeeds))
        return 0;
    if (rc == 0 && on(M_spin_trylock_takes_nothing))
        return REAL(pthread_spin_unlock)(lock);
    return wrong_number("pthread_spin_trylock", rc);
}

int pthread_spin_unlock(pthread_spinlock_t *lock)
{
    if (on(M_spin_unlock_does_nothing))
        return 0;
    return REAL(pthread_spin_unlock)(lock);
}

int pthread_spin_destroy(pthread_spinlock_t *lock)
{
    return on(M_spin_destroy_is_busy) ? EBUSY : REAL(pthread_spin_destroy)(lock);
}

/* ---- barriers ---- */

int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    return on(M_barrier_destroy_is_busy) ? EBUSY : REAL(pthread_barrier_destroy)(barrier);
}


int pthread_barrierattr_setpshared(pthread_barrierattr_t *attr, int shared)
{
    if (on(M_barrier_ignores_shared))
        return 0;
    return wrong_number("pthread_barrierattr_setpshared", REAL(pthread_barrierattr_setpshared)(attr, shared));
}

int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attr, unsigned count)
{
    if (on(M_barrier_waits_for_one_less) && count > 1)
        count--;
    if (on(M_barrier_waits_for_one_more) && count > 0)
        count++;
    if (on(M_barrier_takes_zero) && count == 0)
        count = 1;
    int rc = wrong_number("pthread_barrier_init", REAL(pthread_barrier_init)(barrier, attr, count));
    if (mutant_active && rc == 0)
        sync_note(SYNC_BARRIER, barrier, sizeof *barrier);
    return rc;
}

int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    static int waits;
    if (on(M_barrier_does_not_wait))
        return 0;
    if (on(M_barrier_works_once) && waits++ > 0)
        return 0;
    if (on(M_barrier_is_interrupted))
        return INTERRUPTED(REAL(pthread_barrier_wait)(barrier));
    int rc = REAL(pthread_barrier_wait)(barrier);
    if (on(M_barrier_is_serial_once) && waits++ > 0 && rc == PTHREAD_BARRIER_SERIAL_THREAD)
        return 0;
    if (on(M_barrier_all_are_serial))
        return PTHREAD_BARRIER_SERIAL_THREAD;
    if (on(M_barrier_nobody_is_serial) && rc == PTHREAD_BARRIER_SERIAL_THREAD)
        return 0;
    return rc;
}
