/* What the plugins of the zoo share: atomics and the futex call in short, lines, copying, a lock of one word, and rows by macros. */
#ifndef ZOO_H
#define ZOO_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <shmoo/plugin.h>

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LINE __attribute__((aligned(64)))

#define get(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define peek(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define put(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define set(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define add(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define swap(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define cas(p, old, new) __atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline void relax(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#endif
}

/* Waits a little longer each time: spins, then gives the CPU away. */
static inline void wait_turn(unsigned *turn)
{
    if (++*turn % 64)
        relax();
    else
        sched_yield();
}

static inline long futex(uint32_t *word, int operation, uint32_t value, uint32_t bits)
{
    return syscall(SYS_futex, word, operation, value, NULL, NULL, bits);
}

#define US 1000ull
#define MS 1000000ull

static inline uint64_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Waits for so long at the most. True: that long. */
static inline bool futex_for(uint32_t *word, uint32_t value, uint64_t ns)
{
    struct timespec limit = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    return syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0) != 0 && errno == ETIMEDOUT;
}

static inline void nap(long nanoseconds)
{
    struct timespec rest = {0, nanoseconds};
    nanosleep(&rest, NULL);
}

/* A lock for inside other primitives. */
static inline void guard(uint32_t *word)
{
    unsigned turn = 0;
    while (swap(word, 1))
        while (peek(word))
            wait_turn(&turn);
}

static inline void unguard(uint32_t *word)
{
    put(word, 0);
}

#define UNUSED __attribute__((unused))

/* A lock of one word, for what is wrong or unusual beside it. */
static inline int word_acquire(struct sync_self *self)
{
    guard((uint32_t *)self->state);
    return 0;
}

static inline int word_release(struct sync_self *self)
{
    unguard((uint32_t *)self->state);
    return 0;
}

/* Words are copied one by one: what is torn is for the sequence numbers to find, and not for the compiler to make. */
static inline void copy(unsigned char *to, const unsigned char *from, size_t size)
{
    size_t i = 0;
    for (uint64_t word; i + 8 <= size; i += 8) {
        __atomic_load((const uint64_t *)(const void *)(from + i), &word, __ATOMIC_RELAXED);
        __atomic_store((uint64_t *)(void *)(to + i), &word, __ATOMIC_RELAXED);
    }
    for (; i < size; i++)
        set(to + i, peek(from + i));
}

/* A value's bytes in lines of its own. */
static inline size_t padded(const struct sync_setup *setup)
{
    return (setup->size + 63) / 64 * 64;
}

/* Rows of what is wrong. */
#define HANDS 256
#define CORRUPT VERDICT_CORRUPT
#define WEDGED VERDICT_WEDGED
#define LOCK(variable, title, diagnosis, verdict, bytes, ...)                                                                \
    static const struct sync_ops variable = {.name = title, .summary = diagnosis, .family = SYNC_LOCK, .traits = SYNC_BUSTED, \
                                             .expect = verdict, .state_bytes = bytes, __VA_ARGS__}
#define ROW(variable, title, diagnosis, of, verdict, ...)                                                                    \
    static const struct sync_ops variable = {.name = title, .summary = diagnosis, .family = of, .expect = verdict, __VA_ARGS__}

#endif
