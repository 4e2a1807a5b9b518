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
    uint64_t middle = (histogram_low(step) + histogram_low(step + 1) - 1) / 2;
    return middle < h->min ? h->min : middle > h->max ? h->max : middle;
}
