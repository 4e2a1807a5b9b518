/* Seeds and the small generator that everything random in a trial comes from, so that a seed replays a trial.
 *
 * SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): 64 bits of state, passes BigCrush,
 * and may start anywhere.
 */
#ifndef BASE_SEED_H
#define BASE_SEED_H

#include <stdint.h>

static inline uint64_t seed_scramble(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* The next number; *state moves on. */
static inline uint64_t seed_next(uint64_t *state)
{
    return seed_scramble(*state += 0x9e3779b97f4a7c15ULL);
}

/* A number below `bound` (0 for a bound of 0). The bias of the multiplication is below 2^-32 for bounds under 2^32. */
static inline uint64_t seed_below(uint64_t *state, uint32_t bound)
{
    return ((seed_next(state) >> 32) * bound) >> 32;
}

/* The seed of part `index` of something seeded with `seed`. Part 0 keeps the seed itself, so that the only trial of a
 * replay line runs with the seed that the line names. Seeds are kept below 2^53: they survive readers that hold numbers
 * as doubles. */
static inline uint64_t seed_part(uint64_t seed, uint64_t index)
{
    uint64_t state = seed + index * 0xd1342543de82ef95ULL;
    return index == 0 ? seed : seed_next(&state) >> 11;
}

#define SEED_MAX ((1ULL << 53) - 1)

/* A seed from the kernel's entropy, below 2^53. */
uint64_t seed_fresh(void);

#endif
