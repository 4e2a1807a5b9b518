/* barrier-pthread, barrier-sense, barrier-none: meeting points of the whole crew. */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "workloads/sync/rows.h"

static int pthread_create_shared(void *state, const struct sync_setup *setup)
{
    pthread_barrierattr_t attr;
    int rc = pthread_barrierattr_init(&attr);
    if (rc)
        return rc;
    rc = pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_barrier_init(state, &attr, setup->writers + setup->readers);
    pthread_barrierattr_destroy(&attr);
    return rc;
}

/* No destroy: pthread_barrier_destroy() waits for arrivals that a dead worker will never complete. */
static int pthread_arrive(struct sync_self *self)
{
    int rc = pthread_barrier_wait(self->state);
    return rc == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : rc;
}

const struct sync_ops sync_barrier_pthread = {
    .name = "barrier-pthread",
    .summary = "pthread_barrier shared between processes",
    .family = SYNC_BARRIER,
    .traits = SYNC_BLOCKING,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_barrier_t),
    .create = pthread_create_shared,
    .barrier = {.arrive = pthread_arrive},
};

/* The last to arrive turns the sense; the others wait until it is no longer what they found on arriving. Nobody can miss a
 * turn: the next one needs everybody. */
struct sense_barrier {
    _Alignas(SYNC_STATE_ALIGN) uint32_t arrived;
    _Alignas(SYNC_STATE_ALIGN) uint32_t sense;
};

#define SPINS_BEFORE_SLEEP 200

static int sense_arrive(struct sync_self *self)
{
    struct sense_barrier *barrier = self->state;
    uint32_t sense = __atomic_load_n(&barrier->sense, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == self->setup->writers + self->setup->readers) {
        __atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED); /* before anybody can arrive again */
        __atomic_store_n(&barrier->sense, !sense, __ATOMIC_RELEASE);
        syscall(SYS_futex, &barrier->sense, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
        return 0;
    }
    for (int spins = 0; __atomic_load_n(&barrier->sense, __ATOMIC_ACQUIRE) == sense; spins++) {
        if (spins < SPINS_BEFORE_SLEEP)
            cpu_relax();
        else
            syscall(SYS_futex, &barrier->sense, FUTEX_WAIT, sense, NULL, NULL, 0); /* however it ends, the sense tells */
    }
    return 0;
}

const struct sync_ops sync_barrier_sense = {
    .name = "barrier-sense",
    .summary = "sense-reversing barrier: spins a little, then sleeps on a futex",
    .family = SYNC_BARRIER,
    .traits = SYNC_BLOCKING,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(struct sense_barrier),
    .barrier = {.arrive = sense_arrive},
};

static int none_arrive(struct sync_self *self)
{
    (void)self;
    __asm__ __volatile__("" ::: "memory");
    return 0;
}

const struct sync_ops sync_barrier_none = {
    .name = "barrier-none",
    .summary = "a barrier that nobody waits at: shows what breaks",
    .family = SYNC_BARRIER,
    .traits = SYNC_CONTROL | SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .barrier = {.arrive = none_arrive},
};
