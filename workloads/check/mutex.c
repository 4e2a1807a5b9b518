/* Mutexes in shared memory, and what becomes of them when their holder goes. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workloads/check/program.h"
#include "workloads/check/rows.h"
#include "workloads/check/sync.h"

/* Locks the box's mutex at an address of its own, says so, and stays. */
static void hold(struct check *c, void *user)
{
    struct box *box = box_open(c, user);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    box->value = 1; /* in the middle of an update */
    tell(c->channel, 1);
    hear(c->channel);
}

static void hold_and_exec(struct check *c, void *user)
{
    hold(c, user);
    program_become(c, NULL);
}

static void hold_and_unmap(struct check *c, void *user)
{
    struct box *box = box_open(c, user);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    must(c, munmap(box, sizeof *box));
    tell(c->channel, 1);
    hear(c->channel);
}

/* A holder that has the mutex, made anew. */
static struct check_peer start_holder(struct check *c, struct box *box, const char *name, const struct mutex_kind *kind,
                                      void (*body)(struct check *, void *))
{
    mutex_make(c, &box->mutex, kind);
    struct check_peer peer = check_start(c, body, (void *)(uintptr_t)name);
    if (hear(peer.channel) == CHECK_GONE)
        check_fail(c, "another process locks the mutex", "it did not come so far");
    return peer;
}

static void recover(struct check *c, struct box *box)
{
    bool recovered = expect_rc(c, pthread_mutex_consistent(&box->mutex), 0) &&
                     expect_rc(c, pthread_mutex_unlock(&box->mutex), 0) &&
                     expect_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS), 0) &&
                     expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
    if (recovered)
        expect_rc(c, pthread_mutex_destroy(&box->mutex), 0);
}

static void excludes_processes(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    struct check_peer peer = start_holder(c, box, name, &mutex_errorcheck, hold);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
    expect_rc(c, mutex_lock_within(&box->mutex, 30), ETIMEDOUT);
    expect_rc(c, pthread_mutex_unlock(&box->mutex), EPERM);
    check_kill(c, &peer);
}

static void hold_briefly(struct check *c, void *user)
{
    struct box *box = box_open(c, user);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    tell(c->channel, 1);
    hear(c->channel);
    box->value = 77;
    must_rc(c, pthread_mutex_unlock(&box->mutex));
    tell(c->channel, 2);
    hear(c->channel);
}

/* For a peer: locks, and tells with what result; -1 first, right before. */
static void wait_for_it(struct check *c, void *user)
{
    struct box *box = box_open(c, user);
    tell(c->channel, -1);
    int rc = mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS);
    tell(c->channel, rc);
    tell(c->channel, box->value);
}

static void wakes_across_processes(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    struct check_peer holder = start_holder(c, box, name, &mutex_shared, hold_briefly);
    struct check_peer waiter = check_start(c, wait_for_it, (void *)(uintptr_t)name);
    hear(waiter.channel);
    check_sleeps(waiter.pid);
    uint64_t start = check_now_ms();
    tell(holder.channel, 1);
    expect_number(c, hear(waiter.channel), 0, "result of the waiter's pthread_mutex_timedlock");
    expect_number(c, hear(waiter.channel), 77, "what it sees of the holder's work");
    expect_true(c, check_now_ms() - start < SYNC_PATIENCE_MS / 2, "it was woken", "it found out when its patience was over");
    check_kill(c, &holder);
    expect_end(c, &waiter);
}

/* ---- robust mutexes ---- */

static void robust_after_kill(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    struct check_peer peer = start_holder(c, box, name, &mutex_robust, hold);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
    check_kill(c, &peer);
    if (!expect_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS), EOWNERDEAD))
        return;
    expect_number(c, box->value, 1, "what the dead holder had stored");
    recover(c, box);
}

static void robust_after_exit(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    struct check_peer peer = start_holder(c, box, name, &mutex_robust, hold);
    tell(peer.channel, 1);
    expect_end(c, &peer);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EOWNERDEAD);
    recover(c, box);
}

