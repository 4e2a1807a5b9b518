/* Frames: elements over a stream of bytes, each with its length before it, and padded to one size. */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "workloads/sync/queue_channel.h"

enum { PARTS = 3 }; /* length, element, padding */

size_t frame_bytes(const struct sync_setup *setup)
{
    return FRAME_HEADER + setup->size;
}

/* Drops what was done from the front of the list. Returns the first part that is left. */
static int advance(struct iovec *parts, int first, size_t done)
{
    while (first < PARTS && done >= parts[first].iov_len)
        done -= parts[first++].iov_len;
    if (first < PARTS) {
        parts[first].iov_base = (char *)parts[first].iov_base + done;
        parts[first].iov_len -= done;
    }
    return first;
}

/* All of it, in as many calls as it takes; a signal may end any of them early. */
static int whole(ssize_t (*call)(int, const struct iovec *, int), int fd, struct iovec *parts)
{
    for (int first = 0; first < PARTS;) {
        ssize_t n = call(fd, parts + first, PARTS - first);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n == 0)
            return EPIPE; /* the other end was closed: nobody of this crew does that */
        if (n > 0)
            first = advance(parts, first, (size_t)n);
    }
    return 0;
}

int frame_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct channel_end *end = self->local;
    uint64_t length = bytes;
    if (bytes > end->size)
        return EMSGSIZE;
    struct iovec parts[PARTS] = {{&length, sizeof length}, {(void *)(uintptr_t)element, bytes}, {end->room, end->size - bytes}};
    int rc = channel_enter(&end->channel->pushing, end->locks_push);
    if (rc)
        return rc;
    rc = whole(writev, end->push_fd, parts);
    return channel_leave(&end->channel->pushing, end->locks_push, rc);
}

int frame_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct channel_end *end = self->local;
    uint64_t length = 0;
    if (bytes < end->size)
        return EMSGSIZE;
    struct iovec parts[PARTS] = {{&length, sizeof length}, {element, end->size}, {NULL, 0}};
    int rc = channel_enter(&end->channel->popping, end->locks_pop);
    if (rc)
        return rc;
    rc = whole(readv, end->pop_fd, parts);
    rc = channel_leave(&end->channel->popping, end->locks_pop, rc);
    *got = length; /* a length that was torn is for the caller to judge */
    return rc;
}
