/* Leftovers: names and their makers, ages, and the proof.
 *
 * This program's names carry the maker's pid and start time, so that a reused pid is not taken for the maker. Whoever made
 * it, only a lease proves that an object is unused (shm/lease.h).
 */
#define _GNU_SOURCE
#include "run/leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "contract/check.h"
#include "run/process.h"
#include "run/trial.h"
#include "shm/companion.h"
#include "shm/lease.h"
#include "shm/objects.h"
#include "shm/reclaim.h"
#include "shm/region.h"

/* A number of plain digits at *at, which moves behind it. */
static bool parse_digits(const char **at, unsigned long long *value)
{
    size_t digits = strspn(*at, "0123456789");
    if (digits == 0 || digits > 18)
        return false;
    *value = strtoull(*at, NULL, 10);
    *at += digits;
    return true;
}

/* Behind "shmoo." of a trial or "shmoo-check." of a check; NULL for other people's names. */
static const char *behind_prefix(const char *name)
{
    static const char *const prefixes[] = {TRIAL_NAME_PREFIX, CHECK_PREFIX};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return name + strlen(prefixes[i]);
    return NULL;
}

bool leftover_parse(const char *name, int *pid, unsigned long long *start)
{
    unsigned long long number, serial;
    if (strncmp(name, "sem.", 4) == 0)
        name += 4;
    name = behind_prefix(name);
    if (!name)
        return false;
    bool numbers = parse_digits(&name, &number) && *name++ == '.' && parse_digits(&name, start) && *name++ == '.' &&
                   parse_digits(&name, &serial);
    if (!numbers || number == 0 || number > INT_MAX)
        return false;
    *pid = (int)number;
    for (int suffixes = 0; suffixes < 3 && *name == '.'; suffixes++) {
        size_t letters = strspn(name + 1, "abcdefghijklmnopqrstuvwxyz");
        if (letters == 0)
            return false;
        name += 1 + letters;
        name += strspn(name, "0123456789");
    }
    return *name == '\0';
}

/* Is the process that made the name still there? Without /proc: unknown, and unknown is never unused. */
static bool maker_lives(int pid, unsigned long long start)
{
    struct process_look maker = process_look(pid);
    if (maker.state == 'Z' || maker.state == 'X') /* dead, and only not yet collected */
        return false;
    if (maker.state == 0)
        return process_look(0).state == 0;
    return start == 0 || maker.start == start;
}

static bool matches(const char *const *globs, const char *name)
{
    for (; globs && *globs; globs++)
        if (fnmatch(**globs == '/' ? *globs + 1 : *globs, name, 0) == 0)
            return true;
    return false;
}

static void measure(struct leftover *leftover, const struct stat *st)
{
    int64_t now = (int64_t)time(NULL);
    leftover->allocated_bytes = (uint64_t)st->st_blocks * 512;
    leftover->device = st->st_dev;
    leftover->inode = st->st_ino;
    leftover->changed_ns = object_changed_ns(st);
    int64_t changed_s = leftover->changed_ns / (int64_t)NS_PER_S;
    leftover->age_s = changed_s < now ? (uint64_t)(now - changed_s) : 0;
}

/* What speaks against a removal before anybody is asked for a proof; NULL: nothing. */
static const char *objection(const struct leftover_rules *rules, const struct leftover *leftover, const struct stat *st)
{
    int pid;
    unsigned long long start;
    if (matches(rules->protect, leftover->name))
        return "is protected";
    if (!S_ISREG(st->st_mode) && !(S_ISFIFO(st->st_mode) && leftover->own))
        return lease_words(LEASE_NO_OBJECT, 0);
    if (leftover->own && leftover_parse(leftover->name, &pid, &start) && maker_lives(pid, start))
        return "the run that made it is alive";
    if (leftover->age_s < (leftover->own ? rules->own_age_s : rules->foreign_age_s))
        return "is younger than --min-age, an hour unless given; --min-age 0 takes it, if it is proven unused";
    return NULL;
}

/* A FIFO gives no lease. This program's workers have theirs open for reading and writing: without a reader it has no user, and
 * whoever else came to it found nobody. Asking disturbs nobody. */
