/* A log-linear histogram: merging and reading quantiles. */
#include "shm/histogram.h"

#include <math.h>

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->min < into->min)
        into->min = from->min;
    if (into->count == 0 || from->max > into->max) {
        into->max = from->max;
        into->max_at_ns = from->max_at_ns;
        into->max_worker = from->max_worker;
    }
    into->count += from->count;
    into->sum += from->sum;
    for (uint32_t i = 0; i < HISTOGRAM_STEPS; i++)
        into->steps[i] += from->steps[i];
}

/* The middle of a step, held within the least and the greatest value. */
static uint64_t middle_of(const struct histogram *h, uint32_t step)
{
    uint64_t middle = (histogram_low(step) + histogram_low(step + 1) - 1) / 2;
    return middle < h->min ? h->min : middle > h->max ? h->max : middle;
}

uint64_t histogram_quantile(const struct histogram *h, double quantile)
{
    if (h->count == 0)
        return 0;
    uint64_t rank = (uint64_t)ceil(quantile * (double)h->count);
    uint64_t seen = 0;
    uint32_t step = 0;
    if (rank < 1)
        rank = 1;
    for (; step < HISTOGRAM_STEPS - 1; step++) {
        seen += h->steps[step];
        if (seen >= rank)
            break;
    }
    return middle_of(h, step);
}

/* What the values of a step add up to, as far as the step tells. */
static double time_in(const struct histogram *h, uint32_t step)
{
    return (double)h->steps[step] * (double)middle_of(h, step);
}

uint64_t histogram_time_quantile(const struct histogram *h, double quantile)
{
    double all = 0, seen = 0;
    uint32_t step = 0, last = 0;
    for (uint32_t i = 0; i < HISTOGRAM_STEPS; i++) {
        all += time_in(h, i);
        if (h->steps[i])
            last = i;
    }
    for (; step < last; step++) {
        seen += time_in(h, step);
        if (h->steps[step] && seen >= quantile * all)
            break;
    }
    return h->count ? middle_of(h, step) : 0;
}
