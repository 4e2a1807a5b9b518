/* sysv-semaphore: a System V semaphore of value 1 as a lock, one system call an operation.
 *
 * Every operation says SEM_UNDO: when a holder dies, the kernel gives back what it took, and the others go on; without it
 * one death would stop them all. As with file locks, the next holder is not told that the last one died inside, so the row
 * does not claim to be robust. The set is found again, and removed, by a marker in /dev/shm (shm/sysv.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/sem.h>
#include <unistd.h>

#include "shm/companion.h"
#include "shm/sysv.h"
#include "workloads/sync/rows.h"

static int sysv_create(void *state, const struct sync_setup *setup)
{
    char name[COMPANION_NAME_MAX];
    companion_name(setup->name, SYSV_SUFFIX, name);
    return sysv_semaphore_create(name, 1, state);
}

/* Who works with the set has its marker open: so it shows that the set is in use. */
static int sysv_attach(struct sync_self *self)
{
    int fd = companion_hold(self->setup->name, SYSV_SUFFIX);
    if (fd < 0)
        return errno;
    self->local = (void *)(intptr_t)fd;
    return 0;
}

static int sysv_detach(struct sync_self *self)
{
    return close((int)(intptr_t)self->local) == 0 ? 0 : errno;
}

static int sysv_destroy(void *state, const struct sync_setup *setup)
{
    (void)state;
    return companion_destroy(setup->name, SYSV_SUFFIX);
}

static int operate(struct sync_self *self, short change, short flags)
{
    struct sembuf operation = {.sem_num = 0, .sem_op = change, .sem_flg = (short)(SEM_UNDO | flags)};
    const int *id = self->state;
    while (semop(*id, &operation, 1) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int sysv_acquire(struct sync_self *self)
{
    return operate(self, -1, 0);
}

static int sysv_try(struct sync_self *self)
{
    int rc = operate(self, -1, IPC_NOWAIT);
    return rc == EAGAIN ? EBUSY : rc;
}

static int sysv_release(struct sync_self *self)
{
    return operate(self, 1, 0);
}

const struct sync_ops sync_sysv_semaphore = {
    .name = "sysv-semaphore",
    .summary = "semop() with SEM_UNDO on a System V semaphore of value 1: given back when the holder dies",
    .family = SYNC_LOCK,
    .traits = SYNC_RELEASED | SYNC_BLOCKING | SYNC_TIMED | SYNC_KERNEL_NAME,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(int),
    .create = sysv_create,
    .attach = sysv_attach,
    .detach = sysv_detach,
    .destroy = sysv_destroy,
    .lock = {.acquire = sysv_acquire, .release = sysv_release, .try_acquire = sysv_try},
};
