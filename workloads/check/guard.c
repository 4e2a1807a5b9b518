/* Guards: file locks, leases and seals on objects, and memfd as the object without a name. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"

static int try_lock(int fd, int command, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    return fcntl(fd, command, &lock);
}

/* For a peer: 0 when a record lock is to be had in its own open file description, or the errno; once for each message. */
static void try_by_name(struct check *c, void *user)
{
    int fd = (int)must(c, shm_open(user, O_RDWR, 0));
    while (hear(c->channel) != CHECK_GONE) {
        int rc = try_lock(fd, F_SETLK, F_WRLCK) == 0 ? 0 : errno;
        if (rc == 0)
            try_lock(fd, F_SETLK, F_UNLCK);
        tell(c->channel, rc == EACCES ? EAGAIN : rc);
    }
}

static int ask(const struct check_peer *peer)
{
    tell(peer->channel, 1);
    return (int)hear(peer->channel);
}

static void record_locks(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int fd = check_object(c, name, 100);
    struct check_peer peer = check_start(c, try_by_name, name);
    expect_rc(c, ask(&peer), 0);
    expect_ok(c, try_lock(fd, F_SETLK, F_WRLCK));
    expect_rc(c, ask(&peer), EAGAIN);
    close((int)must(c, shm_open(name, O_RDONLY, 0)));
    expect_true(c, ask(&peer) == 0, "the lock is gone: the process has closed another descriptor of the object",
                "it is still held");
}

static void description_locks(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    close(check_object(c, name, 100));
    struct check_peer peer = check_start(c, try_by_name, name); /* before the descriptor, which it would inherit */
    int fd = (int)must(c, shm_open(name, O_RDWR, 0));
    expect_ok(c, try_lock(fd, F_OFD_SETLK, F_WRLCK));
    close((int)must(c, shm_open(name, O_RDONLY, 0)));
    expect_rc(c, ask(&peer), EAGAIN);
    close(fd);
    expect_rc(c, ask(&peer), 0);
}

static void lock_and_wait(struct check *c, void *user)
{
    int fd = (int)must(c, shm_open(user, O_RDWR, 0));
    must(c, try_lock(fd, F_SETLK, F_WRLCK));
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
    expect_errno(c, try_lock(fd, F_SETLK, F_WRLCK), EAGAIN);
    expect_errno(c, flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    check_kill(c, &peer);
    expect_ok(c, try_lock(fd, F_SETLK, F_WRLCK));
    expect_ok(c, flock(fd, LOCK_EX | LOCK_NB));
}

/* ---- leases: the proof that nobody has an object ---- */

static int lease(struct check *c, const char *name)
{
    int fd = (int)must(c, shm_open(name, O_RDONLY, 0));
    int rc = fcntl(fd, F_SETLEASE, F_WRLCK) == 0 ? 0 : errno;
    close(fd);
    if (rc == EINVAL)
        check_unsupported(c, "this kernel grants no leases on shared memory");
    return rc;
}

struct holder {
    const char *name;
    bool map, close, apart; /* apart: in a pid namespace of its own */
};

static void hold(struct check *c, void *user)
{
    struct holder *how = user;
    int fd = (int)must(c, shm_open(how->name, O_RDONLY, 0));
    if (how->map)
        must_map(c, mmap(NULL, check_page(), PROT_READ, MAP_SHARED, fd, 0));
    if (how->close)
        must(c, close(fd));
    tell(c->channel, 1);
    hear(c->channel);
}

static void hold_apart(struct check *c, void *user)
{
    if (unshare(CLONE_NEWPID) != 0)
        check_unsupported(c, "needs a pid namespace: unshare: errno %d", errno);
    struct check_peer inner = check_start(c, hold, user);
    tell(c->channel, hear(inner.channel));
    hear(c->channel);
    check_kill(c, &inner);
}

static void lease_tells(struct check *c, struct holder how)
{
    int fd = check_object(c, how.name, check_page());
    signal(SIGIO, SIG_IGN);
    must(c, close(fd));
    expect_rc(c, lease(c, how.name), 0);
    struct check_peer peer = check_start(c, how.apart ? hold_apart : hold, &how);
    if (hear(peer.channel) == CHECK_GONE)
        check_fail(c, "another process takes the object", "it did not come so far");
    expect_rc(c, lease(c, how.name), EAGAIN);
    check_kill(c, &peer);
    for (int i = 0; how.apart && i < 100 && lease(c, how.name) != 0; i++)
        check_pause_ms(5); /* a namespace ends after its first process */
    expect_rc(c, lease(c, how.name), 0);
}

static void lease_and_open(struct check *c)
{
    lease_tells(c, (struct holder){.name = check_name(c)});
}

static void lease_and_mapped(struct check *c)
{
    lease_tells(c, (struct holder){.name = check_name(c), .map = true, .close = true});
}

static void lease_and_namespace(struct check *c)
{
    lease_tells(c, (struct holder){.name = check_name(c), .map = true, .close = true, .apart = true});
}

static void lease_for_owners(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 0);
    must(c, fchmod(fd, 0666));
    must(c, close(fd));
    check_become_other(c);
    expect_rc(c, lease(c, name), EACCES);
}

