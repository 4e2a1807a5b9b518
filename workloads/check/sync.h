/* A box in shared memory that holds one of each synchronisation object, and peers that have it at another address. */
#ifndef WORKLOADS_CHECK_SYNC_H
#define WORKLOADS_CHECK_SYNC_H

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "contract/check.h"

struct box {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    pthread_rwlock_t rwlock;
    pthread_spinlock_t spin;
    pthread_barrier_t barrier;
    sem_t sem;
    int value, waiting;
};

/* So long does a wait last that is expected to be in vain, and one that is not. */
#define SYNC_IN_VAIN_MS 250
#define SYNC_PATIENCE_MS 5000

/* Makes an object with an empty box in it; its name is c->names[0]'s. Returns the box, mapped. */
struct box *box_make(struct check *c, const char **name);
/* Maps the box of that name once more: at another address than any mapping that there is. */
struct box *box_open(struct check *c, const char *name);

struct mutex_kind {
    int type, shared, robust, protocol;
};
/* Shared between processes, of the default type, not robust. */
extern const struct mutex_kind mutex_shared, mutex_robust, mutex_errorcheck;
void mutex_make(struct check *c, pthread_mutex_t *mutex, const struct mutex_kind *kind);

/* pthread_mutex_timedlock with so much patience, and sem_timedwait (0 or errno). */
int mutex_lock_within(pthread_mutex_t *mutex, unsigned ms);
int sem_wait_within(sem_t *sem, unsigned ms);

/* Starts a process that calls the function with the box, at an address of its own, and tells what it returns; then it waits to
 * be told to go. It is about to call it when this returns. */
struct check_peer sync_start(struct check *c, const char *name, int (*call)(struct box *box));
/* Tells it to go, and waits. */
void sync_end(struct check *c, const struct check_peer *peer);
/* The call returns this, while the patience lasts. */
bool expect_returns(struct check *c, const struct check_peer *peer, int expected, const char *what);

/* A wait until a moment of this clock, which nobody ends, returns ETIMEDOUT: not before that moment, and soon after it. */
void expect_timeout(struct check *c, int (*wait)(struct box *box, clockid_t clock, const struct timespec *moment), struct box *box,
                    clockid_t clock, const char *what);

/* Functions that POSIX.1-2024 added, and that a C library may lack: NULL then. */
typedef int mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *moment);
typedef int cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *moment);
typedef int rwlock_clocklock(pthread_rwlock_t *lock, clockid_t clock, const struct timespec *moment);
typedef int semaphore_clockwait(sem_t *sem, clockid_t clock, const struct timespec *moment);
extern mutex_clocklock pthread_mutex_clocklock __attribute__((weak));
extern cond_clockwait pthread_cond_clockwait __attribute__((weak));
extern rwlock_clocklock pthread_rwlock_clockrdlock __attribute__((weak)), pthread_rwlock_clockwrlock __attribute__((weak));
extern semaphore_clockwait sem_clockwait __attribute__((weak));
/* UNSUPPORTED without it. */
#define sync_needs(c, function)                                                                                              \
    do                                                                                                                       \
        if (!(function))                                                                                                     \
            check_unsupported((c), "needs " #function "(), which this C library does not have");                            \
    while (0)

#endif
