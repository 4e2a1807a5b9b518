/* An example plugin: a mutex of one word. It spins for a moment, and then sleeps in the kernel until the holder wakes it.
 *
 *     cc -O2 -shared -fPIC -o lock.so lock.c
 *
 * With -DBROKEN a test and a set take the place of the exchange, as in a lock that somebody wrote on a Friday afternoon.
 */
#include <shmoo/plugin.h>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS 100

/* 0: free; 1: held; 2: held, and somebody may sleep. */
struct my_mutex {
    uint32_t word;
};

static uint32_t take(struct my_mutex *mutex, uint32_t as)
{
#ifdef BROKEN
    uint32_t was = __atomic_load_n(&mutex->word, __ATOMIC_ACQUIRE);
    if (was == 0)
        __atomic_store_n(&mutex->word, as, __ATOMIC_RELEASE);
    return was;
#else
    return __atomic_exchange_n(&mutex->word, as, __ATOMIC_ACQUIRE);
#endif
}

static int my_acquire(struct sync_self *self)
{
    struct my_mutex *mutex = self->state;
    for (int i = 0; i < SPINS; i++)
        if (__atomic_load_n(&mutex->word, __ATOMIC_RELAXED) == 0 && take(mutex, 1) == 0)
            return 0;
    while (take(mutex, 2) != 0)
        syscall(SYS_futex, &mutex->word, FUTEX_WAIT, 2, NULL, NULL, 0); /* not the private kind: others are other processes */
    return 0;
}

static int my_release(struct sync_self *self)
{
    struct my_mutex *mutex = self->state;
    if (__atomic_exchange_n(&mutex->word, 0, __ATOMIC_RELEASE) == 2)
        syscall(SYS_futex, &mutex->word, FUTEX_WAKE, 1, NULL, NULL, 0);
    return 0;
}

static const struct sync_ops my_mutex = {
    .name = "my-mutex",
    .summary = "one word, which is spun at for a moment and then slept on",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING,
    .state_bytes = sizeof(struct my_mutex),
    .lock = {.acquire = my_acquire, .release = my_release},
};

SHMOO_PLUGIN(&my_mutex);
