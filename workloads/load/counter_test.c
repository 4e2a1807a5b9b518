/* Tests of the counter load's oracle: one worker, a lock that lets others meddle on order, and what must (not) be reported. */
#include "base/testing.h"
#include "contract/worker.h"
#include "run/crew_worker.h"
#include "workloads/load/rows.h"

/* The area as words: the load keeps its parts on lines of their own. */
enum { OWNER = 0, LAST = 1, SHADOW = 16, COUNTERS = 32, COUNT = 4, OTHER = 2 };

static _Alignas(128) uint64_t area[64];
static struct error error;
static struct ledger ledger;
static struct worker w;

/* What others do while this worker is at these places; `call` counts from 1. */
static void (*on_enter)(int call), (*on_inside)(int call);
static int entered;

static int take(struct sync_self *self)
{
    (void)self;
    entered++;
    if (on_enter)
        on_enter(entered);
    return 0;
}

static int give(struct sync_self *self)
{
    (void)self;
    return 0;
}

static void meddle(struct worker *worker, double parameter)
{
    (void)worker;
    (void)parameter;
    if (on_inside)
        on_inside(entered);
}

static const struct sync_ops scripted = {.name = "scripted", .family = SYNC_LOCK, .lock = {.acquire = take, .release = give}};
static const struct fault_ops meddler = {.name = "meddler", .inside = meddle};

static struct trial_spec spec = {
    .load = &load_counter,
    .sync = &scripted,
    .fault = &meddler,
    .shape = {.writers = 2, .readers = 1, .size = COUNT * 8, .sampling = 1, .seed = 1},
};

/* Worker 0, a writer, or 2, the reader. */
static void begin(uint32_t index)
{
    static struct sync_setup setup;
    testing_ok(ledger_create(&ledger, 3, spec_histograms(&spec), &error));
    struct crew_plan plan = {.spec = &spec, .ledger = &ledger, .setups = &setup};
    ck_assert_uint_le(load_counter.area_bytes(&spec.shape), sizeof area);
    memset(area, 0x5a, sizeof area);
    ck_assert_int_eq(load_counter.prepare(area, &spec.shape), 0);
    crew_worker_init(&w, &plan, index, area);
    w.area = area; /* no instances of the sync lie before it here */
    on_enter = on_inside = NULL;
    entered = 0;
}

static void run(uint64_t ops)
{
    w.ops_limit = ops;
    (w.writer ? load_counter.write : load_counter.read)(&w);
    ck_assert_uint_eq(w.ops, ops);
}

/* Another writer's whole operation, done as it should be. */
static void other_writes(int call)
{
    (void)call;
    area[LAST] = OTHER;
    area[SHADOW]++;
    for (int i = 0; i < COUNT; i++)
        area[COUNTERS + i]++;
}

static void check_clean(void)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == 0, "%s: %s", violation_name((enum violation)k), w.slot->evidence[0].text);
    ledger_destroy(&ledger);
}

/* So many violations of that kind, no others, and the first tells this. */
static void check_found(enum violation kind, uint64_t count, const char *part)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == (k == (int)kind ? count : 0), "%s: %llu (%s)", violation_name((enum violation)k),
                      (unsigned long long)w.slot->violations[k], w.slot->evidence[0].text);
    ck_assert_int_eq(w.slot->evidence[0].kind, kind);
    testing_has(w.slot->evidence[0].text, part);
    ledger_destroy(&ledger);
}

START_TEST(a_writer_alone_counts_and_finds_nothing)
{
    begin(0);
    run(1000);
    ck_assert_uint_eq(area[SHADOW], 1000);
    for (int i = 0; i < COUNT; i++)
        ck_assert_uint_eq(area[COUNTERS + i], 1000);
    ck_assert_uint_eq(area[OWNER], 0);
    ck_assert_uint_eq(w.slot->handoffs, 1); /* nobody to it */
    check_clean();
}
END_TEST

START_TEST(writers_in_turn_are_hand_offs_and_nothing_else)
{
    begin(0);
    on_enter = other_writes;
    run(100);
    ck_assert_uint_eq(w.slot->handoffs, 100);
    ck_assert_uint_eq(area[SHADOW], 200);
    check_clean();
}
END_TEST

static void other_is_inside(int call)
{
    if (call == 5)
        area[OWNER] = OTHER;
}

START_TEST(a_writer_that_finds_another_inside_reports_an_overlap)
{
    begin(0);
    on_enter = other_is_inside;
    run(10);
    check_found(VIOLATION_OVERLAP, 1, "two holders at once: on entering, worker 0 found worker 1 inside");
}
END_TEST

START_TEST(a_reader_that_finds_a_writer_inside_reports_an_overlap)
{
    begin(2);
    on_enter = other_is_inside;
    run(5);
    check_found(VIOLATION_OVERLAP, 1, "as a reader, worker 2 found worker 1 inside");
}
END_TEST

static void other_comes_in(int call)
{
    if (call == 3)
        area[OWNER] = OTHER;
}

static void other_comes_and_goes(int call)
{
    if (call == 3)
        area[OWNER] = 0;
}

START_TEST(whoever_comes_in_while_a_writer_is_inside_is_seen_on_leaving)
{
    begin(0);
    on_inside = other_comes_in;
    run(3);
    check_found(VIOLATION_OVERLAP, 1, "before leaving, worker 0 found worker 1 inside");
    begin(0);
    on_inside = other_comes_and_goes;
    run(3);
    check_found(VIOLATION_OVERLAP, 1, "while worker 0 was inside, somebody else came and went");
}
END_TEST

