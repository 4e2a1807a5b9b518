/* File locks on objects: record locks, locks of open file descriptions, flock. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workloads/check/rows.h"

/* On `length` bytes from `start` on; 0, or the errno, which may be either of two for a lock that another one has. */
static int lock_range(int fd, int command, short type, off_t start, off_t length)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    if (fcntl(fd, command, &lock) == 0)
        return 0;
    return errno == EACCES ? EAGAIN : errno;
}

static int try_lock(int fd, int command, short type)
{
    return lock_range(fd, command, type, 0, 10);
}

/* ---- a peer that tries: asked for a lock of `type` on one byte at `start`, it tells whether it was to be had ---- */

static int64_t question(short type, off_t start)
{
    return (int64_t)type << 32 | (int64_t)start;
}

static void try_by_name(struct check *c, void *user)
{
    int fd = (int)must(c, shm_open(user, O_RDWR, 0));
    for (int64_t asked; (asked = hear(c->channel)) != CHECK_GONE;) {
        off_t start = (off_t)(asked & 0xffffffff);
        int rc = lock_range(fd, F_SETLK, (short)(asked >> 32), start, 1);
        if (rc == 0)
            lock_range(fd, F_SETLK, F_UNLCK, start, 1);
        tell(c->channel, rc);
    }
}

static int ask(const struct check_peer *peer, short type, off_t start)
{
    tell(peer->channel, question(type, start));
    return (int)hear(peer->channel);
}

static void record_locks(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, 100);
    struct check_peer peer = check_start(c, try_by_name, name);
    expect_rc(c, ask(&peer, F_WRLCK, 0), 0);
    expect_rc(c, try_lock(fd, F_SETLK, F_WRLCK), 0);
    expect_rc(c, ask(&peer, F_WRLCK, 0), EAGAIN);
    expect_rc(c, ask(&peer, F_RDLCK, 0), EAGAIN);
    expect_rc(c, try_lock(fd, F_SETLK, F_UNLCK), 0);
    expect_rc(c, ask(&peer, F_WRLCK, 0), 0);
}

static void lost_with_any_descriptor(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, 100);
    struct check_peer peer = check_start(c, try_by_name, name);
    expect_rc(c, try_lock(fd, F_SETLK, F_WRLCK), 0);
    expect_rc(c, ask(&peer, F_WRLCK, 0), EAGAIN);
    close((int)must(c, shm_open(name, O_RDONLY, 0)));
    expect_true(c, ask(&peer, F_WRLCK, 0) == 0, "the lock is gone: the process has closed another descriptor of the object",
                "it is still held");
}

static void ranges(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, 100);
    struct check_peer peer = check_start(c, try_by_name, name);
    expect_rc(c, lock_range(fd, F_SETLK, F_WRLCK, 10, 5), 0);
    expect_rc(c, ask(&peer, F_WRLCK, 9), 0);
    expect_rc(c, ask(&peer, F_WRLCK, 10), EAGAIN);
    expect_rc(c, ask(&peer, F_WRLCK, 14), EAGAIN);
    expect_rc(c, ask(&peer, F_WRLCK, 15), 0);
    expect_rc(c, lock_range(fd, F_SETLK, F_UNLCK, 12, 1), 0); /* a hole in the middle */
    expect_rc(c, ask(&peer, F_WRLCK, 12), 0);
    expect_rc(c, ask(&peer, F_WRLCK, 13), EAGAIN);
    expect_rc(c, lock_range(fd, F_SETLK, F_WRLCK, 50, 0), 0); /* to the end, wherever that will be */
    expect_rc(c, ask(&peer, F_WRLCK, 1000000), EAGAIN);
    expect_rc(c, ask(&peer, F_WRLCK, 49), 0);
}

static void readers_share(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, 100);
    struct check_peer peer = check_start(c, try_by_name, name);
    expect_rc(c, try_lock(fd, F_SETLK, F_RDLCK), 0);
    expect_rc(c, ask(&peer, F_RDLCK, 0), 0);
    expect_rc(c, ask(&peer, F_WRLCK, 0), EAGAIN);
}

static void look_for_holder(struct check *c, void *user)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
    int fd = (int)must(c, shm_open(user, O_RDWR, 0));
    must(c, fcntl(fd, F_GETLK, &lock));
    expect_number(c, lock.l_type, F_WRLCK, "l_type of a lock that another process has");
    expect_number(c, lock.l_pid, getppid(), "l_pid: its holder");
    expect_number(c, lock.l_start, 10, "l_start");
    expect_number(c, lock.l_len, 5, "l_len");
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 5};
    must(c, fcntl(fd, F_GETLK, &lock));
    expect_number(c, lock.l_type, F_UNLCK, "l_type where nobody has a lock");
}

static void holder_is_told(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, 100);
    must(c, lock_range(fd, F_SETLK, F_WRLCK, 10, 5) ? -1 : 0);
    struct check_peer peer = check_start(c, look_for_holder, name);
    expect_end(c, &peer);
}

static void try_inherited(struct check *c, void *user)
{
    int fd = *(int *)user;
    expect_rc(c, try_lock(fd, F_SETLK, F_WRLCK), EAGAIN); /* the parent's, not its own */
}

static void not_inherited(struct check *c)
{
    int fd = check_object(c, check_name(c), 100);
    expect_rc(c, try_lock(fd, F_SETLK, F_WRLCK), 0);
    struct check_peer peer = check_start(c, try_inherited, &fd);
    expect_end(c, &peer);
}

static void wait_for_lock(struct check *c, void *user)
{
    int fd = (int)must(c, shm_open(user, O_RDWR, 0));
    tell(c->channel, -1);
    tell(c->channel, try_lock(fd, F_SETLKW, F_WRLCK));
    hear(c->channel);
}

