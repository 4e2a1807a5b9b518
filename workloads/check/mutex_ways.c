/* Mutexes in shared memory: the four ways to lock one, moments and clocks, and the attributes that are left. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "workloads/check/rows.h"
#include "workloads/check/sync.h"

/* ---- the ways; each has some patience where it can ---- */

static int by_lock(struct box *box)
{
    return pthread_mutex_lock(&box->mutex);
}

static int by_trylock(struct box *box)
{
    return pthread_mutex_trylock(&box->mutex);
}

static int by_timedlock(struct box *box)
{
    return mutex_lock_within(&box->mutex, SYNC_PATIENCE_MS);
}

static int by_clocklock(struct box *box)
{
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_sec += SYNC_PATIENCE_MS / 1000;
    return pthread_mutex_clocklock(&box->mutex, CLOCK_MONOTONIC, &moment);
}

struct way {
    int (*lock)(struct box *box);
    const char *name;
};

static const struct way ways[] = {{by_lock, "pthread_mutex_lock"},
                                  {by_trylock, "pthread_mutex_trylock"},
                                  {by_timedlock, "pthread_mutex_timedlock"},
                                  {by_clocklock, "pthread_mutex_clocklock"}};

static const struct way *way_of(struct check *c)
{
    const struct way *way = c->row->with;
    if (way->lock == by_clocklock)
        sync_needs(c, pthread_mutex_clocklock);
    return way;
}

/* A mutex that is left locked: its holder was killed. */
static struct box *box_of_the_dead(struct check *c, const char **name, const struct mutex_kind *kind)
{
    struct box *box = box_make(c, name);
    mutex_make(c, &box->mutex, kind);
    struct check_peer holder = sync_start(c, *name, by_lock);
    expect_heard(c, &holder, SYNC_PATIENCE_MS, 0, "another process locks the mutex");
    check_kill(c, &holder);
    return box;
}

static int recover(struct box *box)
{
    int rc = pthread_mutex_consistent(&box->mutex);
    return rc ? rc : pthread_mutex_unlock(&box->mutex);
}

/* By a process of its own: one that is not told may wait for ever. */
static void way_tells_of_death(struct check *c)
{
    const char *name;
    const struct way *way = way_of(c);
    struct box *box = box_of_the_dead(c, &name, &mutex_robust);
    struct check_peer next = sync_start(c, name, way->lock);
    if (!expect_heard(c, &next, SYNC_PATIENCE_MS, EOWNERDEAD, way->name))
        return;
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY); /* who is told has it */
    check_kill(c, &next);                                    /* and has not recovered it */
    if (!expect_rc(c, by_timedlock(box), EOWNERDEAD))
        return;
    expect_rc(c, recover(box), 0);
    struct check_peer last = sync_start(c, name, way->lock);
    expect_heard(c, &last, SYNC_PATIENCE_MS, 0, way->name);
    check_kill(c, &last);
}

static void way_tells_of_loss(struct check *c)
{
    const char *name;
    const struct way *way = way_of(c);
    struct box *box = box_of_the_dead(c, &name, &mutex_robust);
    if (!expect_rc(c, by_timedlock(box), EOWNERDEAD))
        return;
    expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
    for (int i = 0; i < 2; i++) { /* for good */
        struct check_peer next = sync_start(c, name, way->lock);
        int64_t told = hear_within(next.channel, SYNC_PATIENCE_MS);
        if (i && told == EBUSY && way->lock == by_trylock)
            check_deviates(c, "each pthread_mutex_trylock returns ENOTRECOVERABLE", "the second one returns EBUSY",
                           "glibc's trylock tells so once, and leaves the mutex locked: who asks later waits for ever");
        else
            expect_number(c, told, ENOTRECOVERABLE, "%s", way->name);
        sync_end(c, &next);
    }
}

static void way_waits(struct check *c)
{
    const char *name;
    const struct way *way = way_of(c);
    struct box *box = box_make(c, &name);
    mutex_make(c, &box->mutex, &mutex_errorcheck);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    struct check_peer waiter = sync_start(c, name, way->lock);
    expect_waiting(c, &waiter, way->name);
    expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
    expect_returns(c, &waiter, 0, way->name);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
    expect_rc(c, pthread_mutex_unlock(&box->mutex), EPERM);
    check_kill(c, &waiter);
}

