/* Objects that are mounted at another place: /proc/PID/mountinfo, once for each mount namespace. */
#define _GNU_SOURCE
#include "shm/mounts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "shm/region.h"

/* "mnt:[4026531840]"; 0 where it may not be known. */
static ino_t namespace_of(int folder)
{
    char link[64];
    unsigned long long number = 0;
    ssize_t n = readlinkat(folder, "ns/mnt", link, sizeof link - 1);
    link[n > 0 ? n : 0] = '\0';
    return sscanf(link, "mnt:[%llu]", &number) == 1 ? (ino_t)number : 0;
}

/* True the first time. */
static bool is_new(struct mounts_seen *seen, ino_t space)
{
    for (size_t i = seen->count; i-- > 0;)
        if (seen->spaces[i] == space)
            return false;
    if (seen->count == seen->room) {
        size_t room = seen->room ? seen->room * 2 : 16;
        ino_t *spaces = realloc(seen->spaces, room * sizeof *spaces);
        if (!spaces)
            return false;
        seen->spaces = spaces;
        seen->room = room;
    }
    seen->spaces[seen->count++] = space;
    return true;
}

/* The kernel writes blanks and the like as "\040". */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        unsigned value;
        if (*from == '\\' && strspn(from + 1, "01234567") >= 3 && sscanf(from + 1, "%3o", &value) == 1) {
            *to = (char)value;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* One line: the root of the mount is the object's path in its file system. */
static void read_line(struct objects *objects, const char *line, pid_t pid, const char *command)
{
    unsigned major, minor;
    char root[4096], path[4200];
    struct stat st;
    if (sscanf(line, "%*d %*d %u:%u %4095s", &major, &minor, root) != 3 || makedev(major, minor) != objects->device ||
        strcmp(root, "/") == 0)
        return;
    unescape(root);
    snprintf(path, sizeof path, REGION_FOLDER "%s", root);
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    for (size_t at = objects_find(objects, st.st_dev, st.st_ino); at != SIZE_MAX; at = objects_next(objects, at))
        object_held(&objects->list[at], pid, command, HOLDS_MOUNTED);
}

void mounts_read(struct objects *objects, struct mounts_seen *seen, int folder, pid_t pid, const char *command)
{
    char *line = NULL;
    size_t room = 0;
    ino_t space = namespace_of(folder);
    if (space == 0 || !is_new(seen, space))
        return;
    int fd = openat(folder, "mountinfo", O_RDONLY | O_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    while (file && getline(&line, &room, file) > 0)
        read_line(objects, line, pid, command);
    free(line);
    if (file)
        fclose(file);
    else if (fd >= 0)
        close(fd);
}

void mounts_free(struct mounts_seen *seen)
{
    free(seen->spaces);
    *seen = (struct mounts_seen){0};
}
