/* Stopping a crew by SIGSTOP, seen by its parent. */
#define _GNU_SOURCE
#include "workloads/fault/halt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "contract/shape.h"

#define PATIENCE_NS (200 * NS_PER_MS)

static bool has_stopped(pid_t pid)
{
    siginfo_t info = {0};
    int rc = waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT);
    return rc != 0 || info.si_pid == pid;
}

void halt_crew(struct nemesis *nemesis)
{
    uint64_t start = clock_ns();
    for (uint32_t i = 0; i < nemesis->workers; i++)
        if (nemesis->process(nemesis, i))
            kill(nemesis->process(nemesis, i), SIGSTOP);
    for (uint32_t i = 0; i < nemesis->workers; i++)
        while (nemesis->process(nemesis, i) && !has_stopped(nemesis->process(nemesis, i)) && clock_ns() < start + PATIENCE_NS)
            nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_US}, NULL);
}

void continue_crew(struct nemesis *nemesis)
{
    for (uint32_t i = 0; i < nemesis->workers; i++)
        if (nemesis->process(nemesis, i))
            kill(nemesis->process(nemesis, i), SIGCONT);
}

int halt_punch(const struct nemesis *nemesis)
{
    struct stat st;
    int fd = shm_open(nemesis->shape->name, O_RDWR, 0), rc = 0;
    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0 || fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, st.st_size) != 0)
        rc = errno;
    close(fd);
    return rc;
}
