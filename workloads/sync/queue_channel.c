/* Channels: locks of the two ends, a process's view, and the system's limits. */
#define _GNU_SOURCE
#include "workloads/sync/queue_channel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int shared_mutex(pthread_mutex_t *mutex)
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

int channel_create(struct channel *channel)
{
    channel->push_fd = channel->pop_fd = -1;
    int rc = shared_mutex(&channel->pushing);
    return rc ? rc : shared_mutex(&channel->popping);
}

int channel_enter(pthread_mutex_t *mutex, bool locks)
{
    return locks ? pthread_mutex_lock(mutex) : 0;
}

int channel_leave(pthread_mutex_t *mutex, bool locks, int rc)
{
    int left = locks ? pthread_mutex_unlock(mutex) : 0;
    return rc ? rc : left;
}

struct channel_end *channel_end_new(const struct sync_self *self)
{
    struct channel_end *end = calloc(1, sizeof *end);
    if (end)
        *end = (struct channel_end){
            .channel = self->state, .push_fd = -1, .pop_fd = -1, .marker_fd = -1, .size = self->setup->size};
    return end;
}

int channel_detach(struct sync_self *self)
{
    struct channel_end *end = self->local;
    int rc = 0;
    if (end->opened && end->push_fd >= 0 && close(end->push_fd) != 0)
        rc = errno;
    if (end->marker_fd >= 0 && close(end->marker_fd) != 0)
        rc = errno;
    free(end->room);
    free(end);
    return rc;
}

int channel_close(void *state, const struct sync_setup *setup)
{
    struct channel *channel = state;
    (void)setup;
    if (channel->push_fd > 0)
        close(channel->push_fd);
    if (channel->pop_fd > 0)
        close(channel->pop_fd);
    channel->push_fd = channel->pop_fd = -1;
    return 0;
}

uint64_t channel_limit(const char *path, uint64_t otherwise)
{
    uint64_t value = otherwise;
    FILE *file = fopen(path, "re");
    if (!file)
        return value;
    if (fscanf(file, "%" SCNu64, &value) != 1)
        value = otherwise;
    fclose(file);
    return value;
}
