/* quit: a few bytes change and every child must see it, once and in order; how long each takes is measured.
 *
 * Round by round, one writer (they take turns) changes the flag; every other process polls it, notes how long the change
 * took to reach it, and acknowledges by a plain increment of a shared counter. The next round begins when all have: so in
 * each round every process completes one operation, and its operation count tells how far it is.
 */
#include <sched.h>

#include "workloads/load/record.h"
#include "workloads/load/rows.h"

#define LINE 128
#define POLLS_BEFORE_YIELD 64

enum { SIGHTING = HISTOGRAM_OWN };

struct quit_area {
    _Alignas(LINE) uint64_t acknowledged; /* in this round, under the lock */
    _Alignas(LINE) uint64_t changed_ns;   /* when the writer began to change the flag, under the lock */
    _Alignas(LINE) unsigned char flag[];
};

static size_t quit_bytes(const struct shape *shape)
{
    return sizeof(struct quit_area) + record_bytes(shape->size);
}

static int quit_prepare(void *area, const struct shape *shape)
{
    record_prepare(((struct quit_area *)area)->flag, shape);
    return 0;
}

static uint64_t version_mask(const struct shape *shape)
{
    return payload_mask(shape->size) & ((1ULL << PAYLOAD_VERSION_BITS) - 1);
}

/* Waiting is over when it is no use: the trial ends, and this worker has worked. */
static bool give_up(struct worker *w, unsigned *polls)
{
    worker_beat(w);
    if (++*polls < POLLS_BEFORE_YIELD)
        cpu_relax();
    else
        sched_yield();
    return w->ops != 0 && worker_stopping(w);
}

static bool all_through(struct worker *w, uint64_t round)
{
    unsigned polls = 0;
    for (uint32_t i = 0; i < w->crew.workers; i++)
        while (i != w->index && __atomic_load_n(&w->crew.slots[i].ops, __ATOMIC_ACQUIRE) < round)
            if (give_up(w, &polls))
                return false;
    return true;
}

/* Leads a round: waits for the last one to be over, then changes the flag. False: the trial ended meanwhile. */
static bool quit_lead(struct worker *w, uint64_t round)
{
    struct quit_area *a = w->area;
    if (!all_through(w, round - 1) || !worker_enter(w))
        return false;
    uint64_t acknowledged = *(volatile uint64_t *)&a->acknowledged;
    if (round > 1 && acknowledged != w->crew.workers - 1)
        worker_violation_values(w, VIOLATION_LOST, w->crew.workers - 1, acknowledged,
                                "round %llu: %u processes have acknowledged, the counter shows %llu: updates were lost",
                                (unsigned long long)round - 1, w->crew.workers - 1, (unsigned long long)acknowledged);
    *(volatile uint64_t *)&a->acknowledged = 0;
    *(volatile uint64_t *)&a->changed_ns = clock_ns();
    record_write(w, a->flag, round);
    worker_leave(w);
    return true;
}

/* Looks at the flag once. 1: the round has come; 0: not yet; -1: this worker cannot go on. */
static int quit_look(struct worker *w, uint64_t round, uint64_t *changed_ns)
{
    struct quit_area *a = w->area;
    uint64_t mask = version_mask(w->shape), stamp;
    if (!worker_enter_shared(w))
        return -1;
    bool whole = record_read(w, a->flag, &stamp);
    *changed_ns = *(volatile uint64_t *)&a->changed_ns;
    worker_inside(w);
    worker_leave(w);
    uint64_t version = payload_version(stamp) & mask;
    if (!whole || version == ((round - 1) & mask))
        return 0;
    if (version == (round & mask))
        return 1;
    worker_violation_values(w, version < round ? VIOLATION_BACK : VIOLATION_LOST, round, version,
                            "waiting for change %llu of the flag, this worker found change %llu", (unsigned long long)round,
                            (unsigned long long)version);
    w->leave = true;
    return -1;
}

static bool quit_follow(struct worker *w, uint64_t round)
{
    struct quit_area *a = w->area;
    uint64_t changed_ns;
    unsigned polls = 0;
    for (int seen; (seen = quit_look(w, round, &changed_ns)) != 1;)
        if (seen < 0 || give_up(w, &polls))
            return false;
    uint64_t now = clock_ns();
    if (now > changed_ns && changed_ns)
        worker_record(w, SIGHTING, now - changed_ns, now);
    worker_handoff(w);
    if (!worker_enter(w))
        return false;
    *(volatile uint64_t *)&a->acknowledged = *(volatile uint64_t *)&a->acknowledged + 1;
    worker_leave(w);
    return true;
}

static void quit_run(struct worker *w)
{
    for (uint64_t round = 1; worker_next(w); round++) {
        bool leads = w->writer && (round - 1) % w->shape->writers == w->index;
        if (!(leads ? quit_lead(w, round) : quit_follow(w, round)))
            return;
        __atomic_thread_fence(__ATOMIC_RELEASE); /* the acknowledgement before the count that vouches for it */
        worker_done(w);
    }
}

/* All have been through the last round or the one before, and the acknowledgements of the last one add up. */
static void quit_audit(struct worker *auditor)
{
    struct quit_area *a = auditor->area;
    uint64_t mask = version_mask(auditor->shape), stamp, through = 0, last = 0;
    for (uint32_t i = 0; i < auditor->crew.workers; i++) {
        uint64_t ops = slot_load(&auditor->crew.slots[i].ops);
        last = ops > last ? ops : last;
    }
    for (uint32_t i = 0; i < auditor->crew.workers; i++) {
        uint64_t ops = slot_load(&auditor->crew.slots[i].ops);
        through += ops == last;
        if (ops + 1 < last)
            worker_violation_values(auditor, VIOLATION_COUNT, last, ops, "worker %u has seen %llu of %llu changes", i,
                                    (unsigned long long)ops, (unsigned long long)last);
    }
    record_audit(auditor, a->flag);
    if (record_read(auditor, a->flag, &stamp) && (payload_version(stamp) & mask) != (last & mask))
        worker_violation_values(auditor, VIOLATION_LOST, last & mask, payload_version(stamp) & mask,
                                "the flag was changed %llu times and shows change %llu", (unsigned long long)last,
                                (unsigned long long)payload_version(stamp));
    if (last && a->acknowledged != through - 1)
        worker_violation_values(auditor, VIOLATION_LOST, through - 1, a->acknowledged,
                                "in the last round %llu processes have acknowledged, the counter shows %llu",
                                (unsigned long long)through - 1, (unsigned long long)a->acknowledged);
}

/* A flag of up to eight bytes is stored at once and has one writer at a time; then only the acknowledgements can collide. */
static bool quit_breakable(const struct shape *shape)
{
    return shape_workers(shape) > 2 || (shape_workers(shape) == 2 && shape->size > 8);
}

const struct load_ops load_quit = {
    .name = "quit",
    .summary = "a flag tells all children to stop: the time until each has seen it",
    .families = 1u << SYNC_LOCK,
    .default_size = 4,
    .min_size = 1,
    .size_means = "the flag",
    .min_writers = 1,
    .enough = 30,
    .histograms = {"sighting", NULL},
    .area_bytes = quit_bytes,
    .prepare = quit_prepare,
    .write = quit_run,
    .read = quit_run,
    .audit = quit_audit,
    .breakable = quit_breakable,
};
