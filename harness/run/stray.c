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
#include <unistd.h>

#include "base/clock.h"
#include "run/process.h"

/* Each round may find what those ended before it had forked in the meantime. */
#define ROUNDS_MAX 100
/* How long one that runs, or was killed, is waited for on a machine that has no CPU for it. */
#define RUNNING_NS (2 * NS_PER_S)
#define DOOMED_NS (10 * NS_PER_S)
/* A program has no children as a rule, when it begins. */
#define OTHERS_MAX 256

static pid_t others[OTHERS_MAX];
static uint32_t other_count, first_helper; /* helpers are the last of the others */

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

static bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Calls visit() for every child of this process, and adds up what it returns. */
static uint32_t each_child(bool (*visit)(pid_t pid))
{
    uint32_t count = 0;
    DIR *proc = has_children() ? opendir("/proc") : NULL;
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;
        if (pid > 0 && parent_of(pid) == getpid())
            count += visit(pid);
    }
    if (proc)
        closedir(proc);
    return count;
}

static bool remember(pid_t pid)
{
    if (other_count < OTHERS_MAX)
        others[other_count++] = pid;
    return true;
}

static bool is_other(pid_t pid)
{
    for (uint32_t i = 0; i < other_count; i++)
        if (others[i] == pid)
            return true;
    return false;
}

static bool remember_new(pid_t pid)
{
    return is_other(pid) ? true : remember(pid);
}

void stray_begin(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    other_count = 0;
    each_child(remember);
    first_helper = other_count;
}

void stray_spare(void)
{
    other_count = first_helper;
    each_child(remember_new);
}

void stray_release(void)
{
    other_count = first_helper;
}

uint32_t stray_helpers(pid_t *pids, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = first_helper; i < other_count && count < max; i++)
        pids[count++] = others[i];
    return count;
}

/* Adopted, and this program's own: neither one of the others, nor what has become another program. Who is dying has no program
 * any more, some time before it is a zombie. */
static bool is_stray(pid_t pid)
{
    return !is_other(pid) && other_count < OTHERS_MAX && (process_look(pid).dying || same_program(pid));
}

/* True: it still runs. */
static bool reap_one(pid_t pid)
{
    return is_stray(pid) && waitpid(pid, NULL, WNOHANG) == 0;
}

static bool is_doomed(pid_t pid)
{
    return process_look(pid).dying || process_is_killed(pid);
}

static bool stays(pid_t pid)
{
    return is_stray(pid) && !is_doomed(pid);
}

static bool sleeps(pid_t pid)
{
    return stays(pid) && !process_any_runs(pid);
}

bool stray_wait(uint64_t patience_ns)
{
    uint64_t start = clock_ns(), waited = 0;
    while (each_child(reap_one)) {
        if (waited > patience_ns && each_child(sleeps))
            return false;
        if (waited > RUNNING_NS && each_child(stays))
            return false;
        if (waited > DOOMED_NS)
            return false;
        clock_wait_until(clock_ns() + NS_PER_MS);
        waited = clock_ns() - start;
    }
    return true;
}

static bool end_one(pid_t pid)
{
    if (!is_stray(pid))
        return false;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return true;
}

uint32_t stray_end(void)
{
    uint32_t count = 0, more = 1;
    for (int i = 0; i < ROUNDS_MAX && more; i++)
        count += more = each_child(end_one);
    return count;
}
