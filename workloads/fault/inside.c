/* none, yield, delay, before, both: faults of lost time around and inside critical sections, or none at all. */
#include <sched.h>
#include <stddef.h>

#include "contract/worker.h"
#include "workloads/fault/rows.h"

const struct fault_ops fault_none = {
    .name = "none",
    .summary = "nothing disturbs the crew",
    .expect = -1,
};

/* True once in `n` times on average. */
static bool once_in(struct worker *w, double n)
{
    return n <= 1 || seed_below(&w->random, (uint32_t)n) == 0;
}

static void yield_inside(struct worker *w, double once)
{
    if (once_in(w, once))
        sched_yield();
}

const struct fault_ops fault_yield = {
    .name = "yield",
    .summary = "gives the CPU away inside the critical section, once in so many operations",
    .parameter = "operations",
    .fallback = 16,
    .min = 1,
    .max = 1e9,
    .expect = -1,
    .inside = yield_inside,
};

static void delay_inside(struct worker *w, double microseconds)
{
    if (once_in(w, 16))
        clock_spin(seed_below(&w->random, (uint32_t)(microseconds * 1000) + 1));
}

const struct fault_ops fault_delay = {
    .name = "delay",
    .summary = "spins for a random time up to so many microseconds inside the critical section, once in 16 operations",
    .parameter = "microseconds",
    .fallback = 20,
    .min = 0,
    .max = 1e6,
    .expect = -1,
    .inside = delay_inside,
};

/* Short times are as frequent as long ones: what two processes miss each other by may be nanoseconds or microseconds. */
static void spin_some(struct worker *w, double microseconds)
{
    uint32_t most = (uint32_t)(microseconds * 1000) >> seed_below(&w->random, 8);
    clock_spin(seed_below(&w->random, most + 1));
}

static void delay_before(struct worker *w, double microseconds)
{
    if (once_in(w, 2))
        spin_some(w, microseconds);
}

static void delay_inside_too(struct worker *w, double microseconds)
{
    if (once_in(w, 4))
        spin_some(w, microseconds);
}

const struct fault_ops fault_before = {
    .name = "before",
    .summary = "spins for a random time up to so many microseconds before every other operation",
    .parameter = "microseconds",
    .fallback = 5,
    .min = 0,
    .max = 1e6,
    .expect = -1,
    .before = delay_before,
};

const struct fault_ops fault_both = {
    .name = "both",
    .summary = "spins for random times up to so many microseconds, before operations and inside the critical section",
    .parameter = "microseconds",
    .fallback = 5,
    .min = 0,
    .max = 1e6,
    .expect = -1,
    .before = delay_before,
    .inside = delay_inside_too,
};
