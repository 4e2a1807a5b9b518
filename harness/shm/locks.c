/* Locks in an object: the layouts of glibc's mutexes and read-write locks, looked for at every place they may have. */
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

/* Bytes of the longest layout, a read-write lock of 64 bits, as far as anything is kept in it; and by how much pieces overlap,
 * a multiple of every alignment. */
#define LONGEST 52
#define OVERLAP 56

/* What a pthread_mutex_t keeps, wherever it keeps it. */
struct mutex {
    uint32_t word, count, users;
    int32_t owner, kind;
    int16_t spins, elision;
    uint64_t before, after; /* of the list of robust ones, or of those that inherit */
};

/* The first 40 bytes of a pthread_mutex_t of 64 bits. */
struct layout64 {
    uint32_t word;
    uint32_t count;
    int32_t owner;
    uint32_t users;
    int32_t kind;
    int16_t spins, elision;
    uint64_t before, after;
};

/* All 24 of one of 32 bits (x86): the list takes the place of spins and elision. */
struct layout32 {
    uint32_t word;
    uint32_t count;
    int32_t owner;
    int32_t kind;
    uint32_t users;
    uint32_t next;
};

/* A pthread_rwlock_t of 64 bits. */
struct rwlock {
    uint32_t readers, writers, phase, writer_word, pad3, pad4;
    int32_t writer, shared;
    uint64_t elision, pad2;
    uint32_t flags;
};
/* Of `readers`: the lock is in a writer's phase, and a writer has it. */
#define RWLOCK_WRITTEN 3u

static bool may_be_owner(int64_t owner)
{
    return owner > 0 && owner <= PID_LIMIT;
}

/* Held and neither robust nor inheriting: the word is 1 or 2. */
static bool read_plain(const struct mutex *m, struct found_lock *lock)
{
    int type = m->kind & KIND_TYPE;
    lock->owner = m->owner;
    return (m->word == 1 || m->word == 2) && may_be_owner(m->owner) && m->users == 1 && m->before == 0 && m->after == 0 &&
           (type == TYPE_RECURSIVE ? m->count > 0 && m->count < 1000000 : m->count == 0) &&
           (type == TYPE_ADAPTIVE || m->spins == 0);
}

/* Robust, or inheriting: the word is the owner's number, and the kernel knows it. */
static bool read_marked(const struct mutex *m, struct found_lock *lock)
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

static bool read_mutex(const struct mutex *m, struct found_lock *lock)
{
    int known = KIND_TYPE | KIND_ROBUST | KIND_INHERITS | KIND_SHARED | KIND_ELISION;
    if (!(m->kind & KIND_SHARED) || (m->kind & ~known) || m->elision)
        return false;
    *lock = (struct found_lock){.state = LOCK_HELD, .robust = m->kind & KIND_ROBUST, .inherits = m->kind & KIND_INHERITS};
    return lock->robust || lock->inherits ? read_marked(m, lock) : read_plain(m, lock);
}

static bool read_mutex64(const unsigned char *at, struct found_lock *lock)
{
    struct layout64 m;
    memcpy(&m, at, sizeof m);
    struct mutex mutex = {m.word, m.count, m.users, m.owner, m.kind, m.spins, m.elision, m.before, m.after};
    return m.kind && read_mutex(&mutex, lock);
}

/* What is robust or inherits has a link where others have spins. */
static bool read_mutex32(const unsigned char *at, struct found_lock *lock)
{
    struct layout32 m;
    memcpy(&m, at, sizeof m);
    bool linked = m.kind & (KIND_ROBUST | KIND_INHERITS);
    int16_t spins = linked ? 0 : (int16_t)(m.next & 0xffff), elision = linked ? 0 : (int16_t)(m.next >> 16);
    struct mutex mutex = {m.word, m.count, m.users, m.owner, m.kind, spins, elision, 0, 0};
    return m.kind && read_mutex(&mutex, lock);
}

static bool read_rwlock64(const unsigned char *at, struct found_lock *lock)
{
    struct rwlock l;
    memset(&l, 0, sizeof l);
    memcpy(&l, at, LONGEST);
    *lock = (struct found_lock){.state = LOCK_HELD, .writer = true, .owner = l.writer};
    return l.shared == 1 && (l.readers & RWLOCK_WRITTEN) == RWLOCK_WRITTEN && may_be_owner(l.writer) && (l.phase & ~2u) == 1 &&
           l.writer_word <= 3 && l.pad3 == 0 && l.pad4 == 0 && l.elision == 0 && l.pad2 == 0 && l.flags <= 2 &&
           l.readers >> 3 < 1000000 && l.writers < 1000000;
}

struct finder {
    unsigned bits;
    void (*visit)(const struct found_lock *lock, void *user);
    void *user;
};

static bool read_lock(const struct finder *finder, const unsigned char *at, size_t bytes, struct found_lock *lock)
{
    if (finder->bits == 32)
        return bytes >= sizeof(struct layout32) && read_mutex32(at, lock);
    return (bytes >= sizeof(struct layout64) && read_mutex64(at, lock)) || (bytes >= LONGEST && read_rwlock64(at, lock));
}

/* Of a piece that others follow, what begins in its last bytes is left to the next one. */
static void search(const struct finder *finder, const unsigned char *piece, size_t bytes, uint64_t offset, bool last)
{
    size_t step = finder->bits / 8, end = last ? bytes : bytes - OVERLAP + step;
    for (size_t at = 0; at < end; at += step) {
        struct found_lock lock;
        if (read_lock(finder, piece + at, bytes - at, &lock)) {
            lock.offset = offset + at;
            finder->visit(&lock, finder->user);
        }
    }
}

/* From one stretch of data to the next. Pieces overlap by what a lock is long. */
static void search_object(const struct finder *finder, int fd, uint64_t bytes_max, unsigned char *piece)
{
    uint64_t read = 0;
    for (off_t at = 0; read < bytes_max && (at = lseek(fd, at, SEEK_DATA)) >= 0;) {
        off_t end = lseek(fd, at, SEEK_HOLE);
        while (at < end && read < bytes_max) {
            size_t wanted = end - at < (off_t)PIECE ? (size_t)(end - at) : PIECE;
            ssize_t got = pread(fd, piece, wanted, at);
            if (got <= 0)
                return;
            bool last = at + got >= end || got <= OVERLAP;
            search(finder, piece, (size_t)got, (uint64_t)at, last);
            read += (uint64_t)got;
            at += last ? got : got - OVERLAP + (off_t)finder->bits / 8;
        }
    }
}

int locks_find(int fd, unsigned bits, uint64_t bytes_max, void (*visit)(const struct found_lock *lock, void *user), void *user)
{
    struct finder finder = {bits, visit, user};
    char way[64];
    if (!LAYOUT_KNOWN) {
        errno = ENOSYS;
        return -1;
    }
    snprintf(way, sizeof way, "/proc/self/fd/%d", fd);
    int opened = open(way, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    unsigned char *piece = opened >= 0 ? malloc(PIECE) : NULL;
    if (piece)
        search_object(&finder, opened, bytes_max, piece);
    int errnum = errno;
    if (opened >= 0)
        close(opened);
    free(piece);
    errno = errnum;
    return piece ? 0 : -1;
}
