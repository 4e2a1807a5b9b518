/* condvar-monitor: a flag that says whether the resource is taken, guarded by a mutex, awaited by a condition variable. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/sight.h"

struct monitor {
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    uint32_t taken;
};

static int mutex_create(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    int rc = pthread_mutexattr_init(&attributes);
    if (rc == 0)
        rc = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return rc;
}

static int condition_create(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int rc = pthread_condattr_init(&attributes);
    if (rc == 0)
        rc = pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return rc;
}

static int monitor_create(void *state, const struct sync_setup *setup)
{
    struct monitor *monitor = state;
    (void)setup;
    int rc = mutex_create(&monitor->mutex);
    return rc ? rc : condition_create(&monitor->freed);
}

/* Takes the flag; a caller that does not want to wait is told that it is taken. */
static int monitor_take(struct monitor *monitor, bool wait)
{
    int rc = pthread_mutex_lock(&monitor->mutex);
    if (rc)
        return rc;
    while (rc == 0 && monitor->taken)
        rc = wait ? pthread_cond_wait(&monitor->freed, &monitor->mutex) : EBUSY;
    if (rc == 0)
        monitor->taken = 1;
    int unlocked = pthread_mutex_unlock(&monitor->mutex);
    return rc ? rc : unlocked;
}

static int monitor_acquire(struct sync_self *self)
{
    return monitor_take(self->state, true);
}

static int monitor_try(struct sync_self *self)
{
    return monitor_take(self->state, false);
}

static int monitor_release(struct sync_self *self)
{
    struct monitor *monitor = self->state;
    int rc = pthread_mutex_lock(&monitor->mutex);
    if (rc)
        return rc;
    monitor->taken = 0;
    rc = pthread_cond_signal(&monitor->freed);
    int unlocked = pthread_mutex_unlock(&monitor->mutex);
    return rc ? rc : unlocked;
}

/* No destroy: pthread_cond_destroy() waits for waiters, and those that were killed never leave. */
static void monitor_describe(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    const struct monitor *monitor = state;
    struct sync_sight mutex = {0};
    sight_mutex(&monitor->mutex, setup, &mutex);
    snprintf(sight->words, sizeof sight->words, "its flag says %s; of the mutex %.60s", monitor->taken ? "taken" : "free",
             mutex.words);
    sight->owner = mutex.owner;
}

const struct sync_ops sync_condvar_monitor = {
    .name = "condvar-monitor",
    .summary = "a flag under pthread_mutex_t and pthread_cond_t, both process-shared",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(struct monitor),
    .create = monitor_create,
    .describe = monitor_describe,
    .lock = {.acquire = monitor_acquire, .release = monitor_release, .try_acquire = monitor_try},
};
