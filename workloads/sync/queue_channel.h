/* What the kernel's channels share: elements over streams of bytes, elements over packets of limited size, and who holds what.
 *
 * Over bytes (pipe, FIFO, stream socket) every element is a frame of one size, its length before it: written by one call, and
 * read by one call, as long as the channel has room for it.
 *
 * Over packets (sequenced sockets, POSIX and System V messages) an element is one packet, or, where the system's packets are
 * smaller than the elements, several: the first one begins with the element's length.
 *
 * Where several processes share an end, and what they do there takes more than one atomic step, they take turns: each end has a
 * lock in the state.
 */
#ifndef WORKLOADS_SYNC_QUEUE_CHANNEL_H
#define WORKLOADS_SYNC_QUEUE_CHANNEL_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "contract/sync.h"

#define CHANNEL_LINE 128
#define FRAME_HEADER sizeof(uint64_t)

/* The state of every channel; what is the kernel's is noted beside it. */
struct channel {
    _Alignas(CHANNEL_LINE) pthread_mutex_t pushing;
    _Alignas(CHANNEL_LINE) pthread_mutex_t popping;
    _Alignas(CHANNEL_LINE) int32_t push_fd; /* inherited descriptors, or an id */
    int32_t pop_fd;
};

/* One process's view of it. */
struct channel_end {
    struct channel *channel;
    int push_fd, pop_fd, marker_fd;
    bool opened; /* push_fd and pop_fd are one, and this view's to close: not inherited */
    bool locks_push, locks_pop; /* several processes share that end, and it takes turns */
    size_t unit;                /* packets: the most that one takes */
    size_t size;                /* of the largest element */
    unsigned char *room;        /* frames: zeroes, as many as an element has bytes; packets: one packet, or NULL */
    unsigned char *whole;       /* packets with a type before them: the same with room for it */
};

/* Makes the locks. Returns 0 or an errno. */
int channel_create(struct channel *channel);

/* Takes or gives the lock of an end, if it has one. */
int channel_enter(pthread_mutex_t *mutex, bool locks);
int channel_leave(pthread_mutex_t *mutex, bool locks, int rc);

/* A new view; NULL: no memory. */
struct channel_end *channel_end_new(const struct sync_self *self);

/* detach(): closes what the view holds, and frees it. */
int channel_detach(struct sync_self *self);

/* destroy() of inherited descriptors. */
int channel_close(void *state, const struct sync_setup *setup);

/* Bytes of a frame. */
size_t frame_bytes(const struct sync_setup *setup);

/* push() and pop() over bytes. */
int frame_push(struct sync_self *self, const void *element, size_t bytes);
int frame_pop(struct sync_self *self, void *element, size_t bytes, size_t *got);

/* How packets go: each call moves one. 0 or an errno; they wait. */
struct packets {
    int (*send)(struct channel_end *end, const void *packet, size_t bytes);
    int (*receive)(struct channel_end *end, void *packet, size_t room, size_t *got);
};

/* push() and pop() over packets of end->unit bytes. */
int packet_push(struct sync_self *self, const struct packets *packets, const void *element, size_t bytes);
int packet_pop(struct sync_self *self, const struct packets *packets, void *element, size_t bytes, size_t *got);

/* Will elements of that size go in pieces? */
bool packet_pieces(size_t size, size_t unit);

/* Prepares a view for packets of that unit. Returns 0 or ENOMEM. */
int packet_end_init(struct channel_end *end, const struct sync_setup *setup, size_t unit);

/* The first number in a file of /proc/sys; `otherwise` where it cannot be read. */
uint64_t channel_limit(const char *path, uint64_t otherwise);

#endif
