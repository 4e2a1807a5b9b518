/* step: single-steps through the primitive's code and gives the CPU away between two instructions now and then. */
#define _GNU_SOURCE
#include "workloads/fault/trap.h"

#include "contract/worker.h"
#include "workloads/fault/rows.h"

static const char *step_refuses(const struct shape *shape, double instructions)
{
    (void)shape, (void)instructions;
    return trap_refuses();
}

#if TRAP_POSSIBLE

#define STEPS_MAX 200 /* of one call; a waiter that goes round and round is let go then */
#define REST_NS 20000

/* The crew's. A step costs up to 100 us on a virtual machine: most of the time goes by without. */
struct stage {
    uint32_t stepping;                     /* how many are at it */
    _Alignas(128) uint64_t quiet_until_ns; /* nobody is to be before */
};

/* This process's. */
static struct {
    uintptr_t caller;
    uint64_t random;
    uint32_t steps, until, spread;
    bool stepping;
    uint64_t start_ns;
} own;

TRAP_CODE static void lose_the_cpu(void)
{
    switch (trap_below(&own.random, 4)) {
    case 0:
        trap_sleep(trap_below(&own.random, REST_NS));
        break;
    case 1:
        for (uint64_t n = trap_below(&own.random, 500); n; n--)
            __builtin_ia32_pause();
        break;
    default:
        trap_yield();
    }
}

TRAP_CODE static void step_taken(greg_t *regs)
{
    if (!trap_inside(regs, own.caller))
        return;
    if (++own.steps > STEPS_MAX || trap_is_to_be_blocked(regs))
        regs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    if (--own.until)
        return;
    own.until = 1 + (uint32_t)trap_below(&own.random, own.spread);
    lose_the_cpu();
}

static int step_begin(struct worker *w, double instructions)
{
    static const struct trap_hooks steps = {.step = step_taken};
    own.random = seed_next(&w->random);
    own.spread = 2 * (uint32_t)instructions;
    own.until = 1 + (uint32_t)trap_below(&own.random, own.spread);
    return trap_begin(&steps, w->slot);
}

/* One of four workers at a time: the others are to run into it at full speed. */
static bool may_step(const struct worker *w)
{
    struct stage *stage = w->crew.fault_commons;
    uint32_t limit = (w->crew.workers + 3) / 4;
    own.start_ns = clock_ns();
    if (own.start_ns < __atomic_load_n(&stage->quiet_until_ns, __ATOMIC_RELAXED))
        return false;
    if (__atomic_fetch_add(&stage->stepping, 1, __ATOMIC_RELAXED) < limit)
        return true;
    __atomic_fetch_sub(&stage->stepping, 1, __ATOMIC_RELAXED);
    return false;
}

/* As long as the call took, until it ended, nobody steps. */
static void grant_quiet(const struct worker *w)
{
    struct stage *stage = w->crew.fault_commons;
    uint64_t now = clock_ns();
    __atomic_store_n(&stage->quiet_until_ns, now + (now - own.start_ns), __ATOMIC_RELAXED);
    __atomic_fetch_sub(&stage->stepping, 1, __ATOMIC_RELAXED);
}

TRAP_CODE static void step_calling(struct worker *w, double instructions)
{
    (void)instructions;
    own.caller = trap_caller(); /* here, where no compiler can take it for another function's */
    if (trap_is_blocked() || !may_step(w))
        return;
    own.steps = 0;
    own.stepping = true;
    trap_on();
}

TRAP_CODE static void step_called(struct worker *w, double instructions)
{
    (void)instructions;
    if (!own.stepping)
        return;
    trap_off();
    own.stepping = false;
    grant_quiet(w);
}

#else
#define step_begin NULL
#define step_calling NULL
#define step_called NULL
#endif

const struct fault_ops fault_step = {
    .name = "step",
    .summary = "goes through the primitive's code step by step, and gives the CPU away at random, every so many instructions on "
               "average",
    .parameter = "instructions",
    .fallback = 20,
    .min = 1,
    .max = 1e6,
    .expect = -1,
    .preempts = true,
    .slows = true,
    .means = TRAP_MEANS,
    .refuses = step_refuses,
    .begin = step_begin,
    .calling = step_calling,
    .called = step_called,
};
