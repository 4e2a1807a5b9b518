/* Read-write locks between processes, and when one of the processes dies. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "workloads/check/rows.h"
#include "workloads/check/sync.h"

static struct box *box_with_rwlock(struct check *c, const char **name)
{
    pthread_rwlockattr_t attr;
    struct box *box = box_make(c, name);
    must_rc(c, pthread_rwlockattr_init(&attr));
    must_rc(c, pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must_rc(c, pthread_rwlock_init(&box->rwlock, &attr));
    pthread_rwlockattr_destroy(&attr);
    return box;
}

static int read_lock(struct box *box)
{
    return pthread_rwlock_rdlock(&box->rwlock);
}

static int write_lock(struct box *box)
{
    return pthread_rwlock_wrlock(&box->rwlock);
}

static int read_lock_timed(struct box *box)
{
    struct timespec moment;
    check_moment(&moment, SYNC_PATIENCE_MS);
    return pthread_rwlock_timedrdlock(&box->rwlock, &moment);
}

static int write_lock_timed(struct box *box)
{
    struct timespec moment;
    check_moment(&moment, SYNC_PATIENCE_MS);
    return pthread_rwlock_timedwrlock(&box->rwlock, &moment);
}

/* A process that holds the lock when this returns. */
static struct check_peer start_holder(struct check *c, const char *name, int (*lock)(struct box *))
{
    struct check_peer peer = sync_start(c, name, lock);
    expect_heard(c, &peer, SYNC_PATIENCE_MS, 0, "another process locks the read-write lock");
    return peer;
}

static int lock_within(struct box *box, int (*lock)(pthread_rwlock_t *, const struct timespec *), unsigned ms)
{
    struct timespec moment;
    check_moment(&moment, ms);
    return lock(&box->rwlock, &moment);
}

static void readers_share(struct check *c)
{
    const char *name;
    struct box *box = box_with_rwlock(c, &name);
    struct check_peer one = start_holder(c, name, read_lock), other = start_holder(c, name, read_lock_timed);
    expect_rc(c, pthread_rwlock_tryrdlock(&box->rwlock), 0);
    expect_rc(c, pthread_rwlock_trywrlock(&box->rwlock), EBUSY);
    expect_rc(c, pthread_rwlock_unlock(&box->rwlock), 0);
    struct check_peer third = start_holder(c, name, read_lock);
    check_kill(c, &one);
    check_kill(c, &other);
    check_kill(c, &third);
}

static void writers_exclude(struct check *c)
{
    const char *name;
    struct box *box = box_with_rwlock(c, &name);
    struct check_peer writer = start_holder(c, name, write_lock);
    expect_rc(c, pthread_rwlock_tryrdlock(&box->rwlock), EBUSY);
    expect_rc(c, pthread_rwlock_trywrlock(&box->rwlock), EBUSY);
    expect_rc(c, lock_within(box, pthread_rwlock_timedrdlock, 30), ETIMEDOUT);
    expect_rc(c, lock_within(box, pthread_rwlock_timedwrlock, 30), ETIMEDOUT);
    check_kill(c, &writer);
}

/* Held by this process in one way, wanted by another one in the other: it waits, and is let in by the unlock. */
struct contest {
    int (*held)(pthread_rwlock_t *lock), (*wanted)(struct box *box);
};

static void unlocking_wakes(struct check *c)
{
    const char *name;
    const struct contest *contest = c->row->with;
    struct box *box = box_with_rwlock(c, &name);
    expect_rc(c, contest->held(&box->rwlock), 0);
    struct check_peer waiter = sync_start(c, name, contest->wanted);
    expect_waiting(c, &waiter, "who wants it waits");
    expect_rc(c, pthread_rwlock_unlock(&box->rwlock), 0);
    expect_returns(c, &waiter, 0, "lock that was waited for in another process");
    expect_rc(c, pthread_rwlock_trywrlock(&box->rwlock), EBUSY);
    check_kill(c, &waiter);
}

static int unlock(struct box *box)
{
    int rc = pthread_rwlock_wrlock(&box->rwlock);
    return rc ? rc : pthread_rwlock_unlock(&box->rwlock);
}

static void unlocked_is_free(struct check *c)
{
    const char *name;
    struct box *box = box_with_rwlock(c, &name);
    struct check_peer peer = sync_start(c, name, unlock);
    expect_returns(c, &peer, 0, "lock and unlock in another process");
    expect_rc(c, pthread_rwlock_trywrlock(&box->rwlock), 0);
    expect_rc(c, pthread_rwlock_unlock(&box->rwlock), 0);
    expect_rc(c, pthread_rwlock_tryrdlock(&box->rwlock), 0);
    expect_rc(c, pthread_rwlock_unlock(&box->rwlock), 0);
    expect_rc(c, pthread_rwlock_trywrlock(&box->rwlock), 0);
    expect_rc(c, pthread_rwlock_unlock(&box->rwlock), 0);
    expect_rc(c, pthread_rwlock_destroy(&box->rwlock), 0);
}

