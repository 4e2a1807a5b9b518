/* Companions: the kinds, by suffix. */
#include "shm/companion.h"

#include <errno.h>
#include <mqueue.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/disc_file.h"
#include "shm/marker.h"
#include "shm/sysv.h"

/* A queue's name is its marker's, so it cannot be somebody else's by chance; but it may be another namespace's of that name. */
static int mqueue_remove(const char *marker, int fd)
{
    char name[300], note[MARKER_TEXT_MAX];
    int opened = fd < 0 ? marker_hold(marker) : fd;
    bool here = opened < 0 || marker_read(opened, note);
    if (fd < 0 && opened >= 0)
        close(opened);
    if (!here)
        return EXDEV;
    snprintf(name, sizeof name, "%s%s", *marker == '/' ? "" : "/", marker);
    return mq_unlink(name) == 0 || errno == ENOENT || errno == ENOSYS ? 0 : errno;
}

static const struct companion {
    const char *suffix;
    int (*remove)(const char *marker, int fd);
} companions[] = {
    {SYSV_SUFFIX, sysv_semaphore_remove},
    {SYSV_QUEUE_SUFFIX, sysv_queue_remove},
    {SYSV_SEGMENT_SUFFIX, sysv_segment_remove},
    {COMPANION_MQUEUE_SUFFIX, mqueue_remove},
    {DISC_FILE_SUFFIX, disc_file_remove},
};

/* Whatever else its name says: the marker as it was made. */
static const char *as_made(const char *name, char made[COMPANION_NAME_MAX])
{
    size_t length = strlen(name), ending = strlen(COMPANION_ASIDE_SUFFIX);
    bool aside = marker_has_suffix(name, COMPANION_ASIDE_SUFFIX) && length - ending < COMPANION_NAME_MAX;
    if (!aside)
        return name;
    snprintf(made, COMPANION_NAME_MAX, "%.*s", (int)(length - ending), name);
    return made;
}

void companion_aside(const char *name, char aside[COMPANION_NAME_MAX])
{
    char made[COMPANION_NAME_MAX];
    const char *bare = as_made(name, made);
    snprintf(aside, COMPANION_NAME_MAX, "%s%s", bare, bare == name ? COMPANION_ASIDE_SUFFIX : "");
}

static const struct companion *find(const char *name)
{
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++)
        if (marker_has_suffix(name, companions[i].suffix))
            return &companions[i];
    return NULL;
}

void companion_name(const char *begins, const char *suffix, char name[COMPANION_NAME_MAX])
{
    snprintf(name, COMPANION_NAME_MAX, "%s%s", begins, suffix);
}

int companion_hold(const char *begins, const char *suffix)
{
    char name[COMPANION_NAME_MAX];
    companion_name(begins, suffix, name);
    return marker_hold(name);
}

int companion_destroy(const char *begins, const char *suffix)
{
    char name[COMPANION_NAME_MAX];
    companion_name(begins, suffix, name);
    int rc = companion_remove(name, -1);
    if (shm_unlink(name) != 0 && errno != ENOENT && rc == 0)
        rc = errno;
    return rc;
}

bool companion_is_marker(const char *name)
{
    char made[COMPANION_NAME_MAX];
    return find(as_made(name, made)) != NULL;
}

int companion_remove(const char *name, int fd)
{
    char made[COMPANION_NAME_MAX];
    const char *marker = as_made(name, made);
    const struct companion *companion = find(marker);
    return companion ? companion->remove(marker, fd) : 0;
}

const char *companion_keeps(int errnum)
{
    switch (errnum) {
    case EXDEV:
        return "what it marks belongs to another IPC namespace";
    case EBUSY:
        return "somebody has attached the segment that it marks";
    default:
        return NULL;
    }
}
