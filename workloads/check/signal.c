/* Signals that are handled while a process waits: but for semaphores, the wait goes on as if nothing had been. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "workloads/check/rows.h"
#include "workloads/check/sync.h"

/* How a process comes to wait, and what ends that. */
struct wait {
    const char *call;
    void (*close)(struct check *c, struct box *box);
    int (*wait)(struct box *box); /* in another process; 0 or an error number */
    void (*open)(struct check *c, struct box *box);
};

/* ---- mutex ---- */

static void mutex_close(struct check *c, struct box *box)
{
    mutex_make(c, &box->mutex, &mutex_shared);
    must_rc(c, pthread_mutex_lock(&box->mutex));
}

static void mutex_open(struct check *c, struct box *box)
{
    must_rc(c, pthread_mutex_unlock(&box->mutex));
}

static int mutex_wait(struct box *box)
{
    return pthread_mutex_lock(&box->mutex);
}

static int mutex_wait_timed(struct box *box)
{
    return mutex_lock_within(&box->mutex, 4 * SYNC_PATIENCE_MS);
}

/* ---- read-write lock ---- */

static void rwlock_close(struct check *c, struct box *box)
{
    pthread_rwlockattr_t attr;
    must_rc(c, pthread_rwlockattr_init(&attr));
    must_rc(c, pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must_rc(c, pthread_rwlock_init(&box->rwlock, &attr));
    must_rc(c, pthread_rwlock_wrlock(&box->rwlock));
    pthread_rwlockattr_destroy(&attr);
}

static void rwlock_open(struct check *c, struct box *box)
{
    must_rc(c, pthread_rwlock_unlock(&box->rwlock));
}

static int rwlock_wait_reading(struct box *box)
{
    return pthread_rwlock_rdlock(&box->rwlock);
}

static int rwlock_wait_writing(struct box *box)
{
    return pthread_rwlock_wrlock(&box->rwlock);
}

/* ---- condition variable ---- */

static void cond_close(struct check *c, struct box *box)
{
    pthread_condattr_t attr;
    mutex_make(c, &box->mutex, &mutex_errorcheck);
    must_rc(c, pthread_condattr_init(&attr));
    must_rc(c, pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must_rc(c, pthread_cond_init(&box->cond, &attr));
    pthread_condattr_destroy(&attr);
}

static void cond_open(struct check *c, struct box *box)
{
    must_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS));
    box->value = 1;
    must_rc(c, pthread_cond_signal(&box->cond));
    must_rc(c, pthread_mutex_unlock(&box->mutex));
}

/* It may wake up without a reason, with 0; the mutex must be held whenever it returns. */
static int cond_wait_until(struct box *box, const struct timespec *moment)
{
    int rc = pthread_mutex_lock(&box->mutex);
    while (rc == 0 && !box->value)
        rc = moment ? pthread_cond_timedwait(&box->cond, &box->mutex, moment) : pthread_cond_wait(&box->cond, &box->mutex);
    return rc ? rc : pthread_mutex_unlock(&box->mutex);
}

static int cond_wait(struct box *box)
{
    return cond_wait_until(box, NULL);
}

static int cond_wait_timed(struct box *box)
{
    struct timespec moment;
    check_moment(&moment, 4 * SYNC_PATIENCE_MS);
    return cond_wait_until(box, &moment);
}

/* ---- barrier ---- */

static void barrier_close(struct check *c, struct box *box)
{
    pthread_barrierattr_t attr;
    must_rc(c, pthread_barrierattr_init(&attr));
    must_rc(c, pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must_rc(c, pthread_barrier_init(&box->barrier, &attr, 2));
    pthread_barrierattr_destroy(&attr);
}

static int barrier_wait(struct box *box)
{
    int rc = pthread_barrier_wait(&box->barrier);
    return rc == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : rc;
}

static void barrier_open(struct check *c, struct box *box)
{
    must_rc(c, barrier_wait(box));
}

/* ---- what is looked at ---- */

static void do_nothing(int number)
{
    (void)number;
}

static void goes_on(struct check *c)
{
    const struct wait *wait = c->row->with;
    const char *name;
    struct box *box = box_make(c, &name);
    struct sigaction action = {.sa_handler = do_nothing}; /* without SA_RESTART; inherited, so that no signal comes too early */
    must(c, sigaction(SIGUSR1, &action, NULL));
    wait->close(c, box);
    struct check_peer waiter = sync_start(c, name, wait->wait);
    for (int i = 0; i < 3; i++) {
        if (!expect_waiting(c, &waiter, i ? "it goes on waiting after a signal was handled" : "it waits"))
            return;
        must(c, kill(waiter.pid, SIGUSR1));
    }
    expect_waiting(c, &waiter, "it goes on waiting after a signal was handled");
    wait->open(c, box);
    expect_returns(c, &waiter, 0, wait->call);
    check_kill(c, &waiter);
}

#define ROW(NAME, INTERFACE, CLAUSE, SUMMARY, ...)                                                                           \
    {.id = "signal/" NAME, .interface = INTERFACE, .level = CHECK_POSIX_MUST, .run = goes_on,                                \
     .clause = "POSIX.1-2024 " INTERFACE ", " CLAUSE, .summary = SUMMARY, .with = &(const struct wait){INTERFACE, __VA_ARGS__}}
#define RESUMES "DESCRIPTION: resumes waiting as if it was not interrupted"
#define NO_EINTR "ERRORS: shall not return [EINTR]"

const struct check_ops checks_signal[] = {
    ROW("mutex-wait-goes-on", "pthread_mutex_lock", RESUMES, "a signal that is handled does not end a wait for a mutex", mutex_close,
        mutex_wait, mutex_open),
    ROW("timed-mutex-wait-goes-on", "pthread_mutex_timedlock", NO_EINTR, "nor one until a moment", mutex_close, mutex_wait_timed,
        mutex_open),
    ROW("reader-goes-on", "pthread_rwlock_rdlock", RESUMES, "a signal that is handled does not end a reader's wait for a read-write lock",
        rwlock_close, rwlock_wait_reading, rwlock_open),
    ROW("writer-goes-on", "pthread_rwlock_wrlock", RESUMES, "nor a writer's", rwlock_close, rwlock_wait_writing, rwlock_open),
    ROW("cond-wait-goes-on", "pthread_cond_wait", NO_EINTR, "a wait for a condition never says that a signal ended it", cond_close,
        cond_wait, cond_open),
    ROW("timed-cond-wait-goes-on", "pthread_cond_timedwait", NO_EINTR, "nor does one until a moment", cond_close, cond_wait_timed,
        cond_open),
    ROW("barrier-wait-goes-on", "pthread_barrier_wait", RESUMES, "a signal that is handled does not let a process through a barrier",
        barrier_close, barrier_wait, barrier_open),
    {0},
};
