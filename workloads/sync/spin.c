/* spin: the pthread spin lock shared between processes; waiters burn their time slice. */
#include <pthread.h>

#include "contract/tight.h"
#include "workloads/sync/rows.h"

static int spin_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return pthread_spin_init(state, PTHREAD_PROCESS_SHARED);
}

static int spin_acquire(struct sync_self *self)
{
    return pthread_spin_lock(self->state);
}

static int spin_try(struct sync_self *self)
{
    return pthread_spin_trylock(self->state);
}

static int spin_release(struct sync_self *self)
{
    return pthread_spin_unlock(self->state);
}

TIGHT_LOCK(spin, spin_acquire, spin_release);

const struct sync_ops sync_spin = {
    .name = "spin",
    .summary = "pthread_spinlock_t, process-shared",
    .family = SYNC_LOCK,
    .traits = 0,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(pthread_spinlock_t),
    .create = spin_create,
    .lock = {.acquire = spin_acquire, .release = spin_release, .try_acquire = spin_try},
};
