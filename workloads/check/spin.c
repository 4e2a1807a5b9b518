/* Spin locks and barriers between processes, and when one of the processes dies. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "workloads/check/rows.h"
#include "workloads/check/sync.h"

/* ---- spin locks ---- */

static struct box *box_with_spin(struct check *c, const char **name)
{
    struct box *box = box_make(c, name);
    must_rc(c, pthread_spin_init(&box->spin, PTHREAD_PROCESS_SHARED));
    return box;
}

static int spin_lock(struct box *box)
{
    return pthread_spin_lock(&box->spin);
}

static int try_and_unlock(struct box *box)
{
    int rc = pthread_spin_trylock(&box->spin);
    return rc ? rc : pthread_spin_unlock(&box->spin);
}

static void excludes(struct check *c)
{
    const char *name;
    struct box *box = box_with_spin(c, &name);
    struct check_peer holder = sync_start(c, name, spin_lock);
    expect_heard(c, &holder, SYNC_PATIENCE_MS, 0, "another process locks a new spin lock");
    expect_rc(c, pthread_spin_trylock(&box->spin), EBUSY);
    check_kill(c, &holder);
}

static void trying_takes(struct check *c)
{
    const char *name;
    struct box *box = box_with_spin(c, &name), *other = box_open(c, name);
    struct check_peer peer = sync_start(c, name, try_and_unlock);
    expect_heard(c, &peer, SYNC_PATIENCE_MS, 0, "trylock and unlock in another process");
    expect_rc(c, pthread_spin_trylock(&box->spin), 0);
    expect_rc(c, pthread_spin_trylock(&other->spin), EBUSY);
    expect_rc(c, pthread_spin_unlock(&other->spin), 0);
    expect_rc(c, pthread_spin_trylock(&box->spin), 0);
    sync_end(c, &peer);
    must_rc(c, pthread_spin_unlock(&box->spin));
    expect_rc(c, pthread_spin_destroy(&box->spin), 0);
}

static void spins_until_unlocked(struct check *c)
{
    const char *name;
    struct box *box = box_with_spin(c, &name);
    expect_rc(c, pthread_spin_trylock(&box->spin), 0);
    struct check_peer peer = sync_start(c, name, spin_lock);
    expect_true(c, hear_within(peer.channel, 50) == CHECK_SILENT, "pthread_spin_lock in another process goes on", "it returns");
    expect_rc(c, pthread_spin_unlock(&box->spin), 0);
    expect_heard(c, &peer, SYNC_PATIENCE_MS, 0, "pthread_spin_lock in another process, after the unlock");
    expect_rc(c, pthread_spin_trylock(&box->spin), EBUSY);
    check_kill(c, &peer);
}

static void dead_holder(struct check *c)
{
    const char *name;
    struct box *box = box_with_spin(c, &name);
    struct check_peer holder = sync_start(c, name, spin_lock);
    expect_heard(c, &holder, SYNC_PATIENCE_MS, 0, "another process locks a new spin lock");
    check_kill(c, &holder);
    expect_rc(c, pthread_spin_trylock(&box->spin), EBUSY);
}

/* ---- barriers ---- */

static struct box *box_with_barrier(struct check *c, const char **name, unsigned count)
{
    pthread_barrierattr_t attr;
    struct box *box = box_make(c, name);
    must_rc(c, pthread_barrierattr_init(&attr));
    must_rc(c, pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
    must_rc(c, pthread_barrier_init(&box->barrier, &attr, count));
    pthread_barrierattr_destroy(&attr);
    return box;
}

/* 1: the serial one, 0: another one. */
static int arrive(struct box *box)
{
    int rc = pthread_barrier_wait(&box->barrier);
    return rc == PTHREAD_BARRIER_SERIAL_THREAD ? 1 : -rc;
}

static struct check_peer start_arrival(struct check *c, const char *name)
{
    struct check_peer peer = sync_start(c, name, arrive);
    expect_waiting(c, &peer, "a process waits at the barrier for the others");
    return peer;
}

/* All must be heard, in whatever order; those told that they are the serial one. */
static int64_t serial_ones(struct check *c, const struct check_peer *peers, int count)
{
    int64_t serial = 0;
    for (int i = 0; i < count; i++) {
        int64_t heard = hear_within(peers[i].channel, SYNC_PATIENCE_MS);
        expect_true(c, heard == 0 || heard == 1, "every process is let through", "process %d is not", i);
        serial += heard == 1;
    }
    return serial;
}

static void lets_all_through(struct check *c)
{
    const char *name;
    struct check_peer peers[3];
    struct box *box = box_with_barrier(c, &name, 3);
    for (int round = 0; round < 2; round++) { /* it is as new after all have passed */
        peers[0] = start_arrival(c, name);
        peers[1] = start_arrival(c, name);
        expect_waiting(c, &peers[0], "two of three are not let through");
        peers[2] = sync_start(c, name, arrive);
        expect_number(c, serial_ones(c, peers, 3), 1, "of three, those told that they are the serial one, in round %d", round);
        for (int i = 0; i < 3; i++)
            sync_end(c, &peers[i]);
    }
    expect_rc(c, pthread_barrier_destroy(&box->barrier), 0);
}

/* 1 if it was the serial one the first time, 2 more if it was the second time. */
static int arrive_twice(struct box *box)
{
    int first = arrive(box), second = arrive(box);
    return first < 0 ? first : second < 0 ? second : first + 2 * second;
}

static void waits_each_time(struct check *c)
{
    const char *name;
    box_with_barrier(c, &name, 2);
    struct check_peer twice = sync_start(c, name, arrive_twice);
    int others = 0; /* as arrive_twice tells it */
    expect_waiting(c, &twice, "a process waits at the barrier for the other");
    for (int round = 0; round < 2; round++) {
        struct check_peer once = sync_start(c, name, arrive);
        int64_t heard = hear_within(once.channel, SYNC_PATIENCE_MS);
        expect_true(c, heard == 0 || heard == 1, "the other one is let through", "it is not, in round %d", round);
        others += heard == 1 ? 1 << round : 0;
        if (round == 0)
            expect_waiting(c, &twice, "the first one, let through, waits at the barrier the second time");
        sync_end(c, &once);
    }
    expect_heard(c, &twice, SYNC_PATIENCE_MS, 3 - others, "rounds in which it was the serial one (1: the first, 2: the second)");
    struct check_peer pair[2] = {sync_start(c, name, arrive_twice), sync_start(c, name, arrive_twice)};
    int64_t one = hear_within(pair[0].channel, SYNC_PATIENCE_MS), other = hear_within(pair[1].channel, SYNC_PATIENCE_MS);
    expect_true(c, one >= 0 && other >= 0 && one + other == 3 && !(one & other), "of two that come twice one is the serial one each time",
                "rounds in which the one was: %lld, the other: %lld (1: the first, 2: the second)", (long long)one, (long long)other);
}

static void dead_arrival(struct check *c)
{
    const char *name;
    box_with_barrier(c, &name, 2);
    struct check_peer dead = start_arrival(c, name);
    check_kill(c, &dead);
    struct check_peer next = sync_start(c, name, arrive);
    expect_heard(c, &next, SYNC_PATIENCE_MS, 1, "result of the next to arrive: let through, by the arrival of the dead");
    check_kill(c, &next);
}

static void barrier_attributes(struct check *c)
{
    pthread_barrierattr_t attr;
    const char *name;
    int shared = -1;
    struct box *box = box_make(c, &name);
    must_rc(c, pthread_barrierattr_init(&attr));
    must_rc(c, pthread_barrierattr_getpshared(&attr, &shared));
    expect_number(c, shared, PTHREAD_PROCESS_PRIVATE, "process-shared attribute, by default");
    expect_rc(c, pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED), 0);
    must_rc(c, pthread_barrierattr_getpshared(&attr, &shared));
    expect_number(c, shared, PTHREAD_PROCESS_SHARED, "process-shared attribute, when set");
    expect_rc(c, pthread_barrier_init(&box->barrier, &attr, 0), EINVAL);
}

