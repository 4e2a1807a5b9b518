/* Guards: leases and seals on objects, and memfd as the object without a name; file locks are in lock.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads/check/rows.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

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
    expect_number(c, fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR, "access mode");
}

static void memfd_names(struct check *c)
{
    char name[251], link[64], text[300] = "";
    memset(name, 'n', sizeof name - 1);
    name[250] = '\0';
    expect_errno(c, memfd_create(name, MFD_CLOEXEC), EINVAL); /* 249 bytes are the most */
    name[249] = '\0';
    expect_ok(c, memfd_create(name, MFD_CLOEXEC));
    int fd = (int)must(c, memfd_create("with/slashes", MFD_CLOEXEC));
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, text, sizeof text - 1) > 0)
        expect_text(c, text, "/memfd:with/slashes (deleted)", link);
}

static void memfd_is_shared(struct check *c, void *user)
{
    int fd = *(int *)user;
    unsigned char *at = check_map(c, fd, check_page());
    expect_filled(c, at, check_page(), 1, "contents, in the child");
    check_fill(at, check_page(), 2);
}

static void memfd_through_fork(struct check *c)
{
    int fd = memfd(c, 0, check_page());
    unsigned char *at = check_map(c, fd, check_page());
    expect_fill(c, at, 0, check_page(), "a new one's contents");
    check_fill(at, check_page(), 1);
    struct check_peer child = check_start(c, memfd_is_shared, &fd);
    expect_end(c, &child);
    expect_filled(c, at, check_page(), 2, "what the child stored through a mapping of its own");
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

static void never_executable(struct check *c)
{
    struct stat st;
    int fd = memfd_create("shmoo-check", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        check_unsupported(c, "needs MFD_NOEXEC_SEAL: this kernel does not have it (Linux 6.3)");
    must(c, fd);
    must(c, fstat(fd, &st));
    expect_mode(c, st.st_mode, 0666, "a memfd with MFD_NOEXEC_SEAL");
    expect_number(c, fcntl(fd, F_GET_SEALS) & F_SEAL_EXEC, F_SEAL_EXEC, "F_SEAL_EXEC of it");
    expect_errno(c, fchmod(fd, 0777), EPERM);
    expect_ok(c, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)); /* it implies MFD_ALLOW_SEALING */
}

#define LEASE .interface = "fcntl", .clause = "fcntl(2), F_SETLEASE; F_WRLCK", .level = CHECK_LINUX_OBSERVED

const struct check_ops checks_guard[] = {
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
    {.id = "guard/memfd-names", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED, .run = memfd_names,
     .clause = "memfd_create(2), DESCRIPTION: name; ERRORS EINVAL",
     .summary = "249 bytes are a name, 250 are too many, and /proc shows it"},
    {.id = "guard/memfd-is-shared", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED, .run = memfd_through_fork,
     .clause = "memfd_create(2), NOTES: inherited by fork", .summary = "a child shares a memfd by its descriptor"},
    {.id = "guard/memfd-never-executable", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED, .run = never_executable,
     .clause = "memfd_create(2), MFD_NOEXEC_SEAL; fcntl(2), F_SEAL_EXEC", .summary = "MFD_NOEXEC_SEAL makes a memfd that cannot become executable"},
    {.id = "guard/seals-on-size", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED, .run = seals_on_size,
     .clause = "fcntl(2), F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL", .summary = "seals hold the size of a memfd, each in its direction"},
    {.id = "guard/seals-on-writing", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED, .run = seals_on_writing,
     .clause = "fcntl(2), F_SEAL_WRITE", .summary = "F_SEAL_WRITE waits for writable mappings to go, then nothing writes"},
    {.id = "guard/seals-on-future-writing", .interface = "memfd_create", .level = CHECK_LINUX_DOCUMENTED,
     .run = seals_on_future_writing, .clause = "fcntl(2), F_SEAL_FUTURE_WRITE",
     .summary = "F_SEAL_FUTURE_WRITE lets existing mappings write, and no new ones"},
    {0},
};
