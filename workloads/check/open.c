/* Opening: creation, exclusiveness, descriptors, and truncation; who may is in access.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "workloads/check/rows.h"

#define CREATE (O_CREAT | O_EXCL | O_RDWR)

static struct stat stat_of(struct check *c, int fd)
{
    struct stat st = {0};
    must(c, fstat(fd, &st));
    return st;
}

static void starts_empty(struct check *c)
{
    struct stat st = stat_of(c, (int)must(c, shm_open(check_name(c), CREATE, 0600)));
    expect_number(c, st.st_size, 0, "size of a new object");
    expect_number(c, st.st_blocks, 0, "blocks of a new object");
    expect_number(c, (long long)st.st_nlink, 1, "links of a new object");
}

static void exclusive_refuses(struct check *c)
{
    const char *name = check_name(c);
    unsigned char *at = check_map(c, check_object(c, name, check_page()), check_page());
    check_fill(at, check_page(), 1);
    expect_errno(c, shm_open(name, CREATE, 0600), EEXIST);
    expect_errno(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_TRUNC, 0600), EEXIST);
    expect_errno(c, shm_open(name, O_CREAT | O_EXCL | O_RDONLY, 0600), EEXIST);
    expect_number(c, stat_of(c, (int)must(c, shm_open(name, O_RDWR, 0))).st_size, (long long)check_page(),
                  "size of the object that was there");
    expect_filled(c, at, check_page(), 1, "contents of the object that was there");
}

static void creat_opens_what_is_there(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 300);
    must(c, pwrite(fd, "kept", 4, 100));
    int again = shm_open(name, O_CREAT | O_RDWR, 0777);
    if (!expect_ok(c, again))
        return;
    char bytes[4] = "";
    struct stat st = stat_of(c, again);
    expect_true(c, st.st_ino == stat_of(c, fd).st_ino, "the same object", "another one");
    expect_number(c, st.st_size, 300, "its size");
    expect_mode(c, st.st_mode, 0600, "the mode argument has no effect on it");
    must(c, pread(again, bytes, 4, 100));
    expect_bytes(c, bytes, "kept", 4, "its contents");
}

#define RACERS 3
#define RACES 400
#define RACES_LEAST 50 /* on a machine with no CPU to spare */
#define RACES_MS 1000

/* In memory that the racers share: they wait for each other on their CPUs, not asleep. */
struct track {
    const char *name;
    uint32_t ready, racers;
};

/* The n-th of the CPUs that it may use, or one of them: who shares a CPU does not race. */
static void take_cpu(unsigned n)
{
    cpu_set_t allowed, own;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    n %= (unsigned)CPU_COUNT(&allowed);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && n-- == 0) {
            CPU_ZERO(&own);
            CPU_SET(cpu, &own);
            sched_setaffinity(0, sizeof own, &own);
            return;
        }
}

/* Goes on as soon as all are here, by so much later as it is behind. */
static void line_up(struct track *track, uint32_t all, uint64_t behind_ns)
{
    __atomic_add_fetch(&track->ready, 1, __ATOMIC_SEQ_CST);
    for (int i = 1; __atomic_load_n(&track->ready, __ATOMIC_SEQ_CST) < all; i++)
        if (i % 1000 == 0)
            sched_yield();
    for (uint64_t end = clock_ns() + behind_ns; behind_ns && clock_ns() < end;)
        cpu_relax();
}

/* Each message is a race: how many are here when all are. Who is behind is so by a little more each time. */
static void race(struct check *c, void *user)
{
    struct track *track = user;
    uint64_t behind_ns = 0;
    unsigned place = __atomic_fetch_add(&track->racers, 1, __ATOMIC_SEQ_CST);
    take_cpu(place);
    for (int64_t all; (all = hear(c->channel)) != CHECK_GONE && all != 0;) {
        line_up(track, (uint32_t)all, behind_ns);
        int fd = shm_open(track->name, CREATE, 0600);
        tell(c->channel, fd >= 0 ? 0 : errno);
        if (fd >= 0)
            close(fd);
        behind_ns = (behind_ns + 37 * place) % 1500;
    }
}