/* Another writer read the shadow before this worker's increment and stores after it. */
static void other_overwrites_shadow(int call)
{
    if (call == 4)
        area[SHADOW]--;
}

static void other_overwrites_last_counter(int call)
{
    if (call == 4)
        area[COUNTERS + COUNT - 1]--;
}

START_TEST(a_lost_update_is_reported_once_not_in_every_operation_after_it)
{
    begin(0);
    on_inside = other_overwrites_shadow;
    run(50);
    check_found(VIOLATION_LOST, 1, "counters that go up together differ");
    begin(0);
    on_inside = other_overwrites_last_counter;
    run(50);
    ck_assert_uint_eq(w.slot->evidence[0].offset, (COUNT - 1) * 8);
    ck_assert_uint_eq(w.slot->evidence[0].expected.version, 4);
    ck_assert_uint_eq(w.slot->evidence[0].found.version, 3);
    check_found(VIOLATION_LOST, 1, "counters that go up together differ");
}
END_TEST

static void half_an_update(int call)
{
    if (call == 2)
        area[COUNTERS]++; /* the first, and not yet the others */
}

START_TEST(a_reader_that_sees_half_an_update_reports_it)
{
    begin(2);
    on_enter = half_an_update;
    run(3);
    check_found(VIOLATION_LOST, 2, "counters that go up together differ"); /* against the shadow, and against the last */
}
END_TEST

static void all_go_back(int call)
{
    if (call == 6)
        for (int i = 0; i < COUNT; i++)
            area[COUNTERS + i] = area[SHADOW] = 2;
}

START_TEST(counters_that_all_went_back_are_reported)
{
    begin(0);
    on_enter = all_go_back;
    run(8);
    check_found(VIOLATION_LOST, 1, "the counter went back: this worker had left it at 5, and found 2");
    begin(2);
    other_writes(0);
    other_writes(0);
    other_writes(0);
    on_enter = all_go_back;
    run(8);
    check_found(VIOLATION_BACK, 1, "the counter went back from 3 to 2");
}
END_TEST

START_TEST(a_reader_of_moving_and_of_resting_counters_finds_nothing)
{
    begin(2);
    run(10);
    ck_assert_uint_eq(w.slot->handoffs, 0);
    check_clean();
    begin(2);
    on_enter = other_writes;
    run(10);
    ck_assert_uint_eq(w.slot->handoffs, 10);
    check_clean();
}
END_TEST

/* The auditor, after writers that made so many increments. */
static void begin_audit(uint64_t ops0, uint64_t ops1, uint64_t shown)
{
    begin(3);
    ledger.slots[0].ops = ops0;
    ledger.slots[1].ops = ops1;
    ledger.slots[2].ops = 12345; /* a reader's do not count */
    area[SHADOW] = shown;
    for (int i = 0; i < COUNT; i++)
        area[COUNTERS + i] = shown;
}

START_TEST(totals_that_add_up_pass_the_audit)
{
    begin_audit(70, 30, 100);
    load_counter.audit(&w);
    check_clean();
}
END_TEST

START_TEST(totals_that_do_not_add_up_are_lost_updates)
{
    begin_audit(70, 30, 99);
    load_counter.audit(&w);
    check_found(VIOLATION_LOST, 1 + COUNT, "100 increments were made, the shadow counter shows 99");
    begin_audit(70, 30, 100);
    area[COUNTERS + 2] = 101;
    load_counter.audit(&w);
    check_found(VIOLATION_LOST, 1, "100 increments were made, the counter at offset 16 shows 101");
}
END_TEST

START_TEST(an_owner_that_nobody_took_away_is_told_by_the_audit)
{
    begin_audit(70, 30, 100);
    area[OWNER] = 1;
    load_counter.audit(&w);
    check_found(VIOLATION_SCRIBBLED, 1, "all have left, and the owner word is not empty");
}
END_TEST

START_TEST(a_size_that_is_no_multiple_of_eight_has_as_many_counters_as_fit)
{
    struct shape shape = spec.shape;
    size_t whole = load_counter.area_bytes(&shape);
    shape.size += 7;
    ck_assert_uint_eq(load_counter.area_bytes(&shape), whole);
    shape.size++;
    ck_assert_uint_eq(load_counter.area_bytes(&shape), whole + 8);
}
END_TEST

int main(void)
{
    return testing_run("counter", (const TTest *[]){
                                      a_writer_alone_counts_and_finds_nothing,
                                      writers_in_turn_are_hand_offs_and_nothing_else,
                                      a_writer_that_finds_another_inside_reports_an_overlap,
                                      a_reader_that_finds_a_writer_inside_reports_an_overlap,
                                      whoever_comes_in_while_a_writer_is_inside_is_seen_on_leaving,
                                      a_lost_update_is_reported_once_not_in_every_operation_after_it,
                                      a_reader_that_sees_half_an_update_reports_it,
                                      counters_that_all_went_back_are_reported,
                                      a_reader_of_moving_and_of_resting_counters_finds_nothing,
                                      totals_that_add_up_pass_the_audit,
                                      totals_that_do_not_add_up_are_lost_updates,
                                      an_owner_that_nobody_took_away_is_told_by_the_audit,
                                      a_size_that_is_no_multiple_of_eight_has_as_many_counters_as_fit,
                                      NULL,
                                  });
}
