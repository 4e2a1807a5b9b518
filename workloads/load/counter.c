/* counter: plain increments inside the critical section; lost updates and overlapping holders show. */
#include <string.h>

#include "contract/worker.h"
#include "workloads/load/counter_adds.h"
#include "workloads/load/rows.h"

#define LINE 128

/* Each on lines of its own, so that an unprotected crew breaks them independently. */
struct counter_area {
    _Alignas(LINE) uint64_t owner;  /* index + 1 of the writer inside, 0 for nobody */
    uint64_t last;                  /* index + 1 of the last writer inside */
    _Alignas(LINE) uint64_t shadow; /* counts with the counters */
    _Alignas(LINE) uint64_t counters[]; /* size / 8 of them, all equal */
};

static uint64_t counters_of(const struct shape *shape)
{
    return shape->size / 8;
}

static size_t counter_bytes(const struct shape *shape)
{
    if (shape->family == SYNC_COUNTER)
        return counter_adds_bytes(shape);
    return sizeof(struct counter_area) + counters_of(shape) * 8;
}

static int counter_prepare(void *area, const struct shape *shape)
{
    memset(area, 0, counter_bytes(shape));
    return 0;
}

/* Plain loads and stores, one each, as a program's own counter would be. */
static uint64_t get(const uint64_t *word)
{
    return *(const volatile uint64_t *)word;
}

static void set(uint64_t *word, uint64_t value)
{
    *(volatile uint64_t *)word = value;
}

static void overlap(struct worker *w, uint64_t owner, const char *when)
{
    if (owner)
        worker_violation_values(w, VIOLATION_OVERLAP, 0, owner - 1, "two holders at once: %s, worker %u found worker %llu inside",
                                when, w->index, (unsigned long long)owner - 1);
    else
        worker_violation_values(w, VIOLATION_OVERLAP, w->index, 0,
                                "two holders at once: while worker %u was inside, somebody else came and went", w->index);
}

/* The counters and the shadow go up together; *known is the difference already reported. */
static void compare(struct worker *w, uint64_t first, uint64_t other, uint64_t offset, uint64_t *known)
{
    if (first - other == *known)
        return;
    *known = first - other;
    struct evidence *evidence = worker_violation(w, VIOLATION_LOST);
    if (!evidence)
        return;
    evidence->form = EVIDENCE_VALUES;
    evidence->offset = offset;
    evidence->expected.version = first;
    evidence->found.version = other;
    strcpy(evidence->text, "counters that go up together differ: an update was lost, or seen half done");
}

static void counter_write(struct worker *w)
{
    struct counter_area *a = w->area;
    if (w->shape->family == SYNC_COUNTER) {
        counter_adds_write(w);
        return;
    }
    uint64_t count = counters_of(w->shape), me = w->index + 1, known_shadow = 0, known_last = 0, seen = 0;
    while (worker_next(w)) {
        if (!worker_enter(w))
            return;
        uint64_t owner = get(&a->owner);
        if (owner)
            overlap(w, owner, "on entering");
        set(&a->owner, me);
        if (get(&a->last) != me) {
            worker_handoff(w);
            set(&a->last, me);
        }
        uint64_t value = get(&a->counters[0]);
        if (value < seen)
            worker_violation_values(w, VIOLATION_LOST, seen, value,
                                    "the counter went back: this worker had left it at %llu, and found %llu",
                                    (unsigned long long)seen, (unsigned long long)value);
        for (uint64_t i = 0; i < count; i++)
            set(&a->counters[i], get(&a->counters[i]) + 1);
        worker_inside(w);
        set(&a->shadow, get(&a->shadow) + 1);
        seen = value + 1;
        compare(w, seen, get(&a->shadow), 0, &known_shadow);
        compare(w, seen, get(&a->counters[count - 1]), (count - 1) * 8, &known_last);
        owner = get(&a->owner);
        if (owner != me)
            overlap(w, owner, "before leaving");
        set(&a->owner, 0);
        worker_leave(w);
        worker_done(w);
    }
}

