/* The counter load on a counter: every value that an addition is given must have been given to it alone.
 *
 * Writers add a large odd number each time, readers nothing: so all bits take part, carries too, and the value before tells,
 * by one multiplication, how many additions came before (its turn); a value that is no sum of additions gives a huge one.
 *
 * Each worker sees turns go up. All turns together must be 0, 1, 2 ... to the total, each once: the sums of the turns, of their
 * squares and of their cubes tell whether it is so, however many there were, and the last turns of each writer tell which one
 * came twice. Costs four multiplications an addition, and in sampled ones two looks at all writers' slots.
 */
#include "workloads/load/counter_adds.h"

#include <stdlib.h>

#include "contract/worker.h"
#include "workloads/load/plain.h"

#define RECENT 64
#define AMOUNT 0x9e3779b97f4a7c15ULL
#define INVERSE 0xf1de83e19937733dULL /* of AMOUNT, modulo 2^64 */
#define TURNS_MAX (1ULL << 42) /* more than any trial makes */

/* What a writer has been given. */
struct tally {
    _Alignas(PLAIN_LINE) uint64_t count;
    uint64_t sum, squares, cubes; /* modulo 2^64 */
    uint64_t recent[RECENT];      /* the last turns, by number modulo RECENT */
};

size_t counter_adds_bytes(const struct shape *shape)
{
    return shape->writers * sizeof(struct tally);
}

static void tally_add(struct tally *tally, uint64_t turn)
{
    tally->recent[tally->count++ % RECENT] = turn;
    tally->sum += turn;
    tally->squares += turn * turn;
    tally->cubes += turn * turn * turn;
}

static uint64_t additions_done(const struct worker *w)
{
    uint64_t done = 0;
    for (uint32_t i = 0; i < w->shape->writers; i++)
        done += __atomic_load_n(&w->crew.slots[i].ops, __ATOMIC_ACQUIRE);
    return done;
}

/* At most: each writer is in one that is not done, and so was each that has died. */
static uint64_t additions_begun(const struct worker *w)
{
    return additions_done(w) + w->shape->writers + worker_deaths(w, 0, w->shape->writers);
}

/* A turn is no less than what was complete before the call, and no more than what was begun when it returned. */
static void check_turn(struct worker *w, uint64_t turn, uint64_t floor, uint64_t most)
{
    if (turn >= TURNS_MAX)
        worker_violation_values(w, VIOLATION_FOREIGN, most, turn * AMOUNT,
                                "the number was 0x%llx, which no number of additions of 0x%llx makes",
                                (unsigned long long)(turn * AMOUNT), (unsigned long long)AMOUNT);
    else if (turn < floor)
        worker_violation_values(w, VIOLATION_LOST, floor, turn,
                                "%llu additions were complete, and the number was the sum of %llu: additions were lost",
                                (unsigned long long)floor, (unsigned long long)turn);
    else if (turn > most)
        worker_violation_values(w, VIOLATION_COUNT, most, turn,
                                "at most %llu additions had begun, and the number was the sum of %llu", (unsigned long long)most,
                                (unsigned long long)turn);
}

/* Adds `amount`; *turn: how many additions came before. */
static bool add_once(struct worker *w, uint64_t amount, uint64_t *turn)
{
    bool looks = w->timed;
    uint64_t before, floor = looks ? additions_done(w) : 0;
    worker_begin(w);
    if (!worker_end(w, w->sync->counter.add(&w->self, amount, &before), "add"))
        return false;
    *turn = before * INVERSE;
    check_turn(w, *turn, floor, looks ? additions_begun(w) : TURNS_MAX);
    return true;
}

void counter_adds_write(struct worker *w)
{
    struct tally *own = (struct tally *)w->area + w->index; /* where it stays if the writer does not */
    uint64_t turn, next = 0;
    while (worker_next(w)) {
        if (!add_once(w, AMOUNT, &turn))
            break;
        if (turn < next)
            worker_violation_values(w, VIOLATION_BACK, next, turn,
                                    "after its own addition, in turn %llu, this worker was given turn %llu: the number went back, "
                                    "or a value was given out twice",
                                    (unsigned long long)next - 1, (unsigned long long)turn);
        if (turn != next)
            worker_handoff(w);
        next = turn + 1;
        tally_add(own, turn);
        worker_inside(w);
        __atomic_thread_fence(__ATOMIC_RELEASE); /* the addition before the count that vouches for it */
        worker_done(w);
    }
}

