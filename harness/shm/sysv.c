/* System V semaphores behind markers: key and signature from a name, making, finding, removing. */
#define _GNU_SOURCE
#include "shm/sysv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <unistd.h>

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

bool sysv_is_marker(const char *name)
{
    size_t length = strlen(name), suffix = strlen(SYSV_SUFFIX);
    return length > suffix && strcmp(name + length - suffix, SYSV_SUFFIX) == 0;
}

int sysv_semaphore_create(const char *marker, int value, int *id)
{
    unsigned short values[SEMAPHORES] = {(unsigned short)value};
    int fd = shm_open(marker, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (fd < 0)
        return errno;
    close(fd);
    *id = semget(key_of(marker), SEMAPHORES, IPC_CREAT | IPC_EXCL | 0600);
    if (*id < 0)
        return errno;
    fill_values(marker, values);
    return semctl(*id, 0, SETALL, (union semun){.array = values}) == 0 ? 0 : errno;
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

int sysv_semaphore_remove(const char *marker)
{
    int id = semget(key_of(marker), 0, 0);
    if (id < 0 || !is_own(id, marker) || semctl(id, 0, IPC_RMID) == 0)
        return 0;
    return errno == EINVAL || errno == EIDRM ? 0 : errno;
}