static int lock_and_recover(struct box *box)
{
    int rc = pthread_mutex_lock(&box->mutex);
    if (rc == EOWNERDEAD && recover(box) != 0)
        return -1;
    return rc == 0 ? pthread_mutex_unlock(&box->mutex) : rc;
}

/* One of them is told, and recovers; for the other it is a mutex like any other. */
static void two_wait_for_the_dead(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    mutex_make(c, &box->mutex, &mutex_robust);
    struct check_peer holder = sync_start(c, name, by_lock), waiters[2];
    expect_heard(c, &holder, SYNC_PATIENCE_MS, 0, "another process locks the mutex");
    for (int i = 0; i < 2; i++) {
        waiters[i] = sync_start(c, name, lock_and_recover);
        expect_waiting(c, &waiters[i], "a process waits for the mutex");
    }
    check_kill(c, &holder);
    int64_t told[2] = {hear_within(waiters[0].channel, SYNC_PATIENCE_MS), hear_within(waiters[1].channel, SYNC_PATIENCE_MS)};
    expect_true(c, (told[0] == EOWNERDEAD && told[1] == 0) || (told[0] == 0 && told[1] == EOWNERDEAD),
                "one waiter is told EOWNERDEAD, the other one gets it recovered", "they are told %lld and %lld", (long long)told[0],
                (long long)told[1]);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), 0);
}

#define SEVERAL 5

/* The rest of the page holds more of them. */
static pthread_mutex_t *more_of(struct box *box)
{
    return (pthread_mutex_t *)(void *)(box + 1);
}

static int lock_several(struct box *box)
{
    for (int i = 0; i < SEVERAL; i++)
        if (pthread_mutex_lock(&more_of(box)[i]) != 0)
            return -1;
    return pthread_mutex_unlock(&more_of(box)[1]); /* not the one that was locked last */
}

static void several_of_the_dead(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    for (int i = 0; i < SEVERAL; i++)
        mutex_make(c, &more_of(box)[i], &mutex_robust);
    struct check_peer holder = sync_start(c, name, lock_several);
    expect_heard(c, &holder, SYNC_PATIENCE_MS, 0, "another process locks five mutexes, and unlocks one");
    must(c, shm_unlink(name));
    check_kill(c, &holder);
    for (int i = 0; i < SEVERAL; i++)
        expect_number(c, mutex_lock_within(&more_of(box)[i], SYNC_PATIENCE_MS), i == 1 ? 0 : EOWNERDEAD, "result for mutex %d of %d", i,
                      SEVERAL);
}

/* ---- moments and clocks ---- */

static int timed(struct box *box, clockid_t clock, const struct timespec *moment)
{
    (void)clock;
    return pthread_mutex_timedlock(&box->mutex, moment);
}

static int clocked(struct box *box, clockid_t clock, const struct timespec *moment)
{
    return pthread_mutex_clocklock(&box->mutex, clock, moment);
}

static struct box *box_held_by_another(struct check *c, struct check_peer *holder)
{
    const char *name;
    struct box *box = box_make(c, &name);
    mutex_make(c, &box->mutex, &mutex_shared);
    *holder = sync_start(c, name, by_lock);
    expect_heard(c, holder, SYNC_PATIENCE_MS, 0, "another process locks the mutex");
    return box;
}

static void times_out(struct check *c)
{
    struct check_peer holder;
    struct timespec none = {.tv_nsec = 1000000000};
    struct box *box = box_held_by_another(c, &holder);
    expect_timeout(c, timed, box, CLOCK_REALTIME, "pthread_mutex_timedlock");
    expect_rc(c, pthread_mutex_timedlock(&box->mutex, &none), EINVAL);
    check_kill(c, &holder);
}

static void has_clocks(struct check *c)
{
    struct check_peer holder;
    sync_needs(c, pthread_mutex_clocklock);
    struct box *box = box_held_by_another(c, &holder);
    expect_timeout(c, clocked, box, CLOCK_MONOTONIC, "pthread_mutex_clocklock with CLOCK_MONOTONIC");
    expect_timeout(c, clocked, box, CLOCK_REALTIME, "pthread_mutex_clocklock with CLOCK_REALTIME");
    check_kill(c, &holder);
}

