/* Descriptors in messages: what arrives, and what it shares with what was sent. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"

static int make(struct check *c, const char *name)
{
    int fd = check_object(c, name, check_page());
    check_fill(check_map(c, fd, check_page()), check_page(), 1);
    return fd;
}

static int take(struct check *c)
{
    int fd = check_take_fd(c->channel);
    if (!expect_true(c, fd >= 0, "the descriptor arrives", "there was none in the message"))
        check_finish(c);
    return fd;
}

static void use_what_arrives(struct check *c, void *user)
{
    int fd = take(c);
    (void)user;
    unsigned char *at = check_map(c, fd, check_page());
    expect_filled(c, at, check_page(), 1, "contents, for the receiver");
    expect_number(c, lseek(fd, 0, SEEK_CUR), 77, "position, for the receiver");
    must(c, lseek(fd, 5, SEEK_SET));
    check_fill(at, check_page(), 2);
    tell(c->channel, 1);
    hear(c->channel);
}

static void same_description(struct check *c)
{
    const char *name = check_name(c);
    int fd = make(c, name);
    struct check_peer peer = check_start(c, use_what_arrives, NULL);
    must(c, lseek(fd, 77, SEEK_SET));
    must(c, check_send_fd(peer.channel, fd));
    hear(peer.channel);
    expect_filled(c, check_map(c, fd, check_page()), check_page(), 2, "what the receiver stored");
    expect_number(c, lseek(fd, 0, SEEK_CUR), 5, "position, after the receiver moved it");
    must(c, close(fd));
    tell(peer.channel, 1);
    expect_end(c, &peer);
}

static void read_only(struct check *c, void *user)
{
    int fd = take(c);
    (void)user;
    expect_number(c, fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY, "access mode of what arrives");
    expect_no_map(c, mmap(NULL, check_page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    expect_errno(c, pwrite(fd, "x", 1, 0), EBADF);
}

static void access_stays(struct check *c)
{
    const char *name = check_name(c);
    make(c, name);
    struct check_peer peer = check_start(c, read_only, NULL);
    must(c, check_send_fd(peer.channel, (int)must(c, shm_open(name, O_RDONLY, 0))));
    expect_end(c, &peer);
}

static void close_on_exec(struct check *c)
{
    int ends[2], fd = make(c, check_name(c));
    char byte;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } space = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};
    must(c, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
    must(c, check_send_fd(ends[0], fd));
    must(c, check_send_fd(ends[0], fd));
    int one = check_take_fd(ends[1]), other = -1; /* with MSG_CMSG_CLOEXEC */
    must(c, recvmsg(ends[1], &message, 0));
    if (CMSG_FIRSTHDR(&message))
        memcpy(&other, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof other);
    if (!expect_true(c, one >= 0 && other >= 0, "two descriptors arrive", "%d and %d", one, other))
        return;
    expect_true(c, one != other && one != fd && other != fd, "each is a new one", "%d, %d and %d", fd, one, other);
    expect_number(c, fcntl(one, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "FD_CLOEXEC of one taken with MSG_CMSG_CLOEXEC");
    expect_number(c, fcntl(other, F_GETFD) & FD_CLOEXEC, 0, "FD_CLOEXEC of one taken without");
}

static void become_other_and_use(struct check *c, void *user)
{
    check_become_other(c);
    int fd = take(c);
    expect_errno(c, shm_open(user, O_RDONLY, 0), EACCES);
    expect_filled(c, check_map(c, fd, check_page()), check_page(), 1, "contents, for one who may not open it");
}

static void gives_access(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = make(c, name);
    must(c, fchmod(fd, 0600));
    struct check_peer peer = check_start(c, become_other_and_use, name);
    must(c, check_send_fd(peer.channel, fd));
    expect_end(c, &peer);
}

static void closed_by_sender(struct check *c)
{
    int ends[2];
    const char *name = check_name(c);
    int fd = make(c, name);
    must(c, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
    must(c, check_send_fd(ends[0], fd));
    must(c, close(fd));
    must(c, shm_unlink(name));
    must(c, close(ends[0]));
    fd = check_take_fd(ends[1]);
    if (expect_true(c, fd >= 0, "the descriptor arrives", "there was none in the message"))
        expect_filled(c, check_map(c, fd, check_page()), check_page(), 1, "contents");
}

#define MESSAGE .interface = "SCM_RIGHTS", .level = CHECK_POSIX_MUST

const struct check_ops checks_message[] = {
    {.id = "message/same-description", MESSAGE, .run = same_description,
     .clause = "POSIX.1-2024 <sys/socket.h>, SCM_RIGHTS: the access rights to be passed; unix(7), SCM_RIGHTS: as though duplicated",
     .summary = "what arrives is the same object and the same open file description"},
    {.id = "message/keeps-access-mode", MESSAGE, .run = access_stays,
     .clause = "POSIX.1-2024 <sys/socket.h>, SCM_RIGHTS; unix(7), SCM_RIGHTS: as though duplicated",
     .summary = "a descriptor for reading arrives as one for reading"},
    {.id = "message/close-on-exec", MESSAGE, .run = close_on_exec, .clause = "POSIX.1-2024 recvmsg, MSG_CMSG_CLOEXEC",
     .summary = "each message brings a new descriptor, with FD_CLOEXEC when that is asked for"},
    {.id = "message/closed-by-sender", .interface = "SCM_RIGHTS", .level = CHECK_LINUX_DOCUMENTED, .run = closed_by_sender,
     .clause = "unix(7), SCM_RIGHTS", .summary = "it arrives when sender, name and the sender's end are gone"},
    {.id = "message/gives-access", .interface = "SCM_RIGHTS", .level = CHECK_LINUX_DOCUMENTED, .run = gives_access,
     .clause = "unix(7), SCM_RIGHTS", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS,
     .summary = "it gives access to one who may not open the object"},
    {0},
};
