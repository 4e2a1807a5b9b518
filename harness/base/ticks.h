/* Time stamps of the timed path: the CPU's own counter where the kernel keeps its clock by it, the clock elsewhere.
 *
 *     ticks_begin();                                   once, before any process is forked
 *     uint64_t before = ticks_now(); ... ; uint64_t ns = ticks_ns(ticks_now() - before);
 *
 * A reading of the counter costs two thirds of one of the clock. The counter is used only where the kernel itself trusts it (its
 * clock source is "tsc": the same in all CPUs, at one rate, also asleep); how long a tick is comes from a comparison with
 * CLOCK_MONOTONIC over some milliseconds. A stamp waits until the instructions before it are complete. Before ticks_begin(),
 * ticks are nanoseconds of the clock.
 */
#ifndef BASE_TICKS_H
#define BASE_TICKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct ticks_scale {
    bool counter;
    uint64_t ns_times_2_32; /* nanoseconds of a tick, times 2^32 */
};
extern struct ticks_scale ticks_scale;

/* What a time stamp is and costs. */
struct ticks_facts {
    const char *name;  /* "TSC" or "CLOCK_MONOTONIC" */
    double cost_ns;    /* of one stamp, median */
    double empty_ns;   /* what two stamps with nothing between them read, median: in every latency, and never subtracted */
    double step_ns;    /* all stretches that were seen are multiples of it: no latency is known more finely */
};

/* Chooses the source and measures a tick; idempotent. Takes some milliseconds. */
void ticks_begin(void);

struct ticks_facts ticks_measure(void);

static inline uint64_t ticks_now(void)
{
#ifdef __x86_64__
    if (__builtin_expect(ticks_scale.counter, 1)) {
        __builtin_ia32_lfence();
        return __builtin_ia32_rdtsc();
    }
#endif
    return clock_ns();
}

/* A stretch of ticks in nanoseconds; 0 for one that seems to run backwards. */
static inline uint64_t ticks_ns(uint64_t ticks)
{
    if (__builtin_expect((int64_t)ticks < 0, 0))
        return 0;
    if (__builtin_expect(!ticks_scale.counter, 0))
        return ticks;
    return (uint64_t)((unsigned __int128)ticks * ticks_scale.ns_times_2_32 >> 32);
}

/* The same the other way round; rounded down. */
static inline uint64_t ticks_of(uint64_t ns)
{
    if (!ticks_scale.counter)
        return ns;
    return (uint64_t)(((unsigned __int128)ns << 32) / ticks_scale.ns_times_2_32);
}

#endif
