/* quit: a few bytes change and every child must see it, once and in order; how long each takes is measured.
 *
 * Round by round, one writer (they take turns) changes the flag; every other process polls it, notes how long the change
 * took to reach it, and acknowledges by a plain increment of a shared counter. The next round begins when all have: so in
 * each round every process completes one operation, and its operation count tells how far it is.
 */

#include "workloads/load/record.h"
#include "workloads/load/rows.h"

#define LINE 128
#define POLLS_BEFORE_YIELD 64

enum { SIGHTING = HISTOGRAM_OWN };

struct quit_area {
    _Alignas(LINE) uint64_t owner;        /* index + 1 of who is inside alone, 0 for nobody */
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
        worker_yield(w);
    return w->ops != 0 && worker_stopping(w);
}

static uint64_t get(const uint64_t *word)
{
    return *(const volatile uint64_t *)word;
}

static void set(uint64_t *word, uint64_t value)
{
    *(volatile uint64_t *)word = value;
}

/* Who has the lock to himself finds nobody, is nobody's neighbour, and leaves nobody. */
static void check_owner(struct worker *w, uint64_t expected, const char *when)
{
    uint64_t owner = get(&((struct quit_area *)w->area)->owner);
    if (owner == expected)
        return;
    if (owner)
        worker_violation_values(w, VIOLATION_OVERLAP, expected, owner, "two holders at once: %s, worker %u found worker %llu inside",
                                when, w->index, (unsigned long long)owner - 1);
    else
        worker_violation_values(w, VIOLATION_OVERLAP, expected, owner,
                                "two holders at once: while worker %u was inside, somebody else came and went", w->index);
}

static bool enter_alone(struct worker *w)
{
    if (!worker_enter(w))
        return false;
    check_owner(w, 0, "on entering");
    set(&((struct quit_area *)w->area)->owner, w->index + 1);
    return true;
}

static void leave_alone(struct worker *w)
{
    check_owner(w, w->index + 1, "before leaving");
    set(&((struct quit_area *)w->area)->owner, 0);
    worker_leave(w);
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
    if (!all_through(w, round - 1) || !enter_alone(w))
        return false;
    uint64_t acknowledged = get(&a->acknowledged);
    if (round > 1 && acknowledged != w->crew.workers - 1)
        worker_violation_values(w, VIOLATION_LOST, w->crew.workers - 1, acknowledged,
                                "round %llu: %u processes have acknowledged, the counter shows %llu: updates were lost",
                                (unsigned long long)round - 1, w->crew.workers - 1, (unsigned long long)acknowledged);
    set(&a->acknowledged, 0);
    set(&a->changed_ns, clock_ns());
    record_write(w, a->flag, round);
    leave_alone(w);
    return true;
}

/* A flag too short for a stamp: is each of its bytes one of the old or of the new value's? */
static bool mixed(uint64_t found, uint64_t old, uint64_t new, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++) {
        uint64_t byte = found >> (8 * i) & 0xff;
        if (byte != (old >> (8 * i) & 0xff) && byte != (new >> (8 * i) & 0xff))
            return false;
    }
    return true;
}

/* The flag shows neither this round nor the one before. True: it was caught half-way, and is worth another look. */
static bool report_strange(struct worker *w, uint64_t round, uint64_t found)
{
    uint64_t size = w->shape->size;
    if (size < 8 && mixed(found, round - 1, round, size)) {
        worker_violation_values(w, VIOLATION_TORN, round, found, "the flag of %llu bytes shows %llu: bytes of changes %llu and "
                                "%llu mixed", (unsigned long long)size, (unsigned long long)found,
                                (unsigned long long)round - 1, (unsigned long long)round);
        return true;
    }
    worker_violation_values(w, found < round ? VIOLATION_BACK : VIOLATION_LOST, round, found,
                            "waiting for change %llu of the flag, this worker found change %llu", (unsigned long long)round,
                            (unsigned long long)found);
    w->leave = true;
    return false;
}

/* Looks at the flag once. 1: the round has come; 0: not yet; -1: this worker cannot go on. */
static int quit_look(struct worker *w, uint64_t round, uint64_t *changed_ns)
{
    struct quit_area *a = w->area;
    uint64_t mask = version_mask(w->shape), stamp;
    if (!worker_enter_shared(w))
        return -1;
    check_owner(w, 0, "looking at the flag");
    bool whole = record_read(w, a->flag, &stamp);
    *changed_ns = get(&a->changed_ns);
    worker_inside(w);
    worker_leave(w);
    uint64_t version = payload_version(stamp) & mask;
    if (!whole || version == ((round - 1) & mask))
        return 0;
    if (version == (round & mask))
        return 1;
    return report_strange(w, round & mask, version) ? 0 : -1;
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
    if (!enter_alone(w))
        return false;
    set(&a->acknowledged, get(&a->acknowledged) + 1);
    leave_alone(w);
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

/* Whoever looks while another changes or acknowledges finds the owner's word. */
static bool quit_breakable(const struct shape *shape)
{
    return shape_workers(shape) > 1;
}

/* Whoever has seen the flag acknowledges it, and enters alone for that. */
static const char *quit_refuses(const struct shape *shape, const struct sync_ops *sync, const struct fault_ops *fault)
{
    (void)fault;
    return sync->max_writers && shape_workers(shape) > sync->max_writers
               ? "load quit: all of its processes enter alone at times, and this sync is made for fewer writers"
               : NULL;
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
    .in_step = true,
    .refuses = quit_refuses,
    .area_bytes = quit_bytes,
    .prepare = quit_prepare,
    .write = quit_run,
    .read = quit_run,
    .audit = quit_audit,
    .breakable = quit_breakable,
};
