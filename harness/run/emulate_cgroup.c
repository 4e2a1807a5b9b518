/* The memory cgroup of an emulated machine: made, entered by a copy of the process, removed by the original. */
#define _GNU_SOURCE
#include "run/emulate_cgroup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/cgroup.h"

static volatile sig_atomic_t copy_pid;

static void pass_on(int number)
{
    if (copy_pid > 0)
        kill(copy_pid, number);
}

/* The original's part. */
static _Noreturn void wait_for_copy(pid_t copy, struct cgroup *group)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    int status = 0;
    copy_pid = copy;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &(struct sigaction){.sa_handler = pass_on, .sa_flags = SA_RESTART}, NULL);
    while (waitpid(copy, &status, 0) < 0 && errno == EINTR)
        continue;
    cgroup_remove(group);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int emulate_cgroup_enter(unsigned long long limit_bytes, const char *name, struct error *error)
{
    struct cgroup group;
    cgroup_sweep();
    int refusal = cgroup_make(&group, CGROUP_MEMORY, "", limit_bytes);
    if (refusal)
        return error_set(error, STATUS_ENVIRONMENT, refusal,
                         "--env %s: no memory cgroup can be made below this process's own: %s; run it as root, on a system "
                         "where /sys/fs/cgroup "
                         "may be written",
                         name, error_name(refusal));
    fflush(NULL);
    pid_t original = getpid(), copy = fork();
    if (copy > 0)
        wait_for_copy(copy, &group);
    if (copy < 0) {
        int errnum = errno;
        cgroup_remove(&group);
        return error_set(error, STATUS_ENVIRONMENT, errnum, "--env %s: fork: %s", name, error_name(errnum));
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != original)
        _exit(STATUS_ENVIRONMENT);
    int rc = cgroup_enter(&group, 0);
    if (rc)
        return error_set(error, STATUS_ENVIRONMENT, rc, "--env %s: %s/cgroup.procs: write: %s", name, group.folder, error_name(rc));
    return 0;
}
