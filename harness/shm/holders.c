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
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/maps_line.h"
#include "shm/mounts.h"
#include "shm/quiet_stat.h"

#define DELETED " (deleted)"
/* Of the flags in /proc/PID/stat: PF_KTHREAD of the kernel. */
#define KERNEL_THREAD 0x200000u
/* Of kcmp(2), <linux/kcmp.h>. */
#define COMPARE_FILES 2

/* The process that is being looked at. */
struct look {
    struct objects *objects;
    struct mounts_seen *seen;
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

/* A file of such a name at the root of a file system would have a name, and no "(deleted)". */
static bool is_memfd(const char *path)
{
    size_t length = strlen(path), suffix = strlen(DELETED);
    return strncmp(path, "/memfd:", 7) == 0 && length > suffix && strcmp(path + length - suffix, DELETED) == 0;
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

static void read_descriptor(struct look *look, int folder, const char *name)
{
    char path[4096];
    struct stat st;
    if (!quiet_stat(folder, name, &st) || (st.st_dev != look->objects->device && (!S_ISREG(st.st_mode) || st.st_nlink)))
        return; /* most of them: neither in /dev/shm nor a memfd */
    ssize_t n = readlinkat(folder, name, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    if (path[0] == '/' && (st.st_dev == look->objects->device || is_memfd(path)))
        held(look, &st, true, path, access_of_link(folder, name));
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
    for (struct dirent *entry; (entry = readdir(stream));)
        if (isdigit((unsigned char)entry->d_name[0]))
            read_descriptor(look, fd, entry->d_name);
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
static void read_mapping(struct look *look, const struct maps_line *line)
{
    char link[96];
    struct stat st = {.st_dev = line->device, .st_ino = line->inode, .st_mode = S_IFREG};
    bool known = objects_find(look->objects, line->device, line->inode) != SIZE_MAX;
    if (!known && line->device != look->objects->device && !is_memfd(line->path))
        return;
    snprintf(link, sizeof link, "map_files/%" PRIx64 "-%" PRIx64, line->from, line->to);
    struct stat found;
    bool measured = !known && quiet_stat(look->folder, link, &found);
    held(look, measured ? &found : &st, measured, line->path, access_of_mapping(line->rights));
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
        struct maps_line parsed;
        if (maps_line_parse(line, &parsed))
            read_mapping(look, &parsed);
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

/* What /proc/PID/stat tells of a process; all zero where it cannot be read. */
struct process_facts {
    bool kernel;       /* a thread of the kernel: it holds nothing, whoever asks */
    bool leader_ended; /* it shows nothing, but its threads may live on: whatever they hold, the process holds */
    long threads;
};

static struct process_facts process_facts(int folder)
{
    struct process_facts facts = {0};
    char text[512], state = ' ';
    unsigned flags = 0;
    int fd = openat(folder, "stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return facts;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *rest = strrchr(text, ')');
    if (rest && sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld", &state, &flags,
                       &facts.threads) == 3) {
        facts.kernel = flags & KERNEL_THREAD;
        facts.leader_ended = state == 'Z';
    }
    return facts;
}

/* Has a thread descriptors of its own (unshare(CLONE_FILES))? No, where that cannot be found out. */
static bool has_own_descriptors(pid_t known, pid_t thread)
{
    return syscall(SYS_kcmp, known, thread, COMPARE_FILES, 0, 0) > 0;
}

/* The threads besides the leader, which share its memory and, as a rule, its descriptors. Of a leader that has ended, the
 * first one stands for it. */
static void read_threads(struct look *look, bool leader_ended)
{
    int process = look->folder;
    pid_t known = leader_ended ? 0 : look->pid;
    int tasks = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = tasks >= 0 ? fdopendir(tasks) : NULL;
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        pid_t thread = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : look->pid;
        if (thread == look->pid || (known && !has_own_descriptors(known, thread)))
            continue;
        look->folder = openat(tasks, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (look->folder < 0)
            continue;
        if (known)
            read_descriptors(look);
        else if (!read_one(look))
            look->objects->unseen++;
        close(look->folder);
        known = known ? known : thread;
    }
    look->folder = process;
    if (stream)
        closedir(stream);
    else if (tasks >= 0)
        close(tasks);
}

/* Does /proc keep other users' processes from this one's eyes? */
static bool proc_hides(void)
{
    char *line = NULL;
    size_t room = 0;
    bool hides = false;
    FILE *file = geteuid() ? fopen("/proc/self/mountinfo", "re") : NULL;
    while (file && getline(&line, &room, file) > 0) {
        const char *option = strstr(line, " /proc ") ? strstr(line, "hidepid=") : NULL;
        if (option)
            hides = strncmp(option + 8, "0", 1) != 0 && strncmp(option + 8, "off", 3) != 0;
    }
    free(line);
    if (file)
        fclose(file);
    return hides;
}

static void forget(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        objects->list[i].holder_count = 0;
    objects->unseen = objects->unasked = 0;
    objects->proc = false;
    objects->hidden = proc_hides();
}

static void read_process(struct look *look)
{
    struct process_facts facts = process_facts(look->folder);
    if (facts.kernel)
        return;
    if (!facts.leader_ended && !read_one(look))
        look->objects->unseen++;
    if (facts.leader_ended || facts.threads > 1)
        read_threads(look, facts.leader_ended);
    mounts_read(look->objects, look->seen, look->folder, look->pid, look->command);
}

void holders_read(struct objects *objects)
{
    struct mounts_seen seen = {0};
    forget(objects);
    DIR *stream = opendir("/proc");
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        if (objects_late(objects)) {
            objects->unasked++;
            continue;
        }
        struct look look = {.objects = objects, .seen = &seen, .pid = (pid_t)atoi(entry->d_name)};
        look.folder = openat(dirfd(stream), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (look.folder < 0)
            continue;
        objects->proc = true;
        read_process(&look);
        close(look.folder);
    }
    if (stream)
        closedir(stream);
    mounts_free(&seen);
}
