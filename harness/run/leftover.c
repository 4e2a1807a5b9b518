/* Leftovers: names, makers and leases.
 *
 * A write lease (fcntl(2), F_SETLEASE) on an object is refused while anybody, in any pid namespace, has it open or mapped:
 * that is the proof. The name carries the maker's pid and start time, so that a reused pid is not taken for the maker. What
 * remains is the moment between unlink and the release of the lease, in which a new opener blocks and then holds an object
 * without a name; it loses nothing but the name.
 */
#define _GNU_SOURCE
#include "run/leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract/check.h"
#include "run/process.h"
#include "run/trial.h"
#include "shm/region.h"
#include "shm/sysv.h"

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

/* "shmoo.PID.START.SERIAL", with ".lock", ".own3", ".i7.sysv" or the like behind it, or "sem." before it: exactly what a trial
 * or a check makes. */
static bool parse_name(const char *name, int *pid, unsigned long long *start)
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
    for (int suffixes = 0; suffixes < 2 && *name == '.'; suffixes++) {
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

/* Opens the object and takes the lease. Returns the descriptor, or -1 with `why`. */
static int take_lease(int folder, const char *name, struct stat *st, const char **why)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        *why = errno == EACCES ? "cannot be opened by this user" : "cannot be opened";
        return -1;
    }
    if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
        *why = "is not a shared memory object";
    } else if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0) {
        *why = errno == EAGAIN   ? "somebody has it open or mapped"
               : errno == EACCES ? "belongs to another user: no proof to be had"
                                 : "no lease to be had here: no proof";
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

static void look(int folder, struct leftover *leftover)
{
    struct stat st = {0};
    int pid;
    unsigned long long start;
    if (fstatat(folder, leftover->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        leftover->allocated_bytes = (uint64_t)st.st_blocks * 512;
        leftover->device = st.st_dev;
        leftover->inode = st.st_ino;
    }
    if (parse_name(leftover->name, &pid, &start) && maker_lives(pid, start)) {
        leftover->why = "the run that made it is alive";
        return;
    }
    int fd = take_lease(folder, leftover->name, &st, &leftover->why);
    if (fd < 0)
        return;
    leftover->unused = true;
    leftover->why = "its run is gone, and nobody has it open or mapped";
    close(fd); /* gives the lease back */
}

int leftover_each(void (*visit)(const struct leftover *leftover, void *user), void *user, struct error *error)
{
    DIR *folder = opendir(REGION_FOLDER);
    if (!folder)
        return error_set(error, STATUS_ENVIRONMENT, errno, "%s: opendir: %s", REGION_FOLDER, error_name(errno));
    signal(SIGIO, SIG_IGN); /* how the kernel tells that somebody wants in: the lease is given back at once anyway */
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct leftover leftover = {0};
        int pid;
        unsigned long long start;
        if (!parse_name(entry->d_name, &pid, &start))
            continue;
        snprintf(leftover.name, sizeof leftover.name, "%s", entry->d_name);
        look(dirfd(folder), &leftover);
        visit(&leftover, user);
    }
    closedir(folder);
    return 0;
}

int leftover_remove(const struct leftover *leftover, struct error *error)
{
    struct stat st = {0};
    const char *why = "is another object by now";
    int folder = open(REGION_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = -1;
    int fd = folder >= 0 ? take_lease(folder, leftover->name, &st, &why) : -1;
    if (fd >= 0 && st.st_dev == leftover->device && st.st_ino == leftover->inode) {
        errno = sysv_is_marker(leftover->name) ? sysv_semaphore_remove(leftover->name) : 0;
        rc = errno ? -1 : unlinkat(folder, leftover->name, 0);
        if (rc != 0)
            why = error_name(errno);
    }
    if (rc != 0)
        error_set(error, STATUS_ENVIRONMENT, 0, "%s/%s was not removed: %s", REGION_FOLDER, leftover->name, why);
    if (fd >= 0)
        close(fd);
    if (folder >= 0)
        close(folder);
    return rc;
}
