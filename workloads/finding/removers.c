/* Findings about who comes along and removes objects: Python's tracker, logind, rules and scripts that sweep. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "shm/region.h"
#include "workloads/finding/rows.h"

/* ---- Python's tracker ---- */

#define TRACKERS 32
#define HOLDERS_ASKED 16
#define OBJECTS_ASKED 64

/* A tracker is a process that reads from a pipe what the Python programs at its other end have opened; when the last of them
 * ends, it unlinks what is left. */
struct tracker {
    pid_t pid;
    unsigned long long pipe;
};

static unsigned long long pipe_of(pid_t pid, const char *descriptor)
{
    char path[300], link[64];
    unsigned long long number = 0;
    snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, descriptor);
    ssize_t n = readlink(path, link, sizeof link - 1);
    link[n > 0 ? n : 0] = '\0';
    return sscanf(link, "pipe:[%llu]", &number) == 1 ? number : 0;
}

/* "python3.11 -c from multiprocessing.resource_tracker import main;main(4)": 4 is the pipe. */
static bool is_tracker(pid_t pid, struct tracker *tracker)
{
    char path[64], text[1024], descriptor[16];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    for (size_t i = 0; i < n; i++)
        text[i] = text[i] ? text[i] : ' ';
    text[n] = '\0';
    const char *call = strstr(text, "multiprocessing.resource_tracker"), *main = call ? strstr(call, "main(") : NULL;
    if (!main || sscanf(main, "main(%15[0-9])", descriptor) != 1)
        return false;
    *tracker = (struct tracker){pid, pipe_of(pid, descriptor)};
    return tracker->pipe != 0;
}

static unsigned find_trackers(struct tracker trackers[TRACKERS])
{
    unsigned count = 0;
    DIR *stream = opendir("/proc");
    for (struct dirent *entry; stream && count < TRACKERS && (entry = readdir(stream));)
        if (atoi(entry->d_name) > 0)
            count += is_tracker(atoi(entry->d_name), &trackers[count]);
    if (stream)
        closedir(stream);
    return count;
}

/* Is a process at the other end of the tracker's pipe? */
static bool reports_to(pid_t pid, const struct tracker *tracker)
{
    char path[64];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *stream = opendir(path);
    for (struct dirent *entry; stream && !found && (entry = readdir(stream));)
        found = entry->d_name[0] != '.' && pipe_of(pid, entry->d_name) == tracker->pipe;
    if (stream)
        closedir(stream);
    return found;
}

/* Python with a shared_memory module, in "python3.11"; false for other programs. */
static bool is_python(pid_t pid, int *minor)
{
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *name = strrchr(path, '/');
    int major = 0;
    return name && sscanf(name, "/python%d.%d", &major, minor) == 2 && major == 3 && *minor >= 8;
}

/* A holder who does not report to the tracker, and loses the object by it; NULL: none. */
static const struct object_holder *find_loser(const struct object *object, const struct tracker *tracker)
{
    for (size_t i = 0; i < object->holder_count && i < HOLDERS_ASKED; i++)
        if (object->holders[i].pid != tracker->pid && !reports_to(object->holders[i].pid, tracker))
            return &object->holders[i];
    return NULL;
}

/* True when it was told. */
static bool judge_python(struct diagnosis *d, const struct object *object, const struct tracker *trackers, unsigned count)
{
    for (size_t i = 0; i < object->holder_count && i < HOLDERS_ASKED; i++) {
        int minor = 0;
        if (!is_python(object->holders[i].pid, &minor))
            continue;
        for (unsigned k = 0; k < count; k++) {
            bool reports = reports_to(object->holders[i].pid, &trackers[k]);
            const struct object_holder *loser = reports ? find_loser(object, &trackers[k]) : NULL;
            if (!loser)
                continue;
            /* the name that SharedMemory gives leaves no doubt that it is one of its objects */
            diagnosis_finding(d, strncmp(object->name, "psm_", 4) == 0 ? SEVERITY_WARNING : SEVERITY_NOTE,
                              "%.60s is shared by process %d (Python 3.%d), whose resource tracker is process %d, and process %d "
                              "(%s), which has not got the same one",
                              object->name, (int)object->holders[i].pid, minor, (int)trackers[k].pid, (int)loser->pid, loser->command);
            return true;
        }
    }
    return false;
}

static void look_python(struct diagnosis *d)
{
    struct tracker trackers[TRACKERS];
    unsigned count = 0, asked = 0;
    for (size_t i = 0; i < d->objects.count && asked < OBJECTS_ASKED; i++) {
        const struct object *object = &d->objects.list[i];
        if (object->kind != OBJECT_SHM || object->holder_count < 2)
            continue;
        count = asked++ ? count : find_trackers(trackers);
        if (count == 0 || judge_python(d, object, trackers, count))
            return;
    }
}

/* ---- configuration in folders that override each other ---- */

