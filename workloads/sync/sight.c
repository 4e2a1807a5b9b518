/* Sights of pthread objects of this C library, of semaphores, and of single words. Whatever lies there is only looked at. */
#include "workloads/sync/sight.h"

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 3))) static void say(struct sync_sight *sight, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(sight->words, sizeof sight->words, format, args);
    va_end(args);
}

static uint32_t first_word(const void *state)
{
    return *(const volatile uint32_t *)state;
}

void sight_owner_word(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    uint32_t word = first_word(state);
    (void)setup;
    sight->owner = word & FUTEX_TID_MASK;
    say(sight, "its word is 0x%x%s%s", word, word & FUTEX_WAITERS ? ", awaited" : "", word & FUTEX_OWNER_DIED ? ", owner died" : "");
}

void sight_held_word(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    uint32_t word = first_word(state);
    (void)setup;
    say(sight, "its word is %u (%s), and names no owner", word, word == 0 ? "free" : word == 1 ? "held" : "held and awaited");
}

#if defined(__GLIBC__)

/* The word is 0, 1 or 2, or the owner's number where the kernel must know it: robust, priority inheritance. */
void sight_mutex(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    const pthread_mutex_t *mutex = state;
    uint32_t word = (uint32_t)mutex->__data.__lock;
    if (word > 2)
        sight_owner_word(state, setup, sight);
    else
        say(sight, "its word is %u (%s)", word, word == 0 ? "free" : word == 1 ? "held" : "held and awaited");
    if (mutex->__data.__owner > 0 && sight->owner == 0)
        sight->owner = (uint64_t)mutex->__data.__owner;
}

void sight_rwlock(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    const pthread_rwlock_t *lock = state;
    (void)setup;
    sight->owner = lock->__data.__cur_writer > 0 ? (uint64_t)lock->__data.__cur_writer : 0;
    say(sight, "its word of readers is 0x%x, its writer is %d", lock->__data.__readers, lock->__data.__cur_writer);
}

#else

void sight_mutex(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    (void)setup;
    say(sight, "its first word is 0x%x", first_word(state));
}

void sight_rwlock(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    sight_mutex(state, setup, sight);
}

#endif

void sight_semaphore(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    int value = 0;
    (void)setup;
    if (sem_getvalue((sem_t *)(uintptr_t)state, &value) == 0)
        say(sight, "its value is %d, and a semaphore names no owner", value);
}