static int timed_read(struct box *box, clockid_t clock, const struct timespec *moment)
{
    (void)clock;
    return pthread_rwlock_timedrdlock(&box->rwlock, moment);
}

static int timed_write(struct box *box, clockid_t clock, const struct timespec *moment)
{
    (void)clock;
    return pthread_rwlock_timedwrlock(&box->rwlock, moment);
}

static int clock_read(struct box *box, clockid_t clock, const struct timespec *moment)
{
    return pthread_rwlock_clockrdlock(&box->rwlock, clock, moment);
}

static int clock_write(struct box *box, clockid_t clock, const struct timespec *moment)
{
    return pthread_rwlock_clockwrlock(&box->rwlock, clock, moment);
}

static void times_out(struct check *c)
{
    const char *name;
    struct box *box = box_with_rwlock(c, &name);
    struct check_peer writer = start_holder(c, name, write_lock);
    expect_timeout(c, timed_read, box, CLOCK_REALTIME, "pthread_rwlock_timedrdlock");
    expect_timeout(c, timed_write, box, CLOCK_REALTIME, "pthread_rwlock_timedwrlock");
    check_kill(c, &writer);
}

static void has_clocks(struct check *c)
{
    const char *name;
    sync_needs(c, pthread_rwlock_clockrdlock);
    struct box *box = box_with_rwlock(c, &name);
    struct check_peer writer = start_holder(c, name, write_lock);
    expect_timeout(c, clock_read, box, CLOCK_MONOTONIC, "pthread_rwlock_clockrdlock with CLOCK_MONOTONIC");
    expect_timeout(c, clock_write, box, CLOCK_MONOTONIC, "pthread_rwlock_clockwrlock with CLOCK_MONOTONIC");
    check_kill(c, &writer);
}

static int lock_twice(struct box *box)
{
    int rc = pthread_rwlock_wrlock(&box->rwlock);
    return rc ? -1 : pthread_rwlock_wrlock(&box->rwlock);
}

/* POSIX lets an implementation tell, or wait for itself. */
static void relocking(struct check *c)
{
    const char *name;
    box_with_rwlock(c, &name);
    struct check_peer peer = sync_start(c, name, lock_twice);
    int64_t heard = hear_within(peer.channel, SYNC_IN_VAIN_MS);
    if (heard == CHECK_SILENT)
        check_deviates(c, "who locks for writing twice is told EDEADLK", "it waits for itself",
                       "POSIX allows either; this C library does not look who holds the lock");
    else
        expect_number(c, heard, EDEADLK, "result of pthread_rwlock_wrlock by the one that holds it");
    check_kill(c, &peer);
}

