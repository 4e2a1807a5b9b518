/* mqueue, sysv-msg: elements as messages of the kernel's two kinds of message queue.
 *
 * Neither has a name in a file system that is always mounted: markers in /dev/shm lead to what is left (shm/companion.h). Each
 * worker holds the marker open, which shows that the queue is in use.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <unistd.h>

#include "shm/companion.h"
#include "shm/marker.h"
#include "shm/sysv.h"
#include "workloads/sync/queue_channel.h"
#include "workloads/sync/rows.h"

#define MSGSIZE_MAX "/proc/sys/fs/mqueue/msgsize_max"
#define MSG_MAX "/proc/sys/fs/mqueue/msg_max"
#define MSGMAX "/proc/sys/kernel/msgmax"
#define MSGMNB "/proc/sys/kernel/msgmnb"

static int message_attach(struct sync_self *self, const char *suffix)
{
    struct channel_end *end = channel_end_new(self);
    if (!end)
        return ENOMEM;
    self->local = end;
    end->marker_fd = companion_hold(self->setup->name, suffix);
    return end->marker_fd < 0 ? errno : 0;
}

/* "elements of more than 8192 bytes go in several messages (sysctl fs.mqueue.msgsize_max)" */
static void tell_pieces(const struct sync_setup *setup, size_t unit, const char *limit, char *text, size_t bytes)
{
    if (packet_pieces(setup->size, unit))
        snprintf(text, bytes, "elements of more than %zu bytes go in several messages (sysctl %s)", unit, limit);
}

static size_t mqueue_unit(const struct sync_setup *setup)
{
    uint64_t most = channel_limit(MSGSIZE_MAX, 8192);
    return setup->size < most ? setup->size : most;
}

static bool mqueue_here(const struct sync_setup *setup, char *text, size_t bytes)
{
    if (mq_unlink("/shmoo-is-there-any") != 0 && errno != ENOENT) {
        snprintf(text, bytes, "no POSIX message queues here: mq_unlink: %s; %s", strerrorname_np(errno),
                 errno == ENOSYS ? "this kernel has none (CONFIG_POSIX_MQUEUE)" : "something forbids them, a container perhaps");
        return false;
    }
    tell_pieces(setup, mqueue_unit(setup), "fs.mqueue.msgsize_max", text, bytes);
    return true;
}

static int mqueue_create(void *state, const struct sync_setup *setup)
{
    char name[COMPANION_NAME_MAX];
    uint64_t most = channel_limit(MSG_MAX, 10), wanted = setup->capacity ? setup->capacity : 16;
    struct mq_attr attributes = {.mq_maxmsg = (long)(wanted < most ? wanted : most), .mq_msgsize = (long)mqueue_unit(setup)};
    companion_name(setup->name, COMPANION_MQUEUE_SUFFIX, name);
    int held, rc = channel_create(state);
    if (rc == 0)
        rc = marker_make(name, &held);
    if (rc)
        return rc;
    mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
    if (queue == (mqd_t)-1 || mq_close(queue) != 0)
        rc = errno;
    close(held);
    return rc;
}

/* On Linux the descriptor of a message queue is a file descriptor (mq_overview(7)). */
static int mqueue_attach(struct sync_self *self)
{
    char name[COMPANION_NAME_MAX];
    struct mq_attr attributes;
    int rc = message_attach(self, COMPANION_MQUEUE_SUFFIX);
    if (rc)
        return rc;
    struct channel_end *end = self->local;
    companion_name(self->setup->name, COMPANION_MQUEUE_SUFFIX, name);
    end->push_fd = end->pop_fd = mq_open(name, O_RDWR);
    end->opened = true;
    if (end->push_fd < 0 || mq_getattr(end->push_fd, &attributes) != 0)
        return errno;
    return packet_end_init(end, self->setup, (size_t)attributes.mq_msgsize);
}

static int mqueue_destroy(void *state, const struct sync_setup *setup)
{
    (void)state;
    return companion_destroy(setup->name, COMPANION_MQUEUE_SUFFIX);
}

