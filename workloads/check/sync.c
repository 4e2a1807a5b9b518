/* The box of synchronisation objects that the checks of mutexes, semaphores and the others share. */
#define _GNU_SOURCE
#include "workloads/check/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

const struct mutex_kind mutex_shared = {
    .type = PTHREAD_MUTEX_DEFAULT, .shared = PTHREAD_PROCESS_SHARED, .robust = PTHREAD_MUTEX_STALLED};
const struct mutex_kind mutex_robust = {
    .type = PTHREAD_MUTEX_DEFAULT, .shared = PTHREAD_PROCESS_SHARED, .robust = PTHREAD_MUTEX_ROBUST};
const struct mutex_kind mutex_errorcheck = {
    .type = PTHREAD_MUTEX_ERRORCHECK, .shared = PTHREAD_PROCESS_SHARED, .robust = PTHREAD_MUTEX_STALLED};

struct box *box_make(struct check *c, const char **name)
{
    *name = check_name(c);
    int fd = check_object(c, *name, sizeof(struct box));
    struct box *box = check_map(c, fd, sizeof *box);
    must(c, close(fd));
    return box;
}

struct box *box_open(struct check *c, const char *name)
{
    int fd = (int)must(c, shm_open(name, O_RDWR, 0));
    struct box *box = check_map(c, fd, sizeof *box);
    must(c, close(fd));
    return box;
}

void mutex_make(struct check *c, pthread_mutex_t *mutex, const struct mutex_kind *kind)
{
    pthread_mutexattr_t attr;
    must_rc(c, pthread_mutexattr_init(&attr));
    must_rc(c, pthread_mutexattr_settype(&attr, kind->type));
    must_rc(c, pthread_mutexattr_setpshared(&attr, kind->shared));
    must_rc(c, pthread_mutexattr_setrobust(&attr, kind->robust));
    must_rc(c, pthread_mutexattr_setprotocol(&attr, kind->protocol));
    must_rc(c, pthread_mutex_init(mutex, &attr));
    pthread_mutexattr_destroy(&attr);
}

int mutex_lock_within(pthread_mutex_t *mutex, unsigned ms)
{
    struct timespec moment;
    check_moment(&moment, ms);
    return pthread_mutex_timedlock(mutex, &moment);
}

int sem_wait_within(sem_t *sem, unsigned ms)
{
    struct timespec moment;
    check_moment(&moment, ms);
    while (sem_timedwait(sem, &moment) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}
