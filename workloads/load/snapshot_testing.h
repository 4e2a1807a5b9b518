/* Testing the snapshot load: one worker, a lock that lets others meddle on order, and the oracle's findings. */
#ifndef WORKLOADS_LOAD_SNAPSHOT_TESTING_H
#define WORKLOADS_LOAD_SNAPSHOT_TESTING_H

#include "base/testing.h"
#include "run/crew_worker.h"
#include "workloads/load/record.h"
#include "workloads/load/rows.h"

enum { SIZE_MAX_HERE = 4096, OTHER = 1, READER = 2, WORKERS = 3, AUDITOR = WORKERS };

static _Alignas(128) unsigned char area[SIZE_MAX_HERE + 4 * RECORD_GUARD];
static struct error error;
static struct ledger ledger;
static struct worker w;

/* What others do while this worker is at these places; `call` counts from 1. */
static void (*on_enter)(int call), (*on_inside)(int call);
static int entered;

TESTING_UNUSED static int take(struct sync_self *self)
{
    (void)self;
    entered++;
    if (on_enter)
        on_enter(entered);
    return 0;
}

TESTING_UNUSED static int give(struct sync_self *self)
{
    (void)self;
    return 0;
}

TESTING_UNUSED static void meddle(struct worker *worker, double parameter)
{
    (void)worker;
    (void)parameter;
    if (on_inside)
        on_inside(entered);
}

static const struct sync_ops scripted = {.name = "scripted", .family = SYNC_LOCK, .lock = {.acquire = take, .release = give}};
/* With a hook the loop is the general one; without any it is a tight one, at the size of a line. */
static const struct fault_ops meddler = {.name = "meddler", .inside = meddle}, no_hooks = {.name = "no hooks"};
static bool tight;
#define IN_BOTH_LOOPS for (int loop = 0; tight = loop == 1, loop < 2; loop++)

static struct trial_spec spec = {
    .load = &load_snapshot,
    .sync = &scripted,
    .fault = &meddler,
    .shape = {.writers = 2, .readers = 1, .sampling = 1, .seed = 77},
};

TESTING_UNUSED static void begin(uint32_t index, uint64_t size)
{
    static struct sync_setup setup;
    spec.shape.size = size;
    spec.fault = tight ? &no_hooks : &meddler;
    testing_ok(ledger_create(&ledger, WORKERS, spec_histograms(&spec), &error));
    struct crew_plan plan = {.spec = &spec, .ledger = &ledger, .setups = &setup};
    ck_assert_int_eq(load_snapshot.prepare(area, &spec.shape), 0);
    crew_worker_init(&w, &plan, index, area);
    w.area = area; /* no instances of the sync lie before it here */
    on_enter = on_inside = NULL;
    entered = 0;
}

TESTING_UNUSED static void run(uint64_t ops)
{
    w.ops_limit = ops;
    (w.writer ? load_snapshot.write : load_snapshot.read)(&w);
    ck_assert_uint_eq(w.ops, ops);
}

TESTING_UNUSED static uint64_t stamp_by(uint64_t version, uint32_t writer)
{
    return payload_stamp(version, writer, record_tag(&spec.shape));
}

TESTING_UNUSED static unsigned char *payload(void)
{
    return record_payload(area);
}

TESTING_UNUSED static void fill(uint64_t version, uint32_t writer)
{
    payload_fill(payload(), spec.shape.size, stamp_by(version, writer));
}

/* Another writer's whole operation, done as it should be. */
TESTING_UNUSED static void other_writes(int call)
{
    (void)call;
    fill(payload_version(payload_peek(payload(), spec.shape.size)) + 1, OTHER);
}

TESTING_UNUSED static void check_clean(void)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == 0, "size %d: %s: %s", (int)spec.shape.size, violation_name((enum violation)k),
                      w.slot->evidence[0].text);
    ledger_destroy(&ledger);
}

/* So many violations of that kind, no others, and the first tells this. Returns the first. */
TESTING_UNUSED static struct evidence check_found(enum violation kind, uint64_t count, const char *part)
{
    struct evidence first = w.slot->evidence[0];
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == (k == (int)kind ? count : 0), "%s: %llu (%s)", violation_name((enum violation)k),
                      (unsigned long long)w.slot->violations[k], first.text);
    ck_assert_int_eq(first.kind, kind);
    testing_has(first.text, part);
    ledger_destroy(&ledger);
    return first;
}

static const uint64_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 31, 64, 100, 255, 256, 1000, 4096};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

#endif
