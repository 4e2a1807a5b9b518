/* Strays: finding and ending what came to this process by adoption. */
#define _GNU_SOURCE
#include "run/stray.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run/process.h"

/* Each round may find what those ended before it had forked in the meantime. */
#define ROUNDS_MAX 100

void stray_adopt(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

uint64_t stray_clock(void)
{
    struct timespec now;
    uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * ticks + (uint64_t)now.tv_nsec * ticks / 1000000000;
}

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = '\0';
    if (file)
        fclose(file);
    const char *behind_name = strrchr(text, ')');
    return behind_name && sscanf(behind_name + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static bool same_program(pid_t pid)
{
    char path[64];
    struct stat own, other;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    return stat("/proc/self/exe", &own) == 0 && stat(path, &other) == 0 && own.st_dev == other.st_dev &&
           own.st_ino == other.st_ino;
}

static bool end_one(pid_t pid, uint64_t since)
{
    struct process_look look = process_look(pid);
    bool dead = look.state == 'Z';
    if (look.state == 0 || look.start < since || !(dead || same_program(pid)))
        return false;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return true;
}

static bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static uint32_t round_of(uint64_t since)
{
    uint32_t count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;
        if (pid > 0 && parent_of(pid) == getpid())
            count += end_one(pid, since);
    }
    if (proc)
        closedir(proc);
    return count;
}

uint32_t stray_end(uint64_t since)
{
    uint32_t count = 0;
    for (int i = 0; i < ROUNDS_MAX && has_children(); i++) {
        uint32_t more = round_of(since);
        if (more == 0)
            break;
        count += more;
    }
    return count;
}
