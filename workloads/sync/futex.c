/* futex: a three-state mutex of our own on the futex system call (Drepper: Futexes Are Tricky, 2011, the third mutex). */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/sync/rows.h"
#include "workloads/sync/sight.h"

enum { FREE, HELD, CONTENDED }; /* CONTENDED: held, and somebody may be asleep */

static uint32_t swap(uint32_t *word, uint32_t value)
{
    return __atomic_exchange_n(word, value, __ATOMIC_ACQUIRE);
}

static int futex_try(struct sync_self *self)
{
    uint32_t expected = FREE;
    bool got = __atomic_compare_exchange_n((uint32_t *)self->state, &expected, HELD, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
    return got ? 0 : EBUSY;
}

/* Whoever has slept takes the lock as CONTENDED: others may still be asleep. */
static int futex_acquire(struct sync_self *self)
{
    uint32_t *word = self->state;
    if (futex_try(self) == 0)
        return 0;
    while (swap(word, CONTENDED) != FREE)
        if (syscall(SYS_futex, word, FUTEX_WAIT, CONTENDED, NULL, NULL, 0) != 0 && errno != EAGAIN && errno != EINTR)
            return errno;
    return 0;
}

static int futex_release(struct sync_self *self)
{
    uint32_t *word = self->state;
    if (__atomic_exchange_n(word, FREE, __ATOMIC_RELEASE) == CONTENDED)
        if (syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) < 0)
            return errno;
    return 0;
}

const struct sync_ops sync_futex = {
    .name = "futex",
    .summary = "three-state mutex on the futex system call",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(uint32_t),
    .describe = sight_held_word,
    .lock = {.acquire = futex_acquire, .release = futex_release, .try_acquire = futex_try},
};
