/* Isolation: one call in a child, with a deadline, and how it ended. */
#define _GNU_SOURCE
#include "run/isolate.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "run/interrupt.h"
#include "run/priority.h"
#include "run/process.h"

/* CPU time after which a call that should take microseconds is taken to go round in circles. */
#define TURN_NS (500 * NS_PER_MS)
/* On a machine that gives it no CPU at all a call is waited for this many times as long. */
#define STARVED 6
#define HURRY 5 /* once the run was interrupted, a call has a fifth of its time */

/* What the child leaves for the parent: an exit status alone would not tell a return from an exit. */
struct answer {
    uint32_t returned;
    int64_t value;
    char doing[ISOLATE_DOING_MAX]; /* what it was about, last; empty: what it was called for */
};

static struct answer *own_answer; /* in the child */

void isolate_doing(const char *format, ...)
{
    va_list args;
    if (!own_answer)
        return;
    va_start(args, format);
    vsnprintf(own_answer->doing, sizeof own_answer->doing, format, args);
    va_end(args);
}

_Noreturn static void child(int64_t (*body)(void *user), void *user, struct answer *answer, pid_t harness)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != harness)
        _exit(1);
    interrupt_reset();
    priority_restore();
    dup2(STDERR_FILENO, STDOUT_FILENO);
    own_answer = answer;
    answer->value = body(user);
    __atomic_store_n(&answer->returned, 1, __ATOMIC_RELEASE);
    _exit(0);
}

static bool ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static bool had_turn(pid_t pid)
{
    struct process_look look = process_look(pid);
    return look.state != 'R' || process_cpu_ns(pid) > TURN_NS;
}

/* Waits for the child's end. False: it is given up. */
static bool wait_for(pid_t pid, uint64_t patience_ns)
{
    uint64_t start = clock_ns(), interrupted = 0;
    struct pollfd poller = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    bool done;
    while (!(done = ended(pid))) {
        uint64_t now = clock_ns();
        if (interrupted == 0 && interrupt_pending())
            interrupted = now;
        if ((interrupted && now > interrupted + patience_ns / HURRY) || now > start + STARVED * patience_ns ||
            (now > start + patience_ns && had_turn(pid)))
            break;
        poll(&poller, poller.fd >= 0, poller.fd >= 0 ? 100 : 1);
    }
    if (poller.fd >= 0)
        close(poller.fd);
    return done;
}

static void tell_death(struct isolate_outcome *outcome, const siginfo_t *info)
{
    const char *name = info->si_code == CLD_EXITED ? NULL : sigabbrev_np(info->si_status);
    outcome->end = ISOLATE_DIED;
    outcome->signal = info->si_code == CLD_EXITED ? 0 : info->si_status;
    if (info->si_code == CLD_EXITED)
        snprintf(outcome->text, sizeof outcome->text, "ended by itself with status %d", info->si_status);
    else if (name)
        snprintf(outcome->text, sizeof outcome->text, "was killed by SIG%s", name);
    else
        snprintf(outcome->text, sizeof outcome->text, "was killed by signal %d", info->si_status);
}

static void reap(pid_t pid, bool in_time, bool spares, const struct answer *answer, uint64_t waited_ns,
                 struct isolate_outcome *outcome)
{
    siginfo_t info = {0};
    bool well = in_time && __atomic_load_n(&answer->returned, __ATOMIC_ACQUIRE) && answer->value == 0;
    if (!(spares && well))
        killpg(pid, SIGKILL); /* it itself, or what it left: not yet reaped, it keeps the group's number from being used again */
    kill(pid, SIGKILL);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED) != 0 && errno == EINTR)
        continue;
    if (in_time && info.si_code == CLD_EXITED && __atomic_load_n(&answer->returned, __ATOMIC_ACQUIRE)) {
        outcome->end = ISOLATE_RETURNED;
        outcome->value = answer->value;
    } else if (in_time) {
        tell_death(outcome, &info);
    } else {
        outcome->end = ISOLATE_HUNG;
        snprintf(outcome->text, sizeof outcome->text, "did not return within %.1f s", (double)waited_ns / 1e9);
    }
}

/* Behind how it ended, where in the call that was. */
static void tell_doing(struct isolate_outcome *outcome, const struct answer *answer)
{
    size_t used = strlen(outcome->text), length = strnlen(answer->doing, sizeof answer->doing);
    if (outcome->end != ISOLATE_RETURNED && length && length < sizeof answer->doing)
        snprintf(outcome->text + used, sizeof outcome->text - used, " (%s)", answer->doing);
}

static struct isolate_outcome unstarted(const char *call, int errnum)
{
    struct isolate_outcome outcome = {.end = ISOLATE_UNSTARTED, .errnum = errnum};
    snprintf(outcome.text, sizeof outcome.text, "could not be started: %s: %s", call, error_name(errnum));
    return outcome;
}

static struct isolate_outcome call(int64_t (*body)(void *user), void *user, uint64_t patience_ns, bool spares)
{
    struct isolate_outcome outcome = {0};
    struct answer *answer = mmap(NULL, sizeof *answer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (answer == MAP_FAILED)
        return unstarted("mmap", errno);
    pid_t harness = getpid();
    uint64_t start = clock_ns();
    fflush(NULL); /* what is buffered belongs to the harness alone */
    pid_t pid = fork();
    if (pid == 0)
        child(body, user, answer, harness);
    if (pid < 0) {
        outcome = unstarted("fork", errno);
    } else {
        setpgid(pid, pid); /* both sides: whoever comes first */
        bool in_time = wait_for(pid, patience_ns);
        reap(pid, in_time, spares, answer, clock_ns() - start, &outcome);
        tell_doing(&outcome, answer);
    }
    munmap(answer, sizeof *answer);
    return outcome;
}

struct isolate_outcome isolate_call(int64_t (*body)(void *user), void *user, uint64_t patience_ns)
{
    return call(body, user, patience_ns, false);
}

struct isolate_outcome isolate_call_sparing(int64_t (*body)(void *user), void *user, uint64_t patience_ns)
{
    return call(body, user, patience_ns, true);
}

enum verdict isolate_verdict(const struct isolate_outcome *outcome)
{
    switch (outcome->end) {
    case ISOLATE_DIED:
        return VERDICT_CRASHED;
    case ISOLATE_HUNG:
        return VERDICT_WEDGED;
    case ISOLATE_RETURNED:
    case ISOLATE_UNSTARTED:
        break;
    }
    return VERDICT_ERROR;
}
