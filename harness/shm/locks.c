/* Locks that are found in an object: the layout of glibc's pthread_mutex_t, looked for at every eighth byte. */
#define _GNU_SOURCE
#include "shm/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE (1u << 20)
/* Values of glibc, <nptl/pthreadP.h>. */
#define KIND_TYPE 3
#define KIND_ROBUST 16
#define KIND_INHERITS 32
#define KIND_SHARED 128
#define KIND_ELISION 768
#define OWNER_INCONSISTENT INT_MAX
#define OWNER_UNRECOVERABLE (INT_MAX - 1)
#define TYPE_RECURSIVE 1
#define TYPE_ADAPTIVE 3
/* Of the futex word, <linux/futex.h>. */
#define WORD_OWNER 0x3fffffffu
#define WORD_OWNER_DIED 0x40000000u
/* PID_MAX_LIMIT of 64-bit kernels. */
#define PID_LIMIT 4194304

#if defined(__GLIBC__) && __SIZEOF_POINTER__ == 8
#define LAYOUT_KNOWN 1
#else
#define LAYOUT_KNOWN 0
#endif

/* The first 40 bytes of a pthread_mutex_t. */
struct layout {
    uint32_t word;
    uint32_t count;
    int32_t owner;
    uint32_t users;
    int32_t kind;
    int16_t spins, elision;
    uint64_t before, after;
};

static bool may_be_owner(int64_t owner)
{
    return owner > 0 && owner <= PID_LIMIT;
}

/* Held and neither robust nor inheriting: the word is 1 or 2. */
static bool read_plain(const struct layout *m, struct found_lock *lock)
{
    int type = m->kind & KIND_TYPE;
    lock->owner = m->owner;
    return (m->word == 1 || m->word == 2) && may_be_owner(m->owner) && m->users == 1 && m->before == 0 && m->after == 0 &&
           (type == TYPE_RECURSIVE ? m->count > 0 && m->count < 1000000 : m->count == 0) &&
           (type == TYPE_ADAPTIVE || m->spins == 0);
}

/* Robust, or inheriting: the word is the owner's number, and the kernel knows it. */
static bool read_marked(const struct layout *m, struct found_lock *lock)
{
    uint32_t owner = m->word & WORD_OWNER;
    lock->owner = m->owner;
    if (m->spins || m->count > 1000000 || m->users > 1000000)
        return false;
    if (lock->robust && m->owner == OWNER_UNRECOVERABLE && owner == 0) {
        lock->state = LOCK_UNRECOVERABLE;
        lock->owner = 0;
        return true;
    }
    if (m->word & WORD_OWNER_DIED) {
        lock->state = LOCK_OWNER_DIED;
        return lock->robust && owner == 0 && may_be_owner(m->owner);
    }
    return may_be_owner(owner) && (uint32_t)m->owner == owner && m->users == 1;
}

static bool read_mutex(const struct layout *m, struct found_lock *lock)
{
    int known = KIND_TYPE | KIND_ROBUST | KIND_INHERITS | KIND_SHARED | KIND_ELISION;
    if (!(m->kind & KIND_SHARED) || (m->kind & ~known) || m->elision)
        return false;
    *lock = (struct found_lock){.state = LOCK_HELD, .robust = m->kind & KIND_ROBUST, .inherits = m->kind & KIND_INHERITS};
    return lock->robust || lock->inherits ? read_marked(m, lock) : read_plain(m, lock);
}

static void search(const unsigned char *piece, size_t bytes, uint64_t offset,
                   void (*visit)(const struct found_lock *lock, void *user), void *user)
{
    for (size_t at = 0; at + sizeof(struct layout) <= bytes; at += 8) {
        struct layout m;
        struct found_lock lock;
        memcpy(&m, piece + at, sizeof m);
        if (m.kind && read_mutex(&m, &lock)) {
            lock.offset = offset + at;
            visit(&lock, user);
        }
    }
}

/* From one stretch of data to the next. Pieces overlap by what a lock is long. */
static void search_object(int fd, uint64_t bytes_max, unsigned char *piece,
                          void (*visit)(const struct found_lock *lock, void *user), void *user)
{
    uint64_t read = 0;
    for (off_t at = 0; read < bytes_max && (at = lseek(fd, at, SEEK_DATA)) >= 0;) {
        off_t end = lseek(fd, at, SEEK_HOLE);
        while (at < end && read < bytes_max) {
            size_t wanted = end - at < (off_t)PIECE ? (size_t)(end - at) : PIECE;
            ssize_t got = pread(fd, piece, wanted, at);
            if (got <= 0)
                return;
            search(piece, (size_t)got, (uint64_t)at, visit, user);
            read += (uint64_t)got;
            bool more = at + got < end && (size_t)got > sizeof(struct layout);
            at += more ? got - (ssize_t)sizeof(struct layout) + 8 : got;
        }
    }
}

int locks_find(int fd, uint64_t bytes_max, void (*visit)(const struct found_lock *lock, void *user), void *user)
{
    char way[64];
    if (!LAYOUT_KNOWN) {
        errno = ENOSYS;
        return -1;
    }
    snprintf(way, sizeof way, "/proc/self/fd/%d", fd);
    int opened = open(way, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    unsigned char *piece = opened >= 0 ? malloc(PIECE) : NULL;
    if (piece)
        search_object(opened, bytes_max, piece, visit, user);
    int errnum = errno;
    if (opened >= 0)
        close(opened);
    free(piece);
    errno = errnum;
    return piece ? 0 : -1;
}