void counter_adds_read(struct worker *w)
{
    uint64_t turn, last = 0;
    while (worker_next(w)) {
        if (!add_once(w, 0, &turn))
            break;
        if (turn < last)
            worker_violation_values(w, VIOLATION_BACK, last, turn, "the number went back, from the sum of %llu additions to that of "
                                    "%llu", (unsigned long long)last, (unsigned long long)turn);
        if (turn != last)
            worker_handoff(w);
        last = turn;
        worker_inside(w);
        worker_done(w);
    }
}

struct given {
    uint64_t turn;
    uint32_t writer;
};

static int by_turn(const void *a, const void *b)
{
    uint64_t x = ((const struct given *)a)->turn, y = ((const struct given *)b)->turn;
    return (x > y) - (x < y);
}

static size_t collect(const struct worker *auditor, struct given *given)
{
    const struct tally *tallies = auditor->area;
    size_t count = 0;
    for (uint32_t i = 0; i < auditor->shape->writers; i++)
        for (uint64_t k = 0; k < RECENT && k < tallies[i].count; k++)
            given[count++] = (struct given){tallies[i].recent[k], i};
    qsort(given, count, sizeof *given, by_turn);
    return count;
}

/* Names the turns that two of the last additions were given. */
static void report_doubles(struct worker *auditor)
{
    struct given *given = calloc((size_t)auditor->shape->writers * RECENT, sizeof *given);
    size_t count = given ? collect(auditor, given) : 0;
    for (size_t i = 1; i < count; i++)
        if (given[i].turn == given[i - 1].turn)
            worker_violation_values(auditor, VIOLATION_DUPLICATED, 1, 2,
                                    "turn %llu was given out twice: to an addition of worker %u and to one of worker %u",
                                    (unsigned long long)given[i].turn, given[i - 1].writer, given[i].writer);
    free(given);
}

/* The sums over 0, 1 ... n - 1 of the numbers, their squares and their cubes, modulo 2^64; n < 2^42. */
static struct tally whole_tally(uint64_t n)
{
    unsigned __int128 less = n ? n - 1 : 0, sum = less * n / 2;
    return (struct tally){.count = n, .sum = (uint64_t)sum, .squares = (uint64_t)(less * n * (2 * less + 1) / 6),
                          .cubes = (uint64_t)sum * (uint64_t)sum};
}

static struct tally all_tallies(const struct worker *auditor)
{
    const struct tally *tallies = auditor->area;
    struct tally all = {0};
    for (uint32_t i = 0; i < auditor->shape->writers; i++) {
        all.count += tallies[i].count;
        all.sum += tallies[i].sum;
        all.squares += tallies[i].squares;
        all.cubes += tallies[i].cubes;
    }
    return all;
}

static bool same_sums(const struct tally *a, const struct tally *b)
{
    return a->sum == b->sum && a->squares == b->squares && a->cubes == b->cubes;
}

/* Who died may have been given a turn that it came not to note. One such turn follows from the sums; of several only their number
 * can be told. Returns false when there are more than died. */
static bool add_turns_of_dead(const struct worker *auditor, struct tally *all, uint64_t total)
{
    uint64_t missing = total - all->count;
    if (missing > worker_deaths(auditor, 0, auditor->shape->writers))
        return false;
    struct tally whole = whole_tally(total);
    uint64_t turn = missing == 1 ? whole.sum - all->sum : 0;
    if (missing == 1 && turn < total) {
        *all = (struct tally){.count = total, .sum = all->sum + turn, .squares = all->squares + turn * turn,
                              .cubes = all->cubes + turn * turn * turn};
    } else if (missing > 1) {
        *all = whole;
    }
    return true;
}

void counter_adds_audit(struct worker *auditor)
{
    struct tally all = all_tallies(auditor);
    uint64_t shown = 0;
    int rc = auditor->sync->counter.add(&auditor->self, 0, &shown);
    if (rc) {
        worker_refused(auditor, rc, "add");
        return;
    }
    if (!add_turns_of_dead(auditor, &all, shown * INVERSE))
        worker_violation_values(auditor, VIOLATION_LOST, all.count * AMOUNT, shown,
                                "%llu additions were made, which make 0x%llx, and the number is 0x%llx",
                                (unsigned long long)all.count, (unsigned long long)(all.count * AMOUNT),
                                (unsigned long long)shown);
    struct tally whole = whole_tally(all.count);
    if (same_sums(&all, &whole))
        return;
    worker_violation_text(auditor, VIOLATION_COUNT,
                          "the %llu turns given out are not 0 to %llu, each once: their sums do not agree; some came twice, or never",
                          (unsigned long long)all.count, (unsigned long long)all.count - 1);
    report_doubles(auditor);
}
