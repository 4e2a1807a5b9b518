/* Where the program's own files are. */
#define _GNU_SOURCE
#include "cmd/places.h"

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#ifndef SHMOO_DATADIR
#define SHMOO_DATADIR "/usr/local/share/shmoo"
#endif

/* How a kind's folder is called in the source tree; an installation has DATADIR/KIND. */
static const struct {
    const char *kind, *in_tree;
} kinds[] = {{"jobs", "workloads/jobs"}, {"analysis", "analysis"}};

/* The folder that the program lies in; without /proc as it was started, unless the working folder has changed since. */
static void program_folder(char folder[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    const char *started = (const char *)(uintptr_t)getauxval(AT_EXECFN);
    folder[n > 0 ? n : 0] = '\0';
    if (n <= 0 && (!started || !realpath(started, folder)))
        folder[0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
}

/* The candidates, nearest first: beside a build folder (one or two levels up), then the installation. */
static int candidate(int i, const char *kind, char *path, size_t size)
{
    char folder[PATH_MAX];
    const char *in_tree = kind;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (strcmp(kinds[k].kind, kind) == 0)
            in_tree = kinds[k].in_tree;
    program_folder(folder);
    switch (i) {
    case 0:
        snprintf(path, size, "%s/../%s", folder, in_tree);
        return folder[0] != '\0';
    case 1:
        snprintf(path, size, "%s/../../%s", folder, in_tree);
        return folder[0] != '\0';
    case 2:
        snprintf(path, size, "%s/../share/shmoo/%s", folder, kind);
        return folder[0] != '\0';
    default:
        snprintf(path, size, "%s/%s", SHMOO_DATADIR, kind);
        return 1;
    }
}

enum { CANDIDATES = 4 };

int places_file(const char *kind, const char *name, char *path, size_t size)
{
    for (int i = 0; i < CANDIDATES; i++) {
        char folder[PATH_MAX + 32];
        if (!candidate(i, kind, folder, sizeof folder))
            continue;
        snprintf(path, size, "%s/%s", folder, name);
        if (access(path, R_OK) == 0)
            return 0;
    }
    return -1;
}

int places_job(const char *name, char *path, size_t size)
{
    char file[256];
    const char *dot = strrchr(name, '.');
    if (strchr(name, '/') || strlen(name) > 200)
        return -1;
    snprintf(file, sizeof file, "%s%s", name, dot && strcmp(dot, ".ini") == 0 ? "" : ".ini");
    return places_file("jobs", file, path, size);
}

static int is_job(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot != entry->d_name && strcmp(dot, ".ini") == 0;
}

static void read_summary(const char *path, char *summary, size_t size)
{
    char line[512] = "";
    FILE *file = fopen(path, "re");
    if (file && !fgets(line, sizeof line, file))
        line[0] = '\0';
    if (file)
        fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    snprintf(summary, size, "%s", line[0] == ';' || line[0] == '#' ? line + 1 + strspn(line + 1, " ") : "");
}

void places_each_job(void (*visit)(const char *name, const char *summary))
{
    for (int i = 0; i < CANDIDATES; i++) {
        char folder[PATH_MAX + 32], path[2 * PATH_MAX], summary[512];
        struct dirent **entries;
        int n = candidate(i, "jobs", folder, sizeof folder) ? scandir(folder, &entries, is_job, alphasort) : -1;
        for (int k = 0; k < n; k++) {
            snprintf(path, sizeof path, "%s/%s", folder, entries[k]->d_name);
            read_summary(path, summary, sizeof summary);
            *strrchr(entries[k]->d_name, '.') = '\0';
            visit(entries[k]->d_name, summary);
            free(entries[k]);
        }
        if (n >= 0)
            free(entries);
        if (n > 0)
            return;
    }
}

static char *gathered;
static size_t gathered_size;

static void gather(const char *name, const char *summary)
{
    (void)summary;
    size_t used = strlen(gathered);
    snprintf(gathered + used, gathered_size - used, " %s", name);
}

void places_jobs(char *list, size_t size)
{
    gathered = list;
    gathered_size = size;
    list[0] = '\0';
    places_each_job(gather);
}
