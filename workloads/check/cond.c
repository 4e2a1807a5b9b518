/* Condition variables, read-write locks, spin locks and barriers between processes, and when one of the processes dies. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "workloads/check/rows.h"
#include "workloads/check/sync.h"

static struct box *box_with_cond(struct check *c, const char **name)
{
    pthread_condattr_t attr;
    struct box *box = box_make(c, name);
    mutex_make(c, &box->mutex, &mutex_shared);
    must_rc(c, pthread_condattr_init(&attr));
    must_rc(c, pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must_rc(c, pthread_cond_init(&box->cond, &attr));
    return box;
}

/* For a peer: waits until the value is set; -1 first, under the mutex, then the result. */
static void await_value(struct check *c, void *user)
{
    struct box *box = box_open(c, user);
    struct timespec moment;
    int rc = 0;
    must_rc(c, pthread_mutex_lock(&box->mutex));
    box->waiting++;
    tell(c->channel, -1);
    check_moment(&moment, SYNC_PATIENCE_MS);
    while (!box->value && rc == 0)
        rc = pthread_cond_timedwait(&box->cond, &box->mutex, &moment);
    pthread_mutex_unlock(&box->mutex);
    tell(c->channel, rc);
    hear(c->channel);
}

static struct check_peer start_waiter(struct check *c, const char *name)
{
    struct check_peer peer = check_start(c, await_value, (void *)(uintptr_t)name);
    hear(peer.channel);
    check_sleeps(peer.pid);
    return peer;
}

static void set_value(struct check *c, struct box *box, bool all)
{
    must_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS)); /* it is given up by who waits, not before it waits */
    box->value = 1;
    expect_rc(c, all ? pthread_cond_broadcast(&box->cond) : pthread_cond_signal(&box->cond), 0);
    must_rc(c, pthread_mutex_unlock(&box->mutex));
}

static void signal_wakes(struct check *c)
{
    const char *name;
    struct box *box = box_with_cond(c, &name);
    struct check_peer waiter = start_waiter(c, name);
    uint64_t start = check_now_ms();
    set_value(c, box, false);
    expect_number(c, hear(waiter.channel), 0, "result of the wait in another process");
    expect_true(c, check_now_ms() - start < SYNC_PATIENCE_MS / 2, "it was woken", "it found out when its patience was over");
    check_kill(c, &waiter);
}

static void broadcast_wakes_all(struct check *c)
{
    const char *name;
    struct check_peer waiters[3];
    struct box *box = box_with_cond(c, &name);
    for (int i = 0; i < 3; i++)
        waiters[i] = start_waiter(c, name);
    uint64_t start = check_now_ms();
    set_value(c, box, true);
    for (int i = 0; i < 3; i++)
        expect_number(c, hear(waiters[i].channel), 0, "result of waiter %d", i);
    expect_true(c, check_now_ms() - start < SYNC_PATIENCE_MS / 2, "all were woken", "some found out when their patience was over");
    for (int i = 0; i < 3; i++)
        check_kill(c, &waiters[i]);
}

static void cond_times_out(struct check *c)
{
    const char *name;
    struct timespec moment;
    struct box *box = box_with_cond(c, &name);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    check_moment(&moment, 30);
    uint64_t start = check_now_ms();
    expect_rc(c, pthread_cond_timedwait(&box->cond, &box->mutex, &moment), ETIMEDOUT);
    expect_true(c, check_now_ms() - start >= 25, "not before its time", "after %llu ms of 30",
                (unsigned long long)(check_now_ms() - start));
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
    expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
}

static void dead_cond_waiter(struct check *c)
{
    const char *name;
    struct box *box = box_with_cond(c, &name);
    struct check_peer dead = start_waiter(c, name), living = start_waiter(c, name);
    check_kill(c, &dead);
    uint64_t start = check_now_ms();
    set_value(c, box, true);
    expect_number(c, hear(living.channel), 0, "result of the waiter that lives");
    expect_true(c, check_now_ms() - start < SYNC_PATIENCE_MS / 2, "it was woken", "it found out when its patience was over");
    check_kill(c, &living);
}

/* ---- read-write locks ---- */

