/* Control groups: folders below /sys/fs/cgroup, one hierarchy for each controller or one for all. */
#define _GNU_SOURCE
#include "run/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "shmoo-env."
#define REMOVE_TRIES 200

/* Of version 1 and 2: the mark in /proc/self/cgroup, the mount, the file of the limit. */
static const struct hierarchy {
    enum cgroup_kind kind;
    const char *mark, *mount, *limit;
} hierarchies[] = {
    {CGROUP_MEMORY, ":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
    {CGROUP_MEMORY, "0::", "/sys/fs/cgroup", "memory.max"},
    {CGROUP_PIDS, ":pids:", "/sys/fs/cgroup/pids", "pids.max"},
    {CGROUP_PIDS, "0::", "/sys/fs/cgroup", "pids.max"},
};
enum { HIERARCHIES = sizeof hierarchies / sizeof hierarchies[0] };

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

static int put(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int rc = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : errno;
    close(fd);
    return rc;
}

static int put_number(const char *folder, const char *name, unsigned long long number)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", number);
    return put(folder, name, text);
}

/* One up at a time: version 2 takes none below a group with processes of its own. */
static int make_below(struct cgroup *group, const struct hierarchy *h, const char *part, unsigned long long limit)
{
    char folder[256];
    int refusal = 0; /* the first one: that of the process's own group */
    if (!own_folder(h, folder))
        return ENOENT;
    snprintf(group->home, sizeof group->home, "%s", folder);
    while (strlen(folder) >= strlen(h->mount)) {
        snprintf(group->folder, sizeof group->folder, "%s/" PREFIX "%d%s", folder, (int)getpid(), part);
        int rc = mkdir(group->folder, 0755) == 0 || errno == EEXIST ? put_number(group->folder, h->limit, limit) : errno;
        if (rc == 0)
            return 0;
        refusal = refusal ? refusal : rc;
        rmdir(group->folder);
        *strrchr(folder, '/') = '\0';
    }
    return refusal;
}

int cgroup_make(struct cgroup *group, enum cgroup_kind kind, const char *part, unsigned long long limit)
{
    int refusal = 0;
    for (int i = 0; i < HIERARCHIES; i++) {
        const struct hierarchy *h = &hierarchies[i];
        if (h->kind != kind)
            continue;
        int rc = make_below(group, h, part, limit);
        group->limit = h->limit;
        if (rc == 0)
            return 0;
        refusal = refusal && refusal != ENOENT ? refusal : rc;
    }
    group->folder[0] = '\0';
    return refusal;
}

int cgroup_limit(const struct cgroup *group, unsigned long long limit)
{
    return put_number(group->folder, group->limit, limit);
}

int cgroup_enter(const struct cgroup *group, pid_t pid)
{
    return put_number(group->folder, "cgroup.procs", (unsigned long long)pid);
}

int cgroup_leave(const struct cgroup *group)
{
    return put(group->home, "cgroup.procs", "0");
}

void cgroup_remove(struct cgroup *group)
{
    for (int i = 0; group->folder[0] && i < REMOVE_TRIES && rmdir(group->folder) != 0 && errno == EBUSY; i++)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); /* its last process is still dying */
    group->folder[0] = '\0';
}

void cgroup_sweep(void)
{
    for (int i = 0; i < HIERARCHIES; i++) {
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
