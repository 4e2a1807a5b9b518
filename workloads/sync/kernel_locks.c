/* flock, ofd, fcntl: the kernel's advisory file locks, on an empty file beside the region.
 *
 * Each process opens the file for itself: flock(2) and open-file-description locks belong to the opening, fcntl(2) locks to
 * the process. All have a shared mode, and all are given back by the kernel when the holder dies, without a word to the next
 * one: so the rows do not claim to be robust.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workloads/sync/rows.h"

static int errno_of(int rc)
{
    return rc == 0 ? 0 : errno;
}

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
    if (fd < 0)
        return errno;
    self->local = (void *)(intptr_t)fd;
    return 0;
}

static int file_of(const struct sync_self *self)
{
    return (int)(intptr_t)self->local;
}

static int file_detach(struct sync_self *self)
{
    return errno_of(close(file_of(self)));
}

static int file_destroy(void *state, const struct sync_setup *setup)
{
    char name[128];
    (void)state;
    file_name(setup, name);
    int rc = errno_of(shm_unlink(name));
    return rc == ENOENT ? 0 : rc;
}

static int busy(int rc)
{
    return rc == EAGAIN || rc == EACCES ? EBUSY : rc;
}

static int flock_whole(struct sync_self *self, int operation)
{
    while (flock(file_of(self), operation) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int flock_acquire(struct sync_self *self)
{
    return flock_whole(self, LOCK_EX);
}

static int flock_acquire_shared(struct sync_self *self)
{
    return flock_whole(self, LOCK_SH);
}

static int flock_try(struct sync_self *self)
{
    return busy(flock_whole(self, LOCK_EX | LOCK_NB));
}

static int flock_release(struct sync_self *self)
{
    return flock_whole(self, LOCK_UN);
}

const struct sync_ops sync_flock = {
    .name = "flock",
    .summary = "flock() on a file in /dev/shm that each process opens for itself",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_SHARED | SYNC_KERNEL_NAME | SYNC_RELEASED,
    .expect = VERDICT_CLEAN,
    .create = file_create,
    .attach = file_attach,
    .detach = file_detach,
    .destroy = file_destroy,
    .lock = {.acquire = flock_acquire,
             .release = flock_release,
             .acquire_shared = flock_acquire_shared,
             .release_shared = flock_release,
             .try_acquire = flock_try},
};

/* The whole file, whatever its length. */
static int range_whole(struct sync_self *self, int command, short type)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET};
    while (fcntl(file_of(self), command, &range) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int ofd_acquire(struct sync_self *self)
{
    return range_whole(self, F_OFD_SETLKW, F_WRLCK);
}

static int ofd_acquire_shared(struct sync_self *self)
{
    return range_whole(self, F_OFD_SETLKW, F_RDLCK);
}

static int ofd_try(struct sync_self *self)
{
    return busy(range_whole(self, F_OFD_SETLK, F_WRLCK));
}

static int ofd_release(struct sync_self *self)
{
    return range_whole(self, F_OFD_SETLK, F_UNLCK);
}

const struct sync_ops sync_ofd = {
    .name = "ofd",
    .summary = "open-file-description lock (F_OFD_SETLKW) on a file in /dev/shm",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_SHARED | SYNC_KERNEL_NAME | SYNC_RELEASED,
    .expect = VERDICT_CLEAN,
    .create = file_create,
    .attach = file_attach,
    .detach = file_detach,
    .destroy = file_destroy,
    .lock = {.acquire = ofd_acquire,
             .release = ofd_release,
             .acquire_shared = ofd_acquire_shared,
             .release_shared = ofd_release,
             .try_acquire = ofd_try},
};

static int fcntl_acquire(struct sync_self *self)
{
    return range_whole(self, F_SETLKW, F_WRLCK);
}

static int fcntl_acquire_shared(struct sync_self *self)
{
    return range_whole(self, F_SETLKW, F_RDLCK);
}

static int fcntl_try(struct sync_self *self)
{
    return busy(range_whole(self, F_SETLK, F_WRLCK));
}

static int fcntl_release(struct sync_self *self)
{
    return range_whole(self, F_SETLK, F_UNLCK);
}

const struct sync_ops sync_fcntl = {
    .name = "fcntl",
    .summary = "POSIX record lock (F_SETLKW), owned by the process, on a file in /dev/shm",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_SHARED | SYNC_KERNEL_NAME | SYNC_RELEASED,
    .expect = VERDICT_CLEAN,
    .create = file_create,
    .attach = file_attach,
    .detach = file_detach,
    .destroy = file_destroy,
    .lock = {.acquire = fcntl_acquire,
             .release = fcntl_release,
             .acquire_shared = fcntl_acquire_shared,
             .release_shared = fcntl_release,
             .try_acquire = fcntl_try},
};