static bool fifo_is_unused(int folder, const char *name)
{
    int fd = openat(folder, name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    bool unused = fd < 0 && errno == ENXIO;
    if (fd >= 0)
        close(fd);
    return unused;
}

static void look_at_fifo(int folder, struct leftover *leftover)
{
    leftover->fifo = true;
    leftover->unused = fifo_is_unused(folder, leftover->name);
    leftover->why = leftover->unused ? "its run is gone, and nobody has it open" : "somebody has it open";
}

/* Somebody who can be seen, and whom no lease tells of: he holds a way back to the object, though none to its contents. */
static bool has_holder(const struct objects *seen, struct leftover *leftover)
{
    size_t at = objects_find(seen, leftover->device, leftover->inode);
    if (at == SIZE_MAX || seen->list[at].holder_count == 0)
        return false;
    const struct object_holder *holder = &seen->list[at].holders[0];
    snprintf(leftover->holder, sizeof leftover->holder, "process %d (%s) has it %s", (int)holder->pid, holder->command,
             holder->access & HOLDS_MOUNTED ? "mounted at another place" : "open");
    return true;
}

static void look(const struct leftover_rules *rules, const struct objects *seen, int folder, struct leftover *leftover)
{
    struct stat st = {0};
    struct lease lease;
    if (fstatat(folder, leftover->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        leftover->why = lease_words(LEASE_GONE, 0);
        return;
    }
    measure(leftover, &st);
    leftover->why = objection(rules, leftover, &st);
    if (leftover->why)
        return;
    if (S_ISFIFO(st.st_mode)) {
        look_at_fifo(folder, leftover);
        return;
    }
    enum lease_answer answer = lease_take(&lease, folder, leftover->name);
    lease_drop(&lease);
    leftover->unused = answer == LEASE_FREE && lease.st.st_ino == st.st_ino && lease.st.st_dev == st.st_dev;
    if (leftover->unused && has_holder(seen, leftover)) {
        leftover->unused = false;
        leftover->why = leftover->holder;
        return;
    }
    if (leftover->unused)
        leftover->why = leftover->own ? "its run is gone, and nobody has it open or mapped" : lease_words(LEASE_FREE, 0);
    else
        leftover->why = answer == LEASE_FREE ? "is another object by now" : lease_words(answer, lease.errnum);
}

/* The names are read first: what is moved while they are read would be met twice. */
static char **read_names(const struct leftover_rules *rules, DIR *folder, size_t *count)
{
    char **names = NULL;
    size_t room = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        int pid;
        unsigned long long start;
        bool own = rules->own && leftover_parse(entry->d_name, &pid, &start);
        bool dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (dots || (!own && !matches(rules->globs, entry->d_name)))
            continue;
        if (*count == room) {
            room = room ? room * 2 : 64;
            char **more = realloc(names, room * sizeof *names);
            if (!more)
                break;
            names = more;
        }
        names[*count] = strdup(entry->d_name);
        *count += names[*count] != NULL;
    }
    return names;
}

static void names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

int leftover_scan(const struct leftover_rules *rules, void (*visit)(struct leftover *leftover, void *user), void *user,
                  struct error *error)
{
    size_t count = 0;
    struct objects seen = {0};
    DIR *folder = opendir(REGION_FOLDER);
    if (!folder)
        return error_set(error, STATUS_ENVIRONMENT, errno, "%s: opendir: %s; shmoo doctor says what helps", REGION_FOLDER, error_name(errno));
    char **names = read_names(rules, folder, &count);
    if (count && objects_list(&seen, error)) {
        names_free(names, count);
        closedir(folder);
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        struct leftover leftover = {0};
        int pid;
        unsigned long long start;
        snprintf(leftover.name, sizeof leftover.name, "%s", names[i]);
        leftover.own = leftover_parse(leftover.name, &pid, &start);
        look(rules, &seen, dirfd(folder), &leftover);
        visit(&leftover, user);
    }
    names_free(names, count);
    objects_free(&seen);
    closedir(folder);
    return 0;
}

int leftover_each(void (*visit)(struct leftover *leftover, void *user), void *user, struct error *error)
{
    return leftover_scan(&(struct leftover_rules){.own = true}, visit, user, error);
}

static int remove_fifo(const struct leftover *leftover, struct error *error)
{
    struct stat st;
    int folder = open(REGION_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool same = folder >= 0 && fstatat(folder, leftover->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISFIFO(st.st_mode) &&
                st.st_ino == leftover->inode;
    bool unused = same && fifo_is_unused(folder, leftover->name);
    int errnum = unused && unlinkat(folder, leftover->name, 0) != 0 ? errno : 0;
    if (folder >= 0)
        close(folder);
    if (unused && errnum == 0)
        return 0;
    return error_set(error, errnum ? STATUS_ENVIRONMENT : STATUS_AS_EXPECTED, 0, "%s/%s was not removed: %s", REGION_FOLDER,
                     leftover->name, errnum ? error_name(errnum) : "somebody has it open by now, or it was replaced");
}

int leftover_remove(struct leftover *leftover, struct error *error)
{
    if (leftover->fifo)
        return remove_fifo(leftover, error);
    static unsigned serial;
    char aside[COMPANION_NAME_MAX];
    bool marker = leftover->own && companion_is_marker(leftover->name);
    if (marker)
        companion_aside(leftover->name, aside);
    else
        snprintf(aside, sizeof aside, TRIAL_NAME_PREFIX "%d.%llu.%u.gc", (int)getpid(), (unsigned long long)process_look(0).start,
                 ++serial);
    struct reclaim reclaim = {
        .name = leftover->name,
        .device = leftover->device,
        .inode = leftover->inode,
        .changed_ns = leftover->changed_ns,
        .aside = aside,
        .before_unlink = marker ? companion_remove : NULL,
    };
    int rc = reclaim_object(&reclaim);
    leftover->freed_bytes = reclaim.freed_bytes;
    if (rc != 0)
        error_set(error, reclaim.failed ? STATUS_ENVIRONMENT : STATUS_AS_EXPECTED, 0, "%s/%s was not removed: %s",
                  REGION_FOLDER, leftover->name, reclaim.why);
    return rc;
}

void leftover_sweep(const char *trial)
{
    size_t length = strlen(++trial); /* without the slash */
    DIR *folder = opendir(REGION_FOLDER);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        bool semaphore = strncmp(entry->d_name, "sem.", 4) == 0;
        const char *name = entry->d_name + (semaphore ? 4 : 0);
        if (strncmp(name, trial, length) != 0 || (name[length] != '.' && !(semaphore && name[length] == '\0')))
            continue;
        companion_remove(entry->d_name, -1);
        unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
}
