/* Locks that are found in an object: mutexes and read-write locks of POSIX threads, of this C library, that are shared between
 * processes and held by somebody; of the read-write locks those that a writer holds.
 *
 * A lock is known by its layout: of the 40 bytes of a mutex (24 in a program of 32 bits), kind, count, owner and list must all
 * be what glibc keeps there while it is held, and of a read-write lock likewise. Other primitives say nothing about an owner,
 * or cannot be told from data: readers, raw futexes, semaphores, spinlocks. Holes are skipped, and not filled.
 */
#ifndef SHM_LOCKS_H
#define SHM_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum lock_state {
    LOCK_HELD,          /* by the thread `owner` */
    LOCK_OWNER_DIED,    /* robust: the kernel has marked it; the next one who asks gets EOWNERDEAD */
    LOCK_UNRECOVERABLE, /* robust: nobody has repaired it; everybody gets ENOTRECOVERABLE */
};

struct found_lock {
    uint64_t offset; /* in the object */
    bool writer;     /* of a read-write lock; else it is a mutex */
    enum lock_state state;
    bool robust, inherits; /* PTHREAD_PRIO_INHERIT */
    pid_t owner;           /* a thread's number, in the pid namespace of whoever locked it */
};

/* The word of a lock, on which waiters sleep, is its first; of a read-write lock they sleep on one of the first four. */
#define LOCK_WORDS(lock) ((lock)->writer ? 16u : 4u)

/* Goes through at most `bytes_max` bytes of an object, and calls visit for each; -1 when the object cannot be read (errno).
 * `fd` may be an O_PATH descriptor; `bits` are those of the programs that use it: 32 or 64. */
int locks_find(int fd, unsigned bits, uint64_t bytes_max, void (*visit)(const struct found_lock *lock, void *user), void *user);

#endif
