/* Locks that are found in an object: pthread mutexes of this C library that are shared between processes and held by
 * somebody.
 *
 * A mutex is known by its layout: 40 bytes, of which kind, count, owner and list must all be what glibc keeps there while
 * it is held. Other primitives say nothing about an owner, or cannot be told from data: raw futexes, semaphores, spinlocks.
 * Holes are skipped, and not filled.
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
    enum lock_state state;
    bool robust, inherits; /* PTHREAD_PRIO_INHERIT */
    pid_t owner;           /* a thread's number, in the pid namespace of whoever locked it */
};

/* Goes through at most `bytes_max` bytes of an object, and calls visit for each; -1 when the object cannot be read (errno).
 * `fd` may be an O_PATH descriptor. */
int locks_find(int fd, uint64_t bytes_max, void (*visit)(const struct found_lock *lock, void *user), void *user);

#endif
