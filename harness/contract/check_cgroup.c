/* A memory cgroup for one check: made below the one that the process is in, of either version. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "contract/check.h"

/* Where cgroups are found: /proc/self/cgroup has "N:memory:/path" for version 1 and "0::/path" for version 2. */
struct hierarchy {
    const char *mark, *root;
    const char *limit, *charge;
};

static const struct hierarchy hierarchies[] = {
    {":memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"},
    {"0::", "/sys/fs/cgroup", "memory.max", "memory.current"},
};

static const struct hierarchy *used;

/* How the folders' names end. Process numbers are a pid namespace's own, cgroups are seen from all of them: without it two runs
 * in two containers could share a folder, and one would be killed at the limit of the other. */
static char ending[32];

void check_cgroup_begin(void)
{
    struct stat st = {0};
    stat("/proc/self/ns/pid", &st);
    snprintf(ending, sizeof ending, ".%llu", (unsigned long long)st.st_ino);
}

static bool is_ours(const char *name, const char *prefix)
{
    size_t size = strlen(name), tail = strlen(ending);
    return strncmp(name, prefix, strlen(prefix)) == 0 && size > tail && strcmp(name + size - tail, ending) == 0;
}

static bool own_path(const char *mark, char path[256])
{
    char line[512];
    if (!check_proc_line(getpid(), "cgroup", mark, NULL, line, sizeof line))
        return false;
    const char *at = strrchr(line, ':');
    snprintf(path, 256, "%.255s", strcmp(at + 1, "/") == 0 ? "" : at + 1);
    return true;
}

/* A folder with the file for the limit in it, or nothing. */
static bool make(struct check *c, const struct hierarchy *h)
{
    char path[256], file[560];
    if (!own_path(h->mark, path))
        return false;
    snprintf(c->cgroup, sizeof c->cgroup, "%s%.255s%s%s", h->root, path, c->prefix, ending);
    if (mkdir(c->cgroup, 0755) == 0 || errno == EEXIST) {
        snprintf(file, sizeof file, "%s/%s", c->cgroup, h->limit);
        if (access(file, W_OK) == 0)
            return true;
        rmdir(c->cgroup);
    }
    c->cgroup[0] = '\0';
    return false;
}

static void put(struct check *c, const char *name, long long value)
{
    char file[560], text[32];
    snprintf(file, sizeof file, "%s/%s", c->cgroup, name);
    snprintf(text, sizeof text, "%lld", value);
    int errnum = check_put_file(file, text);
    if (errnum)
        check_unsupported(c, "needs a memory cgroup: %s: write: %s", file, error_name(errnum));
}

void check_enter_cgroup(struct check *c, size_t limit_bytes)
{
    for (size_t i = 0; i < 2 && !c->cgroup[0]; i++)
        if (make(c, &hierarchies[i])) {
            used = &hierarchies[i];
            put(c, used->limit, (long long)limit_bytes);
        }
    if (!c->cgroup[0])
        check_unsupported(c, "needs a memory cgroup of its own: none can be made below this process's");
    put(c, "cgroup.procs", getpid());
}

long long check_cgroup_charge(struct check *c)
{
    char file[560], text[64];
    snprintf(file, sizeof file, "%s/%s", c->cgroup, used->charge);
    if (!check_first_line(file, text, sizeof text))
        check_error(c, "%s cannot be read", file);
    return atoll(text);
}

void check_cgroup_sweep(const char *prefix)
{
    char path[256], folder[320], child[768];
    for (size_t i = 0; i < 2; i++) {
        if (!own_path(hierarchies[i].mark, path))
            continue;
        snprintf(folder, sizeof folder, "%s%s", hierarchies[i].root, path);
        DIR *list = opendir(folder);
        for (struct dirent *entry; list && (entry = readdir(list));) {
            if (!is_ours(entry->d_name, prefix))
                continue;
            snprintf(child, sizeof child, "%s/%s", folder, entry->d_name);
            for (int tries = 0; rmdir(child) != 0 && errno == EBUSY && tries < 50; tries++) /* its last process is still dying */
                check_pause_ms(2);
        }
        if (list)
            closedir(list);
    }
}
