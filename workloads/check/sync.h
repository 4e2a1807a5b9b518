/* A box in shared memory that holds one of each synchronisation object, and peers that have it at another address. */
#ifndef WORKLOADS_CHECK_SYNC_H
#define WORKLOADS_CHECK_SYNC_H

#include <pthread.h>
#include <semaphore.h>

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

#endif
