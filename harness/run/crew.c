/* The crew: forking, reaping and ending it. What a worker does is in crew_worker.c. */
#define _GNU_SOURCE
#include "run/crew.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/crew_worker.h"
#include "run/interrupt.h"

#define EVENTS 256
#define INTERRUPT_MARK UINT32_MAX /* epoll data of the interrupt's descriptor */

static int watch(struct crew *crew, int fd, uint32_t mark)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = mark};
    return epoll_ctl(crew->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int fail_fork(const struct crew *crew, const char *call, int errnum, uint32_t done, struct error *error)
{
    const char *way_out = errnum == EAGAIN   ? "a limit on processes is reached: `ulimit -u`, pids.max of the cgroup, or "
                                               "kernel.pid_max"
                          : errnum == EMFILE ? "a limit on open files is reached: raise `ulimit -n`"
                          : errnum == ENOMEM ? "not enough memory: use a smaller population"
                          : errnum == ENOSYS ? "shmoo needs Linux 5.3 or later"
                                             : "see the manual page of the call";
    return error_set(error, STATUS_ENVIRONMENT, errnum, "crew of %u: %s, after %u workers: %s; %s", crew->count, call, done,
                     error_name(errnum), way_out);
}

static int fork_one(struct crew *crew, const struct crew_plan *plan, uint32_t index, pid_t harness)
{
    struct crew_member *member = &crew->members[index];
    pid_t pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0) {
        setpgid(0, crew->group);
        crew_worker_run(plan, index, harness); /* does not return */
    }
    if (crew->group == 0)
        crew->group = pid;
    setpgid(pid, crew->group); /* both sides: whoever comes first */
    member->pid = pid;
    crew->alive++;
    return 0;
}

/* Returns 0, or an errno and the call that failed. */
static int open_pidfd(struct crew *crew, uint32_t i, const char **call)
{
    struct crew_member *member = &crew->members[i];
    *call = "pidfd_open";
    member->pidfd = pidfd_open(member->pid, 0);
    if (member->pidfd < 0)
        return errno;
    *call = "epoll_ctl";
    return watch(crew, member->pidfd, i) == 0 ? 0 : errno;
}

static int open_pidfds(struct crew *crew, struct error *error)
{
    const char *call;
    for (uint32_t i = 0; i < crew->count; i++) {
        int rc = open_pidfd(crew, i, &call);
        if (rc)
            return fail_fork(crew, call, rc, crew->count, error);
    }
    if (interrupt_fd() >= 0 && watch(crew, interrupt_fd(), INTERRUPT_MARK) != 0)
        return fail_fork(crew, "epoll_ctl", errno, crew->count, error);
    return 0;
}

int crew_start(struct crew *crew, const struct crew_plan *plan, struct error *error)
{
    memset(crew, 0, sizeof *crew);
    crew->plan = plan;
    crew->count = shape_workers(&plan->spec->shape);
    crew->members = calloc(crew->count, sizeof *crew->members);
    crew->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!crew->members || crew->epoll < 0)
        return fail_fork(crew, "epoll_create1", crew->members ? errno : ENOMEM, 0, error);
    for (uint32_t i = 0; i < crew->count; i++)
        crew->members[i].pidfd = -1;
    pid_t harness = getpid();
    uint64_t start = clock_ns();
    fflush(NULL); /* what is buffered belongs to the harness alone */
    for (uint32_t i = 0; i < crew->count; i++) {
        int rc = interrupt_pending() ? EINTR : fork_one(crew, plan, i, harness);
        if (rc) {
            crew_end(crew);
            return fail_fork(crew, "fork", rc, i, error);
        }
    }
    crew->fork_ns = clock_ns() - start;
    if (open_pidfds(crew, error)) {
        crew_end(crew);
        return -1;
    }
    return 0;
}

static void classify(struct crew *crew, uint32_t index, const siginfo_t *info)
{
    struct crew_member *member = &crew->members[index];
    bool normal = info->si_code == CLD_EXITED;
    member->exit = normal ? EXIT_NORMAL : EXIT_SIGNAL;
    member->value = info->si_status;
    if (!normal || info->si_status != 0) {
        if (crew->failed == 0)
            crew->first_failed = index;
        crew->failed++;
    }
    if (member->pidfd >= 0)
        close(member->pidfd);
    member->pidfd = -1;
    crew->alive--;
    crew->last_exit_ns = clock_ns();
}