static void free_one_has_time(struct check *c)
{
    const char *name;
    struct timespec past = {.tv_sec = 1};
    struct box *box = box_make(c, &name);
    mutex_make(c, &box->mutex, &mutex_shared);
    expect_rc(c, pthread_mutex_timedlock(&box->mutex, &past), 0);
    expect_rc(c, pthread_mutex_trylock(&box->mutex), EBUSY);
    expect_rc(c, pthread_mutex_timedlock(&box->mutex, &past), ETIMEDOUT);
}

/* ---- attributes ---- */

static void types_and_protocols(struct check *c)
{
    static const int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};
    static const int protocols[] = {PTHREAD_PRIO_INHERIT, PTHREAD_PRIO_NONE};
    pthread_mutexattr_t attr;
    int value = -1;
    must_rc(c, pthread_mutexattr_init(&attr));
    must_rc(c, pthread_mutexattr_gettype(&attr, &value));
    expect_number(c, value, PTHREAD_MUTEX_DEFAULT, "type, by default");
    must_rc(c, pthread_mutexattr_getprotocol(&attr, &value));
    expect_number(c, value, PTHREAD_PRIO_NONE, "protocol, by default");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        expect_rc(c, pthread_mutexattr_settype(&attr, types[i]), 0);
        must_rc(c, pthread_mutexattr_gettype(&attr, &value));
        expect_number(c, value, types[i], "type, when set");
    }
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        expect_rc(c, pthread_mutexattr_setprotocol(&attr, protocols[i]), 0);
        must_rc(c, pthread_mutexattr_getprotocol(&attr, &value));
        expect_number(c, value, protocols[i], "protocol, when set");
    }
    expect_rc(c, pthread_mutexattr_settype(&attr, 4711), EINVAL);
}

static void nonsense(struct check *c)
{
    pthread_mutexattr_t attr;
    must_rc(c, pthread_mutexattr_init(&attr));
    expect_rc(c, pthread_mutexattr_setpshared(&attr, 4711), EINVAL);
    expect_rc(c, pthread_mutexattr_setprotocol(&attr, 4711), EINVAL);
}

/* The field of /proc/PID/stat that tells the priority at which a process is run now: below -1 it is one of real time. */
static long priority_of(pid_t pid)
{
    char path[64], line[512];
    long priority = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char *rest = check_first_line(path, line, sizeof line) ? strrchr(line, ')') : NULL;
    if (rest)
        sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %ld", &priority);
    return priority;
}

static int wait_in_real_time(struct box *box)
{
    struct sched_param priority = {.sched_priority = 10};
    if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
        return -1;
    return pthread_mutex_lock(&box->mutex);
}

static void inherits_priority(struct check *c)
{
    const char *name;
    struct mutex_kind kind = mutex_shared;
    struct box *box = box_make(c, &name);
    kind.protocol = PTHREAD_PRIO_INHERIT;
    mutex_make(c, &box->mutex, &kind);
    must_rc(c, pthread_mutex_lock(&box->mutex));
    struct check_peer waiter = sync_start(c, name, wait_in_real_time);
    if (hear_within(waiter.channel, 50) != CHECK_SILENT)
        check_unsupported(c, "needs real-time priorities: sched_setscheduler refuses them");
    expect_waiting(c, &waiter, "a process of real-time priority waits");
    expect_number(c, priority_of(getpid()), -11, "priority of the holder while one of real-time priority 10 waits");
    expect_rc(c, pthread_mutex_unlock(&box->mutex), 0);
    expect_returns(c, &waiter, 0, "pthread_mutex_lock of the one that waited");
    expect_true(c, priority_of(getpid()) >= 0, "the priority is given back with the mutex", "it is %ld", priority_of(getpid()));
    check_kill(c, &waiter);
}