/* The later overrides the earlier. */
static const char *const roots[] = {"/usr/lib", "/usr/local/lib", "/run", "/etc"};
enum { ROOTS = sizeof roots / sizeof roots[0] };

static int by_name(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    const char *name_a = strrchr(a, '/'), *name_b = strrchr(b, '/');
    return strcmp(name_a ? name_a : a, name_b ? name_b : b);
}

/* Calls visit for each file that counts: in the order of the names, and of each name the one of the strongest folder. */
static void each_file(const char *pattern, void (*visit)(const char *path, void *user), void *user)
{
    glob_t found = {0};
    for (int i = 0; i < ROOTS; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", roots[i], pattern);
        glob(path, i ? GLOB_APPEND : 0, NULL, &found);
    }
    /* of the same name, the order of the folders is kept by insertion: there are dozens at the most */
    for (size_t i = 1; i < found.gl_pathc; i++)
        for (size_t k = i; k && by_name(&found.gl_pathv[k - 1], &found.gl_pathv[k]) > 0; k--) {
            char *other = found.gl_pathv[k];
            found.gl_pathv[k] = found.gl_pathv[k - 1];
            found.gl_pathv[k - 1] = other;
        }
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (i + 1 == found.gl_pathc || by_name(&found.gl_pathv[i], &found.gl_pathv[i + 1]) != 0)
            visit(found.gl_pathv[i], user);
    globfree(&found);
}

/* ---- logind ---- */

static bool is_yes(const char *word)
{
    static const char *const no[] = {"no", "false", "off", "0", "n", "f"};
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (strcasecmp(word, no[i]) == 0)
            return false;
    return true;
}

/* RemoveIPC of one file; *yes stays as it is where the file says nothing. A service whose user is made for it has it as well. */
static void read_setting(const char *path, void *yes)
{
    char line[256], word[16];
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, " RemoveIPC = %15s", word) == 1)
            *(bool *)yes = is_yes(word);
        else if (sscanf(line, " DynamicUser = %15s", word) == 1 && is_yes(word))
            *(bool *)yes = true;
    if (file)
        fclose(file);
}

/* Of a file of which only the one in the strongest folder counts, and of what is dropped in beside it. */
static bool read_settings(const char *file, const char *drop_ins, bool otherwise)
{
    bool yes = otherwise;
    char path[512];
    for (int i = ROOTS - 1; i >= 0; i--) {
        snprintf(path, sizeof path, "%s/%s", roots[i], file);
        if (access(path, F_OK) == 0) {
            read_setting(path, &yes);
            break;
        }
    }
    each_file(drop_ins, read_setting, &yes);
    return yes;
}

/* The largest uid of a system user, whose objects logind leaves alone. */
static unsigned system_uid_max(void)
{
    char line[256];
    unsigned max = 999;
    FILE *file = fopen("/etc/login.defs", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, " SYS_UID_MAX %u", &max) == 1)
            break;
    if (file)
        fclose(file);
    return max;
}

/* Its folders in /run outlive it; a process of that name does not. */
static bool logind_runs(void)
{
    bool found = false;
    DIR *stream = opendir("/proc");
    for (struct dirent *entry; stream && !found && (entry = readdir(stream));) {
        char path[300], name[32];
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        found = finding_line(path, name, sizeof name) && strcmp(name, "systemd-logind") == 0;
    }
    if (stream)
        closedir(stream);
    return found;
}

static void look_remove_ipc(struct diagnosis *d)
{
    char linger[320];
    unsigned user = (unsigned)geteuid();
    const struct passwd *entry = getpwuid(geteuid());
    if (!logind_runs()) {
        diagnosis_fact(d, "no logind runs here");
        return;
    }
    bool yes = read_settings("systemd/logind.conf", "systemd/logind.conf.d/*.conf", true);
    bool system = user <= system_uid_max() || user == 65534;
    snprintf(linger, sizeof linger, "/var/lib/systemd/linger/%.255s", entry ? entry->pw_name : "");
    bool lingers = entry && access(linger, F_OK) == 0;
    diagnosis_fact(d, "RemoveIPC=%s; user %u is %s%s", yes ? "yes" : "no", user,
                   system ? "a system user" : "an ordinary user", lingers ? " that lingers" : "");
    if (yes && !system && !lingers)
        diagnosis_finding(d, d->runtime == RUNTIME_SYSTEMD ? SEVERITY_WARNING : SEVERITY_NOTE,
                          "logind has RemoveIPC=yes, and user %u (%s) is an ordinary user who does not linger", user,
                          entry ? entry->pw_name : "without a name");
}