static void waiting_is_woken(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, 100);
    expect_rc(c, try_lock(fd, F_SETLK, F_WRLCK), 0);
    struct check_peer peer = check_start(c, wait_for_lock, name);
    hear(peer.channel);
    expect_waiting(c, &peer, "F_SETLKW of another process");
    expect_rc(c, try_lock(fd, F_SETLK, F_UNLCK), 0);
    expect_heard(c, &peer, 5000, 0, "F_SETLKW of another process, after the unlock");
    expect_rc(c, try_lock(fd, F_SETLK, F_WRLCK), EAGAIN);
    check_kill(c, &peer);
}

static void description_locks(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    close(check_object(c, name, 100));
    struct check_peer peer = check_start(c, try_by_name, name); /* before the descriptor, which it would inherit */
    int fd = (int)must(c, shm_open(name, O_RDWR, 0)), other = (int)must(c, shm_open(name, O_RDWR, 0));
    expect_rc(c, try_lock(fd, F_OFD_SETLK, F_WRLCK), 0);
    expect_rc(c, try_lock(other, F_OFD_SETLK, F_WRLCK), EAGAIN); /* within the process, too */
    close((int)must(c, shm_open(name, O_RDONLY, 0)));
    close(other);
    expect_rc(c, ask(&peer, F_WRLCK, 0), EAGAIN);
    close(fd);
    expect_rc(c, ask(&peer, F_WRLCK, 0), 0);
}

static void lock_and_wait(struct check *c, void *user)
{
    int fd = (int)must(c, shm_open(user, O_RDWR, 0));
    must(c, try_lock(fd, F_SETLK, F_WRLCK) ? -1 : 0);
    must(c, flock(fd, LOCK_EX));
    tell(c->channel, 1);
    hear(c->channel);
}

static void locks_die_with_holder(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, 100);
    struct check_peer peer = check_start(c, lock_and_wait, name);
    hear(peer.channel);
    expect_rc(c, try_lock(fd, F_SETLK, F_WRLCK), EAGAIN);
    expect_errno(c, flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    check_kill(c, &peer);
    expect_rc(c, try_lock(fd, F_SETLK, F_WRLCK), 0);
    expect_ok(c, flock(fd, LOCK_EX | LOCK_NB));
}

static void flock_is_of_description(struct check *c)
{
    const char *name = check_name(c);
    int one = check_object(c, name, 100), other = (int)must(c, shm_open(name, O_RDONLY, 0)), copy = (int)must(c, dup(one));
    expect_ok(c, flock(one, LOCK_SH | LOCK_NB));
    expect_ok(c, flock(other, LOCK_SH | LOCK_NB)); /* they share */
    expect_errno(c, flock(one, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    expect_ok(c, flock(other, LOCK_UN));
    expect_ok(c, flock(copy, LOCK_EX | LOCK_NB)); /* the same description as `one` */
    expect_errno(c, flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    must(c, close(one));
    expect_errno(c, flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK); /* the copy has it still */
    must(c, close(copy));
    expect_ok(c, flock(other, LOCK_EX | LOCK_NB));
    expect_ok(c, flock(other, LOCK_UN));
}

#define RECORD .interface = "fcntl", .level = CHECK_POSIX_MUST

const struct check_ops checks_lock[] = {
    {.id = "guard/record-locks", RECORD, .run = record_locks, .clause = "POSIX.1-2024 fcntl, F_SETLK; ERRORS [EACCES] or [EAGAIN]",
     .summary = "a record lock excludes other processes until it is given back"},
    {.id = "guard/record-locks-lost-by-close", RECORD, .run = lost_with_any_descriptor,
     .clause = "POSIX.1-2024 fcntl, F_SETLK; close, DESCRIPTION: all outstanding record locks",
     .summary = "record locks are lost when the process closes any descriptor of the object"},
    {.id = "guard/record-locks-have-ranges", RECORD, .run = ranges, .clause = "POSIX.1-2024 fcntl, F_SETLK: l_start, l_len",
     .summary = "a record lock is of its bytes and no others, and can be given back in part"},
    {.id = "guard/record-locks-share", RECORD, .run = readers_share, .clause = "POSIX.1-2024 fcntl, F_RDLCK: shared lock",
     .summary = "locks for reading share, and keep writers out"},
    {.id = "guard/record-locks-are-told", RECORD, .run = holder_is_told, .clause = "POSIX.1-2024 fcntl, F_GETLK",
     .summary = "F_GETLK tells who has a lock, and where"},
    {.id = "guard/record-locks-not-inherited", RECORD, .run = not_inherited,
     .clause = "POSIX.1-2024 fork, DESCRIPTION: file locks set by the parent", .summary = "a child does not have its parent's record locks"},
    {.id = "guard/record-locks-wake", RECORD, .run = waiting_is_woken, .clause = "POSIX.1-2024 fcntl, F_SETLKW",
     .summary = "F_SETLKW waits for the holder, and is woken when it gives the lock back"},
    {.id = "guard/description-locks", RECORD, .run = description_locks, .clause = "POSIX.1-2024 fcntl, F_OFD_SETLK",
     .summary = "locks of an open file description exclude others of the process, and last until that one is closed"},
    {.id = "guard/locks-die-with-holder", RECORD, .run = locks_die_with_holder,
     .clause = "POSIX.1-2024 fcntl, F_SETLK: removed when the process terminates; flock(2)",
     .summary = "record locks and flock are free when their holder is killed"},
    {.id = "guard/flock", .interface = "flock", .level = CHECK_LINUX_DOCUMENTED, .run = flock_is_of_description,
     .clause = "flock(2), DESCRIPTION: associated with an open file description",
     .summary = "flock is of the open file description: shared or exclusive, given back by LOCK_UN or the last close"},
    {0},
};
