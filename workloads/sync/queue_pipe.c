/* pipe, fifo: elements as frames through the kernel's pipe, made by a parent or found by a name.
 *
 * pipe(7) promises that what is written in one call of up to PIPE_BUF bytes is not mixed with what others write. A longer frame
 * needs a lock as soon as there are several producers. Of reads it promises nothing: several consumers take turns.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/sync/queue_channel.h"
#include "workloads/sync/rows.h"

/* Room for what the load wants, as far as the system grants it: /proc/sys/fs/pipe-max-size, and the user's pages in all. */
static void widen(int fd, const struct sync_setup *setup)
{
    uint64_t most = channel_limit("/proc/sys/fs/pipe-max-size", 65536);
    uint64_t wanted = frame_bytes(setup) * (setup->capacity ? setup->capacity : 16);
    if (wanted > most)
        wanted = most;
    if ((int)wanted > fcntl(fd, F_GETPIPE_SZ))
        fcntl(fd, F_SETPIPE_SZ, (int)wanted);
}

static bool pipe_here(const struct sync_setup *setup, char *text, size_t bytes)
{
    if (frame_bytes(setup) > PIPE_BUF && setup->writers > 1)
        snprintf(text, bytes, "frames of more than PIPE_BUF (%d bytes) are not atomic: the producers take turns by a lock", PIPE_BUF);
    return true;
}

static int pipe_create(void *state, const struct sync_setup *setup)
{
    struct channel *channel = state;
    int fds[2], rc = channel_create(channel);
    if (rc)
        return rc;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return errno;
    widen(fds[1], setup);
    channel->pop_fd = fds[0];
    channel->push_fd = fds[1];
    return 0;
}

static int frames_attach(struct sync_self *self, int push_fd, int pop_fd)
{
    struct channel_end *end = channel_end_new(self);
    if (!end)
        return ENOMEM;
    end->push_fd = push_fd;
    end->pop_fd = pop_fd;
    end->locks_push = self->setup->writers > 1 && frame_bytes(self->setup) > PIPE_BUF;
    end->locks_pop = self->setup->readers > 1;
    end->room = calloc(1, self->setup->size);
    self->local = end;
    return end->room ? 0 : ENOMEM;
}

static int pipe_attach(struct sync_self *self)
{
    const struct channel *channel = self->state;
    return frames_attach(self, channel->push_fd, channel->pop_fd);
}

const struct sync_ops sync_pipe = {
    .name = "pipe",
    .summary = "pipe(): one write and one read an element; longer than PIPE_BUF, several producers take turns by a lock",
    .family = SYNC_QUEUE,
    .traits = SYNC_BLOCKING | SYNC_INHERITED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(struct channel),
    .create = pipe_create,
    .attach = pipe_attach,
    .detach = channel_detach,
    .destroy = channel_close,
    .queue = {.push = frame_push, .pop = frame_pop},
    .here = pipe_here,
};

static int unlocked_attach(struct sync_self *self)
{
    int rc = pipe_attach(self);
    if (rc == 0)
        ((struct channel_end *)self->local)->locks_push = false;
    return rc;
}

const struct sync_ops sync_busted_pipe_frame = {
    .name = "busted-pipe-frame",
    .summary = "broken on purpose: several producers write frames longer than PIPE_BUF into a pipe without taking turns",
    .family = SYNC_QUEUE,
    .traits = SYNC_BLOCKING | SYNC_INHERITED | SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .expect_size = PIPE_BUF - FRAME_HEADER + 1,
    .state_bytes = sizeof(struct channel),
    .create = pipe_create,
    .attach = unlocked_attach,
    .detach = channel_detach,
    .destroy = channel_close,
    .queue = {.push = frame_push, .pop = frame_pop},
};

static void fifo_path(const struct sync_setup *setup, char path[160])
{
    snprintf(path, 160, "/dev/shm%s.fifo", setup->name);
}

static int fifo_create(void *state, const struct sync_setup *setup)
{
    char path[160];
    int rc = channel_create(state);
    fifo_path(setup, path);
    if (rc)
        return rc;
    return mkfifo(path, 0600) == 0 ? 0 : errno;
}

/* Open for both, so that nobody waits in open() for the other side: Linux can do that (fifo(7)). */
static int fifo_attach(struct sync_self *self)
{
    char path[160];
    fifo_path(self->setup, path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    widen(fd, self->setup);
    int rc = frames_attach(self, fd, fd);
    if (rc == 0)
        ((struct channel_end *)self->local)->opened = true;
    return rc;
}

static int fifo_destroy(void *state, const struct sync_setup *setup)
{
    char path[160];
    (void)state;
    fifo_path(setup, path);
    return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}

const struct sync_ops sync_fifo = {
    .name = "fifo",
    .summary = "mkfifo(): the same as pipe, under a name that each process opens for itself",
    .family = SYNC_QUEUE,
    .traits = SYNC_BLOCKING | SYNC_KERNEL_NAME,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(struct channel),
    .create = fifo_create,
    .attach = fifo_attach,
    .detach = channel_detach,
    .destroy = fifo_destroy,
    .queue = {.push = frame_push, .pop = frame_pop},
    .here = pipe_here,
};
