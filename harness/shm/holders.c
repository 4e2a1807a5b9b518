/* Holders: /proc/PID/fd and /proc/PID/maps of every process that can be looked into. */
#define _GNU_SOURCE
#include "shm/holders.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DELETED " (deleted)"
/* Of the flags in /proc/PID/stat: PF_KTHREAD of the kernel. */
#define KERNEL_THREAD 0x200000u

/* The process that is being looked at. */
struct look {
    struct objects *objects;
    pid_t pid;
    int folder; /* /proc/PID, or /proc/PID/task/TID */
    char command[16];
};

static void read_command(struct look *look)
{
    look->command[0] = '\0';
    int fd = openat(look->folder, "comm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, look->command, sizeof look->command - 1);
    close(fd);
    look->command[n > 0 ? n : 0] = '\0';
    look->command[strcspn(look->command, "\n")] = '\0';
}

static bool is_memfd(const char *path)
{
    return strncmp(path, "/memfd:", 7) == 0;
}

/* What /proc calls it, without the "(deleted)" and the folder. */
static void plain_name(const char *path, char *name, size_t size)
{
    size_t length = strlen(path), suffix = strlen(DELETED);
    if (length > suffix && strcmp(path + length - suffix, DELETED) == 0)
        length -= suffix;
    const char *last = memrchr(path, '/', length);
    size_t skip = last && !is_memfd(path) ? (size_t)(last - path) + 1 : 1;
    snprintf(name, size, "%.*s", length > skip ? (int)(length - skip) : 0, path + skip);
}

/* Enters the process with every name of the object; adds an object that has none. */
static void held(struct look *look, const struct stat *st, bool measured, const char *path, unsigned access)
{
    struct objects *objects = look->objects;
    size_t at = objects_find(objects, st->st_dev, st->st_ino);
    if (at == SIZE_MAX) {
        char name[300];
        bool memfd = is_memfd(path);
        bool gone = measured ? st->st_nlink == 0 : strstr(path, DELETED) != NULL;
        bool nameless = gone && st->st_dev == objects->device && S_ISREG(st->st_mode);
        if (!memfd && !nameless)
            return;
        plain_name(path, name, sizeof name);
        at = objects_add(objects, name, memfd ? OBJECT_MEMFD : OBJECT_UNLINKED, st, measured);
    }
    if (at != SIZE_MAX && measured && !objects->list[at].measured)
        object_measure(&objects->list[at], st);
    for (; at != SIZE_MAX; at = objects_next(objects, at))
        object_held(&objects->list[at], look->pid, look->command, access);
}

/* A stat that does not ask a server: a dead one would stop us here. */
static bool stat_quietly(int folder, const char *name, struct stat *st)
{
    struct statx x;
    if (statx(folder, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &x) != 0)
        return false;
    *st = (struct stat){
        .st_dev = makedev(x.stx_dev_major, x.stx_dev_minor),
        .st_ino = x.stx_ino,
        .st_mode = x.stx_mode,
        .st_nlink = x.stx_nlink,
        .st_uid = x.stx_uid,
        .st_gid = x.stx_gid,
        .st_size = (off_t)x.stx_size,
        .st_blocks = (blkcnt_t)x.stx_blocks,
        .st_mtim = {.tv_sec = x.stx_mtime.tv_sec, .tv_nsec = x.stx_mtime.tv_nsec},
    };
    return true;
}

/* The mode of the link /proc/PID/fd/N says how it was opened. */
static unsigned access_of_link(int folder, const char *name)
{
    struct stat link;
    unsigned access = HOLDS_OPEN;
    if (fstatat(folder, name, &link, AT_SYMLINK_NOFOLLOW) == 0) {
        access |= link.st_mode & S_IRUSR ? HOLDS_OPEN_READ : 0;
        access |= link.st_mode & S_IWUSR ? HOLDS_OPEN_WRITE : 0;
    }
    return access;
}

/* False when the process may not be looked into. */
static bool read_descriptors(struct look *look)
{
    int fd = openat(look->folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno != EACCES && errno != EPERM;
    DIR *stream = fdopendir(fd);
    if (!stream) {
        close(fd);
        return true;
    }
    errno = 0;
    for (struct dirent *entry; (entry = readdir(stream));) {
        char path[4096];
        struct stat st;
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        ssize_t n = readlinkat(fd, entry->d_name, path, sizeof path - 1);
        if (n <= 0 || path[0] != '/')
            continue; /* sockets, pipes and the like */
        path[n] = '\0';
        bool here = stat_quietly(fd, entry->d_name, &st) && (st.st_dev == look->objects->device || is_memfd(path));
        if (here)
            held(look, &st, true, path, access_of_link(fd, entry->d_name));
    }
    closedir(stream);
    return true;
}

static unsigned access_of_mapping(const char *rights)
{
    unsigned access = HOLDS_MAPPED;
    access |= rights[0] == 'r' ? HOLDS_MAPPED_READ : 0;
    access |= rights[1] == 'w' ? HOLDS_MAPPED_WRITE : 0;
    access |= rights[3] == 'p' ? HOLDS_MAPPED_PRIVATE : 0;
    return access;
}

/* Sizes and owners of a mapped object come through map_files, for whom the kernel lets: otherwise it is known by number
 * only. */
static void read_mapping(struct look *look, const char *range, const char *rights, dev_t device, ino_t inode,
                         const char *path)
{
    char link[96];
    struct stat st = {.st_dev = device, .st_ino = inode, .st_mode = S_IFREG};
    bool known = objects_find(look->objects, device, inode) != SIZE_MAX;
    if (!known && device != look->objects->device && !is_memfd(path))
        return;
    snprintf(link, sizeof link, "map_files/%s", range);
    struct stat found;
    bool measured = !known && stat_quietly(look->folder, link, &found);
    held(look, measured ? &found : &st, measured, path, access_of_mapping(rights));
}

static bool read_mappings(struct look *look)
{
    int fd = openat(look->folder, "maps", O_RDONLY | O_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (!file) {
        bool allowed = errno != EACCES && errno != EPERM;
        if (fd >= 0)
            close(fd);
        return allowed;
    }
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, file) > 0) {
        char range[64], rights[8];
        unsigned major, minor;
        uint64_t inode;
        int at = 0;
        int got = sscanf(line, "%63s %7s %*x %x:%x %" SCNu64 " %n", range, rights, &major, &minor, &inode, &at);
        if (got != 5 || inode == 0 || strlen(rights) != 4)
            continue;
        line[strcspn(line, "\n")] = '\0';
        read_mapping(look, range, rights, makedev(major, minor), (ino_t)inode, line + at);
    }
    bool allowed = !ferror(file) || (errno != EACCES && errno != EPERM);
    free(line);
    fclose(file);
    return allowed;
}

static bool read_one(struct look *look)
{
    read_command(look);
    bool descriptors = read_descriptors(look);
    return read_mappings(look) && descriptors;
}

enum process_kind { PROCESS_WHOLE, PROCESS_ENDED_LEADER, PROCESS_KERNEL };

/* A leader that has ended shows nothing, but its threads may live on: whatever they hold, the process holds. A thread of the
 * kernel holds nothing, whoever asks. */
static enum process_kind process_kind(int folder)
{
    char text[512];
    int fd = openat(folder, "stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return PROCESS_WHOLE;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *rest = strrchr(text, ')');
    char state = ' ';
    unsigned flags = 0;
    if (!rest || sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
        return PROCESS_WHOLE;
    return flags & KERNEL_THREAD ? PROCESS_KERNEL : state == 'Z' ? PROCESS_ENDED_LEADER : PROCESS_WHOLE;
}

static void read_threads(struct look *look)
{
    int process = look->folder;
    int tasks = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = tasks >= 0 ? fdopendir(tasks) : NULL;
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        if (!isdigit((unsigned char)entry->d_name[0]) || atoi(entry->d_name) == look->pid)
            continue;
        look->folder = openat(tasks, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (look->folder < 0)
            continue;
        read_one(look);
        close(look->folder);
        break; /* they share what they hold */
    }
    look->folder = process;
    if (stream)
        closedir(stream);
    else if (tasks >= 0)
        close(tasks);
}

static void forget(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        objects->list[i].holder_count = 0;
    objects->unseen = 0;
    objects->proc = false;
}

void holders_read(struct objects *objects)
{
    forget(objects);
    DIR *stream = opendir("/proc");
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        struct look look = {.objects = objects, .pid = (pid_t)atoi(entry->d_name)};
        look.folder = openat(dirfd(stream), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (look.folder < 0)
            continue;
        objects->proc = true;
        enum process_kind kind = process_kind(look.folder);
        if (kind == PROCESS_ENDED_LEADER)
            read_threads(&look);
        else if (kind == PROCESS_WHOLE && !read_one(&look))
            objects->unseen++;
        close(look.folder);
    }
    if (stream)
        closedir(stream);
}
