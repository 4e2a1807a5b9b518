/* Semaphores in shared memory, and what becomes of their permits. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "workloads/check/rows.h"
#include "workloads/check/sync.h"

static struct box *box_with_semaphore(struct check *c, const char **name, int shared, unsigned value)
{
    struct box *box = box_make(c, name);
    must(c, sem_init(&box->sem, shared, value));
    return box;
}

static int value_of(struct check *c, sem_t *sem)
{
    int value = -1;
    must(c, sem_getvalue(sem, &value));
    return value;
}

/* ---- the ways to wait; each returns 0 or an errno ---- */

static int by_wait(struct box *box)
{
    return sem_wait(&box->sem) == 0 ? 0 : errno;
}

static int by_timedwait(struct box *box)
{
    return sem_wait_within(&box->sem, SYNC_PATIENCE_MS);
}

static int by_clockwait(struct box *box)
{
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_sec += SYNC_PATIENCE_MS / 1000;
    return sem_clockwait(&box->sem, CLOCK_MONOTONIC, &moment) == 0 ? 0 : errno;
}

struct way {
    int (*wait)(struct box *box);
    const char *name;
};

static const struct way ways[] = {{by_wait, "sem_wait"}, {by_timedwait, "sem_timedwait"}, {by_clockwait, "sem_clockwait"}};

/* Waits for a permit that is not there, is woken by a post, takes that one; takes at once what is there; no more. */
static void waits_and_takes(struct check *c)
{
    const char *name;
    const struct way *way = c->row->with;
    if (way->wait == by_clockwait)
        sync_needs(c, sem_clockwait);
    struct box *box = box_with_semaphore(c, &name, 1, 0);
    struct check_peer waiter = sync_start(c, name, way->wait);
    expect_waiting(c, &waiter, way->name);
    expect_true(c, value_of(c, &box->sem) <= 0, "the value is 0, or negative, while one waits", "%d", value_of(c, &box->sem));
    expect_ok(c, sem_post(&box->sem));
    expect_returns(c, &waiter, 0, way->name);
    expect_number(c, value_of(c, &box->sem), 0, "value afterwards");
    sync_end(c, &waiter);
    expect_ok(c, sem_post(&box->sem));
    expect_ok(c, sem_post(&box->sem));
    expect_number(c, way->wait(box), 0, "result of %s with two permits there", way->name);
    expect_number(c, value_of(c, &box->sem), 1, "value after that");
    expect_ok(c, sem_trywait(&box->sem));
    expect_errno(c, sem_trywait(&box->sem), EAGAIN);
}

static void each_post_wakes_one(struct check *c)
{
    const char *name;
    struct check_peer waiters[3];
    struct box *box = box_with_semaphore(c, &name, 1, 0);
    for (int i = 0; i < 3; i++) {
        waiters[i] = sync_start(c, name, by_wait);
        expect_waiting(c, &waiters[i], "one of three processes waits");
    }
    for (int i = 0; i < 3; i++)
        expect_ok(c, sem_post(&box->sem));
    for (int i = 0; i < 3; i++)
        if (!expect_returns(c, &waiters[i], 0, "sem_wait of one of three, after three posts"))
            return;
    expect_number(c, value_of(c, &box->sem), 0, "value afterwards");
}

static void permit_dies_with_holder(struct check *c)
{
    const char *name;
    struct box *box = box_with_semaphore(c, &name, 1, 1);
    struct check_peer holder = sync_start(c, name, by_wait);
    expect_heard(c, &holder, SYNC_PATIENCE_MS, 0, "sem_wait of the holder");
    check_kill(c, &holder);
    expect_number(c, value_of(c, &box->sem), 0, "value when the holder is dead");
    expect_errno(c, sem_trywait(&box->sem), EAGAIN);
    expect_rc(c, sem_wait_within(&box->sem, SYNC_IN_VAIN_MS), ETIMEDOUT);
}

static void dead_waiter_takes_nothing(struct check *c)
{
    const char *name;
    struct box *box = box_with_semaphore(c, &name, 1, 0);
    struct check_peer waiter = sync_start(c, name, by_wait);
    expect_waiting(c, &waiter, "sem_wait");
    check_kill(c, &waiter);
    expect_ok(c, sem_post(&box->sem));
    expect_ok(c, sem_trywait(&box->sem));
    expect_errno(c, sem_trywait(&box->sem), EAGAIN);
}