static void robust_wakes_waiter(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    struct check_peer holder = start_holder(c, box, name, &mutex_robust, hold);
    struct check_peer waiter = check_start(c, wait_for_it, (void *)(uintptr_t)name);
    hear(waiter.channel);
    check_sleeps(waiter.pid);
    uint64_t start = check_now_ms();
    check_kill(c, &holder);
    if (!expect_number(c, hear(waiter.channel), EOWNERDEAD, "result of a waiter that slept when the holder was killed"))
        return;
    expect_true(c, check_now_ms() - start < SYNC_PATIENCE_MS / 2, "it was woken", "it found out when its patience was over");
    hear(waiter.channel);
    expect_end(c, &waiter); /* it had the mutex, inconsistent, and goes: the next one is told, too */
    if (expect_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS), EOWNERDEAD))
        recover(c, box);
}

static void robust_without_recovery(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    struct check_peer peer = start_holder(c, box, name, &mutex_robust, hold);
    check_kill(c, &peer);
    if (!expect_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS), EOWNERDEAD))
        return;
    expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
    expect_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS), ENOTRECOVERABLE);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), ENOTRECOVERABLE);
    expect_rc(c, pthread_mutex_destroy(&box->mutex), 0);
    mutex_make(c, &box->mutex, &mutex_robust);
    expect_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS), 0);
}

static void robust_after_exec(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    struct check_peer peer = start_holder(c, box, name, &mutex_robust, hold_and_exec);
    tell(peer.channel, 1);
    program_await(c, &peer);
    if (expect_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS), EOWNERDEAD))
        recover(c, box);
    program_end(c, &peer);
}

static void *lock_and_return(void *mutex)
{
    return (void *)(intptr_t)pthread_mutex_lock(mutex);
}

static void robust_after_thread(struct check *c)
{
    const char *name;
    pthread_t thread;
    struct box *box = box_make(c, &name);
    mutex_make(c, &box->mutex, &mutex_robust);
    must_rc(c, pthread_create(&thread, NULL, lock_and_return, &box->mutex));
    must_rc(c, pthread_join(thread, NULL));
    if (expect_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS), EOWNERDEAD))
        recover(c, box);
}

static void robust_with_inheritance(struct check *c)
{
    const char *name;
    struct mutex_kind kind = mutex_robust;
    struct box *box = box_make(c, &name);
    kind.protocol = PTHREAD_PRIO_INHERIT;
    struct check_peer peer = start_holder(c, box, name, &kind, hold);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
    check_kill(c, &peer);
    if (expect_rc(c, mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS), EOWNERDEAD))
        recover(c, box);
}

/* The kernel finds the locks of the dead by a list that runs through the locks themselves. */
static void robust_after_unmap(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    struct check_peer peer = start_holder(c, box, name, &mutex_robust, hold_and_unmap);
    tell(peer.channel, 1);
    expect_end(c, &peer);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
    expect_rc(c, mutex_lock_within(&box->mutex, SYNC_IN_VAIN_MS), ETIMEDOUT);
}

static void unlock_inherited(struct check *c, void *user)
{
    struct box *box = user;
    expect_rc(c, pthread_mutex_unlock(&box->mutex), EPERM);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
}

static void child_does_not_hold(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    mutex_make(c, &box->mutex, &mutex_robust);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    struct check_peer child = check_start(c, unlock_inherited, box);
    expect_end(c, &child);
    expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), 0);
}

/* ---- not robust ---- */

static void stalled_after_kill(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    struct check_peer peer = start_holder(c, box, name, &mutex_shared, hold);
    check_kill(c, &peer);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
    expect_rc(c, mutex_lock_within(&box->mutex, SYNC_IN_VAIN_MS), ETIMEDOUT);
}

static void private_across(struct check *c)
{
    const char *name;
    struct mutex_kind kind = mutex_shared;
    struct box *box = box_make(c, &name);
    kind.shared = PTHREAD_PROCESS_PRIVATE;
    mutex_make(c, &box->mutex, &kind);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    struct check_peer waiter = check_start(c, wait_for_it, (void *)(uintptr_t)name);
    hear(waiter.channel);
    if (!check_sleeps(waiter.pid))
        check_fail(c, "the waiter falls asleep", "it does not");
    must_rc(c, pthread_mutex_unlock(&box->mutex));
    check_pause_ms(SYNC_IN_VAIN_MS);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), 0); /* it is free, and its waiter sleeps on */
    check_kill(c, &waiter);
}

