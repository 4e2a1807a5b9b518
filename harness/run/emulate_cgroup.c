/* The memory cgroup of an emulated machine: made, entered by a copy of the process, removed by the original. */
#define _GNU_SOURCE
#include "run/emulate_cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

#define PREFIX "shmoo-env."
#define REMOVE_TRIES 200

/* Of version 1 and 2: the mark in /proc/self/cgroup, the mount, the file of the limit. */
static const struct hierarchy {
    const char *mark, *mount, *limit;
} hierarchies[] = {
    {":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
    {"0::", "/sys/fs/cgroup", "memory.max"},
};

static volatile sig_atomic_t copy_pid;

static void pass_on(int number)
{
    if (copy_pid > 0)
        kill(copy_pid, number);
}

static bool own_folder(const struct hierarchy *h, char folder[256])
{
    char line[512];
    bool found = false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        found = strstr(line, h->mark) != NULL;
    }
    if (file)
        fclose(file);
    const char *path = found ? strrchr(line, ':') + 1 : "";
    snprintf(folder, 256, "%s%.200s", h->mount, strcmp(path, "/") == 0 ? "" : path);
    return found;
}

static bool put(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int errnum = errno;
    if (fd >= 0)
        close(fd);
    errno = errnum;
    return good;
}

/* A new cgroup with the limit, below the process's own or as near to it as the kernel allows. */
static bool make(unsigned long long limit, char made[384])
{
    char folder[256], text[32];
    int refusal = 0; /* the first one: that of the process's own group */
    snprintf(text, sizeof text, "%llu", limit);
    for (size_t i = 0; i < sizeof hierarchies / sizeof hierarchies[0]; i++) {
        const struct hierarchy *h = &hierarchies[i];
        if (!own_folder(h, folder))
            continue;
        while (strlen(folder) >= strlen(h->mount)) {
            snprintf(made, 384, "%s/" PREFIX "%d", folder, (int)getpid());
            if (mkdir(made, 0755) == 0 && put(made, h->limit, text))
                return true;
            refusal = refusal ? refusal : errno;
            rmdir(made);
            *strrchr(folder, '/') = '\0'; /* one up: version 2 takes none below a group with processes of its own */
        }
    }
    errno = refusal ? refusal : ENOENT;
    return false;
}

static void remove_folder(const char *folder)
{
    for (int i = 0; i < REMOVE_TRIES && rmdir(folder) != 0 && errno == EBUSY; i++) /* its last process is still dying */
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* The original's part. */
static _Noreturn void wait_for_copy(pid_t copy, const char *folder)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    int status = 0;
    copy_pid = copy;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &(struct sigaction){.sa_handler = pass_on, .sa_flags = SA_RESTART}, NULL);
    while (waitpid(copy, &status, 0) < 0 && errno == EINTR)
        continue;
    remove_folder(folder);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int emulate_cgroup_enter(unsigned long long limit_bytes, const char *name, struct error *error)
{
    char folder[384];
    emulate_cgroup_sweep();
    if (!make(limit_bytes, folder))
        return error_set(error, STATUS_ENVIRONMENT, errno,
                         "--env %s: no memory cgroup can be made below this process's own: %s; run it as root, on a system "
                         "where /sys/fs/cgroup "
                         "may be written",
                         name, error_name(errno));
    fflush(NULL);
    pid_t original = getpid(), copy = fork();
    if (copy > 0)
        wait_for_copy(copy, folder);
    if (copy < 0) {
        int errnum = errno;
        rmdir(folder);
        return error_set(error, STATUS_ENVIRONMENT, errnum, "--env %s: fork: %s", name, error_name(errnum));
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != original)
        _exit(STATUS_ENVIRONMENT);
    if (!put(folder, "cgroup.procs", "0"))
        return error_set(error, STATUS_ENVIRONMENT, errno, "--env %s: %s/cgroup.procs: write: %s", name, folder,
                         error_name(errno));
    return 0;
}

void emulate_cgroup_sweep(void)
{
    for (size_t i = 0; i < sizeof hierarchies / sizeof hierarchies[0]; i++) {
        char folder[256], path[640];
        if (!own_folder(&hierarchies[i], folder))
            continue;
        DIR *stream = opendir(folder);
        for (struct dirent *entry; stream && (entry = readdir(stream));) {
            if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 || kill(atoi(entry->d_name + strlen(PREFIX)), 0) == 0)
                continue;
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            rmdir(path);
        }
        if (stream)
            closedir(stream);
    }
}