/* Kills one that has not ended, and waits for its end. */
static void end_one(struct crew *crew, uint32_t i)
{
    struct crew_member *member = &crew->members[i];
    siginfo_t info = {0};
    int rc;
    kill(member->pid, SIGKILL);
    while ((rc = waitid(P_PID, (id_t)member->pid, &info, WEXITED)) != 0 && errno == EINTR)
        continue;
    if (rc == 0)
        classify(crew, i, &info);
    if (info.si_code == CLD_KILLED && info.si_status == SIGKILL)
        member->exit = EXIT_ENDED;
}

int crew_respawn(struct crew *crew, uint32_t worker)
{
    struct crew_member *member = &crew->members[worker], before = *member;
    const char *call;
    if (member->exit == EXIT_NOT_YET)
        return EBUSY;
    if (crew->alive == 0)
        crew->group = 0; /* the group has gone with its last process, and its number may be somebody else's */
    *member = (struct crew_member){.pidfd = -1, .pid_before = before.pid, .first_exit = before.first_exit, .first_value = before.first_value};
    if (before.first_exit == EXIT_NOT_YET) {
        member->first_exit = before.exit;
        member->first_value = before.value;
    }
    fflush(NULL); /* what is buffered belongs to the harness alone */
    int rc = fork_one(crew, crew->plan, worker, getpid());
    if (rc) {
        *member = before;
        return rc;
    }
    if (before.exit == EXIT_SIGNAL || before.value != 0)
        crew->failed--;
    rc = open_pidfd(crew, worker, &call);
    if (rc) /* nobody would see its end: it is not to be there */
        end_one(crew, worker);
    return rc;
}

void crew_poll(struct crew *crew, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(crew->epoll, events, EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        uint32_t index = events[i].data.u32;
        siginfo_t info = {0};
        if (index == INTERRUPT_MARK) {
            interrupt_pending();
            epoll_ctl(crew->epoll, EPOLL_CTL_DEL, interrupt_fd(), NULL);
            continue;
        }
        struct crew_member *member = &crew->members[index];
        if (member->pidfd >= 0 && waitid(P_PIDFD, (id_t)member->pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid)
            classify(crew, index, &info);
    }
}

int crew_signal(const struct crew *crew, uint32_t worker, int signal)
{
    const struct crew_member *member = &crew->members[worker];
    if (member->exit != EXIT_NOT_YET || member->pidfd < 0)
        return ESRCH;
    return pidfd_send_signal(member->pidfd, signal, NULL, 0) == 0 ? 0 : errno;
}

void crew_end(struct crew *crew)
{
    if (crew->alive && crew->group > 0) /* unreaped members keep the group's number from being used again */
        killpg(crew->group, SIGKILL);
    for (uint32_t i = 0; i < crew->count && crew->members; i++)
        if (crew->members[i].pid > 0 && crew->members[i].exit == EXIT_NOT_YET)
            end_one(crew, i);
}

void crew_free(struct crew *crew)
{
    crew_end(crew);
    if (crew->epoll > 0)
        close(crew->epoll);
    free(crew->members);
    memset(crew, 0, sizeof *crew);
    crew->epoll = -1;
}

static const char *exit_text(enum exit_kind exit, int value, char text[48])
{
    const char *name = exit == EXIT_SIGNAL ? sigabbrev_np(value) : NULL;
    switch (exit) {
    case EXIT_NOT_YET:
        return "not ended";
    case EXIT_NORMAL:
        snprintf(text, 48, "exited %d", value);
        break;
    case EXIT_SIGNAL:
        if (name)
            snprintf(text, 48, "killed by SIG%s", name);
        else
            snprintf(text, 48, "killed by signal %d", value);
        break;
    case EXIT_ENDED:
        return "ended by the watchdog";
    }
    return text;
}

const char *crew_exit_text(const struct crew_member *member, char text[48])
{
    return exit_text(member->exit, member->value, text);
}

const char *crew_first_exit_text(const struct crew_member *member, char text[48])
{
    bool replaced = member->first_exit != EXIT_NOT_YET;
    return exit_text(replaced ? member->first_exit : member->exit, replaced ? member->first_value : member->value, text);
}
