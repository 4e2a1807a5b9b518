/* The audit, in a process of its own. */
#define _GNU_SOURCE
#include "run/audit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "contract/worker.h"
#include "run/crew_worker.h"
#include "run/instances.h"
#include "run/interrupt.h"
#include "run/priority.h"

_Noreturn static void audit_child(const struct crew_plan *plan)
{
    struct worker auditor;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    interrupt_reset();
    priority_restore();
    crew_worker_init(&auditor, plan, plan->ledger->workers, plan->region_base);
    if (plan->spec->sync->family != SYNC_LOCK) { /* the data of the others can be had through the sync alone */
        auditor.self.index = 0;
        crew_worker_attach(&auditor, plan, plan->region_base);
    }
    plan->spec->load->audit(&auditor);
    instances_audit(plan->spec, plan->region_base, &auditor);
    _exit(0);
}

/* A gigabyte a second is slow even for a verification of uncached memory. */
static int patience_ms(const struct crew_plan *plan)
{
    return (int)(30000 + plan->region_bytes / 1000000);
}

void audit_run(const struct crew_plan *plan, char *failure, size_t size)
{
    siginfo_t info = {0};
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        audit_child(plan);
    if (pid < 0) {
        snprintf(failure, size, "the audit could not be started: fork: %s", error_name(errno));
        return;
    }
    struct pollfd ended = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    int ready;
    uint64_t deadline = clock_ns() + (uint64_t)patience_ms(plan) * NS_PER_MS;
    while ((ready = poll(&ended, ended.fd >= 0, 100)) <= 0 && clock_ns() < deadline)
        if (ended.fd < 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid)
            break;
    if (clock_ns() >= deadline)
        kill(pid, SIGKILL);
    if (ended.fd >= 0)
        close(ended.fd);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED) != 0 && errno == EINTR)
        continue;
    if (info.si_code == CLD_EXITED && info.si_status != 0)
        snprintf(failure, size, "the audit of the region ended by itself with status %d", info.si_status);
    else if (info.si_code != CLD_EXITED)
        snprintf(failure, size, "the audit of the region was killed by SIG%s: the region is not what it was",
                 sigabbrev_np(info.si_status));
}