/* ---- attributes and single rules ---- */

static void defaults(struct check *c)
{
    pthread_mutexattr_t attr;
    int shared = -1, robust = -1;
    must_rc(c, pthread_mutexattr_init(&attr));
    must_rc(c, pthread_mutexattr_getpshared(&attr, &shared));
    must_rc(c, pthread_mutexattr_getrobust(&attr, &robust));
    expect_number(c, shared, PTHREAD_PROCESS_PRIVATE, "process-shared attribute, by default");
    expect_number(c, robust, PTHREAD_MUTEX_STALLED, "robust attribute, by default");
    expect_rc(c, pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST), 0);
    expect_rc(c, pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
    must_rc(c, pthread_mutexattr_getpshared(&attr, &shared));
    must_rc(c, pthread_mutexattr_getrobust(&attr, &robust));
    expect_number(c, shared, PTHREAD_PROCESS_SHARED, "process-shared attribute, when set");
    expect_number(c, robust, PTHREAD_MUTEX_ROBUST, "robust attribute, when set");
    expect_rc(c, pthread_mutexattr_setrobust(&attr, 4711), EINVAL);
}

static void consistent_is_for_the_dead(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    mutex_make(c, &box->mutex, &mutex_robust);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    expect_rc(c, pthread_mutex_consistent(&box->mutex), EINVAL);
    must_rc(c, pthread_mutex_unlock(&box->mutex));
    mutex_make(c, &box->mutex, &mutex_shared);
    expect_rc(c, pthread_mutex_consistent(&box->mutex), EINVAL);
}

static int lock_twice(struct box *box)
{
    int rc = pthread_mutex_lock(&box->mutex), again = pthread_mutex_lock(&box->mutex);
    pthread_mutex_unlock(&box->mutex);
    return rc ? -1 : again;
}

static int try_lock(struct box *box)
{
    return pthread_mutex_trylock(&box->mutex);
}

static void types_count(struct check *c)
{
    const char *name;
    struct mutex_kind recursive = {PTHREAD_MUTEX_RECURSIVE, PTHREAD_PROCESS_SHARED, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE};
    struct box *box = box_make(c, &name);
    mutex_make(c, &box->mutex, &mutex_errorcheck);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    expect_rc(c, mutex_lock_within(&box->mutex, SYNC_IN_VAIN_MS), EDEADLK); /* who is not told would wait for himself */
    if (!expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY))
        return;
    struct check_peer peer = sync_start(c, name, lock_twice);
    expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
    expect_rc(c, pthread_mutex_unlock(&box->mutex), EPERM);
    expect_heard(c, &peer, SYNC_PATIENCE_MS, EDEADLK, "pthread_mutex_lock by the holder of an error-checking mutex");
    sync_end(c, &peer);
    mutex_make(c, &box->mutex, &recursive);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    if (!expect_rc(c, mutex_lock_within(&box->mutex, SYNC_IN_VAIN_MS), 0))
        return;
    expect_rc(c, pthread_mutex_trylock(&box->mutex), 0);
    for (int i = 0; i < 3; i++) {
        struct check_peer other = sync_start(c, name, try_lock);
        expect_heard(c, &other, SYNC_PATIENCE_MS, EBUSY, "pthread_mutex_trylock in another process while some locks are left");
        expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
        sync_end(c, &other);
    }
    expect_rc(c, pthread_mutex_unlock(&box->mutex), EPERM);
    struct check_peer other = sync_start(c, name, try_lock);
    expect_heard(c, &other, SYNC_PATIENCE_MS, 0, "pthread_mutex_trylock in another process after as many unlocks as locks");
    check_kill(c, &other);
}

#define ROBUST "POSIX.1-2024 pthread_mutexattr_setrobust, PTHREAD_MUTEX_ROBUST"
#define LOCK "POSIX.1-2024 pthread_mutex_lock, "

