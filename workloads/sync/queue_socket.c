/* socketpair-stream, socketpair-seqpacket: elements through a pair of connected local sockets, as frames or as packets.
 *
 * A stream socket promises nothing about calls of several processes at one end: they take turns. A sequenced packet goes whole,
 * and comes out whole, whoever else sends or receives.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workloads/sync/queue_channel.h"
#include "workloads/sync/rows.h"

#define WMEM_MAX "/proc/sys/net/core/wmem_max"
#define WMEM_MAX_USUAL 212992
/* What the kernel charges a packet beyond its bytes. */
#define PACKET_OVERHEAD 32
/* Beyond the first 64 KiB or so a packet needs its memory in one piece of the kernel's, which may not be to be had. */
#define PACKET_MOST (128 * 1024)

/* What is asked for as a send buffer; the kernel grants up to net.core.wmem_max, and doubles it. */
static int buffer_wanted(const struct sync_setup *setup)
{
    uint64_t wanted = frame_bytes(setup) * (setup->capacity ? setup->capacity : 16), most = channel_limit(WMEM_MAX, WMEM_MAX_USUAL);
    return (int)(wanted < most ? wanted : most);
}

static int socket_create(void *state, const struct sync_setup *setup, int type)
{
    struct channel *channel = state;
    int fds[2], wanted = buffer_wanted(setup), rc = channel_create(channel), now = 0;
    socklen_t length = sizeof now;
    if (rc)
        return rc;
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) != 0)
        return errno;
    channel->push_fd = fds[0];
    channel->pop_fd = fds[1];
    if (getsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &now, &length) == 0 && now / 2 < wanted)
        setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
    return 0;
}

static int socket_attach(struct sync_self *self)
{
    struct channel_end *end = channel_end_new(self);
    if (!end)
        return ENOMEM;
    end->push_fd = end->channel->push_fd;
    end->pop_fd = end->channel->pop_fd;
    self->local = end;
    return 0;
}

static int stream_create(void *state, const struct sync_setup *setup)
{
    return socket_create(state, setup, SOCK_STREAM);
}

static int stream_attach(struct sync_self *self)
{
    int rc = socket_attach(self);
    if (rc)
        return rc;
    struct channel_end *end = self->local;
    end->locks_push = self->setup->writers > 1;
    end->locks_pop = self->setup->readers > 1;
    end->room = calloc(1, self->setup->size);
    return end->room ? 0 : ENOMEM;
}

const struct sync_ops sync_socketpair_stream = {
    .name = "socketpair-stream",
    .summary = "socketpair(SOCK_STREAM): frames as through a pipe; several processes at one end take turns by a lock",
    .family = SYNC_QUEUE,
    .traits = SYNC_BLOCKING | SYNC_INHERITED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(struct channel),
    .create = stream_create,
    .attach = stream_attach,
    .detach = channel_detach,
    .destroy = channel_close,
    .queue = {.push = frame_push, .pop = frame_pop},
};

static size_t unit_of(uint64_t buffer)
{
    return buffer - PACKET_OVERHEAD < PACKET_MOST ? buffer - PACKET_OVERHEAD : PACKET_MOST;
}

static bool seqpacket_here(const struct sync_setup *setup, char *text, size_t bytes)
{
    uint64_t most = channel_limit(WMEM_MAX, WMEM_MAX_USUAL);
    if (packet_pieces(setup->size, unit_of(2 * most)))
        snprintf(text, bytes, "elements of more than %zu bytes go in several packets (%s)", unit_of(2 * most),
                 unit_of(2 * most) == PACKET_MOST ? "larger ones need that much of the kernel's memory in one piece"
                                                  : "sysctl net.core.wmem_max");
    return true;
}

static int seqpacket_create(void *state, const struct sync_setup *setup)
{
    return socket_create(state, setup, SOCK_SEQPACKET);
}

static int seqpacket_attach(struct sync_self *self)
{
    int buffer = 0, rc = socket_attach(self);
    socklen_t length = sizeof buffer;
    if (rc)
        return rc;
    struct channel_end *end = self->local;
    if (getsockopt(end->push_fd, SOL_SOCKET, SO_SNDBUF, &buffer, &length) != 0)
        return errno;
    return packet_end_init(end, self->setup, unit_of((uint64_t)buffer));
}

static int seqpacket_send(struct channel_end *end, const void *packet, size_t bytes)
{
    while (send(end->push_fd, packet, bytes, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int seqpacket_receive(struct channel_end *end, void *packet, size_t room, size_t *got)
{
    ssize_t n;
    while ((n = recv(end->pop_fd, packet, room, 0)) < 0)
        if (errno != EINTR)
            return errno;
    *got = (size_t)n;
    return 0;
}

static const struct packets seqpackets = {seqpacket_send, seqpacket_receive};

static int seqpacket_push(struct sync_self *self, const void *element, size_t bytes)
{
    return packet_push(self, &seqpackets, element, bytes);
}

static int seqpacket_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    return packet_pop(self, &seqpackets, element, bytes, got);
}

const struct sync_ops sync_socketpair_seqpacket = {
    .name = "socketpair-seqpacket",
    .summary = "socketpair(SOCK_SEQPACKET): an element a packet; larger ones than the system's packets in pieces",
    .family = SYNC_QUEUE,
    .traits = SYNC_BLOCKING | SYNC_INHERITED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(struct channel),
    .create = seqpacket_create,
    .attach = seqpacket_attach,
    .detach = channel_detach,
    .destroy = channel_close,
    .queue = {.push = seqpacket_push, .pop = seqpacket_pop},
    .here = seqpacket_here,
};
