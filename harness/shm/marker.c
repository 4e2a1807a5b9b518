/* Markers: making, noting, reading. One line for the namespace, one for the note. */
#define _GNU_SOURCE
#include "shm/marker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* "ipc:[4026531839]\n"; without /proc nothing but the line's end. */
static void namespace_line(char line[64])
{
    char link[48];
    ssize_t n = readlink("/proc/self/ns/ipc", link, sizeof link - 1);
    link[n > 0 ? n : 0] = '\0';
    snprintf(line, 64, "%s\n", link);
}

static int append(int fd, const char *text)
{
    size_t length = strlen(text);
    ssize_t n = write(fd, text, length);
    return n == (ssize_t)length ? 0 : n < 0 ? errno : ENOSPC;
}

int marker_make(const char *name, int *held)
{
    char line[64];
    *held = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (*held < 0)
        return errno;
    namespace_line(line);
    int rc = append(*held, line);
    if (rc)
        close(*held);
    return rc;
}

int marker_note(const char *name, const char *note)
{
    int fd = shm_open(name, O_RDWR, 0);
    if (fd < 0)
        return errno;
    int rc = lseek(fd, 0, SEEK_END) < 0 ? errno : append(fd, note);
    return close(fd) == 0 || rc ? rc : errno;
}

int marker_hold(const char *name)
{
    return shm_open(name, O_RDONLY, 0);
}

bool marker_read(int fd, char note[MARKER_TEXT_MAX])
{
    char text[MARKER_TEXT_MAX + 64], line[64];
    note[0] = '\0';
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    char *end = strchr(text, '\n');
    if (!end)
        return true; /* its maker died before the line was in */
    snprintf(note, MARKER_TEXT_MAX, "%s", end + 1);
    end[1] = '\0';
    namespace_line(line);
    return text[0] == '\n' || line[0] == '\n' || strcmp(text, line) == 0;
}

bool marker_has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), ending = strlen(suffix);
    return length > ending && strcmp(name + length - ending, suffix) == 0;
}