static void counter_read(struct worker *w)
{
    struct counter_area *a = w->area;
    uint64_t count = counters_of(w->shape), known_shadow = 0, known_last = 0, seen = 0;
    if (w->shape->family == SYNC_COUNTER) {
        counter_adds_read(w);
        return;
    }
    while (worker_next(w)) {
        if (!worker_enter_shared(w))
            return;
        uint64_t owner = get(&a->owner);
        if (owner)
            overlap(w, owner, "as a reader");
        uint64_t value = get(&a->counters[0]);
        if (value < seen)
            worker_violation_values(w, VIOLATION_BACK, seen, value, "the counter went back from %llu to %llu",
                                    (unsigned long long)seen, (unsigned long long)value);
        worker_inside(w);
        compare(w, value, get(&a->shadow), 0, &known_shadow);
        compare(w, value, get(&a->counters[count - 1]), (count - 1) * 8, &known_last);
        worker_leave(w);
        if (value != seen)
            worker_handoff(w);
        seen = value;
        worker_done(w);
    }
}

static void counter_audit(struct worker *auditor)
{
    struct counter_area *a = auditor->area;
    uint64_t done = 0, count = counters_of(auditor->shape);
    if (auditor->shape->family == SYNC_COUNTER) {
        counter_adds_audit(auditor);
        return;
    }
    for (uint32_t i = 0; i < auditor->shape->writers; i++)
        done += slot_load(&auditor->crew.slots[i].ops);
    if (a->shadow != done)
        worker_violation_values(auditor, VIOLATION_LOST, done, a->shadow,
                                "%llu increments were made, the shadow counter shows %llu", (unsigned long long)done,
                                (unsigned long long)a->shadow);
    for (uint64_t i = 0; i < count; i++)
        if (a->counters[i] != done)
            worker_violation_values(auditor, VIOLATION_LOST, done, a->counters[i],
                                    "%llu increments were made, the counter at offset %llu shows %llu",
                                    (unsigned long long)done, (unsigned long long)i * 8, (unsigned long long)a->counters[i]);
    if (a->owner != 0)
        worker_violation_values(auditor, VIOLATION_SCRIBBLED, 0, a->owner, "all have left, and the owner word is not empty");
}

/* Completes the increment that the dead holder had begun, and takes its name off. */
static void counter_repair(struct worker *w)
{
    struct counter_area *a = w->area;
    uint64_t count = counters_of(w->shape), newest = get(&a->shadow);
    for (uint64_t i = 0; i < count; i++)
        newest = get(&a->counters[i]) > newest ? get(&a->counters[i]) : newest;
    for (uint64_t i = 0; i < count; i++)
        set(&a->counters[i], newest);
    set(&a->shadow, newest);
    set(&a->owner, 0);
}

static void counter_inspect(struct worker *auditor)
{
    const struct counter_area *a = auditor->area;
    if (auditor->shape->family == SYNC_COUNTER) {
        counter_adds_audit(auditor);
        return;
    }
    for (uint64_t i = 0; i < counters_of(auditor->shape); i++)
        if (a->counters[i] != a->shadow)
            worker_violation_values(auditor, VIOLATION_LOST, a->shadow, a->counters[i],
                                    "the counter at offset %llu and the shadow counter differ: an increment was left half done",
                                    (unsigned long long)i * 8);
}

/* The dead holder's name stays in the owner word. */
static bool counter_torn_by_death(const struct shape *shape, double words)
{
    (void)shape;
    (void)words;
    return true;
}

static bool counter_breakable(const struct shape *shape)
{
    return shape_workers(shape) > 1;
}

const struct load_ops load_counter = {
    .name = "counter",
    .summary = "writers increment counters that go up together, or add to one number; readers compare",
    .families = 1u << SYNC_LOCK | 1u << SYNC_COUNTER,
    .default_size = 8,
    .min_size = 8,
    .size_means = "the counters, eight bytes each",
    .min_writers = 1,
    .enough = 100,
    .area_bytes = counter_bytes,
    .prepare = counter_prepare,
    .write = counter_write,
    .read = counter_read,
    .audit = counter_audit,
    .repair = counter_repair,
    .inspect = counter_inspect,
    .torn_by_death = counter_torn_by_death,
    .survivable = true,
    .resumable = true,
    .breakable = counter_breakable,
};