static void barrier_nonsense(struct check *c)
{
    pthread_barrierattr_t attr;
    must_rc(c, pthread_barrierattr_init(&attr));
    expect_rc(c, pthread_barrierattr_setpshared(&attr, 4711), EINVAL);
}

const struct check_ops checks_spin[] = {
    {.id = "spin/between-processes", .interface = "pthread_spin", .level = CHECK_POSIX_MUST, .run = excludes,
     .clause = "POSIX.1-2024 pthread_spin_init, PTHREAD_PROCESS_SHARED; pthread_spin_trylock, ERRORS [EBUSY]",
     .summary = "a spin lock that another process holds is busy"},
    {.id = "spin/trying-takes", .interface = "pthread_spin", .level = CHECK_POSIX_MUST, .run = trying_takes,
     .clause = "POSIX.1-2024 pthread_spin_trylock, pthread_spin_unlock, DESCRIPTION",
     .summary = "trying takes a free one, unlocking gives it back, at every address"},
    {.id = "spin/spins-until-unlocked", .interface = "pthread_spin", .level = CHECK_POSIX_MUST, .run = spins_until_unlocked,
     .clause = "POSIX.1-2024 pthread_spin_lock, DESCRIPTION", .summary = "locking goes on until the holder unlocks"},
    {.id = "spin/dead-holder", .interface = "pthread_spin", .level = CHECK_LINUX_OBSERVED, .run = dead_holder,
     .clause = "POSIX.1-2024 pthread_spin_lock: no robust variant", .summary = "a holder that is killed leaves the lock closed"},
    {.id = "barrier/between-processes", .interface = "pthread_barrier", .level = CHECK_POSIX_MUST, .run = lets_all_through,
     .clause = "POSIX.1-2024 pthread_barrier_wait, DESCRIPTION; RETURN VALUE",
     .summary = "three processes pass together, one is told that it is the serial one, and so the next time"},
    {.id = "barrier/waits-each-time", .interface = "pthread_barrier", .level = CHECK_POSIX_MUST, .run = waits_each_time,
     .clause = "POSIX.1-2024 pthread_barrier_wait, DESCRIPTION: reset to the state after the most recent pthread_barrier_init",
     .summary = "who has passed waits again when it comes again, and each time one of them is the serial one"},
    {.id = "barrier/dead-arrival", .interface = "pthread_barrier", .level = CHECK_LINUX_OBSERVED, .run = dead_arrival,
     .clause = "POSIX.1-2024 pthread_barrier_wait: says nothing of dead processes",
     .summary = "who has arrived counts, even when it was killed since"},
    {.id = "barrier/attributes", .interface = "pthread_barrierattr", .level = CHECK_POSIX_MUST, .run = barrier_attributes,
     .clause = "POSIX.1-2024 pthread_barrierattr_getpshared, DESCRIPTION; pthread_barrier_init, ERRORS [EINVAL]",
     .summary = "by default private; what is set is read back; a barrier for nobody is refused"},
    {.id = "barrier/nonsense-is-refused", .interface = "pthread_barrierattr", .level = CHECK_POSIX_MAY, .run = barrier_nonsense,
     .clause = "POSIX.1-2024 pthread_barrierattr_setpshared, ERRORS: may fail [EINVAL]", .summary = "a sharing that is none is refused"},
    {0},
};
