/* Handing descriptors over, by SCM_RIGHTS of unix(7). */
#define _GNU_SOURCE
#include "run/handover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

/* A message takes no more than 253 of them (SCM_MAX_FD). */
#define ONE_MESSAGE 200

int handover_begin(struct handover *handover, struct error *error)
{
    *handover = (struct handover){.ends = {-1, -1}};
    handover->fds = calloc(HANDOVER_MAX, sizeof *handover->fds);
    if (!handover->fds || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, handover->ends) != 0)
        return error_set(error, STATUS_ENVIRONMENT, errno, "handing descriptors over: socketpair: %s; raise `ulimit -n`",
                         error_name(errno));
    return 0;
}

/* Calls visit() for every open descriptor beyond the standard streams, in no order. -1: /proc does not tell. */
static int each_open(void (*visit)(void *user, int fd), void *user)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return -1;
    for (struct dirent *entry; (entry = readdir(folder));) {
        int fd = atoi(entry->d_name);
        if (fd > STDERR_FILENO && fd != dirfd(folder))
            visit(user, fd);
    }
    closedir(folder);
    return 0;
}

static void add(void *user, int fd)
{
    struct handover *handover = user;
    if (handover->count < HANDOVER_MAX)
        handover->fds[handover->count++] = fd;
}

bool handover_is_under_way(const struct handover *handover)
{
    return handover->fds && handover->ends[1] >= 0;
}

void handover_mark(struct handover *handover)
{
    handover->count = 0;
    each_open(add, handover);
}

static bool listed(const struct handover *handover, int fd)
{
    for (uint32_t i = 0; i < handover->count; i++)
        if (handover->fds[i] == fd)
            return true;
    return false;
}

/* The numbers, and the descriptors themselves, in one message. */
static int send_some(int socket, const int *fds, uint32_t count)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(ONE_MESSAGE * sizeof(int))];
    } control = {0};
    struct iovec numbers = {.iov_base = (void *)(uintptr_t)fds, .iov_len = count * sizeof *fds};
    struct msghdr message = {.msg_iov = &numbers, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(count * sizeof *fds)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof *fds);
    memcpy(CMSG_DATA(header), fds, count * sizeof *fds);
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

int handover_send(const struct handover *handover)
{
    int fds[HANDOVER_MAX], rc = 0;
    struct handover now = {.fds = fds};
    uint32_t count = 0;
    if (each_open(add, &now) != 0)
        return ENOENT;
    if (now.count == HANDOVER_MAX)
        return EMFILE;
    for (uint32_t i = 0; i < now.count; i++)
        if (!listed(handover, fds[i]))
            fds[count++] = fds[i];
    for (uint32_t i = 0; i < count && rc == 0; i += ONE_MESSAGE)
        rc = send_some(handover->ends[1], fds + i, count - i < ONE_MESSAGE ? count - i : ONE_MESSAGE);
    return rc;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Takes one message. The number of descriptors; 0 when there are no more, -1 on failure. */
static int receive_some(int socket, int *numbers, int *fds)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(ONE_MESSAGE * sizeof(int))];
    } control;
    struct iovec data = {.iov_base = numbers, .iov_len = ONE_MESSAGE * sizeof *numbers};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (n <= 0 || !header || header->cmsg_type != SCM_RIGHTS)
        return n < 0 && errno != EAGAIN ? -1 : 0;
    uint32_t count = (uint32_t)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(fds, CMSG_DATA(header), count * sizeof(int));
    if (count * sizeof(int) == (size_t)n)
        return (int)count;
    for (uint32_t i = 0; i < count; i++)
        close(fds[i]);
    errno = EMFILE; /* some were dropped: no room for them */
    return -1;
}

/* A descriptor that came under a number which is another's gives way. 0, or an errno: the number is nobody's to give. */
static int make_way(int number, int *waiting, uint32_t count)
{
    if (fcntl(number, F_GETFD) < 0)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        if (waiting[i] != number)
            continue;
        waiting[i] = fcntl(number, F_DUPFD_CLOEXEC, 0);
        int errnum = errno;
        close(number);
        return waiting[i] < 0 ? errnum : 0;
    }
    return EBUSY;
}

/* Gives those that have come their numbers. */
static int settle(struct handover *handover, const int *numbers, int *waiting, uint32_t count)
{
    int errnum = 0;
    for (uint32_t i = 0; i < count; i++) {
        int came = waiting[i];
        waiting[i] = -1;
        if (errnum == 0 && came != numbers[i])
            errnum = make_way(numbers[i], waiting, count);
        if (errnum == 0 && came != numbers[i] && dup2(came, numbers[i]) < 0)
            errnum = errno;
        if (errnum || came != numbers[i])
            close(came);
        if (errnum == 0)
            add(handover, numbers[i]);
    }
    qsort(handover->fds, handover->count, sizeof *handover->fds, by_number);
    return errnum;
}

static void close_ends(struct handover *handover)
{
    for (int i = 0; i < 2; i++) {
        if (handover->ends[i] >= 0)
            close(handover->ends[i]);
        handover->ends[i] = -1;
    }
}

int handover_receive(struct handover *handover, struct error *error)
{
    int numbers[HANDOVER_MAX + ONE_MESSAGE], waiting[HANDOVER_MAX + ONE_MESSAGE];
    int n = 0, errnum = 0;
    uint32_t count = 0;
    handover->count = 0;
    while (count <= HANDOVER_MAX && (n = receive_some(handover->ends[0], numbers + count, waiting + count)) > 0)
        count += (uint32_t)n;
    if (n < 0)
        errnum = errno;
    close_ends(handover);
    int unsettled = settle(handover, numbers, waiting, count);
    errnum = errnum ? errnum : unsettled;
    if (!errnum)
        return 0;
    return error_set(error, STATUS_ENVIRONMENT, errnum, "%u descriptors that create() has opened cannot be handed over to the workers: %s%s",
                     count, error_name(errnum), errnum == EMFILE ? "; raise `ulimit -n`" : "");
}

/* Closes what lies between, and returns what comes after. */
static unsigned close_up_to(unsigned from, unsigned kept)
{
    if (kept > from)
        close_range(from, kept - 1, 0);
    return kept + 1;
}

/* Whatever the harness has open is none of a primitive's business: records, the descriptors of others. */
void handover_shed(const struct handover *handover)
{
    unsigned from = STDERR_FILENO + 1;
    for (uint32_t i = 0, k = 0; i < handover->count || k < handover->spared_count;) { /* two rising lists, by turns */
        bool own = k == handover->spared_count || (i < handover->count && handover->fds[i] < handover->spared[k]);
        int fd = own ? handover->fds[i++] : handover->spared[k++];
        from = fd < (int)from ? from : close_up_to(from, (unsigned)fd);
    }
    close_range(from, ~0u, 0);
}

void handover_end(struct handover *handover)
{
    if (!handover->fds)
        return;
    close_ends(handover);
    for (uint32_t i = 0; i < handover->count; i++)
        close(handover->fds[i]);
    free(handover->fds);
    *handover = (struct handover){0};
}
