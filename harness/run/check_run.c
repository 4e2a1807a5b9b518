/* The checks' schedule: start, deadline, end of the group, sweeping, and results handed out in order. */
#define _GNU_SOURCE
#include "run/check_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "contract/contents.h"
#include "run/check_limits.h"
#include "run/check_sweep.h"
#include "run/check_system.h"
#include "run/interrupt.h"
#include "run/process.h"
#include "shm/region.h"

#define JOBS_MAX 64
/* Out of the way of the lowest descriptors, which some checks look at. */
#define REPORT_FD 100
/* What the checks that run at one time take of the machine's /dev/shm, at the most. */
#define ROOM_BYTES (512 << 10)
#define ROOM_INODES 32

/* One check under way. */
struct seat {
    pid_t pid; /* 0: nobody sits here */
    int pidfd, reports;
    uint32_t index;
    uint64_t started_ns, deadline_ns;
    bool late;
};

struct show {
    const struct check_plan *plan;
    struct check_janitor janitor;
    char prefix[64]; /* "shmoo-check.PID.START." */
    struct seat seats[JOBS_MAX];
    struct check_result *results;
    bool *ready;
    uint32_t jobs, next, handed_out, running;
};

int check_preflight(struct error *error)
{
    if (access(REGION_FOLDER, F_OK) != 0)
        return error_set(error, STATUS_ENVIRONMENT, errno, REGION_FOLDER ": %s; mount a tmpfs there", error_name(errno));
    if (access(REGION_FOLDER, W_OK | X_OK) != 0)
        return error_set(error, STATUS_ENVIRONMENT, errno,
                         REGION_FOLDER ": %s; %s", error_name(errno),
                         errno == EROFS ? "it is mounted read-only: mount -o remount,rw " REGION_FOLDER
                                        : "this user needs the permission to create objects there");
    struct statvfs fs = {0};
    if (statvfs(REGION_FOLDER, &fs) == 0 && fs.f_blocks && fs.f_bfree * fs.f_frsize < ROOM_BYTES)
        return error_set(error, STATUS_ENVIRONMENT, ENOSPC,
                         REGION_FOLDER ": %llu bytes are free, and checks need %d; remove objects, or mount it larger",
                         (unsigned long long)(fs.f_bfree * fs.f_frsize), ROOM_BYTES);
    if (fs.f_files && fs.f_ffree < ROOM_INODES)
        return error_set(error, STATUS_ENVIRONMENT, ENOSPC,
                         REGION_FOLDER ": %llu inodes are free, and checks need %d; remove objects, or mount it with more",
                         (unsigned long long)fs.f_ffree, ROOM_INODES);
    return 0;
}

_Noreturn static void be_check(const struct show *show, const struct check_ops *row, uint32_t index, int reports, pid_t harness)
{
    static struct check check;
    struct rlimit no_core = {0, 0};
    check_die_with_parent();
    setpgid(0, 0);
    if (getppid() != harness)
        _exit(0);
    for (int number = 1; number < SIGRTMIN; number++) /* whatever the caller ignores */
        signal(number, SIG_DFL);
    interrupt_reset();
    signal(SIGXFSZ, SIG_IGN); /* the C library takes its temporary files back only if it lives */
    setrlimit(RLIMIT_CORE, &no_core);
    check_limits_raise();
    umask(022);
    close(show->janitor.line);
    for (uint32_t i = 0; i < show->jobs; i++)
        if (show->seats[i].pid) {
            close(show->seats[i].pidfd);
            close(show->seats[i].reports);
        }
    int high = fcntl(reports, F_DUPFD_CLOEXEC, REPORT_FD);
    if (high >= 0)
        close(reports);
    check = (struct check){.row = row, .report_fd = high >= 0 ? high : reports, .channel = -1};
    snprintf(check.prefix, sizeof check.prefix, "/%s%u", show->prefix, index + 1);
    check_provide(&check);
    row->run(&check);
    check_finish(&check);
}

