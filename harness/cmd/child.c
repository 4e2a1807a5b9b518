/* A child program: pipes, its lines, its end. */
#define _GNU_SOURCE
#include "cmd/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/interrupt.h"

/* How long after SIGTERM it may take to put its things away. */
#define GRACE_NS (30 * NS_PER_S)
#define LOOK_MS 200

struct listener {
    pid_t pid;
    int out;     /* reading end of its standard output */
    int err;     /* memory that its standard error goes to */
    char *text;  /* what has come of a line so far */
    size_t used, size;
    uint64_t term_ns, kill_ns; /* clock values: when it is sent SIGTERM, SIGKILL */
    bool passed_on;
    void (*take)(void *user, const char *line);
    void *user;
};

static _Noreturn void become(char *const argv[], pid_t parent, int out, int err)
{
    int null = open("/dev/null", O_RDONLY);
    interrupt_reset();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(err, STDERR_FILENO) < 0)
        _exit(STATUS_ENVIRONMENT);
    execv(argv[0], argv);
    dprintf(STDERR_FILENO, "exec: %s\n", error_name(errno));
    _exit(127);
}

static int start(struct listener *l, char *const argv[], struct error *error)
{
    int pipes[2];
    pid_t parent = getpid();
    l->err = memfd_create("shmoo-child", MFD_CLOEXEC);
    if (l->err < 0)
        return error_set(error, STATUS_ENVIRONMENT, errno, "%s: memfd_create: %s", argv[0], error_name(errno));
    if (pipe2(pipes, O_CLOEXEC)) {
        close(l->err);
        return error_set(error, STATUS_ENVIRONMENT, errno, "%s: pipe: %s; raise `ulimit -n`", argv[0], error_name(errno));
    }
    fflush(NULL);
    l->pid = fork();
    if (l->pid == 0)
        become(argv, parent, pipes[1], l->err);
    close(pipes[1]);
    l->out = pipes[0];
    if (l->pid > 0)
        return 0;
    close(l->out);
    close(l->err);
    return error_set(error, STATUS_ENVIRONMENT, errno, "%s: fork: %s; raise `ulimit -u`", argv[0], error_name(errno));
}

static void take_lines(struct listener *l)
{
    char *end, *from = l->text;
    while ((end = memchr(from, '\n', l->used - (size_t)(from - l->text)))) {
        *end = '\0';
        l->take(l->user, from);
        from = end + 1;
    }
    l->used -= (size_t)(from - l->text);
    memmove(l->text, from, l->used);
}

/* Reads what there is. False at the end. */
static bool listen_once(struct listener *l)
{
    if (l->size - l->used < 65536) {
        char *more = realloc(l->text, 2 * l->size + 131072);
        if (!more)
            return false;
        l->text = more;
        l->size = 2 * l->size + 131072;
    }
    ssize_t n = read(l->out, l->text + l->used, l->size - l->used);
    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        return false;
    l->used += (size_t)n;
    take_lines(l);
    return true;
}

/* Passes a signal on, and ends what does not end. */
static void press(struct listener *l, struct child_end *end)
{
    uint64_t now = clock_ns();
    if (interrupt_pending() && !l->passed_on) {
        l->passed_on = true;
        kill(l->pid, interrupt_pending());
        l->kill_ns = now + GRACE_NS;
    }
    if (now > l->term_ns && !end->late) {
        end->late = true;
        kill(l->pid, SIGTERM);
        l->kill_ns = now + GRACE_NS;
    }
    if (now > l->kill_ns)
        kill(l->pid, SIGKILL);
}

static void listen_to_the_end(struct listener *l, struct child_end *end)
{
    for (bool open = true; open;) {
        struct pollfd fds[2] = {{.fd = l->out, .events = POLLIN}, {.fd = interrupt_fd(), .events = POLLIN}};
        poll(fds, l->passed_on ? 1 : 2, LOOK_MS);
        press(l, end);
        if (fds[0].revents)
            open = listen_once(l);
    }
}

static int reap(struct listener *l, struct child_end *end)
{
    int status = 0;
    while (waitpid(l->pid, &status, WNOHANG) == 0) {
        press(l, end);
        poll(NULL, 0, 2);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int child_run(char *const argv[], uint64_t patience_ns, void (*take)(void *user, const char *line), void *user,
              struct child_end *end, struct error *error)
{
    struct listener l = {.take = take, .user = user, .term_ns = clock_ns() + patience_ns, .kill_ns = UINT64_MAX};
    memset(end, 0, sizeof *end);
    if (start(&l, argv, error))
        return -1;
    listen_to_the_end(&l, end);
    end->status = reap(&l, end);
    ssize_t n = pread(l.err, end->complaint, sizeof end->complaint - 1, 0);
    end->complaint[n > 0 ? n : 0] = '\0';
    free(l.text);
    close(l.out);
    close(l.err);
    return 0;
}