static void attributes(struct check *c)
{
    pthread_rwlockattr_t attr;
    int shared = -1;
    must_rc(c, pthread_rwlockattr_init(&attr));
    must_rc(c, pthread_rwlockattr_getpshared(&attr, &shared));
    expect_number(c, shared, PTHREAD_PROCESS_PRIVATE, "process-shared attribute, by default");
    expect_rc(c, pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
    must_rc(c, pthread_rwlockattr_getpshared(&attr, &shared));
    expect_number(c, shared, PTHREAD_PROCESS_SHARED, "process-shared attribute, when set");
}

static void nonsense(struct check *c)
{
    pthread_rwlockattr_t attr;
    must_rc(c, pthread_rwlockattr_init(&attr));
    expect_rc(c, pthread_rwlockattr_setpshared(&attr, 4711), EINVAL);
}

static void dead_writer(struct check *c)
{
    const char *name;
    struct box *box = box_with_rwlock(c, &name);
    struct check_peer writer = start_holder(c, name, write_lock);
    check_kill(c, &writer);
    expect_rc(c, pthread_rwlock_tryrdlock(&box->rwlock), EBUSY);
    expect_rc(c, lock_within(box, pthread_rwlock_timedwrlock, SYNC_IN_VAIN_MS), ETIMEDOUT);
}

static void dead_reader(struct check *c)
{
    const char *name;
    struct box *box = box_with_rwlock(c, &name);
    struct check_peer reader = start_holder(c, name, read_lock);
    check_kill(c, &reader);
    expect_rc(c, pthread_rwlock_tryrdlock(&box->rwlock), 0);
    must_rc(c, pthread_rwlock_unlock(&box->rwlock));
    expect_rc(c, pthread_rwlock_trywrlock(&box->rwlock), EBUSY);
    expect_rc(c, lock_within(box, pthread_rwlock_timedwrlock, SYNC_IN_VAIN_MS), ETIMEDOUT);
}

#define LOCKS .interface = "pthread_rwlock", .level = CHECK_POSIX_MUST
#define WAKES(word, the_held, the_wanted, the_clause, text)                                                                  \
    {                                                                                                                        \
        .id = "rwlock/" word, LOCKS, .run = unlocking_wakes, .with = &(const struct contest){the_held, the_wanted},          \
        .clause = the_clause, .summary = text                                                                                \
    }

const struct check_ops checks_rwlock[] = {
    {.id = "rwlock/readers-share", LOCKS, .run = readers_share,
     .clause = "POSIX.1-2024 pthread_rwlock_rdlock, DESCRIPTION; pthread_rwlockattr_setpshared, PTHREAD_PROCESS_SHARED",
     .summary = "readers of several processes share it, and keep a writer out"},
    {.id = "rwlock/writers-exclude", LOCKS, .run = writers_exclude,
     .clause = "POSIX.1-2024 pthread_rwlock_wrlock, DESCRIPTION; pthread_rwlockattr_setpshared, PTHREAD_PROCESS_SHARED",
     .summary = "a writer keeps readers and writers of other processes out"},
    WAKES("reader-lets-writer-in", pthread_rwlock_rdlock, write_lock, "POSIX.1-2024 pthread_rwlock_unlock, DESCRIPTION",
          "a writer in another process waits for a reader, and is woken by its unlock"),
    WAKES("writer-lets-reader-in", pthread_rwlock_wrlock, read_lock, "POSIX.1-2024 pthread_rwlock_unlock, DESCRIPTION",
          "a reader in another process waits for a writer, and is woken by its unlock"),
    WAKES("writer-lets-writer-in", pthread_rwlock_wrlock, write_lock_timed, "POSIX.1-2024 pthread_rwlock_timedwrlock, DESCRIPTION",
          "so is a writer that waits until a moment"),
    {.id = "rwlock/unlocked-is-free", LOCKS, .run = unlocked_is_free, .clause = "POSIX.1-2024 pthread_rwlock_unlock, DESCRIPTION",
     .summary = "once unlocked it is free for readers and writers of every process"},
    {.id = "rwlock/times-out", LOCKS, .run = times_out,
     .clause = "POSIX.1-2024 pthread_rwlock_timedrdlock, pthread_rwlock_timedwrlock, ERRORS [ETIMEDOUT]",
     .summary = "a wait ends at its time, for readers and writers"},
    {.id = "rwlock/has-clocks", LOCKS, .run = has_clocks,
     .clause = "POSIX.1-2024 pthread_rwlock_clockrdlock, pthread_rwlock_clockwrlock, DESCRIPTION",
     .summary = "waits are measured by the clock that they are given"},
    {.id = "rwlock/relocking-is-told", .interface = "pthread_rwlock", .level = CHECK_POSIX_MAY, .run = relocking,
     .clause = "POSIX.1-2024 pthread_rwlock_wrlock, ERRORS [EDEADLK]", .summary = "who holds it for writing and locks it again is told so"},
    {.id = "rwlock/attributes", .interface = "pthread_rwlockattr", .level = CHECK_POSIX_MUST, .run = attributes,
     .clause = "POSIX.1-2024 pthread_rwlockattr_getpshared, DESCRIPTION", .summary = "by default private; what is set is read back"},
    {.id = "rwlock/nonsense-is-refused", .interface = "pthread_rwlockattr", .level = CHECK_POSIX_MAY, .run = nonsense,
     .clause = "POSIX.1-2024 pthread_rwlockattr_setpshared, ERRORS: may fail [EINVAL]", .summary = "a sharing that is none is refused"},
    {.id = "rwlock/dead-writer", .interface = "pthread_rwlock", .level = CHECK_LINUX_OBSERVED, .run = dead_writer,
     .clause = "POSIX.1-2024 pthread_rwlock_wrlock: no robust variant", .summary = "a writer that is killed leaves the lock closed for everybody"},
    {.id = "rwlock/dead-reader", .interface = "pthread_rwlock", .level = CHECK_LINUX_OBSERVED, .run = dead_reader,
     .clause = "POSIX.1-2024 pthread_rwlock_rdlock: no robust variant", .summary = "a reader that is killed leaves it closed for writers only"},
    {0},
};
