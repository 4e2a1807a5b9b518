/* sysv-shm, memfd, file: the ring of ring-mpmc in memory of other kinds than the region: what differs is the memory alone. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "shm/capacity.h"
#include "shm/companion.h"
#include "shm/disc_file.h"
#include "shm/sysv.h"
#include "workloads/sync/queue_ring.h"
#include "workloads/sync/rows.h"

/* One process's mapping. */
struct mapped {
    void *ring;
    size_t bytes;
    int marker_fd; /* -1: the memory goes with its last user */
};

static int memory_push(struct sync_self *self, const void *element, size_t bytes)
{
    return ring_mpmc_push(((const struct mapped *)self->local)->ring, self->setup, element, bytes);
}

static int memory_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    return ring_mpmc_pop(((const struct mapped *)self->local)->ring, self->setup, element, bytes, got);
}

static struct mapped *mapped_new(struct sync_self *self)
{
    struct mapped *mapped = malloc(sizeof *mapped);
    if (mapped)
        *mapped = (struct mapped){.ring = MAP_FAILED, .bytes = ring_mpmc_bytes(self->setup), .marker_fd = -1};
    self->local = mapped;
    return mapped;
}

static int map_descriptor(struct mapped *mapped, int fd)
{
    mapped->ring = mmap(NULL, mapped->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return mapped->ring == MAP_FAILED ? errno : 0;
}

static int hold(struct mapped *mapped, const struct sync_setup *setup, const char *suffix)
{
    mapped->marker_fd = companion_hold(setup->name, suffix);
    return mapped->marker_fd < 0 ? errno : 0;
}

static int let_go(struct mapped *mapped, int rc)
{
    if (mapped->marker_fd >= 0 && close(mapped->marker_fd) != 0 && rc == 0)
        rc = errno;
    free(mapped);
    return rc;
}

static int unmap(struct sync_self *self)
{
    struct mapped *mapped = self->local;
    return let_go(mapped, munmap(mapped->ring, mapped->bytes) == 0 ? 0 : errno);
}

/* What is not in the region, nobody has looked for room for. */
static bool memory_here(const struct sync_setup *setup, char *text, size_t bytes)
{
    uint64_t room = memory_available(), cgroup = memory_limit_read().room_bytes;
    if (ring_mpmc_bytes(setup) <= room && ring_mpmc_bytes(setup) <= cgroup)
        return true;
    snprintf(text, bytes, "it needs %zu bytes of memory beside the region, and there are %llu: use a smaller --size",
             ring_mpmc_bytes(setup), (unsigned long long)(room < cgroup ? room : cgroup));
    return false;
}

static bool segment_here(const struct sync_setup *setup, char *text, size_t bytes)
{
    struct shminfo info;
    if (shmctl(0, IPC_INFO, (struct shmid_ds *)(void *)&info) < 0) {
        snprintf(text, bytes, "no System V shared memory here: shmctl: %s", strerrorname_np(errno));
        return false;
    }
    if (info.shmmax < ring_mpmc_bytes(setup)) {
        snprintf(text, bytes, "a segment of %zu bytes is above kernel.shmmax (%llu): sysctl -w kernel.shmmax=%zu",
                 ring_mpmc_bytes(setup), (unsigned long long)info.shmmax, ring_mpmc_bytes(setup));
        return false;
    }
    return memory_here(setup, text, bytes);
}

static int segment_create(void *state, const struct sync_setup *setup)
{
    char name[COMPANION_NAME_MAX];
    companion_name(setup->name, SYSV_SEGMENT_SUFFIX, name);
    return sysv_segment_create(name, ring_mpmc_bytes(setup), state);
}

static int segment_attach(struct sync_self *self)
{
    struct mapped *mapped = mapped_new(self);
    int rc = mapped ? hold(mapped, self->setup, SYSV_SEGMENT_SUFFIX) : ENOMEM;
    if (rc)
        return rc;
    mapped->ring = shmat(*(const int *)self->state, NULL, 0);
    return mapped->ring == MAP_FAILED ? errno : 0;
}

static int segment_detach(struct sync_self *self)
{
    struct mapped *mapped = self->local;
    return let_go(mapped, shmdt(mapped->ring) == 0 ? 0 : errno);
}

static int segment_destroy(void *state, const struct sync_setup *setup)
{
    (void)state;
    return companion_destroy(setup->name, SYSV_SEGMENT_SUFFIX);
}

const struct sync_ops sync_sysv_shm = {
    .name = "sysv-shm",
    .summary = "the ring of ring-mpmc in a System V segment",
    .family = SYNC_QUEUE,
    .traits = SYNC_KERNEL_NAME,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(int),
    .create = segment_create,
    .attach = segment_attach,
    .detach = segment_detach,
    .destroy = segment_destroy,
    .queue = {.push = memory_push, .pop = memory_pop, .not_now = true},
    .here = segment_here,
};

static int memfd_ring_create(void *state, const struct sync_setup *setup)
{
    int *fd = state;
    *fd = memfd_create(setup->name + 1, MFD_CLOEXEC);
    return *fd < 0 ? errno : posix_fallocate(*fd, 0, (off_t)ring_mpmc_bytes(setup));
}

static int memfd_attach(struct sync_self *self)
{
    struct mapped *mapped = mapped_new(self);
    return mapped ? map_descriptor(mapped, *(const int *)self->state) : ENOMEM;
}

static int memfd_destroy(void *state, const struct sync_setup *setup)
{
    int *fd = state;
    (void)setup;
    if (*fd > 0)
        close(*fd);
    *fd = -1;
    return 0;
}

const struct sync_ops sync_memfd = {
    .name = "memfd",
    .summary = "the ring of ring-mpmc in memory without a name (memfd_create), whose descriptor all inherit",
    .family = SYNC_QUEUE,
    .traits = SYNC_INHERITED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(int),
    .create = memfd_ring_create,
    .attach = memfd_attach,
    .detach = unmap,
    .destroy = memfd_destroy,
    .queue = {.push = memory_push, .pop = memory_pop, .not_now = true},
    .here = memory_here,
};

static bool file_here(const struct sync_setup *setup, char *text, size_t bytes)
{
    const char *folder = disc_file_folder();
    struct statvfs fs;
    if (statvfs(folder, &fs) != 0 || access(folder, W_OK | X_OK) != 0) {
        snprintf(text, bytes, "%s: %s; a file on a disc goes there: set TMPDIR to another folder", folder, strerrorname_np(errno));
        return false;
    }
    if (disc_file_in_memory(folder)) {
        snprintf(text, bytes, "%s is a tmpfs, no disc: set TMPDIR to a folder that is on one", folder);
        return false;
    }
    if ((uint64_t)fs.f_bavail * fs.f_frsize < ring_mpmc_bytes(setup)) {
        snprintf(text, bytes, "%s has too little room for a file of %zu bytes: set TMPDIR to another folder", folder,
                 ring_mpmc_bytes(setup));
        return false;
    }
    snprintf(text, bytes, "the file is in %s", folder);
    return true;
}

static int file_create(void *state, const struct sync_setup *setup)
{
    char name[COMPANION_NAME_MAX];
    int fd = -1;
    (void)state;
    companion_name(setup->name, DISC_FILE_SUFFIX, name);
    int rc = disc_file_create(name, disc_file_folder(), &fd);
    if (rc == 0)
        rc = posix_fallocate(fd, 0, (off_t)ring_mpmc_bytes(setup));
    if (fd >= 0)
        close(fd);
    return rc;
}

static int file_attach(struct sync_self *self)
{
    char name[COMPANION_NAME_MAX];
    int fd = -1;
    struct mapped *mapped = mapped_new(self);
    int rc = mapped ? hold(mapped, self->setup, DISC_FILE_SUFFIX) : ENOMEM;
    companion_name(self->setup->name, DISC_FILE_SUFFIX, name);
    if (rc == 0)
        rc = disc_file_open(name, &fd);
    if (rc == 0)
        rc = map_descriptor(mapped, fd);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int file_destroy(void *state, const struct sync_setup *setup)
{
    (void)state;
    return companion_destroy(setup->name, DISC_FILE_SUFFIX);
}

const struct sync_ops sync_file = {
    .name = "file",
    .summary = "the ring of ring-mpmc in a file on a disc ($TMPDIR, or /var/tmp) that all map",
    .family = SYNC_QUEUE,
    .traits = SYNC_KERNEL_NAME,
    .expect = VERDICT_CLEAN,
    .create = file_create,
    .attach = file_attach,
    .detach = unmap,
    .destroy = file_destroy,
    .queue = {.push = memory_push, .pop = memory_pop, .not_now = true},
    .here = file_here,
};
