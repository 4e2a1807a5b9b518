/* Tests of the ways in: a lock that is tried first, and a dead owner with nothing to recover. */
#include "base/testing.h"
#include "contract/worker.h"

static struct slot slot;
static uint32_t stop;
static struct shape shape = {.writers = 1, .sampling = 4};
static struct fault_ops fault;
static struct sync_ops row;
static struct load_ops load;
static struct worker w;
static int acquired, acquire_result, tried, try_result, repaired;

static int take(struct sync_self *self)
{
    (void)self;
    acquired++;
    return acquire_result;
}

static int try_to_take(struct sync_self *self)
{
    (void)self;
    tried++;
    return try_result;
}

static int give(struct sync_self *self)
{
    (void)self;
    return 0;
}

static void repair(struct worker *worker)
{
    (void)worker;
    repaired++;
}

static void setup(void)
{
    slot = (struct slot){.phase = PHASE_IDLE};
    row = (struct sync_ops){.name = "scripted"};
    acquired = acquire_result = tried = try_result = repaired = 0;
    w = (struct worker){
        .shape = &shape,
        .load = &load,
        .sync = &row,
        .lock = {.acquire = take, .release = give},
        .slot = &slot,
        .crew = {.slots = &slot, .workers = 1, .stop = &stop},
        .random = 1,
        .fault = &fault,
    };
}

static void enter_often(int times)
{
    for (int i = 0; i < times; i++) {
        ck_assert(worker_enter(&w));
        worker_leave(&w);
    }
}

START_TEST(who_measures_tries_nothing)
{
    setup();
    w.lock.try_acquire = try_to_take;
    enter_often(100);
    ck_assert_int_eq(tried, 0);
}
END_TEST

START_TEST(who_looks_for_bugs_goes_in_by_either)
{
    setup();
    w.lock.try_acquire = try_to_take;
    w.probing = true;
    enter_often(100);
    ck_assert_int_gt(tried, 0);
    ck_assert_int_eq(acquired, 100 - tried);
}
END_TEST

START_TEST(where_it_is_held_it_is_asked_for_in_earnest)
{
    const int refusals[] = {EBUSY, EAGAIN};
    for (int i = 0; i < 2; i++) {
        setup();
        w.lock.try_acquire = try_to_take;
        w.probing = true;
        try_result = refusals[i];
        enter_often(100);
        ck_assert_int_gt(tried, 0);
        ck_assert_int_eq(acquired, 100);
        ck_assert_uint_eq(slot.violations[VIOLATION_SYNC_ERROR], 0);
    }
}
END_TEST

START_TEST(a_try_that_fails_is_told_by_its_name)
{
    setup();
    w.lock.try_acquire = try_to_take;
    w.probing = true;
    try_result = EINVAL;
    for (int i = 0; i < 100 && worker_enter(&w); i++)
        worker_leave(&w);
    testing_has(slot.evidence[0].text, "scripted: try_acquire returned EINVAL");
    ck_assert(w.leave);
}
END_TEST

START_TEST(a_lock_that_is_held_does_not_say_so_to_who_waits)
{
    setup();
    w.probing = true;
    acquire_result = EBUSY;
    ck_assert(!worker_enter(&w));
    testing_has(slot.evidence[0].text, "scripted: acquire returned EBUSY");
    setup();
    w.probing = true;
    w.lock.try_acquire = take; /* the same function: there is nothing else to ask */
    acquire_result = EBUSY;
    ck_assert(!worker_enter(&w));
    ck_assert_int_eq(acquired, 1);
}
END_TEST

START_TEST(a_robust_lock_may_have_nothing_to_recover)
{
    setup();
    acquire_result = EOWNERDEAD;
    load.repair = repair;
    row.traits = SYNC_ROBUST;
    ck_assert(worker_enter(&w));
    ck_assert_int_eq(repaired, 1);
    ck_assert_uint_eq(slot.recovered, 1);
    worker_leave(&w);
    row.traits = 0; /* nobody was to tell of deaths */
    ck_assert(!worker_enter(&w));
    ck_assert_uint_eq(slot.violations[VIOLATION_SYNC_ERROR], 1);
}
END_TEST

int main(void)
{
    return testing_run("worker_enter", (const TTest *[]){
                                           who_measures_tries_nothing,
                                           who_looks_for_bugs_goes_in_by_either,
                                           where_it_is_held_it_is_asked_for_in_earnest,
                                           a_try_that_fails_is_told_by_its_name,
                                           a_lock_that_is_held_does_not_say_so_to_who_waits,
                                           a_robust_lock_may_have_nothing_to_recover,
                                           NULL,
                                       });
}
