/* The race of collecting: whoever holds an object finds it under its name, while everything unused is removed.
 *
 * Processes open, make, map, pass on and inherit objects all the time, in eight ways.
 * SHMOO_RACE_REMOVALS says how many removals are to be seen (make race COUNT=N); a few hundred unless given.
 */
#define _GNU_SOURCE
#include "run/leftover.h"

#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/seed.h"
#include "base/testing.h"
#include "shm/region.h"

enum { NAMES = 12, RACERS = 8, REMOVALS = 300, PAGE = 4096 };
/* Enough for the few on the slowest machine; a long run has a limit for each of its removals. */
#define QUICK_NS (60 * NS_PER_S)
#define REMOVAL_NS (50 * NS_PER_MS)
/* A collector that has seen somebody come puts the name back at once, and be it after a time slice. */
#define BACK_NS (2 * NS_PER_S)

struct tally {
    uint64_t held, made, missed;
    uint64_t nameless; /* held, and unlinked: what must never be */
    uint64_t renamed;  /* held, and under the other name, since a third one took its own in that microsecond */
};

struct race {
    uint64_t end;
    bool over;
    struct tally tallies[RACERS];
};

static struct race *race;

static void name_of(uint64_t number, char name[64])
{
    snprintf(name, 64, REGION_FOLDER "/job-%u", (unsigned)(number % NAMES));
}

/* What is only mapped: does its line in /proc/self/maps say that it has been unlinked? */
static bool map_is_deleted(ino_t inode)
{
    char line[512];
    bool deleted = false;
    FILE *file = fopen("/proc/self/maps", "re");
    while (file && fgets(line, sizeof line, file)) {
        unsigned long long number;
        if (sscanf(line, "%*s %*s %*s %*s %llu", &number) == 1 && number == inode)
            deleted |= strstr(line, "(deleted)") != NULL;
    }
    if (file)
        fclose(file);
    return deleted;
}

/* The one rule: what is held has its name, though it may be on its way back to it. */
static void check_named(struct tally *tally, int fd, const char *name, const struct stat *st)
{
    struct stat named;
    uint64_t deadline = clock_ns() + BACK_NS;
    tally->held++;
    while (stat(name, &named) != 0 || named.st_ino != st->st_ino) {
        struct stat now = {0};
        bool unlinked = fd >= 0 ? fstat(fd, &now) == 0 && now.st_nlink == 0 : map_is_deleted(st->st_ino);
        if (unlinked || clock_ns() > deadline) {
            tally->nameless += unlinked;
            tally->renamed += !unlinked;
            return;
        }
        usleep(100);
    }
}

static void make(struct tally *tally, const char *name)
{
    static const char page[PAGE] = {1};
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (write(fd, page, sizeof page) == (ssize_t)sizeof page)
        tally->made++;
    close(fd);
}

/* ---- ways of holding ---- */

static void hold_open(struct tally *tally, int fd, const char *name, const struct stat *st)
{
    check_named(tally, fd, name, st);
}

/* The mapping alone holds it. */
static void hold_mapped(struct tally *tally, int fd, const char *name, const struct stat *st)
{
    bool shared = st->st_ino % 2;
    void *at = mmap(NULL, PAGE, shared ? PROT_READ : PROT_NONE, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        return;
    usleep(50);
    check_named(tally, -1, name, st);
    munmap(at, PAGE);
}

/* For a while it is in a message, and nowhere else. */
static void hold_in_flight(struct tally *tally, int fd, const char *name, const struct stat *st)
{
    int pair[2];
    char byte = 0;
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {{0}};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return;
    control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    bool sent = sendmsg(pair[0], &message, 0) == 1;
    close(fd);
    usleep(200);
    if (sent && recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC) == 1) {
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
        check_named(tally, fd, name, st);
        close(fd);
    }
    close(pair[0]);
    close(pair[1]);
}

static void hold_inherited(struct tally *tally, int fd, const char *name, const struct stat *st)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        usleep(200);
        check_named(tally, fd, name, st);
        _exit(0);
    }
    close(fd);
    if (child > 0)
        testing_wait(child);
}

