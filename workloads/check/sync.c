/* The box of synchronisation objects that the checks of mutexes, semaphores and the others share. */
#define _GNU_SOURCE
#include "workloads/check/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

const struct mutex_kind mutex_shared = {
    .type = PTHREAD_MUTEX_DEFAULT, .shared = PTHREAD_PROCESS_SHARED, .robust = PTHREAD_MUTEX_STALLED};
const struct mutex_kind mutex_robust = {
    .type = PTHREAD_MUTEX_DEFAULT, .shared = PTHREAD_PROCESS_SHARED, .robust = PTHREAD_MUTEX_ROBUST};
const struct mutex_kind mutex_errorcheck = {
    .type = PTHREAD_MUTEX_ERRORCHECK, .shared = PTHREAD_PROCESS_SHARED, .robust = PTHREAD_MUTEX_STALLED};

struct box *box_make(struct check *c, const char **name)
{
    *name = check_name(c);
    int fd = check_object(c, *name, sizeof(struct box));
    struct box *box = check_map(c, fd, sizeof *box);
    must(c, close(fd));
    return box;
}

struct box *box_open(struct check *c, const char *name)
{
    int fd = (int)must(c, shm_open(name, O_RDWR, 0));
    struct box *box = check_map(c, fd, sizeof *box);
    must(c, close(fd));
    return box;
}

void mutex_make(struct check *c, pthread_mutex_t *mutex, const struct mutex_kind *kind)
{
    pthread_mutexattr_t attr;
    must_rc(c, pthread_mutexattr_init(&attr));
    must_rc(c, pthread_mutexattr_settype(&attr, kind->type));
    must_rc(c, pthread_mutexattr_setpshared(&attr, kind->shared));
    must_rc(c, pthread_mutexattr_setrobust(&attr, kind->robust));
    must_rc(c, pthread_mutexattr_setprotocol(&attr, kind->protocol));
    must_rc(c, pthread_mutex_init(mutex, &attr));
    pthread_mutexattr_destroy(&attr);
}

int mutex_lock_within(pthread_mutex_t *mutex, unsigned ms)
{
    struct timespec moment;
    check_moment(&moment, ms);
    return pthread_mutex_timedlock(mutex, &moment);
}

int sem_wait_within(sem_t *sem, unsigned ms)
{
    struct timespec moment;
    check_moment(&moment, ms);
    while (sem_timedwait(sem, &moment) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* ---- peers that call one function ---- */

struct calling {
    const char *name;
    int (*call)(struct box *box);
};

static void call_and_tell(struct check *c, void *user)
{
    struct calling *calling = user;
    struct box *box = box_open(c, calling->name);
    tell(c->channel, -1);
    tell(c->channel, calling->call(box));
    hear(c->channel);
}

struct check_peer sync_start(struct check *c, const char *name, int (*call)(struct box *box))
{
    struct calling calling = {name, call};
    struct check_peer peer = check_start(c, call_and_tell, &calling);
    if (hear(peer.channel) == CHECK_GONE)
        check_fail(c, "another process opens the object and maps it", "it did not come so far");
    return peer;
}

void sync_end(struct check *c, const struct check_peer *peer)
{
    tell(peer->channel, 1);
    expect_end(c, peer);
}

bool expect_returns(struct check *c, const struct check_peer *peer, int expected, const char *what)
{
    uint64_t start = check_now_ms();
    return expect_heard(c, peer, SYNC_PATIENCE_MS, expected, what) &&
           expect_true(c, check_now_ms() - start < SYNC_PATIENCE_MS / 2, "it is woken", "%s: it found out when its patience was over",
                       what);
}

/* ---- waits that end by themselves ---- */

#define WAIT_MS 30
#define LATE_MS 1000

static int64_t ns_of(const struct timespec *moment)
{
    return (int64_t)moment->tv_sec * 1000000000 + moment->tv_nsec;
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return ns_of(&now);
}

/* A busy machine may let a process wait for longer than it asked: the best of three tries must not be late, and none early. */
void expect_timeout(struct check *c, int (*wait)(struct box *, clockid_t, const struct timespec *), struct box *box, clockid_t clock,
                    const char *what)
{
    int64_t late_ms = INT64_MAX;
    for (int tries = 0; tries < 3; tries++) {
        int64_t end = now_ns(clock) + WAIT_MS * 1000000LL;
        struct timespec moment = {.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
        int rc = wait(box, clock, &moment);
        int64_t over_ns = now_ns(clock) - end;
        if (!expect_number(c, rc, ETIMEDOUT, "result of %s, in vain", what) ||
            !expect_true(c, over_ns >= 0, "not before its time", "%s gives up %lld ns before it", what, (long long)-over_ns))
            return;
        late_ms = over_ns / 1000000 < late_ms ? over_ns / 1000000 : late_ms;
    }
    expect_true(c, late_ms <= LATE_MS, "soon after its time", "%s gives up %lld ms after it, three times", what, (long long)late_ms);
}
