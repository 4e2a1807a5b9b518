/* futex-pi: the kernel's priority-inheriting lock; the word holds the owner's thread id (futex(2), FUTEX_LOCK_PI).
 *
 * The death of a holder is noticed, in two ways. If somebody slept, the kernel hands the lock on with FUTEX_OWNER_DIED in
 * the word. If nobody did, the word names a process that is gone, and the next one's FUTEX_LOCK_PI fails with ESRCH: it takes
 * the word over. Its limit: a new process that was given the dead one's number before anybody came is taken for the holder.
 *
 * Not fair: turns go by priority, and a waiter that a signal wakes loses its place in the kernel's queue.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/sight.h"

static int pi_attach(struct sync_self *self)
{
    self->local = (void *)(uintptr_t)gettid();
    return 0;
}

static uint32_t own_tid(const struct sync_self *self)
{
    return (uint32_t)(uintptr_t)self->local;
}

static bool swap(uint32_t *word, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Has that process ended? A zombie has, and its number stays its own until somebody collects it. */
static bool is_dead(uint32_t tid)
{
    int fd = pidfd_open((pid_t)tid, 0);
    if (fd < 0)
        return errno == ESRCH;
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    bool dead = poll(&ended, 1, 0) == 1;
    close(fd);
    return dead;
}

/* A dead owner's word does not change by itself: whoever exchanges it first is the next owner. */
static void take_over(struct sync_self *self)
{
    uint32_t *word = self->state, seen = __atomic_load_n(word, __ATOMIC_RELAXED), owner = seen & FUTEX_TID_MASK;
    if (owner && is_dead(owner))
        swap(word, seen, own_tid(self) | FUTEX_OWNER_DIED | (seen & FUTEX_WAITERS));
}

/* While a holder dies, the kernel has forgotten it, and the waiter that is to have the lock has not yet put its name into the word:
 * whoever asks then gets EINVAL. It passes as soon as that waiter has run; what is really invalid stays so. */
#define PATIENCE 20000
#define NAP_NS 50000

static bool is_passing(unsigned *patience)
{
    struct timespec nap = {.tv_nsec = NAP_NS};
    nanosleep(&nap, NULL);
    return (*patience)-- > 0;
}

static int pi_acquire(struct sync_self *self)
{
    uint32_t *word = self->state;
    unsigned patience = PATIENCE;
    if (swap(word, 0, own_tid(self)))
        return 0;
    while (syscall(SYS_futex, word, FUTEX_LOCK_PI, 0, NULL, NULL, 0) != 0) {
        if (errno == ESRCH)
            take_over(self);
        else if (errno == EINVAL && is_passing(&patience))
            continue;
        else if (errno != EINTR && errno != EAGAIN)
            return errno;
        if ((__atomic_load_n(word, __ATOMIC_ACQUIRE) & FUTEX_TID_MASK) == own_tid(self))
            break;
    }
    return __atomic_load_n(word, __ATOMIC_ACQUIRE) & FUTEX_OWNER_DIED ? EOWNERDEAD : 0;
}

static int pi_try(struct sync_self *self)
{
    return swap(self->state, 0, own_tid(self)) ? 0 : EBUSY;
}

/* A word with more in it than the owner goes through the kernel, which hands the lock to the first in line. */
static int pi_release(struct sync_self *self)
{
    uint32_t *word = self->state;
    if (swap(word, own_tid(self), 0))
        return 0;
    while (syscall(SYS_futex, word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) != 0)
        if (errno != EINTR && errno != EAGAIN)
            return errno;
    return 0;
}

static int pi_recover(struct sync_self *self)
{
    __atomic_fetch_and((uint32_t *)self->state, ~(uint32_t)FUTEX_OWNER_DIED, __ATOMIC_RELAXED);
    return 0;
}

const struct sync_ops sync_futex_pi = {
    .name = "futex-pi",
    .summary = "FUTEX_LOCK_PI on a word with the owner's thread id: the kernel hands it over, and notices deaths",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_ROBUST,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(uint32_t),
    .attach = pi_attach,
    .describe = sight_owner_word,
    .lock = {.acquire = pi_acquire, .release = pi_release, .try_acquire = pi_try, .recover = pi_recover},
};
