/* What one process maps of shared memory: /proc/PID/maps, and the ways to the objects. */
#define _GNU_SOURCE
#include "shm/mappings.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shm/maps_line.h"
#include "shm/quiet_stat.h"
#include "shm/region.h"

#define TMPFS_MAGIC 0x01021994
#define DELETED " (deleted)"
#define MAPPINGS_MAX 4096
#define HOLES_MAX 4096

/* An O_PATH descriptor, if it leads to that very object; else -1. */
static int reach(int folder, const char *path, dev_t device, ino_t inode)
{
    struct stat st;
    int fd = openat(folder, path, O_PATH | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == device && st.st_ino == inode)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The files that the process has open, listed once. */
struct open_files {
    struct open_file {
        dev_t device;
        ino_t inode;
        int number;
    } *list;
    size_t count, room;
    bool listed;
};

static void note_file(struct open_files *files, int folder, const char *name)
{
    struct stat st;
    if (!isdigit((unsigned char)name[0]) || !quiet_stat(folder, name, &st) || !S_ISREG(st.st_mode))
        return;
    if (files->count == files->room) {
        size_t room = files->room ? files->room * 2 : 64;
        struct open_file *list = realloc(files->list, room * sizeof *list);
        if (!list)
            return;
        files->list = list;
        files->room = room;
    }
    files->list[files->count++] = (struct open_file){st.st_dev, st.st_ino, atoi(name)};
}

static void list_files(struct open_files *files, pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *stream = opendir(path);
    for (struct dirent *entry; stream && (entry = readdir(stream));)
        note_file(files, dirfd(stream), entry->d_name);
    if (stream)
        closedir(stream);
    files->listed = true;
}

static int reach_by_descriptor(struct open_files *files, pid_t pid, dev_t device, ino_t inode)
{
    char way[64];
    int found = -1;
    if (!files->listed)
        list_files(files, pid);
    for (size_t i = 0; i < files->count && found < 0; i++)
        if (files->list[i].inode == inode && files->list[i].device == device) {
            snprintf(way, sizeof way, "/proc/%d/fd/%d", (int)pid, files->list[i].number);
            found = reach(AT_FDCWD, way, device, inode);
        }
    return found;
}

/* The same object is often mapped many times. */
static int reach_again(const struct mappings *mappings, const struct mapping *mapping)
{
    for (size_t i = mappings->count; i-- > 0;)
        if (mappings->list[i].fd >= 0 && mapping_same(&mappings->list[i], mapping))
            return fcntl(mappings->list[i].fd, F_DUPFD_CLOEXEC, 3);
    return -1;
}

static int reach_object(const struct mappings *mappings, struct open_files *files, pid_t pid, const struct mapping *mapping,
                        const char *path)
{
    char way[4200];
    int again = reach_again(mappings, mapping);
    if (again >= 0)
        return again;
    snprintf(way, sizeof way, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, mapping->from, mapping->to);
    int fd = reach(AT_FDCWD, way, mapping->device, mapping->inode);
    if (fd < 0 && !mapping->deleted && path[0] == '/') {
        snprintf(way, sizeof way, "/proc/%d/root%s", (int)pid, path);
        fd = reach(AT_FDCWD, way, mapping->device, mapping->inode);
    }
    return fd >= 0 ? fd : reach_by_descriptor(files, pid, mapping->device, mapping->inode);
}

/* False when it lies on something else than a tmpfs. */
static bool measure(struct mapping *mapping)
{
    struct stat st;
    struct statfs fs;
    if (fstat(mapping->fd, &st) != 0 || fstatfs(mapping->fd, &fs) != 0 ||
        ((unsigned long)fs.f_type & 0xffffffffUL) != TMPFS_MAGIC)
        return false;
    mapping->object_bytes = (uint64_t)st.st_size;
    mapping->allocated_bytes = (uint64_t)st.st_blocks * 512;
    mapping->size_bytes = fs.f_blocks ? (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize : UINT64_MAX;
    mapping->free_bytes = fs.f_blocks ? (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize : UINT64_MAX;
    return true;
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void name_it(struct mapping *mapping, const char *path)
{
    size_t length = strlen(path), suffix = strlen(DELETED);
    mapping->deleted = length > suffix && strcmp(path + length - suffix, DELETED) == 0;
    length -= mapping->deleted ? suffix : 0;
    const char *last = starts(path, "/memfd:") ? path : memrchr(path, '/', length);
    size_t skip = last ? (size_t)(last - path) + 1 : 0;
    snprintf(mapping->name, sizeof mapping->name, "%.*s", (int)(length - skip), path + skip);
}

static bool keep(struct mappings *mappings, const struct mapping *mapping)
{
    if (mappings->count >= MAPPINGS_MAX) {
        mappings->cut = true;
        return false;
    }
    struct mapping *list = realloc(mappings->list, (mappings->count + 1) * sizeof *list);
    if (!list)
        return false;
    mappings->list = list;
    list[mappings->count++] = *mapping;
    return true;
}

/* One line of maps. Programs and libraries are private mappings of other file systems, and do not get far here. */
static void read_line(struct mappings *mappings, struct open_files *files, pid_t pid, char *line)
{
    struct maps_line parsed;
    if (!maps_line_parse(line, &parsed))
        return;
    struct mapping mapping = {.from = parsed.from,
                              .to = parsed.to,
                              .offset = parsed.offset,
                              .device = parsed.device,
                              .inode = parsed.inode,
                              .fd = -1};
    const char *path = parsed.path;
    memcpy(mapping.rights, parsed.rights, sizeof mapping.rights);
    bool looks_shared = mapping.rights[3] == 's' || starts(path, REGION_FOLDER "/") || starts(path, "/memfd:");
    if (!looks_shared || starts(path, "/SYSV") || (starts(path, "/dev/") && !starts(path, REGION_FOLDER "/")))
        return;
    name_it(&mapping, path);
    mapping.fd = reach_object(mappings, files, pid, &mapping, path);
    bool listed = mapping.fd >= 0 ? measure(&mapping) : starts(path, REGION_FOLDER "/") || starts(path, "/memfd:");
    if (!listed || !keep(mappings, &mapping))
        if (mapping.fd >= 0)
            close(mapping.fd);
}

int mappings_read(struct mappings *mappings, pid_t pid, struct error *error)
{
    char path[64], *line = NULL;
    size_t room = 0;
    struct open_files files = {0};
    *mappings = (struct mappings){0};
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(error, STATUS_ENVIRONMENT, errno, "%s: open: %s%s", path, error_name(errno),
                         errno == EACCES || errno == EPERM ? "; run it as root, or as the process's own user" : "");
    for (; getline(&line, &room, file) > 0; mappings->lines++)
        read_line(mappings, &files, pid, line);
    free(line);
    free(files.list);
    fclose(file);
    return 0;
}

void mappings_free(struct mappings *mappings)
{
    for (size_t i = 0; i < mappings->count; i++)
        if (mappings->list[i].fd >= 0)
            close(mappings->list[i].fd);
    free(mappings->list);
    *mappings = (struct mappings){0};
}

uint64_t mapping_beyond(const struct mapping *mapping, uint64_t *first)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t end = (mapping->object_bytes + page - 1) / page * page, length = mapping->to - mapping->from;
    if (mapping->fd < 0 || mapping->offset + length <= end)
        return 0;
    uint64_t there = end > mapping->offset ? end - mapping->offset : 0;
    *first = mapping->from + there;
    return length - there;
}

/* Bytes from `from` to `to` of an object that lie in holes, as SEEK_HOLE has them; of the first so many. */
static uint64_t count_holes(int fd, uint64_t from, uint64_t to)
{
    uint64_t sum = 0;
    for (int i = 0; i < HOLES_MAX && from < to; i++) {
        off_t hole = lseek(fd, (off_t)from, SEEK_HOLE);
        if (hole < 0 || (uint64_t)hole >= to)
            break;
        off_t data = lseek(fd, hole, SEEK_DATA); /* ENXIO: a hole up to the end */
        from = data < 0 || (uint64_t)data > to ? to : (uint64_t)data;
        sum += from - (uint64_t)hole;
    }
    return sum;
}

uint64_t mapping_holes(const struct mapping *mapping)
{
    char way[64];
    uint64_t from = mapping->offset, to = mapping->offset + (mapping->to - mapping->from);
    to = to < mapping->object_bytes ? to : mapping->object_bytes;
    if (mapping->fd < 0 || mapping->object_bytes <= mapping->allocated_bytes || from >= to)
        return 0;
    uint64_t most = mapping->object_bytes - mapping->allocated_bytes, shown = to - from;
    snprintf(way, sizeof way, "/proc/self/fd/%d", mapping->fd);
    int fd = open(way, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) /* it may not be read: as many as there can be */
        return most < shown ? most : shown;
    uint64_t holes = count_holes(fd, from, to);
    close(fd);
    return holes;
}

bool mapping_same(const struct mapping *a, const struct mapping *b)
{
    return a->inode == b->inode && a->device == b->device;
}