static void private_across(struct check *c)
{
    const char *name;
    struct box *box = box_with_semaphore(c, &name, 0, 0);
    struct check_peer waiter = sync_start(c, name, by_timedwait);
    expect_waiting(c, &waiter, "sem_timedwait");
    must(c, sem_post(&box->sem));
    expect_true(c, hear_within(waiter.channel, SYNC_IN_VAIN_MS) == CHECK_SILENT, "the waiter in another process sleeps on",
                "it was woken");
    expect_ok(c, sem_trywait(&box->sem)); /* the permit is there all the same */
    check_kill(c, &waiter);
}

static void counts(struct check *c)
{
    const char *name;
    struct box *box = box_with_semaphore(c, &name, 1, 3), *other = box_open(c, name);
    expect_number(c, value_of(c, &other->sem), 3, "value, at another address");
    for (int i = 0; i < 3; i++)
        expect_ok(c, sem_trywait(&other->sem));
    expect_errno(c, sem_trywait(&box->sem), EAGAIN);
    expect_rc(c, sem_wait_within(&box->sem, 30), ETIMEDOUT);
    expect_number(c, value_of(c, &box->sem), 0, "value after three waits");
    expect_ok(c, sem_post(&other->sem));
    expect_number(c, value_of(c, &box->sem), 1, "value after a post");
}

static void has_a_limit(struct check *c)
{
    const char *name;
    sem_t fresh;
    long limit = sysconf(_SC_SEM_VALUE_MAX);
    struct box *box = box_with_semaphore(c, &name, 1, (unsigned)limit);
    expect_errno(c, sem_post(&box->sem), EOVERFLOW);
    expect_number(c, value_of(c, &box->sem), limit, "value afterwards");
    expect_errno(c, sem_init(&fresh, 1, (unsigned)limit + 1u), EINVAL); /* another one: what is initialised must not be again */
    expect_ok(c, sem_destroy(&box->sem));
}

static int timed(struct box *box, clockid_t clock, const struct timespec *moment)
{
    (void)clock;
    return sem_timedwait(&box->sem, moment) == 0 ? 0 : errno;
}

static int clocked(struct box *box, clockid_t clock, const struct timespec *moment)
{
    return sem_clockwait(&box->sem, clock, moment) == 0 ? 0 : errno;
}

static void times_out(struct check *c)
{
    const char *name;
    struct timespec none = {.tv_sec = 0, .tv_nsec = 1000000000}, past = {.tv_sec = 1};
    struct box *box = box_with_semaphore(c, &name, 1, 0);
    expect_timeout(c, timed, box, CLOCK_REALTIME, "sem_timedwait");
    expect_errno(c, sem_timedwait(&box->sem, &none), EINVAL);
    expect_errno(c, sem_timedwait(&box->sem, &past), ETIMEDOUT);
    expect_number(c, value_of(c, &box->sem), 0, "value afterwards");
    must(c, sem_post(&box->sem));
    expect_ok(c, sem_timedwait(&box->sem, &past)); /* there is a permit: time does not matter */
}

static void has_clocks(struct check *c)
{
    const char *name;
    sync_needs(c, sem_clockwait);
    struct box *box = box_with_semaphore(c, &name, 1, 0);
    expect_timeout(c, clocked, box, CLOCK_MONOTONIC, "sem_clockwait with CLOCK_MONOTONIC");
    expect_timeout(c, clocked, box, CLOCK_REALTIME, "sem_clockwait with CLOCK_REALTIME");
}

static void do_nothing(int number)
{
    (void)number;
}

static int wait_with_handler(struct box *box)
{
    struct sigaction action = {.sa_handler = do_nothing}; /* without SA_RESTART */
    sigaction(SIGUSR1, &action, NULL);
    return by_wait(box);
}