/* ---- seals and memfd ---- */

static void shm_is_sealed_against_seals(struct check *c)
{
    check_needs_tmpfs(c);
    int fd = check_object(c, check_name(c), 100);
    expect_number(c, fcntl(fd, F_GET_SEALS), F_SEAL_SEAL, "seals of an object");
    expect_errno(c, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM);
    expect_ok(c, ftruncate(fd, 10));
}

static int memfd(struct check *c, unsigned flags, size_t bytes)
{
    int fd = (int)must(c, memfd_create("shmoo-check", MFD_CLOEXEC | flags));
    if (bytes)
        must(c, ftruncate(fd, (off_t)bytes));
    return fd;
}

static void memfd_has_no_name(struct check *c)
{
    struct stat st;
    int fd = memfd(c, 0, 0), other = memfd(c, 0, 100);
    must(c, fstat(fd, &st));
    expect_number(c, st.st_size, 0, "size of a new memfd");
    expect_number(c, (long long)st.st_nlink, 0, "its links");
    expect_number(c, fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "FD_CLOEXEC with MFD_CLOEXEC");
    expect_number(c, fcntl((int)must(c, memfd_create("shmoo-check", 0)), F_GETFD) & FD_CLOEXEC, 0, "FD_CLOEXEC without");
    expect_true(c, !check_exists("/shmoo-check"), "no name in /dev/shm", "there is one");
    ino_t inode = st.st_ino;
    must(c, fstat(other, &st));
    expect_true(c, st.st_ino != inode, "two of one name are two objects", "they are one");
    expect_number(c, fcntl(fd, F_GET_SEALS), F_SEAL_SEAL, "seals without MFD_ALLOW_SEALING");
    expect_errno(c, memfd_create("shmoo-check", 0x4000000u), EINVAL);
}