/* systemd's own, when a service stops. */
static void look_service(struct diagnosis *d)
{
    char file[200], drop_ins[200];
    if (d->runtime != RUNTIME_SYSTEMD || !d->unit[0])
        return;
    const char *manager = d->unit_of_user ? "user" : "system";
    snprintf(file, sizeof file, "systemd/%s/%s", manager, d->unit);
    snprintf(drop_ins, sizeof drop_ins, "systemd/%s/%s.d/*.conf", manager, d->unit);
    bool yes = read_settings(file, drop_ins, false);
    diagnosis_fact(d, "RemoveIPC=%s in %s", yes ? "yes" : "no", d->unit);
    if (yes)
        diagnosis_finding(d, SEVERITY_WARNING, "%s has RemoveIPC=yes, or DynamicUser=yes, which implies it", d->unit);
}

/* ---- rules and scripts that sweep ---- */

struct sweep {
    char evidence[400];
    unsigned count;
};

static void note_sweep(struct sweep *sweep, const char *path, const char *line)
{
    if (sweep->count++ == 0)
        snprintf(sweep->evidence, sizeof sweep->evidence, "%.120s: \"%.*s\"", path, (int)strcspn(line, "\n"), line);
}

static bool is_in_shm(const char *path)
{
    size_t length = strlen(REGION_FOLDER);
    return strncmp(path, REGION_FOLDER, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* tmpfiles.d(5): "d /dev/shm 1777 root root 10d": what is older goes, whoever uses it; a lock of flock(2) alone protects it. */
static void read_tmpfiles(const char *path, void *user)
{
    char line[512], type[16], where[256], age[32];
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, " %15s %255s %*s %*s %*s %31s", type, where, age) == 3 && strchr("dDevqQ", type[0]) &&
            is_in_shm(where) && strcmp(age, "-") != 0)
            note_sweep(user, path, line);
    if (file)
        fclose(file);
}

/* A command of cron's that names /dev/shm and removes. */
static void read_cron(const char *path, void *user)
{
    static const char *const removing[] = {"-delete", "rm ", "unlink", "tmpwatch", "tmpreaper"};
    char line[512];
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        const char *start = line + strspn(line, " \t");
        bool removes = false;
        for (size_t i = 0; i < sizeof removing / sizeof removing[0]; i++)
            removes |= strstr(start, removing[i]) != NULL;
        if (*start != '#' && removes && strstr(start, REGION_FOLDER) && !strstr(start, "shmoo gc"))
            note_sweep(user, path, start);
    }
    if (file)
        fclose(file);
}

static void look_sweepers(struct diagnosis *d)
{
    static const char *const cron[] = {"/etc/crontab", "/etc/cron.*/*", "/var/spool/cron/*", "/var/spool/cron/crontabs/*"};
    struct sweep sweep = {.evidence = ""};
    each_file("tmpfiles.d/*.conf", read_tmpfiles, &sweep);
    for (size_t i = 0; i < sizeof cron / sizeof cron[0]; i++) {
        glob_t found = {0};
        if (glob(cron[i], 0, NULL, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc; k++)
                read_cron(found.gl_pathv[k], &sweep);
        globfree(&found);
    }
    diagnosis_fact(d, "%u rules of systemd-tmpfiles and lines of cron remove from /dev/shm", sweep.count);
    if (sweep.count)
        diagnosis_finding(d, SEVERITY_WARNING, "%s%s", sweep.evidence, sweep.count > 1 ? "; it is not the only one" : "");
}

const struct finding_ops findings_removers[] = {
    {.id = "objects-python",
     .area = "objects",
     .title = "Python's tracker",
     .needs_shm = true,
     .look = look_python,
     .consequence = "when the one process ends, its tracker unlinks the object under the other",
     .fix = {[RUNTIME_HOST] = "SharedMemory(name, track=False)     # from Python 3.13 on; before: "
                              "resource_tracker.unregister(shm._name, 'shared_memory')"}},
    {.id = "objects-removed",
     .area = "objects",
     .title = "RemoveIPC",
     .look = look_remove_ipc,
     .consequence = "when the last session of that user ends, all of the user's objects are removed under running programs",
     .fix = {[RUNTIME_HOST] = "loginctl enable-linger     # or RemoveIPC=no in /etc/systemd/logind.conf.d/shm.conf: [Login]",
             [RUNTIME_SYSTEMD] = FIX_SERVICE("User=NAME") "     # a system user: {root}useradd --system NAME"}},
    {.id = "objects-service",
     .area = "objects",
     .title = "service's end",
     .look = look_service,
     .consequence = "when the service stops or restarts, all objects of its user and group go, those of other services of that user too",
     .fix = {[RUNTIME_HOST] = FIX_SERVICE("RemoveIPC=no") "     # with DynamicUser=yes it cannot be switched off: User=NAME"}},
    {.id = "objects-swept",
     .area = "objects",
     .title = "sweepers",
     .look = look_sweepers,
     .consequence = "objects that are in use lose their names: stores through a mapping leave them as old as they were",
     .fix = {[RUNTIME_HOST] = "shmoo gc --name '*' --min-age 1d --apply     # in its place: removes what is proven unused, "
                              "and nothing else"}},
    {0},
};