static int mqueue_send(struct channel_end *end, const void *packet, size_t bytes)
{
    while (mq_send(end->push_fd, packet, bytes, 0) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int mqueue_receive(struct channel_end *end, void *packet, size_t room, size_t *got)
{
    ssize_t n;
    while ((n = mq_receive(end->pop_fd, packet, room, NULL)) < 0)
        if (errno != EINTR)
            return errno;
    *got = (size_t)n;
    return 0;
}

static const struct packets mqueue_packets = {mqueue_send, mqueue_receive};

static int mqueue_push(struct sync_self *self, const void *element, size_t bytes)
{
    return packet_push(self, &mqueue_packets, element, bytes);
}

static int mqueue_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    return packet_pop(self, &mqueue_packets, element, bytes, got);
}

const struct sync_ops sync_mqueue = {
    .name = "mqueue",
    .summary = "POSIX message queue: an element a message; larger ones than fs.mqueue.msgsize_max in pieces",
    .family = SYNC_QUEUE,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_KERNEL_NAME,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(struct channel),
    .create = mqueue_create,
    .attach = mqueue_attach,
    .detach = channel_detach,
    .destroy = mqueue_destroy,
    .queue = {.push = mqueue_push, .pop = mqueue_pop},
    .here = mqueue_here,
};

struct typed {
    long type;
    unsigned char bytes[];
};

static size_t sysv_unit(void)
{
    uint64_t message = channel_limit(MSGMAX, 8192), queue = channel_limit(MSGMNB, 16384);
    return message < queue ? message : queue;
}

static bool sysv_here(const struct sync_setup *setup, char *text, size_t bytes)
{
    struct msginfo info;
    if (msgctl(0, IPC_INFO, (struct msqid_ds *)(void *)&info) < 0) {
        snprintf(text, bytes, "no System V message queues here: msgctl: %s", strerrorname_np(errno));
        return false;
    }
    tell_pieces(setup, sysv_unit(), "kernel.msgmax and kernel.msgmnb", text, bytes);
    return true;
}

static int sysv_create(void *state, const struct sync_setup *setup)
{
    char name[COMPANION_NAME_MAX];
    struct channel *channel = state;
    companion_name(setup->name, SYSV_QUEUE_SUFFIX, name);
    int rc = channel_create(channel);
    return rc ? rc : sysv_queue_create(name, &channel->push_fd);
}

static int sysv_attach(struct sync_self *self)
{
    size_t unit = sysv_unit();
    int rc = message_attach(self, SYSV_QUEUE_SUFFIX);
    if (rc)
        return rc;
    struct channel_end *end = self->local;
    end->whole = malloc(sizeof(struct typed) + (self->setup->size > unit ? unit : self->setup->size));
    return end->whole ? packet_end_init(end, self->setup, unit) : ENOMEM;
}

static int sysv_detach(struct sync_self *self)
{
    free(((struct channel_end *)self->local)->whole);
    return channel_detach(self);
}

static int sysv_destroy(void *state, const struct sync_setup *setup)
{
    (void)state;
    return companion_destroy(setup->name, SYSV_QUEUE_SUFFIX);
}

static int sysv_send(struct channel_end *end, const void *packet, size_t bytes)
{
    struct typed *message = (struct typed *)(void *)end->whole;
    message->type = 1;
    memcpy(message->bytes, packet, bytes);
    while (msgsnd(end->channel->push_fd, message, bytes, 0) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int sysv_receive(struct channel_end *end, void *packet, size_t room, size_t *got)
{
    struct typed *message = (struct typed *)(void *)end->whole;
    ssize_t n;
    while ((n = msgrcv(end->channel->push_fd, message, room, 0, 0)) < 0)
        if (errno != EINTR)
            return errno;
    *got = (size_t)n;
    memcpy(packet, message->bytes, *got);
    return 0;
}

static const struct packets sysv_packets = {sysv_send, sysv_receive};

static int sysv_push(struct sync_self *self, const void *element, size_t bytes)
{
    return packet_push(self, &sysv_packets, element, bytes);
}

static int sysv_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    return packet_pop(self, &sysv_packets, element, bytes, got);
}

const struct sync_ops sync_sysv_msg = {
    .name = "sysv-msg",
    .summary = "System V message queue: an element a message; larger ones than kernel.msgmax in pieces",
    .family = SYNC_QUEUE,
    .traits = SYNC_BLOCKING | SYNC_KERNEL_NAME,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(struct channel),
    .create = sysv_create,
    .attach = sysv_attach,
    .detach = sysv_detach,
    .destroy = sysv_destroy,
    .queue = {.push = sysv_push, .pop = sysv_pop},
    .here = sysv_here,
};
