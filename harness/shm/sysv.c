/* System V objects behind markers: key and signature from a name, making, finding, removing. */
#define _GNU_SOURCE
#include "shm/sysv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "shm/marker.h"

enum { SEMAPHORES = 3, FIRST_OF_SIGNATURE = 1 };

/* semctl()'s fourth argument, which the caller must declare. */
union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

/* FNV-1a, 64 bits; a leading slash does not count. */
static uint64_t hash_of(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (name += *name == '/'; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

static key_t key_of(const char *marker)
{
    uint32_t low = (uint32_t)hash_of(marker) & 0x7fffffff;
    return low == IPC_PRIVATE ? 1 : (key_t)low;
}

/* The values of a new set: 15 bits of the hash in each semaphore but the first, and never all zero. */
static void fill_values(const char *marker, unsigned short values[SEMAPHORES])
{
    uint64_t hash = hash_of(marker) >> 31;
    for (int i = FIRST_OF_SIGNATURE; i < SEMAPHORES; i++, hash >>= 15)
        values[i] = (unsigned short)((hash & 0x7fff) | 1);
}

/* The marker's note, from where it is open or by its name. 0, or an errno: EXDEV, it is another namespace's. A marker that is
 * not there has noted nothing. */
static int read_note(const char *marker, int fd, char note[MARKER_TEXT_MAX])
{
    int opened = fd < 0 ? marker_hold(marker) : fd;
    note[0] = '\0';
    if (opened < 0)
        return errno == ENOENT ? 0 : errno;
    bool here = marker_read(opened, note);
    if (fd < 0)
        close(opened);
    return here ? 0 : EXDEV;
}

/* An object that is gone by now is no failure. */
static int removed(int rc)
{
    return rc == 0 || errno == EINVAL || errno == EIDRM ? 0 : errno;
}

int sysv_semaphore_create(const char *marker, int value, int *id)
{
    unsigned short values[SEMAPHORES] = {(unsigned short)value};
    int held, rc = marker_make(marker, &held);
    if (rc)
        return rc;
    fill_values(marker, values);
    *id = semget(key_of(marker), SEMAPHORES, IPC_CREAT | IPC_EXCL | 0600);
    if (*id < 0 || semctl(*id, 0, SETALL, (union semun){.array = values}) != 0)
        rc = errno;
    close(held);
    return rc;
}

/* Is it the marker's set? One whose maker died before the values were in, is known by never having been used. */
static bool is_own(int id, const char *marker)
{
    struct semid_ds set;
    unsigned short values[SEMAPHORES], wanted[SEMAPHORES] = {0};
    if (semctl(id, 0, IPC_STAT, (union semun){.buf = &set}) != 0 || set.sem_nsems != SEMAPHORES)
        return false;
    if (semctl(id, 0, GETALL, (union semun){.array = values}) != 0)
        return false;
    bool new_born = set.sem_otime == 0 && set.sem_perm.cuid == geteuid() && !values[0] && !values[1] && !values[2];
    fill_values(marker, wanted);
    size_t bytes = (SEMAPHORES - FIRST_OF_SIGNATURE) * sizeof values[0];
    return new_born || memcmp(values + FIRST_OF_SIGNATURE, wanted + FIRST_OF_SIGNATURE, bytes) == 0;
}

int sysv_semaphore_remove(const char *marker, int fd)
{
    char note[MARKER_TEXT_MAX];
    int rc = read_note(marker, fd, note);
    int id = rc ? -1 : semget(key_of(marker), 0, 0);
    if (id < 0 || !is_own(id, marker))
        return rc;
    return removed(semctl(id, 0, IPC_RMID));
}

/* The object is there: its id into the note. */
static int note_id(const char *marker, int id)
{
    char text[24];
    if (id < 0)
        return errno;
    snprintf(text, sizeof text, "%d", id);
    return marker_note(marker, text);
}

/* Does the note name this id? One whose maker died before it was noted, is known by never having been used. */
static bool is_noted(const char *note, int id, bool new_born)
{
    return note[0] ? atoi(note) == id : new_born;
}

int sysv_queue_create(const char *marker, int *id)
{
    int held, rc = marker_make(marker, &held);
    if (rc)
        return rc;
    *id = msgget(key_of(marker), IPC_CREAT | IPC_EXCL | 0600);
    rc = note_id(marker, *id);
    close(held);
    return rc;
}

int sysv_queue_remove(const char *marker, int fd)
{
    char note[MARKER_TEXT_MAX];
    struct msqid_ds queue;
    int rc = read_note(marker, fd, note);
    int id = rc ? -1 : msgget(key_of(marker), 0);
    if (id < 0 || msgctl(id, IPC_STAT, &queue) != 0)
        return rc;
    bool new_born = queue.msg_stime == 0 && queue.msg_rtime == 0 && queue.msg_perm.cuid == geteuid();
    return is_noted(note, id, new_born) ? removed(msgctl(id, IPC_RMID, NULL)) : 0;
}

int sysv_segment_create(const char *marker, size_t bytes, int *id)
{
    int held, rc = marker_make(marker, &held);
    if (rc)
        return rc;
    *id = shmget(key_of(marker), bytes, IPC_CREAT | IPC_EXCL | 0600);
    rc = note_id(marker, *id);
    close(held);
    return rc;
}

int sysv_segment_remove(const char *marker, int fd)
{
    char note[MARKER_TEXT_MAX];
    struct shmid_ds segment;
    int rc = read_note(marker, fd, note);
    int id = rc ? -1 : shmget(key_of(marker), 0, 0);
    if (id < 0 || shmctl(id, IPC_STAT, &segment) != 0)
        return rc;
    bool new_born = segment.shm_atime == 0 && segment.shm_perm.cuid == geteuid();
    if (!is_noted(note, id, new_born))
        return 0;
    return segment.shm_nattch ? EBUSY : removed(shmctl(id, IPC_RMID, NULL));
}
