/* The folder of a run. */
#include "cmd/outdir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void outdir_name(struct run_info *run)
{
    time_t now = time(NULL);
    struct tm utc;
    char stamp[32];
    gmtime_r(&now, &utc);
    strftime(run->started, sizeof run->started, "%Y-%m-%dT%H:%M:%SZ", &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(run->id, sizeof run->id, "%s-%d", stamp, (int)getpid());
}

/* mkdir -p */
static int make_folders(const char *path, struct error *error)
{
    char part[4096];
    struct stat st;
    if (strlen(path) >= sizeof part - 64)
        return error_set(error, STATUS_USAGE, ENAMETOOLONG, "--out %.60s...: the path is too long", path);
    for (const char *at = path; at; ) {
        at = strchr(at + 1, '/');
        snprintf(part, sizeof part, "%.*s", (int)(at ? at - path : (long)strlen(path)), path);
        if (mkdir(part, 0777) == 0 || errno == EEXIST)
            continue;
        if (errno == ENAMETOOLONG)
            return error_set(error, STATUS_USAGE, ENAMETOOLONG, "--out %.60s...: a name in the path is too long", path);
        return error_set(error, STATUS_ENVIRONMENT, errno,
                             "output folder %.300s: mkdir %.300s: %s; choose another folder with --out", path, part, error_name(errno));
    }
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return error_set(error, STATUS_ENVIRONMENT, ENOTDIR, "output folder %s: there is something else of that name", path);
    return 0;
}

int outdir_make(const struct run_info *run, const char *wanted, char *path, size_t size, struct error *error)
{
    static const char *const files[] = {"run.jsonl", "plan.ini"};
    char file[4200];
    if (wanted && !*wanted)
        return error_set(error, STATUS_USAGE, 0, "--out: the folder's name is empty");
    if (wanted)
        snprintf(path, size, "%s", wanted);
    else
        snprintf(path, size, RUNS_FOLDER "/%s", run->id);
    if (make_folders(path, error))
        return -1;
    for (int i = 0; i < 2; i++) {
        snprintf(file, sizeof file, "%s/%s", path, files[i]);
        if (access(file, F_OK) == 0)
            return error_set(error, STATUS_ENVIRONMENT, EEXIST,
                             "output folder %.300s holds a %s already: choose another --out, or move it away first", path,
                             files[i]);
    }
    if (access(path, W_OK) != 0)
        return error_set(error, STATUS_ENVIRONMENT, errno, "output folder %s: %s; choose another folder with --out", path,
                         error_name(errno));
    return 0;
}

void outdir_publish(const struct run_info *run)
{
    char target[128], fresh[128];
    snprintf(target, sizeof target, "runs/%s", run->id);
    snprintf(fresh, sizeof fresh, LATEST_LINK ".%d", (int)getpid());
    unlink(fresh);
    if (symlink(target, fresh) != 0 || rename(fresh, LATEST_LINK) != 0) {
        notice(LATEST_LINK ": %s; the run is in " RUNS_FOLDER "/%s all the same", error_name(errno), run->id);
        unlink(fresh);
    }
}