static void seals_on_size(struct check *c)
{
    int fd = memfd(c, MFD_ALLOW_SEALING, 2 * check_page());
    unsigned char *at = check_map(c, fd, 2 * check_page());
    expect_number(c, fcntl(fd, F_GET_SEALS), 0, "seals at first");
    expect_ok(c, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    expect_errno(c, ftruncate(fd, 10), EPERM);
    expect_ok(c, ftruncate(fd, (off_t)(3 * check_page())));
    expect_ok(c, fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    expect_errno(c, ftruncate(fd, (off_t)(4 * check_page())), EPERM);
    expect_errno(c, pwrite(fd, "x", 1, (off_t)(3 * check_page())), EPERM);
    expect_touch(c, touch_write(at, 1), 0, 0, NULL, "a store");
    expect_number(c, fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW, "seals");
    expect_ok(c, fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    expect_errno(c, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
}

static void seals_on_writing(struct check *c)
{
    size_t page = check_page();
    int fd = memfd(c, MFD_ALLOW_SEALING, page);
    unsigned char *at = check_map(c, fd, page);
    expect_errno(c, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    must(c, munmap(at, page));
    expect_ok(c, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    expect_errno(c, pwrite(fd, "x", 1, 0), EPERM);
    expect_no_map(c, mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    expect_true(c, mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED, "a private mapping",
                "errno %d", errno);
}

static void seals_on_future_writing(struct check *c)
{
    size_t page = check_page();
    int fd = memfd(c, MFD_ALLOW_SEALING, page);
    unsigned char *at = check_map(c, fd, page);
    expect_ok(c, fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    expect_touch(c, touch_write(at, 7), 0, 0, NULL, "a store through the mapping that was there");
    expect_no_map(c, mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
    expect_errno(c, pwrite(fd, "x", 1, 0), EPERM);
    unsigned char *reading = must_map(c, mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0));
    expect_number(c, reading[0], 7, "the store, through a new mapping for reading");
    expect_errno(c, mprotect(reading, page, PROT_READ | PROT_WRITE), EACCES);
}

#define LEASE .interface = "fcntl", .clause = "fcntl(2), F_SETLEASE; F_WRLCK", .level = CHECK_LINUX_OBSERVED

const struct check_ops checks_guard[] = {
    {.id = "guard/record-locks", .interface = "fcntl", .level = CHECK_POSIX_MUST, .run = record_locks,
     .clause = "POSIX.1-2024 fcntl, F_SETLK; close, DESCRIPTION",
     .summary = "record locks exclude other processes, and are lost when any descriptor of the object is closed"},
    {.id = "guard/description-locks", .interface = "fcntl", .level = CHECK_POSIX_MUST, .run = description_locks,
     .clause = "POSIX.1-2024 fcntl, F_OFD_SETLK", .summary = "locks of an open file description last until that one is closed"},
    {.id = "guard/locks-die-with-holder", .interface = "fcntl", .level = CHECK_POSIX_MUST, .run = locks_die_with_holder,
     .clause = "POSIX.1-2024 fcntl, F_SETLK: removed when the process terminates; flock(2)",
     .summary = "record locks and flock are free when their holder is killed"},
    {.id = "guard/lease-tells-open", LEASE, .run = lease_and_open,
     .summary = "a write lease is refused while anybody has the object open, and granted when nobody has"},
    {.id = "guard/lease-tells-mapped", LEASE, .run = lease_and_mapped,
     .summary = "a write lease is refused while anybody has it mapped for reading, with the descriptor closed"},
    {.id = "guard/lease-tells-across-namespaces", LEASE, .run = lease_and_namespace, .needs = CHECK_NEEDS_ROOT,
     .summary = "also when that process is in another pid namespace"},
    {.id = "guard/lease-for-owners", .interface = "fcntl", .level = CHECK_LINUX_DOCUMENTED, .run = lease_for_owners,
     .clause = "fcntl(2), F_SETLEASE; CAP_LEASE", .needs = CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS,
     .summary = "somebody who does not own the object gets no lease: EACCES"},
    {.id = "guard/no-seals-on-shm", .interface = "fcntl", .level = CHECK_LINUX_OBSERVED, .run = shm_is_sealed_against_seals,
     .clause = "fcntl(2), F_GET_SEALS", .summary = "an object of shm_open is sealed against seals"},
    {.id = "guard/memfd-has-no-name", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED, .run = memfd_has_no_name,
     .clause = "memfd_create(2), DESCRIPTION; ERRORS EINVAL", .summary = "a memfd is empty, has no link and no name, and is each time another"},
    {.id = "guard/seals-on-size", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED, .run = seals_on_size,
     .clause = "fcntl(2), F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL", .summary = "seals hold the size of a memfd, each in its direction"},
    {.id = "guard/seals-on-writing", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED, .run = seals_on_writing,
     .clause = "fcntl(2), F_SEAL_WRITE", .summary = "F_SEAL_WRITE waits for writable mappings to go, then nothing writes"},
    {.id = "guard/seals-on-future-writing", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED,
     .run = seals_on_future_writing, .clause = "fcntl(2), F_SEAL_FUTURE_WRITE",
     .summary = "F_SEAL_FUTURE_WRITE lets existing mappings write, and no new ones"},
    {0},
};