static void signal_interrupts(struct check *c)
{
    const char *name;
    struct box *box = box_with_semaphore(c, &name, 1, 0);
    struct check_peer waiter = sync_start(c, name, wait_with_handler);
    expect_waiting(c, &waiter, "sem_wait");
    must(c, kill(waiter.pid, SIGUSR1));
    expect_heard(c, &waiter, SYNC_PATIENCE_MS, EINTR, "sem_wait of a process that handled a signal");
    expect_ok(c, sem_post(&box->sem));
    expect_ok(c, sem_trywait(&box->sem)); /* who was interrupted has no claim */
}

#define SEMAPHORE(name) .interface = name, .level = CHECK_POSIX_MUST

const struct check_ops checks_semaphore[] = {
    {.id = "semaphore/counts", SEMAPHORE("sem_wait"), .run = counts,
     .clause = "POSIX.1-2024 sem_trywait, ERRORS [EAGAIN]; sem_timedwait, ERRORS [ETIMEDOUT]",
     .summary = "as many waits succeed as there are permits, at every address of the semaphore"},
    {.id = "semaphore/wait-takes", SEMAPHORE("sem_wait"), .run = waits_and_takes, .with = &ways[0],
     .clause = "POSIX.1-2024 sem_wait, sem_post, DESCRIPTION; sem_init, pshared",
     .summary = "sem_wait waits for a permit, is woken by a post in another process, and takes one"},
    {.id = "semaphore/timedwait-takes", SEMAPHORE("sem_wait"), .run = waits_and_takes, .with = &ways[1],
     .clause = "POSIX.1-2024 sem_timedwait, DESCRIPTION", .summary = "so does sem_timedwait"},
    {.id = "semaphore/clockwait-takes", SEMAPHORE("sem_wait"), .run = waits_and_takes, .with = &ways[2],
     .clause = "POSIX.1-2024 sem_clockwait, DESCRIPTION", .summary = "so does sem_clockwait"},
    {.id = "semaphore/each-post-wakes-one", SEMAPHORE("sem_post"), .run = each_post_wakes_one,
     .clause = "POSIX.1-2024 sem_post, DESCRIPTION", .summary = "three posts wake three waiters"},
    {.id = "semaphore/permit-dies-with-holder", SEMAPHORE("sem_wait"), .run = permit_dies_with_holder,
     .clause = "POSIX.1-2024 sem_wait: no owner", .summary = "a process that is killed after its wait does not give its permit back"},
    {.id = "semaphore/dead-waiter-takes-nothing", .interface = "sem_wait", .level = CHECK_LINUX_OBSERVED,
     .run = dead_waiter_takes_nothing, .clause = "POSIX.1-2024 sem_wait, DESCRIPTION",
     .summary = "a process that is killed while it waits takes no permit with it"},
    {.id = "semaphore/private-across-processes", .interface = "sem_init", .level = CHECK_LINUX_OBSERVED, .run = private_across,
     .clause = "POSIX.1-2024 sem_init, pshared 0: undefined", .summary = "a private semaphore counts, but wakes nobody in another process"},
    {.id = "semaphore/has-a-limit", SEMAPHORE("sem_post"), .run = has_a_limit,
     .clause = "POSIX.1-2024 sem_post, ERRORS [EOVERFLOW]; sem_init, ERRORS [EINVAL]",
     .summary = "at SEM_VALUE_MAX a post fails, and more cannot be asked for"},
    {.id = "semaphore/times-out", SEMAPHORE("sem_wait"), .run = times_out,
     .clause = "POSIX.1-2024 sem_timedwait, ERRORS [ETIMEDOUT], [EINVAL]",
     .summary = "a wait ends at its time; a moment that is none is refused where there is no permit"},
    {.id = "semaphore/has-clocks", SEMAPHORE("sem_wait"), .run = has_clocks,
     .clause = "POSIX.1-2024 sem_clockwait, DESCRIPTION; ERRORS [ETIMEDOUT]", .summary = "a wait is measured by the clock that it is given"},
    {.id = "semaphore/signal-interrupts", SEMAPHORE("sem_wait"), .run = signal_interrupts,
     .clause = "POSIX.1-2024 sem_wait, ERRORS [EINTR]", .summary = "a signal that is handled ends a wait, which has taken nothing"},
    {0},
};
