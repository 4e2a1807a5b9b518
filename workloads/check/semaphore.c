/* Semaphores in shared memory, and named ones. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"
#include "workloads/check/sync.h"

static int value_of(struct check *c, sem_t *sem)
{
    int value = -1;
    must(c, sem_getvalue(sem, &value));
    return value;
}

static void wait_there(struct check *c, void *user)
{
    struct box *box = box_open(c, user);
    tell(c->channel, -1);
    tell(c->channel, sem_wait_within(&box->sem, SYNC_PATIENCE_MS));
    hear(c->channel);
}

static void posting_wakes(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    must(c, sem_init(&box->sem, 1, 0));
    struct check_peer waiter = check_start(c, wait_there, (void *)(uintptr_t)name);
    hear(waiter.channel);
    check_sleeps(waiter.pid);
    uint64_t start = check_now_ms();
    expect_ok(c, sem_post(&box->sem));
    expect_number(c, hear(waiter.channel), 0, "result of the other process's wait");
    expect_true(c, check_now_ms() - start < SYNC_PATIENCE_MS / 2, "it was woken", "it found out when its patience was over");
    expect_number(c, value_of(c, &box->sem), 0, "value afterwards");
    check_kill(c, &waiter);
}

static void permit_dies_with_holder(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    must(c, sem_init(&box->sem, 1, 1));
    struct check_peer holder = check_start(c, wait_there, (void *)(uintptr_t)name);
    hear(holder.channel);
    expect_number(c, hear(holder.channel), 0, "result of the holder's wait");
    check_kill(c, &holder);
    expect_number(c, value_of(c, &box->sem), 0, "value when the holder is dead");
    expect_errno(c, sem_trywait(&box->sem), EAGAIN);
    expect_rc(c, sem_wait_within(&box->sem, SYNC_IN_VAIN_MS), ETIMEDOUT);
}

static void dead_waiter_takes_nothing(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    must(c, sem_init(&box->sem, 1, 0));
    struct check_peer waiter = check_start(c, wait_there, (void *)(uintptr_t)name);
    hear(waiter.channel);
    check_sleeps(waiter.pid);
    check_kill(c, &waiter);
    expect_ok(c, sem_post(&box->sem));
    expect_ok(c, sem_trywait(&box->sem));
    expect_errno(c, sem_trywait(&box->sem), EAGAIN);
}

static void private_across(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    must(c, sem_init(&box->sem, 0, 0));
    struct check_peer waiter = check_start(c, wait_there, (void *)(uintptr_t)name);
    hear(waiter.channel);
    if (!check_sleeps(waiter.pid))
        check_fail(c, "the waiter falls asleep", "it does not");
    must(c, sem_post(&box->sem));
    check_pause_ms(SYNC_IN_VAIN_MS);
    expect_ok(c, sem_trywait(&box->sem)); /* the permit is there, and its waiter sleeps on */
    check_kill(c, &waiter);
}

static void counts(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name), *other = box_open(c, name);
    must(c, sem_init(&box->sem, 1, 3));
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
    struct box *box = box_make(c, &name);
    long limit = sysconf(_SC_SEM_VALUE_MAX);
    must(c, sem_init(&box->sem, 1, (unsigned)limit));
    expect_errno(c, sem_post(&box->sem), EOVERFLOW);
    expect_number(c, value_of(c, &box->sem), limit, "value afterwards");
    expect_errno(c, sem_init(&box->sem, 1, (unsigned)limit + 1u), EINVAL);
}

static void bad_moment(struct check *c)
{
    const char *name;
    struct box *box = box_make(c, &name);
    struct timespec moment = {.tv_sec = 0, .tv_nsec = 1000000000};
    must(c, sem_init(&box->sem, 1, 0));
    expect_errno(c, sem_timedwait(&box->sem, &moment), EINVAL);
    expect_number(c, value_of(c, &box->sem), 0, "value afterwards");
}

/* ---- named ---- */

static sem_t *open_named(struct check *c, const char *name, int flags, unsigned value)
{
    return must_map(c, sem_open(name, flags, 0600, value));
}

static void named_persists(struct check *c)
{
    const char *name = check_name(c);
    sem_t *sem = open_named(c, name, O_CREAT | O_EXCL, 5);
    must(c, sem_trywait(sem));
    must(c, sem_close(sem));
    sem = open_named(c, name, 0, 0);
    expect_number(c, value_of(c, sem), 4, "value after it was closed by all and opened again");
    must(c, sem_close(sem));
    sem = open_named(c, name, O_CREAT, 99);
    expect_number(c, value_of(c, sem), 4, "value after O_CREAT with another one");
}

