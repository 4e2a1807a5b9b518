/* phases: all arrive at a barrier, phase after phase; behind it each must find what every other wrote before it.
 *
 * A worker publishes its phase and fills words with it, arrives, and looks at all the others' phases, and at the words of some.
 * The words of two phases lie side by side: the next ones are written elsewhere, and the ones after that only when everybody
 * has arrived again. Leaving is agreed: the first worker announces the last phase before it arrives there.
 *
 * One phase in two is a bare one, without words: who comes back to the barrier at once may meet those who have not left it yet.
 *
 * Costs a fill of the words, a look at each worker's line, and a check of the words of four of them a phase.
 */
#include <stdio.h>
#include <string.h>

#include "workloads/load/plain.h"
#include "workloads/load/record.h"
#include "workloads/load/rows.h"

#define NEIGHBOURS 4 /* whose words are checked */

struct phases_area {
    _Alignas(PLAIN_LINE) uint64_t last_phase; /* after which all leave; 0: not known yet */
    _Alignas(PLAIN_LINE) unsigned char desks[];
};

/* What a worker writes: its phase on a line of its own, then its words, of even and of odd phases. */
struct desk {
    _Alignas(PLAIN_LINE) uint64_t phase;
    _Alignas(PLAIN_LINE) unsigned char words[];
};

static size_t words_bytes(const struct shape *shape)
{
    return (shape->size + PLAIN_LINE - 1) / PLAIN_LINE * PLAIN_LINE;
}

static size_t desk_bytes(const struct shape *shape)
{
    return sizeof(struct desk) + 2 * words_bytes(shape);
}

static size_t phases_bytes(const struct shape *shape)
{
    return sizeof(struct phases_area) + shape_workers(shape) * desk_bytes(shape);
}

static int phases_prepare(void *area, const struct shape *shape)
{
    memset(area, 0, phases_bytes(shape));
    return 0;
}

static struct desk *desk_of(const struct worker *w, uint32_t worker)
{
    return (void *)(((struct phases_area *)w->area)->desks + worker * desk_bytes(w->shape));
}

static unsigned char *words_of(const struct worker *w, uint32_t worker, uint64_t phase)
{
    return desk_of(w, worker)->words + phase % 2 * words_bytes(w->shape);
}

static uint64_t stamp_of(const struct worker *w, uint32_t worker, uint64_t phase)
{
    return payload_stamp(phase, worker, record_tag(w->shape));
}

/* The same ones for all. */
static bool is_bare(const struct worker *w, uint64_t phase)
{
    return seed_scramble(w->shape->seed ^ phase) & 1;
}

static void publish(struct worker *w, uint64_t phase)
{
    if (!is_bare(w, phase)) {
        payload_fill(words_of(w, w->index, phase), w->shape->size, stamp_of(w, w->index, phase));
        worker_inside(w);
    }
    plain_set(&desk_of(w, w->index)->phase, phase);
}

/* Behind the barrier of a phase everybody has been in it, and nobody is further than in the next one. */
static void check_phase(struct worker *w, uint64_t phase, uint32_t i)
{
    uint64_t other = plain_get(&desk_of(w, i)->phase);
    if (i == w->index || other - phase <= 1)
        return;
    if (other < phase)
        worker_violation_values(w, VIOLATION_SKEW, phase, other,
                                "worker %u has passed the barrier of phase %llu, and worker %u has come to phase %llu only",
                                w->index, (unsigned long long)phase, i, (unsigned long long)other);
    else
        worker_violation_values(w, VIOLATION_SKEW, phase + 1, other,
                                "worker %u is still in phase %llu, and worker %u has passed its barrier and come to phase %llu",
                                w->index, (unsigned long long)phase, i, (unsigned long long)other);
}

