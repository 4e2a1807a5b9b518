/* Measuring what the meter costs: batches of the workers' own loop, timed and untimed, around a lock that does nothing. */
#include "run/meter.h"

#include <stdlib.h>

#include "base/ticks.h"
#include "contract/worker.h"

enum { BATCHES = 31, OPS = 500 };

static int nothing(struct sync_self *self)
{
    __asm__ volatile("" : : "r"(self) : "memory");
    return 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The loop as it stands in contract/worker.h, with nothing in it. */
static void go_round(struct worker *w)
{
    while (worker_next(w)) {
        if (!worker_enter(w))
            return;
        worker_inside(w);
        worker_leave(w);
        worker_done(w);
    }
}

/* Nanoseconds of an operation when one in `sampling` is timed. */
static double cost_of(struct worker *w, struct shape *shape, uint32_t sampling)
{
    double costs[BATCHES];
    shape->sampling = sampling;
    for (int i = 0; i < BATCHES; i++) {
        w->until_sample = sampling;
        w->ops_limit = w->ops + OPS;
        uint64_t start = ticks_now();
        go_round(w);
        costs[i] = (double)ticks_ns(ticks_now() - start) / OPS;
    }
    qsort(costs, BATCHES, sizeof costs[0], by_value);
    return costs[BATCHES / 2];
}

static void measure(struct meter *meter)
{
    static const struct fault_ops undisturbed;
    static const struct load_ops load;
    static struct slot slots[2]; /* the other one for looking around */
    static struct histogram histograms[HISTOGRAM_OWN];
    static struct course course;
    static const uint32_t stop;
    struct shape shape = {.writers = 2, .size = 8};
    struct worker w = {
        .shape = &shape,
        .load = &load,
        .lock = {.acquire = nothing, .release = nothing},
        .slot = &slots[0],
        .crew = {.slots = slots, .workers = 2, .stop = &stop},
        .histograms = histograms,
        .writer = true,
        .fault = &undisturbed,
        .random = 1,
    };
    ticks_begin();
    course_begin(&w.course, &course, HISTOGRAM_ACQUIRE, ticks_now(), ticks_of(10 * NS_PER_MS), 10 * NS_PER_MS);
    struct ticks_facts ticks = ticks_measure();
    meter->loop_ns = cost_of(&w, &shape, UINT32_MAX);
    double timed = cost_of(&w, &shape, 1) - meter->loop_ns;
    meter->timing_ns = timed > 0 ? timed : 0;
    meter->stamp_ns = ticks.cost_ns;
    meter->empty_ns = ticks.empty_ns;
    meter->step_ns = ticks.step_ns;
    meter->clock = ticks.name;
}

const struct meter *meter_facts(void)
{
    static struct meter meter;
    if (!meter.clock)
        measure(&meter);
    return &meter;
}

double meter_share(const struct meter *meter, const struct trial_result *result)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < result->workers; i++)
        used += result->ledger.slots[i].user_ns + result->ledger.slots[i].system_ns;
    double share = used ? meter->timing_ns * (double)result->sampled / (double)used : -1;
    return share > 1 ? 1 : share;
}
