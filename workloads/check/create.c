/* Creating: in every way that there is, exclusively, and where there is no room for it. */
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

/* All that makes a new object: what holds for one must hold for each. */
static const int ways[] = {CREATE,
                           O_CREAT | O_RDWR,
                           O_CREAT | O_RDWR | O_TRUNC,
                           CREATE | O_TRUNC,
                           O_CREAT | O_RDONLY,
                           O_CREAT | O_EXCL | O_RDONLY};
enum { WAYS = sizeof ways / sizeof ways[0] };

static void every_way_is_new(struct check *c)
{
    struct stat st;
    umask(027);
    for (int i = 0; i < WAYS; i++) {
        const char *name = check_name(c);
        int fd = shm_open(name, ways[i], 0666);
        if (!expect_ok(c, fd))
            return;
        st = stat_of(c, fd);
        expect_number(c, st.st_size, 0, "size with flags 0%o", (unsigned)ways[i]);
        expect_number(c, st.st_blocks, 0, "blocks with flags 0%o", (unsigned)ways[i]);
        expect_number(c, (long long)st.st_nlink, 1, "links with flags 0%o", (unsigned)ways[i]);
        expect_mode(c, st.st_mode, 0640, "0666 under umask 027");
        expect_number(c, st.st_uid, geteuid(), "owner with flags 0%o", (unsigned)ways[i]);
        expect_number(c, st.st_gid, getegid(), "group with flags 0%o", (unsigned)ways[i]);
        expect_number(c, fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "FD_CLOEXEC with flags 0%o", (unsigned)ways[i]);
        expect_number(c, fcntl(fd, F_GETFL) & O_ACCMODE, ways[i] & O_ACCMODE, "access mode with flags 0%o", (unsigned)ways[i]);
        expect_true(c, check_exists(name), "the name is in /dev/shm", "it is not");
    }
}

static void for_reading(struct check *c)
{
    const char *name = check_name(c);
    int fd = (int)must(c, shm_open(name, O_CREAT | O_EXCL | O_RDONLY, 0600));
    expect_errno(c, ftruncate(fd, 10), EINVAL);
    expect_errno(c, pwrite(fd, "x", 1, 0), EBADF);
    expect_no_map(c, mmap(NULL, check_page(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    int writing = shm_open(name, O_RDWR, 0);
    if (expect_ok(c, writing))
        expect_ok(c, ftruncate(writing, 10));
    expect_number(c, stat_of(c, fd).st_size, 10, "size, through the descriptor for reading");
}

#define MANY 40

static void many_at_once(struct check *c)
{
    char names[MANY][CHECK_NAME + 8];
    int fds[MANY], value;
    const char *name = check_name(c);
    for (int i = 0; i < MANY; i++) { /* they differ in their last byte only */
        snprintf(names[i], sizeof names[i], "%s-%c", name, 'A' + i);
        fds[i] = (int)must(c, shm_open(names[i], CREATE, 0600));
        expect_number(c, pwrite(fds[i], &i, sizeof i, 8 * i), sizeof i, "bytes written into object %d", i);
    }
    for (int i = 0; i < MANY; i++) {
        int again = (int)must(c, shm_open(names[i], O_RDONLY, 0));
        value = -1;
        must(c, pread(again, &value, sizeof value, 8 * i));
        expect_number(c, value, i, "what was written into object %d", i);
        expect_number(c, stat_of(c, again).st_size, 8 * i + (long long)sizeof value, "size of object %d", i);
    }
    for (int i = 0; i < MANY; i++) {
        expect_ok(c, shm_unlink(names[i]));
        expect_true(c, !check_exists(names[i]) && (i == MANY - 1 || check_exists(names[i + 1])), "one name goes at a time",
                    "another one went, or it stayed");
    }
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

const struct check_ops checks_create[] = {
    {.id = "open/starts-empty", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = starts_empty,
     .clause = SHM_OPEN "O_CREAT: a size of zero", .summary = "a new object has size 0, and takes no memory"},
    {.id = "open/every-way-is-new", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = every_way_is_new,
     .clause = SHM_OPEN "O_CREAT: a size of zero, user ID, group ID, permission bits; FD_CLOEXEC",
     .summary = "with or without O_EXCL and O_TRUNC, for reading or for both, a new object is empty, one's own, masked and closed on exec"},
    {.id = "open/creates-for-reading", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = for_reading,
     .clause = SHM_OPEN "O_CREAT; O_RDONLY", .summary = "who creates an object for reading has it for reading"},
    {.id = "open/many-at-once", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = many_at_once,
     .clause = SHM_OPEN "DESCRIPTION: same name, same object", .summary = "forty objects, whose names differ in the last byte, are forty"},
    {.id = "open/exclusive-has-one-winner", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = one_winner,
     .clause = SHM_OPEN "O_EXCL: check and creation are atomic", .summary = "of two or three that create at once exactly one wins, up to 400 times"},
    {.id = "open/no-descriptor-no-object", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = no_descriptor_no_object,
     .clause = SHM_OPEN "ERRORS [EMFILE]", .summary = "without a free descriptor nothing is created"},
    {.id = "open/no-inode-no-object", .interface = "shm_open", .level = CHECK_POSIX_MUST, .run = no_inode_no_object,
     .clause = SHM_OPEN "ERRORS [ENOSPC]; tmpfs(5), nr_inodes", .needs = CHECK_NEEDS_MOUNTS, .shm = "nr_inodes=8",
     .summary = "when the inodes are used up, creating fails until one is given back"},
    {0},
};
