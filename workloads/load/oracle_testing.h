/* Testing an oracle: one worker of a crew of three, whose load runs on a primitive that the test scripts, and its findings.
 *
 * A test file defines `spec` (load, sync, shape) and includes this. Workers 0 and 1 are writers, 2 is a reader, 3 the auditor.
 */
#ifndef WORKLOADS_LOAD_ORACLE_TESTING_H
#define WORKLOADS_LOAD_ORACLE_TESTING_H

#include "base/testing.h"
#include "contract/worker.h"
#include "run/crew_worker.h"
#include "workloads/load/rows.h"

enum { WRITER = 0, OTHER = 1, READER = 2, WORKERS = 3, AUDITOR = WORKERS, AREA_BYTES = 1 << 16, INSTANCES_MAX = 64 };

static struct trial_spec spec;
static _Alignas(128) unsigned char area[AREA_BYTES];
static struct error error;
static struct ledger ledger;
static struct worker w;
static struct sync_self selves[INSTANCES_MAX];
static uint64_t calls; /* of the primitive so far */

TESTING_UNUSED static int pass(struct sync_self *self)
{
    (void)self;
    calls++;
    return 0;
}

/* Worker `index` comes to data that are as they are; its counters begin anew, those of the others do not. */
TESTING_UNUSED static void become(uint32_t index)
{
    static struct sync_setup setup;
    setup = (struct sync_setup){.writers = spec.shape.writers, .readers = spec.shape.readers, .size = spec.shape.size};
    struct crew_plan plan = {.spec = &spec, .ledger = &ledger, .setups = &setup};
    crew_worker_init(&w, &plan, index, area);
    w.area = area; /* no instances of the sync lie before it here */
    for (int i = 0; i < INSTANCES_MAX; i++) {
        selves[i] = w.self;
        selves[i].state = (void *)(uintptr_t)i; /* a scripted primitive wants to know which one it is */
    }
    w.instances = selves;
    worker_select(&w, 0);
    calls = 0;
}

TESTING_UNUSED static void begin(uint32_t index)
{
    spec.shape.family = spec.sync->family;
    testing_ok(ledger_create(&ledger, WORKERS, spec_histograms(&spec), &error));
    ck_assert_uint_le(spec.load->area_bytes(&spec.shape), sizeof area);
    memset(area, 0, sizeof area);
    ck_assert_int_eq(spec.load->prepare(area, &spec.shape), 0);
    become(index);
}

/* Lets the worker go on until it has done so many operations in all. */
TESTING_UNUSED static void run(uint64_t ops)
{
    w.ops_limit = ops;
    (w.writer ? spec.load->write : spec.load->read)(&w);
    ck_assert_uint_eq(w.ops, ops);
}

/* So many violations of that kind, and no others of any. */
TESTING_UNUSED static void check_only(enum violation kind, uint64_t count)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == (k == (int)kind ? count : 0), "%s: %llu (%s)", violation_name((enum violation)k),
                      (unsigned long long)w.slot->violations[k], w.slot->evidence[0].text);
}

TESTING_UNUSED static void check_clean(void)
{
    check_only(VIOLATION_TORN, 0);
    ledger_destroy(&ledger);
}

/* And the first of them tells this. Returns it. */
TESTING_UNUSED static struct evidence check_found(enum violation kind, uint64_t count, const char *part)
{
    struct evidence first = w.slot->evidence[0];
    check_only(kind, count);
    ck_assert_int_eq(first.kind, kind);
    testing_has(first.text, part);
    ledger_destroy(&ledger);
    return first;
}

/* At least one of that kind, and its sentence tells this; others may be there. */
TESTING_UNUSED static void check_among(enum violation kind, const char *part)
{
    const struct evidence *found = NULL;
    ck_assert_uint_gt(w.slot->violations[kind], 0);
    for (uint32_t i = 0; i < w.slot->evidence_count && !found; i++)
        if (w.slot->evidence[i].kind == kind)
            found = &w.slot->evidence[i];
    ck_assert_ptr_nonnull(found);
    testing_has(found->text, part);
    ledger_destroy(&ledger);
}

#endif