static struct box *box_with_rwlock(struct check *c, const char **name)
{
    pthread_rwlockattr_t attr;
    struct box *box = box_make(c, name);
    must_rc(c, pthread_rwlockattr_init(&attr));
    must_rc(c, pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must_rc(c, pthread_rwlock_init(&box->rwlock, &attr));
    return box;
}

static void hold_for_writing(struct check *c, void *user)
{
    struct box *box = box_open(c, user);
    must_rc(c, pthread_rwlock_wrlock(&box->rwlock));
    tell(c->channel, 1);
    hear(c->channel);
    must_rc(c, pthread_rwlock_unlock(&box->rwlock));
}

static void hold_for_reading(struct check *c, void *user)
{
    struct box *box = box_open(c, user);
    must_rc(c, pthread_rwlock_rdlock(&box->rwlock));
    tell(c->channel, 1);
    hear(c->channel);
    must_rc(c, pthread_rwlock_unlock(&box->rwlock));
}

static int lock_for_writing_within(struct box *box, unsigned ms)
{
    struct timespec moment;
    check_moment(&moment, ms);
    return pthread_rwlock_timedwrlock(&box->rwlock, &moment);
}

static struct check_peer start_rwlock(struct check *c, const char *name, void (*body)(struct check *, void *))
{
    struct check_peer peer = check_start(c, body, (void *)(uintptr_t)name);
    if (hear(peer.channel) == CHECK_GONE)
        check_fail(c, "another process locks the read-write lock", "it did not come so far");
    return peer;
}

static void rwlock_between_processes(struct check *c)
{
    const char *name;
    struct box *box = box_with_rwlock(c, &name);
    struct check_peer reader = start_rwlock(c, name, hold_for_reading);
    expect_rc(c, pthread_rwlock_tryrdlock(&box->rwlock), 0);
    expect_rc(c, pthread_rwlock_unlock(&box->rwlock), 0);
    expect_rc(c, pthread_rwlock_trywrlock(&box->rwlock), EBUSY);
    tell(reader.channel, 1);
    check_end_of(c, &reader);
    expect_rc(c, lock_for_writing_within(box, SYNC_PATIENCE_MS), 0);
    must_rc(c, pthread_rwlock_unlock(&box->rwlock));
    struct check_peer writer = start_rwlock(c, name, hold_for_writing);
    expect_rc(c, pthread_rwlock_tryrdlock(&box->rwlock), EBUSY);
    expect_rc(c, pthread_rwlock_trywrlock(&box->rwlock), EBUSY);
    tell(writer.channel, 1);
    check_end_of(c, &writer);
    expect_rc(c, pthread_rwlock_tryrdlock(&box->rwlock), 0);
}

static void dead_writer(struct check *c)
{
    const char *name;
    struct box *box = box_with_rwlock(c, &name);
    struct check_peer writer = start_rwlock(c, name, hold_for_writing);
    check_kill(c, &writer);
    expect_rc(c, pthread_rwlock_tryrdlock(&box->rwlock), EBUSY);
    expect_rc(c, lock_for_writing_within(box, SYNC_IN_VAIN_MS), ETIMEDOUT);
}

static void dead_reader(struct check *c)
{
    const char *name;
    struct box *box = box_with_rwlock(c, &name);
    struct check_peer reader = start_rwlock(c, name, hold_for_reading);
    check_kill(c, &reader);
    expect_rc(c, pthread_rwlock_tryrdlock(&box->rwlock), 0);
    must_rc(c, pthread_rwlock_unlock(&box->rwlock));
    expect_rc(c, pthread_rwlock_trywrlock(&box->rwlock), EBUSY);
    expect_rc(c, lock_for_writing_within(box, SYNC_IN_VAIN_MS), ETIMEDOUT);
}

/* ---- spin locks ---- */

static void hold_spin(struct check *c, void *user)
{
    struct box *box = box_open(c, user);
    must_rc(c, pthread_spin_trylock(&box->spin)); /* spinning on what is no lock would never end */
    must_rc(c, pthread_spin_unlock(&box->spin));
    must_rc(c, pthread_spin_lock(&box->spin));
    tell(c->channel, 1);
    if (hear(c->channel) == 1)
        must_rc(c, pthread_spin_unlock(&box->spin));
}

static void spin_between_processes(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    must_rc(c, pthread_spin_init(&box->spin, PTHREAD_PROCESS_SHARED));
    struct check_peer holder = check_start(c, hold_spin, (void *)(uintptr_t)name);
    hear(holder.channel);
    expect_rc(c, pthread_spin_trylock(&box->spin), EBUSY);
    tell(holder.channel, 1);
    check_end_of(c, &holder);
    expect_rc(c, pthread_spin_trylock(&box->spin), 0);
}

static void dead_spinner(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    must_rc(c, pthread_spin_init(&box->spin, PTHREAD_PROCESS_SHARED));
    struct check_peer holder = check_start(c, hold_spin, (void *)(uintptr_t)name);
    hear(holder.channel);
    check_kill(c, &holder);
    expect_rc(c, pthread_spin_trylock(&box->spin), EBUSY);
}

/* ---- barriers ---- */

static struct box *box_with_barrier(struct check *c, const char **name, unsigned count)
{
    pthread_barrierattr_t attr;
    struct box *box = box_make(c, name);
    must_rc(c, pthread_barrierattr_init(&attr));
    must_rc(c, pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must_rc(c, pthread_barrier_init(&box->barrier, &attr, count));
    return box;
}

static void arrive(struct check *c, void *user)
{
    struct box *box = box_open(c, user);
    tell(c->channel, -1);
    int rc = pthread_barrier_wait(&box->barrier);
    tell(c->channel, rc == PTHREAD_BARRIER_SERIAL_THREAD ? 1 : rc == 0 ? 0 : -rc);
    hear(c->channel);
}

static struct check_peer start_arrival(struct check *c, const char *name)
{
    struct check_peer peer = check_start(c, arrive, (void *)(uintptr_t)name);
    hear(peer.channel);
    if (!check_sleeps(peer.pid))
        check_fail(c, "a process waits at the barrier", "it does not sleep there");
    return peer;
}

static void barrier_between_processes(struct check *c)
{
    const char *name;
    struct box *box = box_with_barrier(c, &name, 3);
    struct check_peer one = start_arrival(c, name), other = start_arrival(c, name);
    int rc = pthread_barrier_wait(&box->barrier);
    int64_t serial = (rc == PTHREAD_BARRIER_SERIAL_THREAD) + hear(one.channel) + hear(other.channel);
    expect_number(c, serial, 1, "of three, those told that they are the serial one");
    check_kill(c, &one);
    check_kill(c, &other);
}

static void dead_arrival(struct check *c)
{
    const char *name;
    struct box *box = box_with_barrier(c, &name, 2);
    (void)box;
    struct check_peer dead = start_arrival(c, name);
    check_kill(c, &dead);
    struct check_peer next = check_start(c, arrive, (void *)(uintptr_t)name);
    hear(next.channel);
    expect_number(c, hear(next.channel), 1, "result of the next to arrive: let through, by the arrival of the dead");
    check_kill(c, &next);
}

const struct check_ops checks_others[] = {
    {.id = "cond/signal-wakes", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = signal_wakes,
     .clause = "POSIX.1-2024 pthread_cond_signal; pthread_condattr_setpshared",
     .summary = "a signal wakes a waiter in another process, who has the mutex then"},
    {.id = "cond/broadcast-wakes-all", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = broadcast_wakes_all,
     .clause = "POSIX.1-2024 pthread_cond_broadcast, DESCRIPTION", .summary = "a broadcast wakes the waiters of three processes"},
    {.id = "cond/times-out", .interface = "pthread_cond", .level = CHECK_POSIX_MUST, .run = cond_times_out,
     .clause = "POSIX.1-2024 pthread_cond_timedwait, ERRORS [ETIMEDOUT]", .summary = "a wait ends at its time, not before, with the mutex locked"},
    {.id = "cond/dead-waiter", .interface = "pthread_cond", .level = CHECK_LINUX_OBSERVED, .run = dead_cond_waiter,
     .clause = "POSIX.1-2024 pthread_cond_broadcast: says nothing of dead waiters",
     .summary = "a waiter that was killed does not keep a broadcast from the others"},
    {.id = "rwlock/between-processes", .interface = "pthread_rwlock", .level = CHECK_POSIX_MUST, .run = rwlock_between_processes,
     .clause = "POSIX.1-2024 pthread_rwlockattr_setpshared, PTHREAD_PROCESS_SHARED",
     .summary = "readers share, writers exclude, across processes"},
    {.id = "rwlock/dead-writer", .interface = "pthread_rwlock", .level = CHECK_LINUX_OBSERVED, .run = dead_writer,
     .clause = "POSIX.1-2024 pthread_rwlock_wrlock: no robust variant", .summary = "a writer that is killed leaves the lock closed for everybody"},
    {.id = "rwlock/dead-reader", .interface = "pthread_rwlock", .level = CHECK_LINUX_OBSERVED, .run = dead_reader,
     .clause = "POSIX.1-2024 pthread_rwlock_rdlock: no robust variant", .summary = "a reader that is killed leaves it closed for writers only"},
    {.id = "spin/between-processes", .interface = "pthread_spin", .level = CHECK_POSIX_MUST, .run = spin_between_processes,
     .clause = "POSIX.1-2024 pthread_spin_init, PTHREAD_PROCESS_SHARED", .summary = "a spin lock excludes another process until it is unlocked"},
    {.id = "spin/dead-holder", .interface = "pthread_spin", .level = CHECK_LINUX_OBSERVED, .run = dead_spinner,
     .clause = "POSIX.1-2024 pthread_spin_lock: no robust variant", .summary = "a holder that is killed leaves the lock closed"},
    {.id = "barrier/between-processes", .interface = "pthread_barrier", .level = CHECK_POSIX_MUST, .run = barrier_between_processes,
     .clause = "POSIX.1-2024 pthread_barrier_wait, RETURN VALUE", .summary = "three processes pass together, and one is told that it is the serial one"},
    {.id = "barrier/dead-arrival", .interface = "pthread_barrier", .level = CHECK_LINUX_OBSERVED, .run = dead_arrival,
     .clause = "POSIX.1-2024 pthread_barrier_wait: says nothing of dead processes",
     .summary = "who has arrived counts, even when it was killed since"},
    {0},
};
