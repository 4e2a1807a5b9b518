/* Seeds: a fresh one from the kernel. */
#include "base/seed.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

uint64_t seed_fresh(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = clock_ns() ^ ((uint64_t)getpid() << 40);
    return seed_scramble(seed) >> 11;
}
