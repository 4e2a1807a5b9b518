/* A log-linear histogram of nanoseconds that lives in shared memory: no pointer in it, one writer, merged by adding.
 *
 * Each power of two is cut into 2^HISTOGRAM_SUB_BITS equal steps, so a value read back as the middle of its step is off by
 * at most HISTOGRAM_RELATIVE_ERROR of itself. Values from HISTOGRAM_LIMIT (about 18 minutes) on are counted in the last step;
 * `max` stays exact. All zero is the empty histogram, so fresh shared memory needs no set-up.
 */
#ifndef SHM_HISTOGRAM_H
#define SHM_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 5
#define HISTOGRAM_SUB (1u << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_LIMIT_BITS 40
#define HISTOGRAM_LIMIT (1ULL << HISTOGRAM_LIMIT_BITS)
#define HISTOGRAM_STEPS ((HISTOGRAM_LIMIT_BITS - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB)
#define HISTOGRAM_RELATIVE_ERROR (0.5 / HISTOGRAM_SUB)

struct histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t min; /* meaningless while count is 0 */
    uint64_t max;
    uint64_t max_at_ns;  /* clock_ns() when the maximum was recorded */
    uint64_t max_worker; /* who recorded it */
    uint64_t steps[HISTOGRAM_STEPS];
};

/* Which step a value below the limit belongs to where each power of two is cut into 2^sub_bits steps. */
static inline uint32_t histogram_step_of(uint64_t value, uint32_t sub_bits)
{
    if (value >> sub_bits == 0)
        return (uint32_t)value;
    uint32_t exponent = 63u - (uint32_t)__builtin_clzll(value) - sub_bits;
    return (exponent << sub_bits) + (uint32_t)(value >> exponent);
}

/* Which step a value belongs to. */
static inline uint32_t histogram_step(uint64_t value)
{
    return value >= HISTOGRAM_LIMIT ? HISTOGRAM_STEPS - 1 : histogram_step_of(value, HISTOGRAM_SUB_BITS);
}

/* The lowest value of a step; step HISTOGRAM_STEPS gives the limit. */
static inline uint64_t histogram_low(uint32_t step)
{
    if (step < HISTOGRAM_SUB)
        return step;
    uint32_t exponent = step / HISTOGRAM_SUB - 1;
    return (uint64_t)(HISTOGRAM_SUB + step % HISTOGRAM_SUB) << exponent;
}

/* Adds one value. True: it is the new maximum, whose moment and worker are the caller's to note. Only the owner of the
 * histogram may call it. */
static inline bool histogram_add(struct histogram *h, uint64_t value)
{
    bool first = h->count == 0, longest = first || value > h->max;
    if (first || value < h->min)
        h->min = value;
    if (longest)
        h->max = value;
    h->count++;
    h->sum += value;
    h->steps[histogram_step(value)]++;
    return longest;
}

/* Adds one value that was measured at that moment by that worker. */
static inline void histogram_record(struct histogram *h, uint64_t value, uint64_t at_ns, uint32_t worker)
{
    if (histogram_add(h, value)) {
        h->max_at_ns = at_ns;
        h->max_worker = worker;
    }
}

/* Adds `from` to `into`; neither may be in use by a writer. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The value below or at which the share `quantile` (0 to 1) of the records lies: the middle of its step, held within min
 * and max; 0 for an empty histogram. */
uint64_t histogram_quantile(const struct histogram *h, double quantile);

/* The same by time instead of by number: the value below or at which that share of the sum of all values lies. Of waits: a moment
 * of waiting, chosen at random, belongs with that probability to a wait that was no longer. */
uint64_t histogram_time_quantile(const struct histogram *h, double quantile);

#endif
