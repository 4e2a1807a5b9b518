/* The processes of a check: peers, what they tell each other, and touching memory that may not be there. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "contract/check.h"

void check_die_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Not close(), which may be what is broken: a channel must end all the same. */
static void close_end(int fd)
{
    syscall(SYS_close, fd);
}

_Noreturn static void be_peer(struct check *c, pid_t parent, int channel, void (*body)(struct check *, void *), void *user)
{
    check_die_with_parent();
    if (getppid() != parent && getppid() != 0) /* it died before the line above; 0: it is in another pid namespace */
        _exit(0);
    c->channel = channel;
    body(c, user);
    check_finish(c);
}

struct check_peer check_start(struct check *c, void (*body)(struct check *c, void *user), void *user)
{
    int ends[2];
    pid_t parent = getpid();
    must(c, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
    fflush(NULL);
    pid_t pid = (pid_t)must(c, fork());
    if (pid == 0) {
        close_end(ends[0]);
        be_peer(c, parent, ends[1], body, user);
    }
    close_end(ends[1]);
    return (struct check_peer){.pid = pid, .channel = ends[0]};
}

int check_end_of(struct check *c, const struct check_peer *peer)
{
    int status = 0;
    while (waitpid(peer->pid, &status, 0) < 0)
        if (errno != EINTR)
            check_error(c, "waitpid: a process of the check cannot be waited for");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool expect_end(struct check *c, const struct check_peer *peer)
{
    return expect_number(c, check_end_of(c, peer), 0, "how another process of the check ended (below 0: the signal)");
}

void check_kill(struct check *c, const struct check_peer *peer)
{
    kill(peer->pid, SIGKILL);
    check_end_of(c, peer);
}

void check_hang_up(const struct check_peer *peer)
{
    close_end(peer->channel);
}

void tell(int channel, int64_t value)
{
    while (send(channel, &value, sizeof value, MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

int64_t hear(int channel)
{
    int64_t value;
    ssize_t rc;
    do
        rc = recv(channel, &value, sizeof value, 0);
    while (rc < 0 && errno == EINTR);
    return rc == (ssize_t)sizeof value ? value : CHECK_GONE;
}

int64_t hear_within(int channel, unsigned ms)
{
    struct pollfd polled = {.fd = channel, .events = POLLIN};
    uint64_t end = check_now_ms() + ms;
    int rc;
    do {
        uint64_t now = check_now_ms();
        rc = poll(&polled, 1, now < end ? (int)(end - now) : 0);
    } while (rc < 0 && errno == EINTR);
    return rc > 0 ? hear(channel) : CHECK_SILENT;
}

bool expect_heard(struct check *c, const struct check_peer *peer, unsigned ms, int64_t expected, const char *what)
{
    int64_t heard = hear_within(peer->channel, ms);
    if (heard == CHECK_SILENT || heard == CHECK_GONE)
        return expect_true(c, false, what, heard == CHECK_GONE ? "the process has gone" : "the process says nothing for %u ms", ms);
    return expect_number(c, heard, expected, "%s", what);
}

bool expect_waiting(struct check *c, const struct check_peer *peer, const char *what)
{
    if (!check_sleeps(peer->pid))
        return expect_true(c, false, what, "it does not fall asleep");
    int64_t heard = hear_within(peer->channel, 20);
    return expect_true(c, heard == CHECK_SILENT, what, "it does not wait: it says %lld", (long long)heard);
}

union fd_space {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

int check_send_fd(int channel, int fd)
{
    char byte = 'f';
    union fd_space space = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(channel, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int check_take_fd(int channel)
{
    char byte;
    int fd = -1;
    union fd_space space = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space};
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1)
        return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

/* A change of user clears the signal that comes with the parent's death. */
void check_become_other(struct check *c)
{
    if (setgroups(0, NULL) != 0 || setresgid(CHECK_OTHER_GID, CHECK_OTHER_GID, CHECK_OTHER_GID) != 0 ||
        setresuid(CHECK_OTHER_UID, CHECK_OTHER_UID, CHECK_OTHER_UID) != 0)
        check_unsupported(c, "needs two users: this process may not become another one");
    check_die_with_parent();
}

void check_be_ordinary(struct check *c)
{
    if (geteuid() == 0)
        check_become_other(c);
}

static char state_of(pid_t pid)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!check_first_line(path, line, sizeof line))
        return 0;
    const char *rest = strrchr(line, ')');
    return rest && rest[1] ? rest[2] : 0;
}

bool check_sleeps(pid_t pid)
{
    if (state_of(getpid()) == 0) { /* no /proc to look at: time enough to fall asleep */
        check_pause_ms(100);
        return true;
    }
    for (uint64_t end = check_now_ms() + 3000; check_now_ms() < end; check_pause_ms(1))
        if (state_of(pid) == 'S')
            return true;
    return false;
}

void check_pause_ms(unsigned ms)
{
    struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        continue;
}

uint64_t check_now_ms(void)
{
    return clock_ns() / NS_PER_MS;
}

void check_moment(struct timespec *moment, unsigned ms)
{
    clock_gettime(CLOCK_REALTIME, moment);
    moment->tv_sec += ms / 1000;
    moment->tv_nsec += (long)(ms % 1000) * 1000000;
    if (moment->tv_nsec >= 1000000000) {
        moment->tv_sec++;
        moment->tv_nsec -= 1000000000;
    }
}

static sigjmp_buf touch_back;
static volatile struct touch touched;

static void note_touch(int signal, siginfo_t *info, void *context)
{
    (void)context;
    touched.signal = signal;
    touched.code = info->si_code;
    touched.address = (uintptr_t)info->si_addr;
    siglongjmp(touch_back, 1);
}

static struct touch touch(volatile unsigned char *at, bool write, unsigned char value)
{
    struct sigaction action = {.sa_sigaction = note_touch, .sa_flags = SA_SIGINFO}, bus, segv;
    touched = (struct touch){.value = value}; /* not a local: the jump back would lose it */
    sigaction(SIGBUS, &action, &bus);
    sigaction(SIGSEGV, &action, &segv);
    if (sigsetjmp(touch_back, 1) == 0) {
        if (write)
            *at = touched.value;
        else
            touched.value = *at;
    }
    sigaction(SIGBUS, &bus, NULL);
    sigaction(SIGSEGV, &segv, NULL);
    return touched;
}

struct touch touch_read(const volatile void *at)
{
    return touch((volatile unsigned char *)(uintptr_t)at, false, 0);
}

struct touch touch_write(volatile void *at, unsigned char value)
{
    return touch(at, true, value);
}

static const char *describe(struct touch t, char text[128])
{
    if (t.signal == 0)
        return "no signal";
    const char *code = t.signal == SIGBUS && t.code == BUS_ADRERR    ? "BUS_ADRERR"
                       : t.signal == SIGSEGV && t.code == SEGV_MAPERR ? "SEGV_MAPERR"
                       : t.signal == SIGSEGV && t.code == SEGV_ACCERR ? "SEGV_ACCERR"
                                                                      : "another code";
    snprintf(text, 128, "%s, %s (%d), at 0x%llx", t.signal == SIGBUS ? "SIGBUS" : "SIGSEGV", code, t.code,
             (unsigned long long)t.address);
    return text;
}

bool expect_touch(struct check *c, struct touch seen, int signal, int code, const volatile void *at, const char *what)
{
    char expected[CHECK_TEXT], one[128], other[128];
    struct touch wanted = {.signal = signal, .code = code, .address = signal ? (uintptr_t)at : 0};
    bool holds = seen.signal == signal && (signal == 0 || (seen.code == code && seen.address == wanted.address));
    snprintf(expected, sizeof expected, "%s: %s", what, describe(wanted, one));
    return expect_true(c, holds, expected, "%s: %s", what, describe(seen, other));
}
