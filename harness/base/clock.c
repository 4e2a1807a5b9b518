/* The clock: measuring its cost, and waiting by it. */
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

/* Below this distance a sleep would overshoot: the kernel's timer slack alone is 50 us. */
#define SPIN_STRETCH_NS (100 * NS_PER_US)

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

struct clock_facts clock_measure(void)
{
    enum { ROUNDS = 101, BATCH = 100 };
    uint64_t costs[ROUNDS];
    uint64_t smallest = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t start = clock_ns(), last = start;
        for (int k = 0; k < BATCH; k++) {
            uint64_t now = clock_ns();
            if (now != last && now - last < smallest)
                smallest = now - last;
            last = now;
        }
        costs[i] = (last - start + BATCH / 2) / BATCH;
    }
    qsort(costs, ROUNDS, sizeof costs[0], by_value);
    return (struct clock_facts){
        .name = "CLOCK_MONOTONIC",
        .cost_ns = costs[ROUNDS / 2],
        .resolution_ns = smallest == UINT64_MAX ? 0 : smallest,
    };
}

void clock_wait_until(uint64_t deadline_ns)
{
    uint64_t now = clock_ns();
    if (deadline_ns > now + SPIN_STRETCH_NS) {
        uint64_t wake = deadline_ns - SPIN_STRETCH_NS;
        struct timespec t = {.tv_sec = (time_t)(wake / NS_PER_S), .tv_nsec = (long)(wake % NS_PER_S)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
            continue;
    }
    while (clock_ns() < deadline_ns)
        cpu_relax();
}

void clock_spin(uint64_t ns)
{
    uint64_t end = clock_ns() + ns;
    while (clock_ns() < end)
        cpu_relax();
}
