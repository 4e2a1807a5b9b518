/* Named semaphores: objects of shared memory under names of their own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"

static int value_of(struct check *c, sem_t *sem)
{
    int value = -1;
    must(c, sem_getvalue(sem, &value));
    return value;
}

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

static void close_unmaps(struct check *c)
{
    char line[512];
    const char *name = check_name(c);
    must(c, sem_close(open_named(c, name, O_CREAT | O_EXCL, 5))); /* C libraries make it under another name, and then link it */
    sem_t *one = open_named(c, name, 0, 0), *other = open_named(c, name, 0, 0);
    expect_true(c, check_proc_line(getpid(), "maps", name + 1, NULL, line, sizeof line), "it is mapped while it is open", "it is not");
    expect_ok(c, sem_close(one));
    expect_number(c, value_of(c, other), 5, "value after one of two openings was closed");
    expect_ok(c, sem_close(other));
    expect_true(c, !check_proc_line(getpid(), "maps", name + 1, NULL, line, sizeof line), "it is not mapped when all are closed",
                "%s", line);
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
    expect_end(c, &peer);
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

/* The file of a named semaphore. */
static const char *file_of(const char *name)
{
    static char file[CHECK_NAME + 8];
    snprintf(file, sizeof file, "/sem.%s", name + 1);
    return file;
}

static void refused_to_others(struct check *c)
{
    const char *name = check_name(c);
    open_named(c, name, O_CREAT | O_EXCL, 1);
    must(c, chmod(check_path(file_of(name)), 0640));
    check_become_other(c);
    expect_true(c, sem_open(name, 0) == SEM_FAILED && errno == EACCES, "sem_open without permission fails with EACCES", "errno %d",
                errno);
    expect_errno(c, sem_unlink(name), EACCES);
    expect_true(c, check_exists(file_of(name)), "the semaphore is still there", "it has gone");
}

static void apart_from_objects(struct check *c)
{
    const char *name = check_name(c);
    open_named(c, name, O_CREAT | O_EXCL, 1);
    check_object(c, name, 10);
    expect_ok(c, shm_unlink(name));
    expect_true(c, check_exists(file_of(name)), "shm_unlink leaves the semaphore of that name alone", "it has gone");
    check_object(c, name, 10);
    expect_ok(c, sem_unlink(name));
    expect_true(c, check_exists(name), "sem_unlink leaves the object of that name alone", "it has gone");
    expect_true(c, !check_exists(file_of(name)), "the semaphore has gone", "it is still there");
}

static void take_and_stay(struct check *c, void *user)
{
    sem_t *sem = open_named(c, user, 0, 0);
    must(c, sem_wait(sem));
    tell(c->channel, 1);
    hear(c->channel);
}

static void outlives_its_users(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    sem_t *sem = open_named(c, name, O_CREAT | O_EXCL, 3);
    must(c, sem_close(sem));
    struct check_peer peer = check_start(c, take_and_stay, name);
    hear(peer.channel);
    check_kill(c, &peer);
    expect_number(c, value_of(c, open_named(c, name, 0, 0)), 2, "value when the last user, who had taken one, was killed");
}

static void post_inherited(struct check *c, void *user)
{
    (void)c;
    must(c, sem_post(user));
}

static void inherited(struct check *c)
{
    const char *name = check_name(c);
    sem_t *sem = open_named(c, name, O_CREAT | O_EXCL, 0);
    must(c, sem_unlink(name));
    struct check_peer child = check_start(c, post_inherited, sem);
    expect_end(c, &child);
    expect_number(c, value_of(c, sem), 1, "value after the child's post, without the name");
}

static void longest_name(struct check *c)
{
    const char *name = check_long_name(c, NAME_MAX - 4), *longer = check_long_name(c, NAME_MAX - 3);
    sem_t *sem = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    if (expect_true(c, sem != SEM_FAILED, "a name of 251 bytes works", "errno %d", errno)) {
        expect_true(c, check_exists(file_of(name)), "the whole name is in /dev/shm, behind sem.", "it is not");
        expect_ok(c, sem_unlink(name));
    }
    expect_true(c, sem_open(longer, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED && errno == ENAMETOOLONG,
                "one of 252 bytes fails with ENAMETOOLONG", "errno %d", errno);
}

static void wait_there(struct check *c, void *user)
{
    sem_t *sem = open_named(c, user, 0, 0);
    tell(c->channel, -1);
    tell(c->channel, sem_wait(sem) == 0 ? 0 : errno);
    hear(c->channel);
}

static void wakes(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    sem_t *sem = open_named(c, name, O_CREAT | O_EXCL, 0);
    struct check_peer peer = check_start(c, wait_there, name);
    hear(peer.channel);
    expect_waiting(c, &peer, "sem_wait in another process");
    expect_ok(c, sem_post(sem));
    expect_heard(c, &peer, 5000, 0, "sem_wait in another process, after a post");
    expect_number(c, value_of(c, sem), 0, "value afterwards");
    check_kill(c, &peer);
}

const struct check_ops checks_named[] = {
    {.id = "semaphore/close-unmaps", .interface = "sem_close", .level = CHECK_POSIX_MUST, .run = close_unmaps,
     .needs = CHECK_NEEDS_PROC, .clause = "POSIX.1-2024 sem_close, DESCRIPTION: deallocates the system's resources",
     .summary = "it stays mapped until each opening is closed, and no longer"},
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
    {.id = "semaphore/named-is-inherited", .interface = "fork", .level = CHECK_POSIX_MUST, .run = inherited,
     .clause = "POSIX.1-2024 fork, DESCRIPTION: semaphores open in the parent", .summary = "a child has its parent's named semaphores open"},
    {.id = "semaphore/named-251-bytes", .interface = "sem_open", .level = CHECK_LINUX_DOCUMENTED, .run = longest_name,
     .clause = "sem_overview(7), Named semaphores: up to NAME_MAX-4", .summary = "251 bytes are a name, 252 are too many"},
    {.id = "semaphore/named-wakes", .interface = "sem_open", .level = CHECK_POSIX_MUST, .run = wakes,
     .clause = "POSIX.1-2024 sem_open, DESCRIPTION; sem_post, DESCRIPTION", .summary = "a post wakes a process that has opened it by name"},
    {.id = "semaphore/named-outlives-users", .interface = "sem_open", .level = CHECK_LINUX_DOCUMENTED, .run = outlives_its_users,
     .clause = "sem_overview(7), Persistence", .summary = "it keeps its value when its last user is killed"},
    {.id = "semaphore/named-for-its-users", .interface = "sem_open", .level = CHECK_POSIX_MUST, .run = refused_to_others,
     .clause = "POSIX.1-2024 sem_open, ERRORS [EACCES]; sem_unlink, ERRORS [EACCES]", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS,
     .summary = "somebody else without permission neither opens nor unlinks it"},
    {.id = "semaphore/named-apart-from-objects", .interface = "sem_unlink", .level = CHECK_LINUX_DOCUMENTED, .run = apart_from_objects,
     .clause = "sem_overview(7), Accessing named semaphores via the filesystem",
     .summary = "a semaphore and an object of one name are two, and unlinked apart"},
    {0},
};
