/* A process as /proc shows it: stat, schedstat, syscall and wchan of proc(5). */
#define _GNU_SOURCE
#include "run/process.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

/* Of the flags in /proc/PID/stat: PF_KTHREAD of the kernel; PF_EXITING, PF_DUMPCORE and PF_SIGNALED. */
#define KERNEL_THREAD 0x200000u
#define DYING (0x4u | 0x200u | 0x400u)

static FILE *open_proc(pid_t pid, const char *name)
{
    char path[64];
    if (pid)
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    else
        snprintf(path, sizeof path, "/proc/self/%s", name);
    return fopen(path, "re");
}

struct process_look process_look(pid_t pid)
{
    struct process_look p = {0};
    char text[1024];
    uint64_t user, system;
    unsigned flags = 0;
    FILE *file = open_proc(pid, "stat");
    if (!file)
        return p;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *rest = strrchr(text, ')'); /* the name before it may hold anything */
    int got = rest ? sscanf(rest + 1,
                            " %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                            " %*d %*d %*d %*d %u %*d %" SCNu64,
                            &p.state, &flags, &user, &system, &p.threads, &p.start)
                   : 0;
    if (got != 6)
        return (struct process_look){0};
    p.kernel = flags & KERNEL_THREAD;
    p.dying = flags & DYING;
    p.ticks = user + system;
    return p;
}

bool process_any_runs(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    bool runs = false;
    for (struct dirent *entry; folder && !runs && (entry = readdir(folder));)
        if (isdigit((unsigned char)entry->d_name[0])) /* /proc/TID is there too, though it is not listed */
            runs = process_look((pid_t)strtol(entry->d_name, NULL, 10)).state == 'R';
    if (folder)
        closedir(folder);
    return runs;
}

bool process_is_killed(pid_t pid)
{
    char line[256];
    uint64_t pending = 0, set;
    FILE *file = open_proc(pid, "status");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "SigPnd: %" SCNx64, &set) == 1 || sscanf(line, "ShdPnd: %" SCNx64, &set) == 1)
            pending |= set;
    if (file)
        fclose(file);
    return pending >> (SIGKILL - 1) & 1;
}

uint64_t process_cpu_ns(pid_t pid)
{
    uint64_t ns = 0;
    FILE *file = open_proc(pid, "schedstat");
    bool got = file && fscanf(file, "%" SCNu64, &ns) == 1;
    if (file)
        fclose(file);
    return got ? ns : process_look(pid).ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

uint64_t process_turns(pid_t pid)
{
    uint64_t turns = 0;
    FILE *file = open_proc(pid, "schedstat");
    if (file && fscanf(file, "%*u %*u %" SCNu64, &turns) != 1)
        turns = 0;
    if (file)
        fclose(file);
    return turns;
}

bool process_delayed_ns(uint64_t *ns)
{
    char text[100];
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, "%*u %" SCNu64, ns) == 1;
}

/* A futex call of futex(2): which operation, and with a time limit or without. */
static struct process_call futex_call(const uint64_t *args)
{
    struct process_call call = {.wait = PROCESS_WAITS_UNKNOWN};
    uint32_t operation = (uint32_t)args[1] & FUTEX_CMD_MASK;
    bool waits = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET || operation == FUTEX_WAIT_REQUEUE_PI;
    if (!waits && operation != FUTEX_LOCK_PI && operation != 13 /* FUTEX_LOCK_PI2, of newer headers */)
        return call;
    call.wait = args[3] ? PROCESS_WAITS_A_TIME : PROCESS_WAITS;
    call.futex = waits;
    call.within = args[1] & FUTEX_PRIVATE_FLAG;
    call.word_at = args[0];
    call.expected = (uint32_t)args[2];
    return call;
}

/* Calls that wait for another member of the crew and nobody else. A pipe or a socket may have somebody outside at its end. */
static enum process_wait wait_of(long number, const uint64_t *args)
{
    switch (number) {
    case SYS_semtimedop:
        return args[3] ? PROCESS_WAITS_A_TIME : PROCESS_WAITS;
    case SYS_fcntl:
        return args[1] == F_SETLKW || args[1] == F_OFD_SETLKW ? PROCESS_WAITS : PROCESS_WAITS_UNKNOWN;
#ifdef SYS_pause
    case SYS_pause:
#endif
    case SYS_semop:
    case SYS_flock:
    case SYS_rt_sigsuspend:
        return PROCESS_WAITS;
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
        return PROCESS_WAITS_A_TIME;
    default:
        return PROCESS_WAITS_UNKNOWN;
    }
}

struct process_call process_call(pid_t pid)
{
    char text[256];
    long number;
    uint64_t args[6];
    FILE *file = open_proc(pid, "syscall");
    bool read = file && fgets(text, sizeof text, file);
    if (file)
        fclose(file);
    if (!read)
        return (struct process_call){.wait = PROCESS_WAITS_UNKNOWN};
    if (strncmp(text, "running", 7) == 0)
        return (struct process_call){.wait = PROCESS_RUNS};
    if (sscanf(text, "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &number, &args[0], &args[1],
               &args[2], &args[3], &args[4], &args[5]) != 7)
        return (struct process_call){.wait = PROCESS_WAITS_UNKNOWN};
    if (number == SYS_futex)
        return futex_call(args);
    return (struct process_call){.wait = wait_of(number, args)};
}

void process_wchan(pid_t pid, char *text, int size)
{
    text[0] = '\0';
    FILE *file = open_proc(pid, "wchan");
    if (!file)
        return;
    if (!fgets(text, size, file) || strcmp(text, "0") == 0)
        text[0] = '\0';
    fclose(file);
}