static uint64_t deadline_ns(const struct check_plan *plan, const struct check_ops *row)
{
    unsigned own = row->deadline_s ? row->deadline_s : CHECK_DEADLINE_S;
    return (plan->deadline_s ? plan->deadline_s : own) * NS_PER_S;
}

/* Starts the next row on a free seat. */
static int start(struct show *show, struct seat *seat, struct error *error)
{
    int ends[2];
    uint32_t index = show->next;
    const struct check_ops *row = show->plan->rows[index];
    pid_t harness = getpid();
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_set(error, STATUS_ENVIRONMENT, errno, "check %s: pipe: %s; raise `ulimit -n`", row->id, error_name(errno));
    fflush(NULL);
    uint64_t now = clock_ns();
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_check(show, row, index, ends[1], harness);
    }
    int errnum = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error_set(error, STATUS_ENVIRONMENT, errnum, "check %s: fork: %s; raise `ulimit -u`", row->id, error_name(errnum));
    }
    setpgid(pid, pid);
    *seat = (struct seat){pid, (int)syscall(SYS_pidfd_open, pid, 0), ends[0], index, now, now + deadline_ns(show->plan, row), false};
    show->next++;
    show->running++;
    return 0;
}

/* The first word of the check that is not a pass counts; but a deviation gives way to anything worse. True: there was one. */
static bool read_reports(const struct seat *seat, struct check_report *report)
{
    struct check_report next;
    bool any = false;
    while (read(seat->reports, &next, sizeof next) == (ssize_t)sizeof next) {
        bool settled = any && report->outcome != CHECK_PASS &&
                       !(report->outcome == CHECK_DEVIATES && next.outcome != CHECK_PASS);
        if (!settled)
            *report = next;
        any = true;
    }
    return any;
}

static void put_silence(struct check_report *report, const struct seat *seat, const siginfo_t *info)
{
    bool memory_fault = info->si_code != CLD_EXITED && (info->si_status == SIGBUS || info->si_status == SIGSEGV);
    report->outcome = memory_fault ? CHECK_FAIL : CHECK_ERROR; /* the memory that it was promised was not there */
    snprintf(report->expected, sizeof report->expected, "the check comes to a verdict");
    if (seat->late)
        snprintf(report->observed, sizeof report->observed, "it was ended after %.0f s",
                 (double)(seat->deadline_ns - seat->started_ns) / 1e9);
    else if (info->si_code == CLD_EXITED)
        snprintf(report->observed, sizeof report->observed, "it exited with status %d", info->si_status);
    else
        snprintf(report->observed, sizeof report->observed, "it was killed by signal %d (%s)", info->si_status,
                 strsignal(info->si_status));
}

