/* busted-semaphore-*, -mutex-*, -condvar-*, -fcntl-*: what the system gives, each used wrongly in one way. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workloads/sync/rows.h"

static int errno_of(int rc)
{
    return rc == 0 ? 0 : errno;
}

static int one_permit(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return errno_of(sem_init(state, 1, 1));
}

static int wait_whole(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* A release that is repeated after a supposed failure. */
struct posted {
    sem_t sem;
    uint32_t releases;
};

static int posted_acquire(struct sync_self *self)
{
    return wait_whole(&((struct posted *)self->state)->sem);
}

static int posted_release(struct sync_self *self)
{
    struct posted *lock = self->state;
    if (++lock->releases % 1000 == 0 && sem_post(&lock->sem) != 0)
        return errno;
    return errno_of(sem_post(&lock->sem));
}

const struct sync_ops sync_busted_double_post = {
    .name = "busted-double-post",
    .summary = "broken on purpose: posts its semaphore twice, once in a thousand releases",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct posted),
    .create = one_permit,
    .lock = {.acquire = posted_acquire, .release = posted_release},
};

/* What sem_wait() says is not looked at: interrupted by a signal, it has no permit. */
static int careless_acquire(struct sync_self *self)
{
    sem_wait(self->state);
    return 0;
}

static int careless_release(struct sync_self *self)
{
    return errno_of(sem_post(self->state));
}

const struct sync_ops sync_busted_semaphore_eintr = {
    .name = "busted-semaphore-eintr",
    .summary = "broken on purpose: does not look at what sem_wait() returns, and goes in when a signal interrupts it",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(sem_t),
    .create = one_permit,
    .lock = {.acquire = careless_acquire, .release = careless_release},
};

static int private_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return pthread_mutex_init(state, NULL);
}

static int private_acquire(struct sync_self *self)
{
    return pthread_mutex_lock(self->state);
}

static int private_release(struct sync_self *self)
{
    return pthread_mutex_unlock(self->state);
}

const struct sync_ops sync_busted_mutex_private = {
    .name = "busted-mutex-private",
    .summary = "broken on purpose: a pthread mutex without PTHREAD_PROCESS_SHARED",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(pthread_mutex_t),
    .create = private_create,
    .lock = {.acquire = private_acquire, .release = private_release},
};

struct monitor {
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    uint32_t taken;
};

static int monitor_create(void *state, const struct sync_setup *setup)
{
    struct monitor *monitor = state;
    pthread_mutexattr_t for_mutex;
    pthread_condattr_t for_condition;
    (void)setup;
    int rc = pthread_mutexattr_init(&for_mutex);
    if (rc == 0)
        rc = pthread_mutexattr_setpshared(&for_mutex, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_mutex_init(&monitor->mutex, &for_mutex);
    pthread_mutexattr_destroy(&for_mutex);
    if (rc == 0)
        rc = pthread_condattr_init(&for_condition);
    if (rc == 0)
        rc = pthread_condattr_setpshared(&for_condition, PTHREAD_PROCESS_SHARED);
    if (rc == 0)
        rc = pthread_cond_init(&monitor->freed, &for_condition);
    pthread_condattr_destroy(&for_condition);
    return rc;
}

/* Between the look at the flag and the wait the mutex is not held: what is signalled in between is lost. */
static int unguarded_acquire(struct sync_self *self)
{
    struct monitor *monitor = self->state;
    while (__atomic_exchange_n(&monitor->taken, 1, __ATOMIC_ACQUIRE)) {
        int rc = pthread_mutex_lock(&monitor->mutex);
        if (rc == 0)
            rc = pthread_cond_wait(&monitor->freed, &monitor->mutex);
        if (rc == 0)
            rc = pthread_mutex_unlock(&monitor->mutex);
        if (rc)
            return rc;
    }
    return 0;
}

static int unguarded_release(struct sync_self *self)
{
    struct monitor *monitor = self->state;
    __atomic_store_n(&monitor->taken, 0, __ATOMIC_RELEASE);
    return pthread_cond_signal(&monitor->freed);
}

const struct sync_ops sync_busted_condvar_lost = {
    .name = "busted-condvar-lost",
    .summary = "broken on purpose: looks at the flag without the mutex, and misses the signal between the look and the wait",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(struct monitor),
    .create = monitor_create,
    .lock = {.acquire = unguarded_acquire, .release = unguarded_release},
};

/* Who wakes up takes the flag for free; somebody else may have been faster, and a wake-up may be for no reason at all. */
static int once_acquire(struct sync_self *self)
{
    struct monitor *monitor = self->state;
    int rc = pthread_mutex_lock(&monitor->mutex);
    if (rc == 0 && monitor->taken)
        rc = pthread_cond_wait(&monitor->freed, &monitor->mutex);
    if (rc)
        return rc;
    monitor->taken = 1;
    return pthread_mutex_unlock(&monitor->mutex);
}

static int once_release(struct sync_self *self)
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

const struct sync_ops sync_busted_condvar_if = {
    .name = "busted-condvar-if",
    .summary = "broken on purpose: `if` in place of `while` around the wait on a condition variable",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct monitor),
    .create = monitor_create,
    .lock = {.acquire = once_acquire, .release = once_release},
};

static void file_name(const struct sync_setup *setup, char name[128])
{
    snprintf(name, 128, "%s.lock", setup->name);
}

static int file_create(void *state, const struct sync_setup *setup)
{
    char name[128];
    (void)state;
    file_name(setup, name);
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    return fd < 0 ? errno : errno_of(close(fd));
}

static int file_attach(struct sync_self *self)
{
    char name[128];
    file_name(self->setup, name);
    int fd = shm_open(name, O_RDWR, 0);
    self->local = (void *)(intptr_t)fd;
    return fd < 0 ? errno : 0;
}

static int file_detach(struct sync_self *self)
{
    return errno_of(close((int)(intptr_t)self->local));
}

static int file_destroy(void *state, const struct sync_setup *setup)
{
    char name[128];
    (void)state;
    file_name(setup, name);
    int rc = errno_of(shm_unlink(name));
    return rc == ENOENT ? 0 : rc;
}

static int file_lock(const struct sync_self *self, int command, short type)
{
    struct flock whole = {.l_type = type, .l_whence = SEEK_SET};
    while (fcntl((int)(intptr_t)self->local, command, &whole) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* The kernel drops all of a process's fcntl locks on a file when the process closes any descriptor of it. */
static int closing_acquire(struct sync_self *self)
{
    char name[128];
    int rc = file_lock(self, F_SETLKW, F_WRLCK);
    if (rc)
        return rc;
    file_name(self->setup, name);
    int fd = shm_open(name, O_RDONLY, 0); /* as to look at it once more */
    return fd < 0 ? errno : errno_of(close(fd));
}

static int closing_release(struct sync_self *self)
{
    return file_lock(self, F_SETLK, F_UNLCK);
}

const struct sync_ops sync_busted_fcntl_close = {
    .name = "busted-fcntl-close",
    .summary = "broken on purpose: opens and closes the locked file again, which drops the process's fcntl() lock",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING | SYNC_KERNEL_NAME,
    .expect = VERDICT_CORRUPT,
    .create = file_create,
    .attach = file_attach,
    .detach = file_detach,
    .destroy = file_destroy,
    .lock = {.acquire = closing_acquire, .release = closing_release},
};
