/* leave: workers end one after the other while the rest go on, as processes do that have done their work.
 *
 * A primitive learns of it by detach(): one that takes somebody else's place in it away, or counts who is left wrongly, is right
 * for as long as all begin and end together.
 */
#include "contract/worker.h"
#include "workloads/fault/rows.h"

#define HELD_LONGEST_NS (8 * NS_PER_US)
#define FAREWELL_LONGEST_NS (2 * NS_PER_MS) /* a process takes that long to end, and another to have its CPU */
#define AWAITED_NS (100 * NS_PER_US)

/* The crew's. */
struct farewells {
    uint32_t count; /* who has left its loop */
};

static uint32_t seen; /* this process's: farewells that it has stayed inside for */

static struct farewells *farewells_of(const struct worker *w)
{
    return w->crew.fault_commons;
}

/* The first writer and the first reader stay. Small numbers of operations are as frequent as large ones. A load in step by itself
 * waits for everybody in each step, and nobody leaves it. */
static int leave_begin(struct worker *w, double operations)
{
    if (w->index == 0 || w->index == w->shape->writers || w->load->in_step)
        return 0;
    uint64_t most = (uint64_t)operations >> seed_below(&w->random, 8);
    uint64_t limit = w->ops + 1 + seed_below(&w->random, (uint32_t)most + 1);
    w->ops_limit = limit < w->ops_limit ? limit : w->ops_limit;
    return 0;
}

/* Times as frequent by their logarithm. */
static void stay(struct worker *w, uint64_t longest_ns)
{
    clock_spin(seed_below(&w->random, (uint32_t)(longest_ns >> seed_below(&w->random, 4)) + 1));
}

/* So that, as a rule, somebody is inside when another one goes, and still is when a third one comes. */
static void leave_inside(struct worker *w, double operations)
{
    (void)operations;
    uint32_t count = __atomic_load_n(&farewells_of(w)->count, __ATOMIC_RELAXED);
    if (count != seen) {
        seen = count;
        stay(w, FAREWELL_LONGEST_NS);
    } else if (seed_below(&w->random, 4) == 0) {
        stay(w, HELD_LONGEST_NS);
    }
}

static bool anybody_inside(const struct worker *w)
{
    for (uint32_t i = 0; i < w->crew.workers; i++)
        if (slot_load(&w->crew.slots[i].phase) == PHASE_INSIDE)
            return true;
    return false;
}

/* The primitive's detach() comes next. */
static void leave_end(struct worker *w, double operations)
{
    (void)operations;
    __atomic_fetch_add(&farewells_of(w)->count, 1, __ATOMIC_RELAXED);
    for (uint64_t end = clock_ns() + AWAITED_NS; !worker_stopping(w) && !anybody_inside(w) && clock_ns() < end;)
        cpu_relax();
}

const struct fault_ops fault_leave = {
    .name = "leave",
    .summary = "all but two workers end, each after a random number of operations up to so many, while the rest go on",
    .parameter = "operations",
    .fallback = 2000,
    .min = 1,
    .max = 1e9,
    .expect = -1,
    .begin = leave_begin,
    .inside = leave_inside,
    .end = leave_end,
};
