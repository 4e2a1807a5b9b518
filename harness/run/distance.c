/* Measuring the distance of two CPUs. */
#include "run/distance.h"

#include <stdbool.h>

#include "base/ticks.h"

enum { BATCHES = 8, ROUNDS = 8, SPINS = 64 };

/* Until the other side has come to that turn. False: it has not, in all that time. */
static bool await(const uint64_t *turn, uint64_t number, uint64_t until_ns)
{
    do
        for (int i = 0; i < SPINS; i++) {
            if (__atomic_load_n(turn, __ATOMIC_ACQUIRE) >= number)
                return true;
            cpu_relax();
        }
    while (clock_ns() < until_ns);
    return false;
}

/* There and back, so often. 0: the other one has gone. */
static uint64_t batch_ns(uint64_t *mine, const uint64_t *others, uint64_t from, uint64_t until_ns)
{
    uint64_t start = ticks_now();
    for (uint64_t number = from; number < from + ROUNDS; number++) {
        __atomic_store_n(mine, number, __ATOMIC_RELEASE);
        if (!await(others, number, until_ns))
            return 0;
    }
    return ticks_ns(ticks_now() - start) / ROUNDS;
}

static void answer(uint64_t *mine, const uint64_t *others, uint64_t until_ns)
{
    for (uint64_t number = 1; number <= BATCHES * ROUNDS && await(others, number, until_ns); number++)
        __atomic_store_n(mine, number, __ATOMIC_RELEASE);
}

uint64_t distance_measure(struct distance *distance, uint32_t side)
{
    uint64_t *mine = &distance->turns[side].value, until_ns = clock_ns() + DISTANCE_PATIENCE_NS, least = UINT64_MAX;
    const uint64_t *others = &distance->turns[!side].value;
    if (side != 0) {
        answer(mine, others, until_ns);
        return 0;
    }
    for (uint64_t batch = 0; batch < BATCHES; batch++) {
        uint64_t ns = batch_ns(mine, others, 1 + batch * ROUNDS, until_ns);
        if (ns == 0)
            return 0;
        least = ns < least ? ns : least;
    }
    return least;
}
