/* leave: workers end one after the other while the rest go on, as processes do that have done their work.
 *
 * A primitive learns of it by detach(): one that takes somebody else's place in it away, or counts who is left wrongly, is right
 * for as long as all begin and end together.
 */
#include "contract/worker.h"
#include "workloads/fault/rows.h"

#define HELD_LONGEST_NS (8 * NS_PER_US)

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

/* So that, as a rule, somebody is inside when another one goes. */
static void leave_inside(struct worker *w, double operations)
{
    (void)operations;
    if (seed_below(&w->random, 4) == 0)
        clock_spin(seed_below(&w->random, (uint32_t)(HELD_LONGEST_NS >> seed_below(&w->random, 4)) + 1));
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
};
