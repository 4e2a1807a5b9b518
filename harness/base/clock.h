/* The clock that every time in a record comes from, and what reading it costs. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL
#define NS_PER_US 1000ULL

/* What the clock is and costs; see clock_measure(). */
struct clock_facts {
    const char *name;
    uint64_t cost_ns;       /* median of one reading, rounded */
    uint64_t resolution_ns; /* smallest step between two readings that differed */
};

/* Nanoseconds of CLOCK_MONOTONIC: one time line for all processes of the machine. */
static inline uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Measures the clock by reading it some thousands of times; takes about a millisecond. */
struct clock_facts clock_measure(void);

/* Waits until the clock shows `deadline_ns`: sleeps while it is far away, spins the last stretch. */
void clock_wait_until(uint64_t deadline_ns);

/* Keeps the CPU busy for `ns`: work inside a critical section, not sleep. */
void clock_spin(uint64_t ns);

/* One pause of a spinning loop, for the benefit of the other hardware thread. */
static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb" ::: "memory");
#else
    __asm__ __volatile__("" ::: "memory");
#endif
}

#endif
