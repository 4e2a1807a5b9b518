/* The counter load on a counter: writers add a step, readers add nothing; every value before must have been given out once.
 *
 * Values are counted in steps. A step is large, so that carries into the upper half of the number are there from the start.
 *
 * Each worker sees its own values go up. What all have got must be 0, 1, 2 ... to the total, each once: the sums of the values,
 * of their squares and of their cubes tell whether it is so, however many there were, and the last values of each writer tell
 * which one came twice. Costs three multiplications an addition, and in sampled ones two looks at all writers' slots.
 */
#include "workloads/load/counter_adds.h"

#include <stdlib.h>

#include "workloads/load/plain.h"
#include "contract/worker.h"

#define RECENT 64
/* Odd, so that it can be divided out modulo 2^64; what is no multiple of it becomes a number beyond all others. 2^40 steps are
 * the most. */
#define STEP ((1ULL << 24) + 1)
#define STEP_INVERSE (1 - (1ULL << 24) + (1ULL << 48))

/* What a writer has been given; in its own memory until it is done. */
struct tally {
    _Alignas(PLAIN_LINE) uint64_t count;
    uint64_t sum, squares, cubes; /* modulo 2^64 */
    uint64_t recent[RECENT];      /* the last values, by number modulo RECENT */
};

size_t counter_adds_bytes(const struct shape *shape)
{
    return shape->writers * sizeof(struct tally);
}

static void tally_add(struct tally *tally, uint64_t value)
{
    tally->recent[tally->count++ % RECENT] = value;
    tally->sum += value;
    tally->squares += value * value;
    tally->cubes += value * value * value;
}

static uint64_t additions_done(const struct worker *w)
{
    uint64_t done = 0;
    for (uint32_t i = 0; i < w->shape->writers; i++)
        done += __atomic_load_n(&w->crew.slots[i].ops, __ATOMIC_ACQUIRE);
    return done;
}

/* One addition, with what is known of it: no less than was complete before it began, no more than was begun when it ended. */
static bool add_once(struct worker *w, uint64_t amount, uint64_t *before)
{
    bool looks = w->timed;
    uint64_t floor = looks ? additions_done(w) : 0;
    worker_begin(w);
    if (!worker_end(w, w->sync->counter.add(&w->self, amount * STEP, before), "add"))
        return false;
    *before *= STEP_INVERSE;
    if (*before < floor)
        worker_violation_values(w, VIOLATION_LOST, floor, *before,
                                "%llu additions were complete, and the number was %llu: additions were lost",
                                (unsigned long long)floor, (unsigned long long)*before);
    uint64_t most = looks ? additions_done(w) + w->shape->writers : UINT64_MAX;
    if (*before > most)
        worker_violation_values(w, VIOLATION_COUNT, most, *before, "at most %llu additions had begun, and the number was %llu",
                                (unsigned long long)most, (unsigned long long)*before);
    return true;
}

void counter_adds_write(struct worker *w)
{
    struct tally own = {0};
    uint64_t before, next = 0;
    while (worker_next(w)) {
        if (!add_once(w, 1, &before))
            break;
        if (before < next)
            worker_violation_values(w, VIOLATION_BACK, next, before,
                                    "after its own addition to %llu this worker added to %llu: the number went back, or a value "
                                    "was given out twice",
                                    (unsigned long long)next - 1, (unsigned long long)before);
        if (before != next || w->ops == 0)
            worker_handoff(w);
        next = before + 1;
        tally_add(&own, before);
        worker_inside(w);
        __atomic_thread_fence(__ATOMIC_RELEASE); /* the addition before the count that vouches for it */
        worker_done(w);
    }
    ((struct tally *)w->area)[w->index] = own;
}

void counter_adds_read(struct worker *w)
{
    uint64_t value, last = 0;
    while (worker_next(w)) {
        if (!add_once(w, 0, &value))
            break;
        if (value < last)
            worker_violation_values(w, VIOLATION_BACK, last, value, "the number went back from %llu to %llu",
                                    (unsigned long long)last, (unsigned long long)value);
        if (value != last)
            worker_handoff(w);
        last = value;
        worker_inside(w);
        worker_done(w);
    }
}

struct given {
    uint64_t value;
    uint32_t writer;
};

static int by_value(const void *a, const void *b)
{
    uint64_t x = ((const struct given *)a)->value, y = ((const struct given *)b)->value;
    return (x > y) - (x < y);
}

static size_t collect(const struct worker *auditor, struct given *given)
{
    const struct tally *tallies = auditor->area;
    size_t count = 0;
    for (uint32_t i = 0; i < auditor->shape->writers; i++)
        for (uint64_t k = 0; k < RECENT && k < tallies[i].count; k++)
            given[count++] = (struct given){tallies[i].recent[k], i};
    qsort(given, count, sizeof *given, by_value);
    return count;
}

/* Names the values that two of the last additions were given. */
static void report_doubles(struct worker *auditor)
{
    struct given *given = calloc((size_t)auditor->shape->writers * RECENT, sizeof *given);
    size_t count = given ? collect(auditor, given) : 0;
    for (size_t i = 1; i < count; i++)
        if (given[i].value == given[i - 1].value)
            worker_violation_values(auditor, VIOLATION_DUPLICATED, 1, 2,
                                    "two additions were given the same value before, %llu: one of worker %u and one of worker %u",
                                    (unsigned long long)given[i].value, given[i - 1].writer, given[i].writer);
    free(given);
}

/* The sums over 0, 1 ... n - 1 of the numbers, their squares and their cubes, modulo 2^64; n < 2^40. */
static struct tally whole_tally(uint64_t n)
{
    unsigned __int128 less = n ? n - 1 : 0, sum = less * n / 2;
    return (struct tally){.count = n, .sum = (uint64_t)sum, .squares = (uint64_t)(less * n * (2 * less + 1) / 6),
                          .cubes = (uint64_t)sum * (uint64_t)sum};
}

void counter_adds_audit(struct worker *auditor)
{
    const struct tally *tallies = auditor->area;
    struct tally all = {0};
    uint64_t shown = 0;
    for (uint32_t i = 0; i < auditor->shape->writers; i++) {
        all.count += tallies[i].count;
        all.sum += tallies[i].sum;
        all.squares += tallies[i].squares;
        all.cubes += tallies[i].cubes;
    }
    struct tally whole = whole_tally(all.count);
    int rc = auditor->sync->counter.add(&auditor->self, 0, &shown);
    shown *= STEP_INVERSE;
    if (rc)
        worker_refused(auditor, rc, "add");
    else if (shown != all.count)
        worker_violation_values(auditor, VIOLATION_LOST, all.count, shown, "%llu additions were made, the number shows %llu",
                                (unsigned long long)all.count, (unsigned long long)shown);
    if (all.sum == whole.sum && all.squares == whole.squares && all.cubes == whole.cubes)
        return;
    worker_violation_text(auditor, VIOLATION_COUNT,
                          "the %llu values given out are not 0 to %llu, each once: their sums do not agree; some came twice, or "
                          "never",
                          (unsigned long long)all.count, (unsigned long long)all.count - 1);
    report_doubles(auditor);
}
