/* Files on a disc behind markers. */
#define _GNU_SOURCE
#include "shm/disc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shm/marker.h"

const char *disc_file_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] == '/' && strlen(folder) < MARKER_TEXT_MAX / 2 ? folder : "/var/tmp";
}

bool disc_file_in_memory(const char *folder)
{
    struct statfs fs;
    return statfs(folder, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static const char *name_of(const char *marker)
{
    return marker + (*marker == '/');
}

int disc_file_create(const char *marker, const char *folder, int *fd)
{
    char path[MARKER_TEXT_MAX];
    int held, rc = marker_make(marker, &held);
    if (rc)
        return rc;
    rc = marker_note(marker, folder);
    snprintf(path, sizeof path, "%s/%s", folder, name_of(marker));
    if (rc == 0 && (*fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600)) < 0)
        rc = errno;
    close(held);
    return rc;
}

/* The folder that the marker notes, opened; -1 with errno 0 where it notes none. */
static int open_folder(const char *marker, int fd, struct stat *st)
{
    char folder[MARKER_TEXT_MAX];
    int opened = fd < 0 ? marker_hold(marker) : fd;
    folder[0] = '\0';
    if (opened >= 0) {
        marker_read(opened, folder); /* a file is in no IPC namespace */
        if (fstat(opened, st) != 0)
            folder[0] = '\0';
        if (fd < 0)
            close(opened);
    }
    errno = 0;
    return folder[0] == '/' ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

int disc_file_open(const char *marker, int *fd)
{
    struct stat st;
    int folder = open_folder(marker, -1, &st);
    if (folder < 0)
        return errno ? errno : ENOENT;
    *fd = openat(folder, name_of(marker), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    int rc = *fd < 0 ? errno : 0;
    close(folder);
    return rc;
}

int disc_file_remove(const char *marker, int fd)
{
    struct stat owner, file;
    int folder = open_folder(marker, fd, &owner);
    if (folder < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
    int rc = 0;
    if (fstatat(folder, name_of(marker), &file, AT_SYMLINK_NOFOLLOW) != 0)
        rc = errno == ENOENT ? 0 : errno;
    else if (!S_ISREG(file.st_mode) || file.st_uid != owner.st_uid || file.st_nlink != 1)
        rc = 0; /* somebody else's, by chance of the same name */
    else if (unlinkat(folder, name_of(marker), 0) != 0 && errno != ENOENT)
        rc = errno;
    close(folder);
    return rc;
}