/* The winners of one race; the others must have seen that somebody was first. */
static int winners_of(struct check *c, const struct check_peer *racers, int count, uint32_t ready)
{
    int winners = 0;
    for (int i = 0; i < count; i++)
        tell(racers[i].channel, ready + (uint32_t)count);
    for (int i = 0; i < count; i++) {
        int64_t errnum = hear(racers[i].channel);
        winners += errnum == 0;
        if (errnum)
            expect_number(c, errnum, EEXIST, "errno of a loser");
    }
    return winners;
}

static void one_winner(struct check *c)
{
    struct check_peer racers[RACERS];
    struct track *track = must_map(c, mmap(NULL, sizeof *track, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    track->name = check_name(c);
    for (int i = 0; i < RACERS; i++)
        racers[i] = check_start(c, race, track);
    uint64_t end = check_now_ms() + RACES_MS;
    for (int round = 0; round < RACES && (round < RACES_LEAST || check_now_ms() < end); round++) {
        int count = round % 8 ? 2 : RACERS; /* two have a CPU each where three have not */
        if (!expect_number(c, winners_of(c, racers, count, track->ready), 1, "winners of race %d", round))
            return;
        must(c, shm_unlink(track->name));
    }
}

static void own_description(struct check *c)
{
    const char *name = check_name(c);
    int one = check_object(c, name, 1000), other = (int)must(c, shm_open(name, O_RDWR, 0));
    expect_number(c, lseek(other, 0, SEEK_CUR), 0, "offset of a new descriptor");
    must(c, lseek(one, 500, SEEK_SET));
    expect_number(c, lseek(other, 0, SEEK_CUR), 0, "offset of the other after a seek in one");
    must(c, fcntl(one, F_SETFL, O_APPEND));
    expect_number(c, fcntl(other, F_GETFL) & O_APPEND, 0, "O_APPEND of the other after setting it in one");
}

static void lowest_descriptor(struct check *c)
{
    const char *name = check_name(c);
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = (int)must(c, open("/", O_RDONLY | O_CLOEXEC));
    close(fds[1]);
    close(fds[2]);
    expect_number(c, shm_open(name, CREATE, 0600), fds[1], "descriptor of the first object");
    expect_number(c, shm_open(name, O_RDONLY, 0), fds[2], "descriptor of the second opening");
}

static void close_on_exec(struct check *c)
{
    const char *name = check_name(c);
    expect_number(c, fcntl(check_object(c, name, 0), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "FD_CLOEXEC of a new object");
    expect_number(c, fcntl((int)must(c, shm_open(name, O_RDONLY, 0)), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC,
                  "FD_CLOEXEC of one that was there");
}

static void access_modes(struct check *c)
{
    const char *name = check_name(c);
    char byte;
    expect_number(c, fcntl(check_object(c, name, 10), F_GETFL) & O_ACCMODE, O_RDWR, "access mode of O_RDWR");
    int fd = (int)must(c, shm_open(name, O_RDONLY, 0));
    expect_number(c, fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY, "access mode of O_RDONLY");
    expect_errno(c, pwrite(fd, "x", 1, 0), EBADF);
    expect_number(c, pread(fd, &byte, 1, 0), 1, "bytes read through O_RDONLY");
}

/* What open(2) adds by itself, and how it was opened, are no status that the caller asked for. */
static void no_other_flags(struct check *c)
{
    const int others = O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_DIRECT | O_ASYNC | O_NOATIME;
    const char *name = check_name(c);
    expect_number(c, fcntl(check_object(c, name, 0), F_GETFL) & others, 0, "status flags of a new object's descriptor");
    expect_number(c, fcntl((int)must(c, shm_open(name, O_RDWR, 0)), F_GETFL) & others, 0, "status flags with O_RDWR");
    expect_number(c, fcntl((int)must(c, shm_open(name, O_RDONLY, 0)), F_GETFL) & others, 0, "status flags with O_RDONLY");
}

static void write_only(struct check *c)
{
    const char *name = check_name(c);
    char byte;
    check_object(c, name, check_page());
    int fd = shm_open(name, O_WRONLY, 0);
    if (!expect_ok(c, fd))
        return;
    expect_no_map(c, mmap(NULL, check_page(), PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    expect_no_map(c, mmap(NULL, check_page(), PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
    expect_errno(c, pread(fd, &byte, 1, 0), EBADF);
}

static void no_descriptor_no_object(struct check *c)
{
    const char *name = check_name(c);
    struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};
    must(c, getrlimit(RLIMIT_NOFILE, &limit));
    int free_fd = (int)must(c, dup(0 <= c->report_fd ? c->report_fd : 0));
    limit.rlim_cur = (rlim_t)free_fd; /* every lower one is in use: no more to be had */
    close(free_fd);
    must(c, setrlimit(RLIMIT_NOFILE, &limit));
    expect_errno(c, shm_open(name, CREATE, 0600), EMFILE);
    expect_true(c, !check_exists(name), "no object was created", "there is one of that name");
}

static void no_inode_no_object(struct check *c)
{
    int made = 0, errnum = 0;
    const char *name = NULL, *last = NULL;
    for (; made < 100; made++) {
        last = name;
        name = check_name(c);
        int fd = shm_open(name, CREATE, 0600);
        errnum = errno;
        if (fd < 0)
            break;
        close(fd);
    }
    expect_number(c, made, 7, "objects with nr_inodes=8, of which the folder has one");
    expect_number(c, errnum, ENOSPC, "errno of the one too many");
    expect_true(c, !check_exists(name), "the one too many was not created", "it is there");
    expect_ok(c, shm_unlink(last));
    expect_ok(c, shm_open(name, CREATE, 0600));
}

/* ---- O_TRUNC ---- */

static void trunc_empties(struct check *c)
{
    const char *name = check_name(c);
    unsigned char bytes[64];
    int fd = check_object(c, name, check_page());
    check_fill(check_map(c, fd, check_page()), check_page(), 1);
    int again = shm_open(name, O_RDWR | O_TRUNC, 0);
    if (!expect_ok(c, again))
        return;
    expect_number(c, stat_of(c, fd).st_size, 0, "size, seen through the older descriptor");
    expect_number(c, stat_of(c, fd).st_blocks, 0, "blocks");
    must(c, ftruncate(fd, (off_t)check_page()));
    must(c, pread(again, bytes, sizeof bytes, 0));
    expect_fill(c, bytes, 0, sizeof bytes, "contents after growing again");
}

static void trunc_keeps_the_rest(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 100);
    int given = fchown(fd, CHECK_OTHER_UID, CHECK_OTHER_GID); /* where that may be: a truncation by the caller could change it */
    (void)given;
    must(c, fchmod(fd, 0642));
    struct stat before = stat_of(c, fd);
    if (!expect_ok(c, shm_open(name, O_RDWR | O_TRUNC, 0777))) /* O_CREAT might meet fs.protected_regular */
        return;
    struct stat after = stat_of(c, fd);
    expect_number(c, after.st_size, 0, "size");
    expect_mode(c, after.st_mode, 0642, "after the truncation");
    expect_number(c, after.st_uid, before.st_uid, "owner");
    expect_number(c, after.st_gid, before.st_gid, "group");
    expect_true(c, after.st_ino == before.st_ino, "the same object", "another one has its name");
}

static void trunc_with_creat(struct check *c)
{
    const char *name = check_name(c), *new = check_name(c);
    int fd = check_object(c, name, 100);
    must(c, fchmod(fd, 0640));
    struct stat before = stat_of(c, fd);
    expect_ok(c, shm_open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));
    expect_number(c, stat_of(c, fd).st_size, 0, "size of an object that was there");
    expect_mode(c, stat_of(c, fd).st_mode, 0640, "its mode");
    expect_true(c, stat_of(c, fd).st_ino == before.st_ino && stat_of(c, fd).st_nlink == 1, "the same object", "another one");
    fd = shm_open(new, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (expect_ok(c, fd))
        expect_number(c, stat_of(c, fd).st_size, 0, "size of one that was not");
    expect_ok(c, shm_open(check_name(c), CREATE | O_TRUNC, 0600));
}

static void trunc_by_another(struct check *c, void *user)
{
    must(c, shm_open(user, O_RDWR | O_TRUNC, 0));
}

static void trunc_of_unlinked_name(struct check *c)
{
    char *name = (char *)(uintptr_t)check_name(c);
    int old = check_object(c, name, 100);
    must(c, shm_unlink(name));
    int new = check_object(c, name, 200);
    struct check_peer peer = check_start(c, trunc_by_another, name);
    expect_end(c, &peer);
    expect_number(c, stat_of(c, new).st_size, 0, "size of the object that has the name");
    expect_number(c, stat_of(c, old).st_size, 100, "size of the one that had it before");
}

static void trunc_read_only(struct check *c)
{
    const char *name = check_name(c);
    int fd = check_object(c, name, 100);
    expect_ok(c, shm_open(name, O_RDONLY | O_TRUNC, 0));
    expect_number(c, stat_of(c, fd).st_size, 0, "size");
}

const struct check_ops checks_open[] = {
    {.id = "open/starts-empty", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = starts_empty,
     .clause = SHM_OPEN "O_CREAT: a size of zero", .summary = "a new object has size 0, and takes no memory"},
    {.id = "open/exclusive-refuses", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = exclusive_refuses,
     .clause = SHM_OPEN "ERRORS [EEXIST]", .summary = "O_EXCL refuses an existing name, and leaves its object as it was"},
    {.id = "open/exclusive-has-one-winner", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = one_winner,
     .clause = SHM_OPEN "O_EXCL: check and creation are atomic", .summary = "of two or three that create at once exactly one wins, up to 400 times"},
    {.id = "open/creat-opens-existing", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = creat_opens_what_is_there,
     .clause = SHM_OPEN "O_CREAT: no effect on an object that exists", .summary = "O_CREAT alone opens an existing object and changes nothing"},
    {.id = "open/own-description", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = own_description,
     .clause = SHM_OPEN "DESCRIPTION: the open file description is new", .summary = "offset and flags of one opening are not another's"},
    {.id = "open/lowest-descriptor", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = lowest_descriptor,
     .clause = SHM_OPEN "DESCRIPTION: File Descriptor Allocation", .summary = "the lowest free descriptor is given"},
    {.id = "open/close-on-exec", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = close_on_exec,
     .clause = SHM_OPEN "DESCRIPTION: FD_CLOEXEC is set", .summary = "every descriptor has FD_CLOEXEC set"},
    {.id = "open/access-mode", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = access_modes,
     .clause = SHM_OPEN "O_RDONLY, O_RDWR", .summary = "a descriptor reads and writes as it was opened, and not more"},
    {.id = "open/no-other-flags", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = no_other_flags,
     .clause = SHM_OPEN "DESCRIPTION: the file status flags are set according to oflag",
     .summary = "a descriptor neither appends nor refuses to wait, nor has another flag that nobody asked for"},
    {.id = "open/write-only", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = write_only,
     .clause = SHM_OPEN "DESCRIPTION: exactly one of O_RDONLY and O_RDWR",
     .summary = "O_WRONLY is taken, but such a descriptor cannot be mapped"},
    {.id = "open/no-descriptor-no-object", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = no_descriptor_no_object,
     .clause = SHM_OPEN "ERRORS [EMFILE]", .summary = "without a free descriptor nothing is created"},
    {.id = "open/no-inode-no-object", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = no_inode_no_object,
     .clause = SHM_OPEN "ERRORS [ENOSPC]; tmpfs(5), nr_inodes", .needs = CHECK_NEEDS_MOUNTS, .shm = "nr_inodes=8",
     .summary = "when the inodes are used up, creating fails until one is given back"},
    {.id = "open/trunc-empties", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = trunc_empties,
     .clause = SHM_OPEN "O_TRUNC: truncated to zero length", .summary = "O_TRUNC empties the object for everybody, and its bytes are gone"},
    {.id = "open/trunc-keeps-mode-and-owner", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = trunc_keeps_the_rest,
     .clause = SHM_OPEN "O_TRUNC: mode and owner unchanged", .summary = "O_TRUNC leaves mode, owner and group alone"},
    {.id = "open/trunc-with-creat", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = trunc_with_creat,
     .clause = SHM_OPEN "O_TRUNC; O_CREAT", .summary = "O_CREAT beside it makes no difference to an object that exists"},
    {.id = "open/trunc-goes-by-name", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = trunc_of_unlinked_name,
     .clause = SHM_OPEN "O_TRUNC: if the shared memory object exists", .summary = "O_TRUNC truncates the object that has the name now, not one that had it"},
    {.id = "open/trunc-read-only", .interface = "shm_open", .level = CHECK_LINUX_OBSERVED, .run = trunc_read_only,
     .clause = SHM_OPEN "O_TRUNC with O_RDONLY: undefined", .summary = "O_TRUNC with O_RDONLY truncates"},
    {0},
};
