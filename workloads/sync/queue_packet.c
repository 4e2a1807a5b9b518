/* Packets: elements in one packet each, or in pieces where the system's packets are smaller. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/sync/queue_channel.h"

bool packet_pieces(size_t size, size_t unit)
{
    return size > unit;
}

int packet_end_init(struct channel_end *end, const struct sync_setup *setup, size_t unit)
{
    bool pieces = packet_pieces(setup->size, unit);
    end->unit = unit;
    end->locks_push = pieces && setup->writers > 1;
    end->locks_pop = pieces && setup->readers > 1;
    end->room = pieces ? malloc(unit) : NULL;
    return pieces && !end->room ? ENOMEM : 0;
}

/* The first piece is put together in the view's own packet, the others go from where they are. */
static int send_pieces(struct channel_end *end, const struct packets *packets, const void *element, uint64_t bytes)
{
    size_t first = bytes < end->unit - FRAME_HEADER ? bytes : end->unit - FRAME_HEADER;
    memcpy(end->room, &bytes, FRAME_HEADER);
    memcpy(end->room + FRAME_HEADER, element, first);
    int rc = packets->send(end, end->room, FRAME_HEADER + first);
    for (size_t done = first; done < bytes && rc == 0;) {
        size_t piece = bytes - done < end->unit ? bytes - done : end->unit;
        rc = packets->send(end, (const char *)element + done, piece);
        done += piece;
    }
    return rc;
}

/* Into the element itself where a whole packet has room. */
static int receive_piece(struct channel_end *end, const struct packets *packets, char *to, size_t room, size_t *got)
{
    bool direct = room >= end->unit;
    int rc = packets->receive(end, direct ? to : (char *)end->room, end->unit, got);
    if (rc == 0 && !direct)
        memcpy(to, end->room, *got < room ? *got : room);
    return rc;
}

/* A piece of another element in between shows as a length that does not fit: the element is given as it came. */
static int receive_pieces(struct channel_end *end, const struct packets *packets, void *element, size_t bytes, size_t *got)
{
    uint64_t length;
    size_t n;
    int rc = packets->receive(end, end->room, end->unit, &n);
    if (rc)
        return rc;
    if (n < FRAME_HEADER)
        return EBADMSG;
    memcpy(&length, end->room, FRAME_HEADER);
    size_t done = n - FRAME_HEADER;
    if (length > bytes || done > length)
        return EBADMSG;
    memcpy(element, end->room + FRAME_HEADER, done);
    while (done < length && rc == 0) {
        rc = receive_piece(end, packets, (char *)element + done, bytes - done, &n);
        done += n;
    }
    *got = done;
    return rc;
}

int packet_push(struct sync_self *self, const struct packets *packets, const void *element, size_t bytes)
{
    struct channel_end *end = self->local;
    if (bytes > end->size)
        return EMSGSIZE;
    if (!packet_pieces(end->size, end->unit))
        return packets->send(end, element, bytes);
    int rc = channel_enter(&end->channel->pushing, end->locks_push);
    if (rc)
        return rc;
    rc = send_pieces(end, packets, element, bytes);
    return channel_leave(&end->channel->pushing, end->locks_push, rc);
}

int packet_pop(struct sync_self *self, const struct packets *packets, void *element, size_t bytes, size_t *got)
{
    struct channel_end *end = self->local;
    if (bytes < end->size)
        return EMSGSIZE;
    if (!packet_pieces(end->size, end->unit))
        return packets->receive(end, element, bytes, got);
    int rc = channel_enter(&end->channel->popping, end->locks_pop);
    if (rc)
        return rc;
    rc = receive_pieces(end, packets, element, bytes, got);
    return channel_leave(&end->channel->popping, end->locks_pop, rc);
}