#define ROBUST "POSIX.1-2024 pthread_mutexattr_setrobust, PTHREAD_MUTEX_ROBUST"
#define MUTEX .interface = "pthread_mutex", .level = CHECK_POSIX_MUST
#define TELLS(i, word, function)                                                                                             \
    {.id = "mutex/death-told-by-" word, MUTEX, .run = way_tells_of_death, .with = &ways[i],                                  \
     .clause = "POSIX.1-2024 " function ", ERRORS [EOWNERDEAD]",                                                             \
     .summary = function " tells that the holder was killed, each time until it is recovered"},                              \
    {                                                                                                                        \
        .id = "mutex/loss-told-by-" word, MUTEX, .run = way_tells_of_loss, .with = &ways[i],                                 \
        .clause = "POSIX.1-2024 " function ", ERRORS [ENOTRECOVERABLE]",                                                     \
        .summary = function " tells that nobody has recovered it, for good"                                                  \
    }
#define WAITS(i, word, function)                                                                                             \
    {                                                                                                                        \
        .id = "mutex/waits-by-" word, MUTEX, .run = way_waits, .with = &ways[i],                                             \
        .clause = "POSIX.1-2024 " function ", DESCRIPTION",                                                                  \
        .summary = function " waits for the holder, is woken by its unlock, and has the mutex then"                          \
    }

const struct check_ops checks_mutex_ways[] = {
    TELLS(0, "lock", "pthread_mutex_lock"),
    TELLS(1, "trylock", "pthread_mutex_trylock"),
    TELLS(2, "timedlock", "pthread_mutex_timedlock"),
    TELLS(3, "clocklock", "pthread_mutex_clocklock"),
    {.id = "mutex/robust-two-waiters", MUTEX, .run = two_wait_for_the_dead, .clause = ROBUST ": the next owner",
     .summary = "of two that wait when the holder is killed one is told, and the other gets what that one has recovered"},
    {.id = "mutex/robust-several", MUTEX, .run = several_of_the_dead, .clause = ROBUST ": [EOWNERDEAD]",
     .summary = "each mutex that the dead had, in an object that was unlinked meanwhile, tells it; one that it had given back does not"},
    WAITS(0, "lock", "pthread_mutex_lock"),
    WAITS(2, "timedlock", "pthread_mutex_timedlock"),
    WAITS(3, "clocklock", "pthread_mutex_clocklock"),
    {.id = "mutex/times-out", MUTEX, .run = times_out,
     .clause = "POSIX.1-2024 pthread_mutex_timedlock, ERRORS [ETIMEDOUT], [EINVAL]",
     .summary = "a wait ends at its time; a moment that is none is refused"},
    {.id = "mutex/has-clocks", MUTEX, .run = has_clocks, .clause = "POSIX.1-2024 pthread_mutex_clocklock, DESCRIPTION; ERRORS [ETIMEDOUT]",
     .summary = "a wait is measured by the clock that it is given"},
    {.id = "mutex/free-one-has-time", MUTEX, .run = free_one_has_time,
     .clause = "POSIX.1-2024 pthread_mutex_timedlock, DESCRIPTION: under no circumstance if it can be locked immediately",
     .summary = "a free mutex is locked although the moment has passed"},
    {.id = "mutex/types-and-protocols", .interface = "pthread_mutexattr", .level = CHECK_POSIX_MUST, .run = types_and_protocols,
     .clause = "POSIX.1-2024 pthread_mutexattr_gettype, pthread_mutexattr_getprotocol; pthread_mutexattr_settype, ERRORS [EINVAL]",
     .summary = "types and protocols that are set are read back; a type that is none is refused"},
    {.id = "mutex/nonsense-is-refused", .interface = "pthread_mutexattr", .level = CHECK_POSIX_MAY, .run = nonsense,
     .clause = "POSIX.1-2024 pthread_mutexattr_setpshared, pthread_mutexattr_setprotocol, ERRORS: may fail [EINVAL]",
     .summary = "a sharing or a protocol that is none is refused"},
    {.id = "mutex/inherits-priority", MUTEX, .run = inherits_priority, .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_PROC,
     .clause = "POSIX.1-2024 pthread_mutexattr_setprotocol, PTHREAD_PRIO_INHERIT",
     .summary = "the holder has the priority of the one that waits, until it unlocks"},
    {0},
};