const struct check_ops checks_mutex[] = {
    {.id = "mutex/excludes-processes", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST, .run = excludes_processes,
     .clause = "POSIX.1-2024 pthread_mutexattr_setpshared, PTHREAD_PROCESS_SHARED",
     .summary = "a mutex that one process holds is busy for another, which cannot unlock it"},
    {.id = "mutex/wakes-across-processes", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST, .run = wakes_across_processes,
     .clause = LOCK "DESCRIPTION", .summary = "unlocking wakes a waiter in another process, which sees the holder's stores"},
    {.id = "mutex/robust-after-kill", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST, .run = robust_after_kill,
     .clause = ROBUST ": [EOWNERDEAD]; pthread_mutex_consistent, DESCRIPTION",
     .summary = "the holder is killed: the next one, at another address, is told so, and can recover"},
    {.id = "mutex/robust-after-exit", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST, .run = robust_after_exit,
     .clause = ROBUST ": [EOWNERDEAD]", .summary = "the same when the holder exits, also with trylock"},
    {.id = "mutex/robust-after-exec", .interface = "pthread_mutex", .level = CHECK_LINUX_DOCUMENTED, .run = robust_after_exec,
     .clause = "get_robust_list(2), NOTES: exec", .summary = "the same when the holder calls exec, and lives on"},
    {.id = "mutex/robust-after-thread", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST, .run = robust_after_thread,
     .clause = ROBUST ": owning thread terminates", .summary = "the same when only the holding thread ends"},
    {.id = "mutex/robust-wakes-waiter", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST, .run = robust_wakes_waiter,
     .clause = LOCK "ERRORS [EOWNERDEAD]", .summary = "one that sleeps when the holder is killed is woken and told, and so is the next"},
    {.id = "mutex/robust-inheriting", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST, .run = robust_with_inheritance,
     .clause = ROBUST "; PTHREAD_PRIO_INHERIT", .summary = "a robust mutex with priority inheritance tells the same"},
    {.id = "mutex/robust-without-recovery", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST,
     .run = robust_without_recovery, .clause = LOCK "ERRORS [ENOTRECOVERABLE]",
     .summary = "unlocked without pthread_mutex_consistent, the mutex is lost until it is made anew"},
    {.id = "mutex/robust-after-unmap", .interface = "pthread_mutex", .level = CHECK_LINUX_OBSERVED, .run = robust_after_unmap,
     .clause = "get_robust_list(2); kernel, robust-futexes: the list must be readable",
     .summary = "a holder that unmaps the mutex and then goes leaves it locked for ever"},
    {.id = "mutex/child-does-not-hold", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST, .run = child_does_not_hold,
     .clause = "POSIX.1-2024 fork; pthread_mutex_unlock, ERRORS [EPERM]", .summary = "the child of a holder does not hold, and cannot unlock"},
    {.id = "mutex/stalled-after-kill", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST, .run = stalled_after_kill,
     .clause = "POSIX.1-2024 pthread_mutexattr_setrobust, PTHREAD_MUTEX_STALLED",
     .summary = "a mutex that is not robust stays locked when its holder is killed"},
    {.id = "mutex/private-across-processes", .interface = "pthread_mutex", .level = CHECK_LINUX_OBSERVED, .run = private_across,
     .clause = "POSIX.1-2024 pthread_mutexattr_setpshared, PTHREAD_PROCESS_PRIVATE: undefined",
     .summary = "a private mutex in shared memory excludes, but wakes nobody in another process"},
    {.id = "mutex/attributes", .interface = "pthread_mutexattr", .level = CHECK_POSIX_MUST, .run = defaults,
     .clause = "POSIX.1-2024 pthread_mutexattr_getrobust, pthread_mutexattr_getpshared; pthread_mutexattr_setrobust, ERRORS [EINVAL]",
     .summary = "by default private and not robust; what is set is read back; robustness that is none is refused"},
    {.id = "mutex/consistent-is-for-the-dead", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST,
     .run = consistent_is_for_the_dead, .clause = "POSIX.1-2024 pthread_mutex_consistent, ERRORS [EINVAL]",
     .summary = "pthread_mutex_consistent is refused where no holder has died"},
    {.id = "mutex/types-count", .interface = "pthread_mutex", .level = CHECK_POSIX_MUST, .run = types_count,
     .clause = LOCK "DESCRIPTION: table of types", .summary = "error-checking and recursive mutexes keep their rules in shared memory"},
    {0},
};