static void named_errors(struct check *c)
{
    const char *name = check_name(c);
    expect_true(c, sem_open(name, 0) == SEM_FAILED && errno == ENOENT, "sem_open of an unknown name fails with ENOENT",
                "errno %d", errno);
    open_named(c, name, O_CREAT | O_EXCL, 1);
    expect_true(c, sem_open(name, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED && errno == EEXIST,
                "O_CREAT|O_EXCL of an existing one fails with EEXIST", "errno %d", errno);
    expect_true(c, sem_open(check_name(c), O_CREAT | O_EXCL, 0600, (unsigned)INT_MAX + 1u) == SEM_FAILED && errno == EINVAL,
                "a value beyond SEM_VALUE_MAX fails with EINVAL", "errno %d", errno);
    expect_errno(c, sem_unlink(check_name(c)), ENOENT);
    expect_ok(c, sem_unlink(name));
    expect_errno(c, sem_unlink(name), ENOENT);
}

static void named_is_one(struct check *c)
{
    const char *name = check_name(c);
    sem_t *one = open_named(c, name, O_CREAT | O_EXCL, 1), *other = open_named(c, name, 0, 0);
    expect_true(c, one == other, "the same address for the same semaphore", "%p and %p", (void *)one, (void *)other);
    must(c, sem_close(one));
    expect_ok(c, sem_trywait(other)); /* opened twice: one close leaves it */
}

static void post_named(struct check *c, void *user)
{
    sem_t *sem = open_named(c, user, 0, 0);
    must(c, sem_post(sem));
    must(c, sem_unlink(user));
}

static void named_outlives_its_name(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    sem_t *sem = open_named(c, name, O_CREAT | O_EXCL, 0);
    struct check_peer peer = check_start(c, post_named, name);
    check_end_of(c, &peer);
    expect_true(c, sem_open(name, 0) == SEM_FAILED && errno == ENOENT, "the name has gone", "errno %d", errno);
    expect_ok(c, sem_trywait(sem));
    expect_ok(c, sem_post(sem));
    sem_t *again = open_named(c, name, O_CREAT | O_EXCL, 7);
    expect_number(c, value_of(c, again), 7, "value of a new one of that name");
    expect_number(c, value_of(c, sem), 1, "value of the old one");
    must(c, sem_unlink(name));
}

static void named_mode(struct check *c)
{
    struct stat st;
    const char *name = check_name(c);
    char file[CHECK_NAME + 8];
    umask(027);
    must_map(c, sem_open(name, O_CREAT | O_EXCL, 0666, 1));
    snprintf(file, sizeof file, "sem.%s", name + 1);
    must(c, stat(check_path(file), &st));
    expect_mode(c, st.st_mode, 0640, "a semaphore made with 0666 under umask 027");
    expect_number(c, st.st_uid, geteuid(), "its owner");
}

const struct check_ops checks_semaphore[] = {
    {.id = "semaphore/counts", .interface = "sem_wait", .level = CHECK_POSIX_MUST, .run = counts,
     .clause = "POSIX.1-2024 sem_trywait, ERRORS [EAGAIN]; sem_timedwait, ERRORS [ETIMEDOUT]",
     .summary = "as many waits succeed as there are permits, at every address of the semaphore"},
    {.id = "semaphore/posting-wakes", .interface = "sem_post", .level = CHECK_POSIX_MUST, .run = posting_wakes,
     .clause = "POSIX.1-2024 sem_post, DESCRIPTION; sem_init, pshared", .summary = "a post wakes a waiter in another process"},
    {.id = "semaphore/permit-dies-with-holder", .interface = "sem_wait", .level = CHECK_POSIX_MUST, .run = permit_dies_with_holder,
     .clause = "POSIX.1-2024 sem_wait: no owner", .summary = "a process that is killed after its wait does not give its permit back"},
    {.id = "semaphore/dead-waiter-takes-nothing", .interface = "sem_wait", .level = CHECK_LINUX_OBSERVED,
     .run = dead_waiter_takes_nothing, .clause = "POSIX.1-2024 sem_wait, DESCRIPTION",
     .summary = "a process that is killed while it waits takes no permit with it"},
    {.id = "semaphore/private-across-processes", .interface = "sem_init", .level = CHECK_LINUX_OBSERVED, .run = private_across,
     .clause = "POSIX.1-2024 sem_init, pshared 0: undefined", .summary = "a private semaphore counts, but wakes nobody in another process"},
    {.id = "semaphore/has-a-limit", .interface = "sem_post", .level = CHECK_POSIX_MUST, .run = has_a_limit,
     .clause = "POSIX.1-2024 sem_post, ERRORS [EOVERFLOW]; sem_init, ERRORS [EINVAL]",
     .summary = "at SEM_VALUE_MAX a post fails, and more cannot be asked for"},
    {.id = "semaphore/bad-moment", .interface = "sem_wait", .level = CHECK_POSIX_MUST, .run = bad_moment,
     .clause = "POSIX.1-2024 sem_timedwait, ERRORS [EINVAL]", .summary = "a moment that is none is refused where there is no permit"},
    {.id = "semaphore/named-persists", .interface = "sem_open", .level = CHECK_POSIX_MUST, .run = named_persists,
     .clause = "POSIX.1-2024 sem_open, DESCRIPTION: O_CREAT; sem_close",
     .summary = "a named semaphore keeps its value when nobody has it, and O_CREAT does not reset it"},
    {.id = "semaphore/named-errors", .interface = "sem_open", .level = CHECK_POSIX_MUST, .run = named_errors,
     .clause = "POSIX.1-2024 sem_open, ERRORS [ENOENT], [EEXIST], [EINVAL]; sem_unlink, ERRORS [ENOENT]",
     .summary = "unknown and existing names and too large values are refused"},
    {.id = "semaphore/named-is-one", .interface = "sem_open", .level = CHECK_POSIX_MUST, .run = named_is_one,
     .clause = "POSIX.1-2024 sem_open, DESCRIPTION: the same address", .summary = "opened twice by a process it has one address"},
    {.id = "semaphore/named-outlives-its-name", .interface = "sem_unlink", .level = CHECK_POSIX_MUST, .run = named_outlives_its_name,
     .clause = "POSIX.1-2024 sem_unlink, DESCRIPTION", .summary = "unlinked by another process it goes on for who has it open"},
    {.id = "semaphore/named-mode", .interface = "sem_open", .level = CHECK_POSIX_MUST, .run = named_mode,
     .clause = "POSIX.1-2024 sem_open, DESCRIPTION: permission bits, user ID", .summary = "mode & ~umask and the caller's user hold for it"},
    {0},
};