/* Reaps the check, ends what is left of its group, and sweeps its names. */
static void clear(struct show *show, struct seat *seat, const struct check_ops *row)
{
    char prefix[96];
    siginfo_t info = {0};
    struct check_result *result = &show->results[seat->index];
    while (waitid(P_PID, (id_t)seat->pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        continue;
    kill(-seat->pid, SIGKILL); /* before it is reaped: until then nobody else can have the number */
    while (waitid(P_PID, (id_t)seat->pid, &info, WEXITED) != 0 && errno == EINTR)
        continue;
    bool said = read_reports(seat, &result->report);
    bool died = info.si_code != CLD_EXITED;
    if (!said || ((died || seat->late) && result->report.outcome == CHECK_PASS))
        put_silence(&result->report, seat, &info);
    check_limits_doubt(&result->report);
    check_excuse(&result->report, row->id, check_system(), contents_differences);
    result->ns = clock_ns() - seat->started_ns;
    if (seat->pidfd >= 0)
        close(seat->pidfd);
    close(seat->reports);
    snprintf(prefix, sizeof prefix, "%s%u.", show->prefix, seat->index + 1);
    check_sweep(prefix);
    if (row->needs & CHECK_NEEDS_CGROUP)
        check_cgroup_sweep(prefix);
    show->ready[seat->index] = true;
    seat->pid = 0;
    show->running--;
}

/* Hands out what is ready and has nothing unready before it. */
static int hand_out(struct show *show)
{
    const struct check_plan *plan = show->plan;
    for (; show->handed_out < plan->count && show->ready[show->handed_out]; show->handed_out++) {
        int rc = plan->done(show->handed_out, &show->results[show->handed_out], plan->user);
        if (rc)
            return rc;
    }
    return 0;
}

static void wait_for_news(struct show *show)
{
    struct pollfd polled[JOBS_MAX + 1];
    nfds_t count = 0;
    uint64_t now = clock_ns(), next = now + NS_PER_S;
    polled[count++] = (struct pollfd){.fd = interrupt_fd(), .events = POLLIN};
    for (uint32_t i = 0; i < show->jobs; i++) {
        const struct seat *seat = &show->seats[i];
        if (!seat->pid)
            continue;
        polled[count++] = (struct pollfd){.fd = seat->pidfd, .events = POLLIN};
        if (seat->deadline_ns < next)
            next = seat->deadline_ns;
        if (seat->pidfd < 0 && now + 5 * NS_PER_MS < next) /* without pidfds: look often */
            next = now + 5 * NS_PER_MS;
    }
    poll(polled, count, next > now ? (int)((next - now) / NS_PER_MS) + 1 : 0);
}

/* Looks at every seat: who has ended is cleared, who is late is ended. `all`: everybody is ended. */
static void tend(struct show *show, bool all)
{
    for (uint32_t i = 0; i < show->jobs; i++) {
        struct seat *seat = &show->seats[i];
        siginfo_t info = {0};
        if (!seat->pid)
            continue;
        seat->late = !all && clock_ns() >= seat->deadline_ns;
        if (seat->late || all)
            kill(-seat->pid, SIGKILL);
        bool ended = seat->late || all || waitid(P_PID, (id_t)seat->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid;
        if (ended)
            clear(show, seat, show->plan->rows[seat->index]);
    }
}

/* Processes of checks whose own parents are gone have become this one's: ended and reaped. */
static void reap_orphans(void)
{
    char path[64];
    int pid;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *list = fopen(path, "re");
    while (list && fscanf(list, "%d", &pid) == 1) {
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    if (list)
        fclose(list);
}

static int run_all(struct show *show, struct error *error)
{
    int rc = 0, stop = 0;
    while (!rc && !stop && show->handed_out < show->plan->count && !interrupt_pending()) {
        for (uint32_t i = 0; i < show->jobs && show->next < show->plan->count && !rc; i++)
            if (!show->seats[i].pid)
                rc = start(show, &show->seats[i], error);
        if (rc && show->running) { /* what is under way may set something free */
            rc = 0;
        }
        wait_for_news(show);
        tend(show, false);
        stop = hand_out(show);
    }
    tend(show, true);
    return rc;
}

int check_run(const struct check_plan *plan, struct error *error)
{
    static struct show show;
    show = (struct show){.plan = plan, .jobs = plan->jobs < 1 ? 1 : plan->jobs > JOBS_MAX ? JOBS_MAX : plan->jobs};
    snprintf(show.prefix, sizeof show.prefix, CHECK_PREFIX "%d.%llu.", (int)getpid(), (unsigned long long)process_look(0).start);
    check_cgroup_begin();
    show.results = calloc(plan->count + 1, sizeof *show.results);
    show.ready = calloc(plan->count + 1, sizeof *show.ready);
    int rc = -1;
    if (!show.results || !show.ready)
        error_set(error, STATUS_ENVIRONMENT, 0, "out of memory");
    else if (check_janitor_start(&show.janitor, show.prefix, error) == 0) {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        rc = run_all(&show, error);
        check_janitor_end(&show.janitor);
        reap_orphans();
        check_sweep(show.prefix);
        prctl(PR_SET_CHILD_SUBREAPER, 0);
    }
    free(show.results);
    free(show.ready);
    return rc;
}