static void report_words(struct worker *w, uint32_t other, uint64_t phase, const struct payload_view *view)
{
    struct evidence *evidence = worker_violation(w, VIOLATION_SKEW);
    if (!evidence)
        return;
    if (!view->whole) {
        evidence->bytes_at = view->excerpt_at;
        evidence->bytes_count = (uint32_t)view->excerpt_bytes;
        memcpy(evidence->bytes, view->excerpt, view->excerpt_bytes);
    }
    evidence->offset = view->whole ? 0 : view->offset;
    snprintf(evidence->text, sizeof evidence->text,
             "behind the barrier of phase %llu, worker %u does not find the words that worker %u wrote before it, at offset %llu",
             (unsigned long long)phase, w->index, other, (unsigned long long)evidence->offset);
}

/* The words of the neighbours, a different set in each phase. */
static void check_words(struct worker *w, uint64_t phase)
{
    uint32_t others = w->crew.workers - 1;
    for (uint32_t i = 0; i < NEIGHBOURS && i < others; i++) {
        uint32_t other = (uint32_t)((w->index + 1 + (phase + i) % others) % w->crew.workers);
        struct payload_view view = {0};
        bool whole = payload_read(words_of(w, other, phase), w->shape->size, &view);
        if (!whole || view.stamp != (stamp_of(w, other, phase) & payload_mask(w->shape->size)))
            report_words(w, other, phase, &view);
    }
}

/* The first one alive decides, before it arrives: so everybody knows it who gets past the barrier of that phase. */
static void announce(struct worker *w, uint64_t phase)
{
    struct phases_area *a = w->area;
    uint32_t first = 0;
    while (first < w->index && worker_is_dead(w, first))
        first++;
    if (w->index == first && (worker_stopping(w) || phase == w->ops_limit))
        plain_set(&a->last_phase, phase);
}

static bool is_last(const struct worker *w, uint64_t phase)
{
    uint64_t last = plain_get(&((struct phases_area *)w->area)->last_phase);
    return last != 0 && phase >= last;
}

/* Of a bare phase, one other's is looked at. */
static void check(struct worker *w, uint64_t phase)
{
    if (is_bare(w, phase)) {
        check_phase(w, phase, (uint32_t)((w->index + phase) % w->crew.workers));
        return;
    }
    for (uint32_t i = 0; i < w->crew.workers; i++)
        check_phase(w, phase, i);
    check_words(w, phase);
}

static void phases_run(struct worker *w)
{
    for (uint64_t phase = 1;; phase++) {
        worker_turn(w);
        publish(w, phase);
        announce(w, phase);
        worker_begin(w);
        if (!worker_end(w, w->sync->barrier.arrive(&w->self), "arrive"))
            return;
        check(w, phase);
        if (w->crew.workers > 1)
            worker_handoff(w);
        worker_done(w);
        if (is_last(w, phase))
            return;
    }
}

/* All have been through as many phases, and left their words. */
static void phases_audit(struct worker *auditor)
{
    uint64_t last = ((struct phases_area *)auditor->area)->last_phase;
    for (uint32_t i = 0; i < auditor->crew.workers; i++) {
        uint64_t done = slot_load(&auditor->crew.slots[i].ops);
        if (done != last)
            worker_violation_values(auditor, VIOLATION_COUNT, last, done, "the last phase was %llu, and worker %u went through %llu",
                                    (unsigned long long)last, i, (unsigned long long)done);
    }
}

static bool phases_breakable(const struct shape *shape)
{
    return shape_workers(shape) > 1;
}

const struct load_ops load_phases = {
    .name = "phases",
    .summary = "all meet at a barrier phase after phase, and must find there what every other wrote before it",
    .families = 1u << SYNC_BARRIER,
    .default_size = 64,
    .min_size = 8,
    .size_means = "the words that each writes in each phase",
    .min_writers = 1,
    .enough = 30,
    .in_step = true,
    .survivable = true,
    .area_bytes = phases_bytes,
    .prepare = phases_prepare,
    .write = phases_run,
    .read = phases_run,
    .audit = phases_audit,
    .breakable = phases_breakable,
};
