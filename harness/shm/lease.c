/* Leases: taking one, asking whether it is whole, giving it back. */
#define _GNU_SOURCE
#include "shm/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static enum lease_answer answer_of_open(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return LEASE_GONE;
    case EWOULDBLOCK: /* somebody else has a lease, and therefore has it open */
    case ETXTBSY:     /* it is being executed */
        return LEASE_HELD;
    case ELOOP: /* a symbolic link */
    case ENXIO: /* a socket */
        return LEASE_NO_OBJECT;
    default:
        return LEASE_CLOSED;
    }
}

/* Opens what is a regular file, and nothing else: an open() of a FIFO would set its writer free. Whoever may only write may
 * take a lease as well. */
static int open_object(int folder, const char *name)
{
    static const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return -1;
    if (!S_ISREG(st.st_mode)) {
        errno = ENXIO;
        return -1;
    }
    int fd = openat(folder, name, O_RDONLY | flags);
    return fd < 0 && errno == EACCES ? openat(folder, name, O_WRONLY | flags) : fd;
}

static enum lease_answer answer_of_lease(int errnum)
{
    switch (errnum) {
    case EAGAIN:
    case EBUSY:
        return LEASE_HELD;
    case EACCES:
        return LEASE_DENIED;
    default: /* EPERM: a filter of system calls */
        return LEASE_UNSUPPORTED;
    }
}

enum lease_answer lease_take(struct lease *lease, int folder, const char *name)
{
    *lease = (struct lease){.fd = -1};
    signal(SIGIO, SIG_IGN);
    int fd = open_object(folder, name);
    if (fd < 0) {
        lease->errnum = errno;
        return answer_of_open(errno);
    }
    if (fstat(fd, &lease->st) != 0 || !S_ISREG(lease->st.st_mode)) {
        close(fd);
        return LEASE_NO_OBJECT;
    }
    if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0) {
        lease->errnum = errno;
        close(fd);
        return answer_of_lease(lease->errnum);
    }
    lease->fd = fd;
    return LEASE_FREE;
}

bool lease_holds(const struct lease *lease)
{
    return lease->fd >= 0 && fcntl(lease->fd, F_GETLEASE) == F_WRLCK;
}

void lease_drop(struct lease *lease)
{
    if (lease->fd >= 0) {
        fcntl(lease->fd, F_SETLEASE, F_UNLCK); /* a close() alone leaves it to a copy that a fork() made */
        close(lease->fd);
    }
    lease->fd = -1;
}

enum lease_answer lease_probe(const char *folder)
{
    signal(SIGIO, SIG_IGN);
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return LEASE_CLOSED;
    enum lease_answer answer = fcntl(fd, F_SETLEASE, F_WRLCK) == 0 ? LEASE_FREE : answer_of_lease(errno);
    close(fd);
    return answer;
}

const char *lease_words(enum lease_answer answer, int errnum)
{
    switch (answer) {
    case LEASE_FREE:
        return "nobody has it open or mapped";
    case LEASE_HELD:
        return "somebody has it open or mapped";
    case LEASE_CLOSED:
        return errnum == EACCES || errnum == EPERM ? "may not be opened by this user: no proof to be had"
                                                   : "cannot be opened: no proof to be had";
    case LEASE_DENIED:
        return "belongs to another user: no proof to be had";
    case LEASE_UNSUPPORTED:
        return "no lease to be had here: no proof";
    case LEASE_NO_OBJECT:
        return "is not a shared memory object";
    case LEASE_GONE:
        return "has gone";
    }
    return "";
}