static const struct way {
    int flags; /* of open() */
    bool makes, leaves_open;
    unsigned pause_us;
    void (*hold)(struct tally *tally, int fd, const char *name, const struct stat *st);
} ways[RACERS] = {
    {O_RDWR, true, true, 0, hold_open},
    {O_RDONLY, false, true, 20, hold_open},
    {O_WRONLY, true, true, 100, hold_open},
    {O_RDWR | O_CREAT, false, true, 500, hold_open},
    {O_RDWR, true, false, 50, hold_mapped},
    {O_RDONLY | O_NONBLOCK, false, false, 300, hold_mapped},
    {O_RDWR, true, false, 1000, hold_in_flight},
    {O_RDWR, false, false, 2000, hold_inherited},
};

static int racer(void *user)
{
    size_t number = (size_t)(struct tally *)user - (size_t)race->tallies;
    struct tally *tally = user;
    const struct way *way = &ways[number / sizeof *tally];
    uint64_t seed = number + 1;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(0); /* a long run has a limit of its own */
    while (!__atomic_load_n(&race->over, __ATOMIC_RELAXED) && clock_ns() < race->end) {
        char name[64];
        struct stat st;
        name_of(seed_next(&seed), name);
        int fd = open(name, way->flags | O_CLOEXEC, 0600);
        if (fd >= 0 && fstat(fd, &st) == 0) {
            way->hold(tally, fd, name, &st);
            if (way->leaves_open)
                close(fd);
        } else if (fd < 0) {
            tally->missed++;
            if (way->makes)
                make(tally, name);
        }
        if (way->pause_us)
            usleep(way->pause_us);
    }
    return 0;
}

/* ---- the collector ---- */

struct collected {
    uint64_t removed, kept, renamed;
};

static void collect(struct leftover *leftover, void *user)
{
    struct collected *collected = user;
    struct error error;
    if (leftover->unused && leftover_remove(leftover, &error) == 0) {
        collected->removed++;
        return;
    }
    collected->kept++;
    collected->renamed += leftover->unused && strstr(error.text, "its name has been taken") != NULL;
}

static uint64_t wanted_removals(void)
{
    const char *text = getenv("SHMOO_RACE_REMOVALS");
    return text ? strtoull(text, NULL, 10) : REMOVALS;
}

START_TEST(whoever_holds_an_object_keeps_its_name)
{
    static const char *const globs[] = {"job-*", NULL};
    const struct leftover_rules rules = {.globs = globs};
    struct collected collected = {0};
    struct tally sum = {0};
    struct error error;
    uint64_t wanted = wanted_removals(), limit = wanted == REMOVALS ? QUICK_NS : wanted * REMOVAL_NS;
    if (testing_private_shm("size=16m"))
        return;
    race = mmap(NULL, sizeof *race, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(race, MAP_FAILED);
    race->end = clock_ns() + limit;
    pid_t racers[RACERS];
    for (int i = 0; i < RACERS; i++)
        racers[i] = testing_fork(racer, &race->tallies[i]);
    while (collected.removed < wanted && clock_ns() < race->end)
        if (leftover_scan(&rules, collect, &collected, &error) != 0)
            ck_abort_msg("%s", error.text);
    __atomic_store_n(&race->over, true, __ATOMIC_RELAXED);
    for (int i = 0; i < RACERS; i++) {
        ck_assert_int_eq(testing_wait(racers[i]), 0);
        ck_assert_msg(race->tallies[i].held > 0, "racer %d never held anything", i);
        sum.held += race->tallies[i].held;
        sum.made += race->tallies[i].made;
        sum.nameless += race->tallies[i].nameless;
        sum.renamed += race->tallies[i].renamed;
    }
    printf("race: %llu removed, %llu kept, %llu made anew, held %llu times: %llu without a name, %llu under another one (%llu told)\n",
           (unsigned long long)collected.removed, (unsigned long long)collected.kept, (unsigned long long)sum.made,
           (unsigned long long)sum.held, (unsigned long long)sum.nameless, (unsigned long long)sum.renamed,
           (unsigned long long)collected.renamed);
    fflush(stdout);
    ck_assert_uint_ge(collected.removed, wanted == REMOVALS ? 1 : wanted); /* a slow machine may not reach the few in a minute */
    ck_assert_uint_eq(sum.nameless, 0);
    ck_assert(sum.renamed == 0 || collected.renamed > 0); /* and never without a word */
}
END_TEST

int main(void)
{
    return testing_run("leftover_race", (const TTest *[]){whoever_holds_an_object_keeps_its_name, NULL});
}
