/* semaphore, semaphore-named: a POSIX semaphore of value 1 as a lock, in the region or under a name of its own. */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>

#include "contract/tight.h"
#include "workloads/sync/rows.h"
#include "workloads/sync/sight.h"

static int wait_whole(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int errno_of(int rc)
{
    return rc == 0 ? 0 : errno;
}

static int semaphore_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return errno_of(sem_init(state, 1, 1));
}

static int semaphore_destroy(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return errno_of(sem_destroy(state));
}

static int semaphore_acquire(struct sync_self *self)
{
    return wait_whole(self->state);
}

static int semaphore_try(struct sync_self *self)
{
    int rc = errno_of(sem_trywait(self->state));
    return rc == EAGAIN ? EBUSY : rc;
}

static int semaphore_release(struct sync_self *self)
{
    return errno_of(sem_post(self->state));
}

TIGHT_LOCK(semaphore, semaphore_acquire, semaphore_release);

const struct sync_ops sync_semaphore = {
    .name = "semaphore",
    .summary = "sem_t in the region, process-shared, value 1",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_PERMIT,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(sem_t),
    .create = semaphore_create,
    .destroy = semaphore_destroy,
    .describe = sight_semaphore,
    .lock = {.acquire = semaphore_acquire, .release = semaphore_release, .try_acquire = semaphore_try},
};

static void named_name(const struct sync_setup *setup, char name[128])
{
    snprintf(name, 128, "%s.lock", setup->name);
}

static int named_create(void *state, const struct sync_setup *setup)
{
    (void)state;
    char name[128];
    named_name(setup, name);
    sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    return sem == SEM_FAILED ? errno : errno_of(sem_close(sem));
}

/* Every process opens the name for itself, as unrelated programs do. */
static int named_attach(struct sync_self *self)
{
    char name[128];
    named_name(self->setup, name);
    sem_t *sem = sem_open(name, 0);
    if (sem == SEM_FAILED)
        return errno;
    self->local = sem;
    return 0;
}

static int named_detach(struct sync_self *self)
{
    return errno_of(sem_close(self->local));
}

static int named_destroy(void *state, const struct sync_setup *setup)
{
    (void)state;
    char name[128];
    named_name(setup, name);
    int rc = errno_of(sem_unlink(name));
    return rc == ENOENT ? 0 : rc;
}

static int named_acquire(struct sync_self *self)
{
    return wait_whole(self->local);
}

static int named_try(struct sync_self *self)
{
    int rc = errno_of(sem_trywait(self->local));
    return rc == EAGAIN ? EBUSY : rc;
}

static int named_release(struct sync_self *self)
{
    return errno_of(sem_post(self->local));
}

const struct sync_ops sync_semaphore_named = {
    .name = "semaphore-named",
    .summary = "sem_open by name in every process, value 1",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_KERNEL_NAME | SYNC_PERMIT,
    .expect = VERDICT_CLEAN,
    .create = named_create,
    .attach = named_attach,
    .detach = named_detach,
    .destroy = named_destroy,
    .lock = {.acquire = named_acquire, .release = named_release, .try_acquire = named_try},
};
