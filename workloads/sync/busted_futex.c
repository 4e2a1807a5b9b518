/* busted-futex-*, busted-timeout-steal: sleeping locks on the futex system call, each broken on purpose in one way. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "workloads/sync/rows.h"

enum { FREE, HELD, CONTENDED };

/* Sleeps while the word is `value`, so long at the most; 0: until woken up. */
static int sleep_while(uint32_t *word, uint32_t value, uint64_t ns)
{
    struct timespec length = {.tv_nsec = (long)ns};
    long rc = syscall(SYS_futex, word, FUTEX_WAIT, value, ns ? &length : NULL, NULL, 0);
    return rc == 0 || errno == EAGAIN || errno == EINTR || errno == ETIMEDOUT ? 0 : errno;
}

static int wake_one(uint32_t *word)
{
    return syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) < 0 ? errno : 0;
}

static bool take(uint32_t *word, uint32_t as)
{
    uint32_t expected = FREE;
    return __atomic_compare_exchange_n(word, &expected, as, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static int three_release(struct sync_self *self)
{
    uint32_t *word = self->state;
    return __atomic_exchange_n(word, FREE, __ATOMIC_RELEASE) == CONTENDED ? wake_one(word) : 0;
}

/* Whoever has slept takes the word as HELD, although others may be asleep still: its release wakes none of them. */
static int forget_acquire(struct sync_self *self)
{
    uint32_t *word = self->state;
    while (!take(word, HELD)) {
        uint32_t held = HELD;
        int rc = 0;
        __atomic_compare_exchange_n(word, &held, CONTENDED, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
        if (held != FREE)
            rc = sleep_while(word, CONTENDED, 0);
        if (rc)
            return rc;
    }
    return 0;
}

const struct sync_ops sync_busted_futex_contended = {
    .name = "busted-futex-contended",
    .summary = "broken on purpose: who wakes up takes the futex as if nobody else slept, and the others sleep on",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(uint32_t),
    .lock = {.acquire = forget_acquire, .release = three_release},
};

/* The word is read once more for the wait: if it has become free by then, the wait is for it to be taken. */
static int reread_acquire(struct sync_self *self)
{
    uint32_t *word = self->state;
    if (take(word, HELD))
        return 0;
    while (__atomic_exchange_n(word, CONTENDED, __ATOMIC_ACQUIRE) != FREE) {
        int rc = sleep_while(word, __atomic_load_n(word, __ATOMIC_RELAXED), 0);
        if (rc)
            return rc;
    }
    return 0;
}

const struct sync_ops sync_busted_futex_reread = {
    .name = "busted-futex-reread",
    .summary = "broken on purpose: reads the futex anew for the wait, and may go to sleep on a free one",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(uint32_t),
    .lock = {.acquire = reread_acquire, .release = three_release},
};

/* The release is a plain store and then a plain load: the processor does the load first, and misses who has just lain
 * down. */
struct counted {
    uint32_t word;
    _Alignas(64) uint32_t waiters;
};

static int counted_acquire(struct sync_self *self)
{
    struct counted *lock = self->state;
    int rc = 0;
    if (take(&lock->word, HELD))
        return 0;
    __atomic_fetch_add(&lock->waiters, 1, __ATOMIC_SEQ_CST);
    while (rc == 0 && !take(&lock->word, HELD))
        rc = sleep_while(&lock->word, HELD, 0);
    __atomic_fetch_sub(&lock->waiters, 1, __ATOMIC_SEQ_CST);
    return rc;
}

static int counted_release(struct sync_self *self)
{
    struct counted *lock = self->state;
    __atomic_store_n(&lock->word, FREE, __ATOMIC_RELEASE);
    return __atomic_load_n(&lock->waiters, __ATOMIC_RELAXED) ? wake_one(&lock->word) : 0;
}

const struct sync_ops sync_busted_futex_fence = {
    .name = "busted-futex-fence",
    .summary = "broken on purpose: no fence between freeing the word and looking for waiters, so a wake-up can be missed",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(struct counted),
    .lock = {.acquire = counted_acquire, .release = counted_release},
};

/* Who has waited this long takes the holder for dead, without asking. */
#define PATIENCE_NS (2 * NS_PER_MS)

static int steal_acquire(struct sync_self *self)
{
    uint32_t *word = self->state;
    if (take(word, HELD))
        return 0;
    for (uint64_t start_ns = clock_ns(); __atomic_exchange_n(word, CONTENDED, __ATOMIC_ACQUIRE) != FREE;) {
        if (clock_ns() - start_ns > PATIENCE_NS)
            return 0;
        int rc = sleep_while(word, CONTENDED, PATIENCE_NS);
        if (rc)
            return rc;
    }
    return 0;
}

const struct sync_ops sync_busted_timeout_steal = {
    .name = "busted-timeout-steal",
    .summary = "broken on purpose: takes a holder that is slow for dead, after two milliseconds",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(uint32_t),
    .lock = {.acquire = steal_acquire, .release = three_release},
};
