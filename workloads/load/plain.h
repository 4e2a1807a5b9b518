/* Plain words: one load or one store each, as a program's own data would be; the compiler neither drops nor repeats them. */
#ifndef WORKLOADS_LOAD_PLAIN_H
#define WORKLOADS_LOAD_PLAIN_H

#include <stdint.h>

#define PLAIN_LINE 128 /* two cache lines: the adjacent-line prefetcher pairs them */

static inline uint64_t plain_get(const uint64_t *word)
{
    return *(const volatile uint64_t *)word;
}

static inline void plain_set(uint64_t *word, uint64_t value)
{
    *(volatile uint64_t *)word = value;
}

#endif
