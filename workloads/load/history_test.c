/* Tests of histories: what is recorded; and both checks against a search through all orders, whole and cut at a window. */
#include "workloads/load/history.h"

#include "base/testing.h"
#include "run/crew_worker.h"
#include "shm/payload.h"
#include "workloads/load/rows.h"

enum { WRITERS = 3, READERS = 2, WORKERS = WRITERS + READERS, LIMIT = 16, INITIAL_TAG = 5 };

static _Alignas(SLOT_ALIGN) unsigned char memory[WORKERS * (SLOT_ALIGN + LIMIT * sizeof(struct history_entry) + SLOT_ALIGN)];
static struct ledger ledger;
static struct error error;
static struct worker w;
static struct history recorders[WORKERS];
static struct trial_spec spec = {
    .load = &load_counter,
    .shape = {.writers = WRITERS, .readers = READERS, .size = 8, .sampling = 1, .seed = 1, .history = LIMIT},
};

static const struct sync_ops nothing = {.name = "nothing", .family = SYNC_CELL};
static const struct fault_ops no_fault = {.name = "none"};

static uint64_t stamp(uint32_t writer, uint64_t version)
{
    return payload_stamp(version, writer, INITIAL_TAG);
}

static uint64_t initial(void)
{
    return payload_stamp(0, PAYLOAD_NOBODY, INITIAL_TAG);
}

static void worker_of(uint32_t index)
{
    static struct sync_setup setup;
    struct crew_plan plan = {.spec = &spec, .ledger = &ledger, .setups = &setup};
    spec.sync = &nothing;
    spec.fault = &no_fault;
    crew_worker_init(&w, &plan, index, memory);
}

/* Empty records of `limit` operations a worker, and the auditor as `w`. */
static void begin(uint32_t limit)
{
    spec.shape.history = limit;
    ck_assert_uint_le(history_bytes(&spec.shape), sizeof memory);
    memset(memory, 0, sizeof memory);
    if (!ledger.slots)
        testing_ok(ledger_create(&ledger, WORKERS, spec_histograms(&spec), &error));
    memset(&ledger.slots[WORKERS], 0, sizeof *ledger.slots);
    for (uint32_t i = 0; i < WORKERS; i++) {
        worker_of(i);
        recorders[i] = history_open(&w, memory);
    }
    worker_of(WORKERS);
}

/* Records an operation with times of the test's own making. */
static void op(uint32_t worker, enum history_kind kind, uint64_t value, uint64_t start, uint64_t end)
{
    struct history *h = &recorders[worker];
    if (h->left == 0)
        return;
    h->log->entries[h->log->count++] = (struct history_entry){start, end, value, kind};
    h->left--;
}

static uint64_t found(void)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert(k == VIOLATION_HISTORY || w.slot->violations[k] == 0);
    return w.slot->violations[VIOLATION_HISTORY];
}

static void check_register(uint64_t violations, const char *part)
{
    history_check_register(&w, memory, initial());
    ck_assert_msg(found() == violations, "%llu: %s", (unsigned long long)found(), w.slot->evidence[0].text);
    if (violations)
        testing_has(w.slot->evidence[0].text, part);
}

static void check_queue(uint64_t violations, const char *part)
{
    history_check_queue(&w, memory, true);
    ck_assert_msg(found() == violations, "%llu: %s", (unsigned long long)found(), w.slot->evidence[0].text);
    if (violations)
        testing_has(w.slot->evidence[0].text, part);
}

START_TEST(operations_are_recorded_between_two_readings_of_the_clock)
{
    begin(LIMIT);
    uint64_t before = clock_ns();
    for (uint64_t i = 1; i <= 3; i++) {
        history_begin(&recorders[1]);
        history_end(&recorders[1], HISTORY_WRITE, stamp(1, i));
    }
    const struct history_log *log = recorders[1].log;
    ck_assert_uint_eq(log->count, 3);
    for (uint64_t i = 0, last = before; i < 3; last = log->entries[i++].end_ns) {
        ck_assert_uint_ge(log->entries[i].start_ns, last);
        ck_assert_uint_ge(log->entries[i].end_ns, log->entries[i].start_ns);
        ck_assert_uint_eq(log->entries[i].value, stamp(1, i + 1));
    }
    ck_assert_uint_ge(clock_ns(), log->entries[2].end_ns);
}
END_TEST

START_TEST(a_record_stops_when_it_is_full_and_none_is_kept_unless_asked_for)
{
    begin(4);
    for (uint64_t i = 1; i <= 10; i++) {
        history_begin(&recorders[0]);
        history_end(&recorders[0], HISTORY_WRITE, stamp(0, i));
    }
    ck_assert_uint_eq(recorders[0].log->count, 4);
    ck_assert_uint_eq(recorders[1].log->count, 0); /* right behind it */
    begin(0);
    ck_assert_uint_eq(history_bytes(&spec.shape), 0);
    history_begin(&recorders[0]);
    history_end(&recorders[0], HISTORY_WRITE, 1);
    ck_assert_ptr_null(recorders[0].log);
    check_register(0, "");
    check_queue(0, "");
}
END_TEST

START_TEST(of_empty_pops_in_a_row_the_first_and_the_last_are_kept)
{
    begin(LIMIT);
    for (int i = 0; i < 100; i++) {
        history_begin(&recorders[3]);
        history_end(&recorders[3], HISTORY_EMPTY, 0);
    }
    const struct history_log *log = recorders[3].log;
    ck_assert_uint_eq(log->count, 2);
    ck_assert_uint_gt(log->entries[1].start_ns, log->entries[0].end_ns);
    history_begin(&recorders[3]);
    history_end(&recorders[3], HISTORY_READ, stamp(0, 1));
    history_begin(&recorders[3]);
    history_end(&recorders[3], HISTORY_EMPTY, 0);
    ck_assert_uint_eq(log->count, 4);
}
END_TEST

START_TEST(a_stale_read_is_no_register)
{
    begin(LIMIT);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(1, HISTORY_WRITE, stamp(1, 1), 30, 40);
    op(3, HISTORY_READ, stamp(0, 1), 50, 60);
    check_register(1, "worker 0 wrote version 1 of worker 0 (0.000 to 0.010 us) was over before worker 1 wrote version 1 of worker 1");
    testing_has(w.slot->evidence[0].text, "worker 3 read version 1 of worker 0 (0.040 to 0.050 us)");
}
END_TEST

START_TEST(a_read_that_overlaps_the_next_write_may_see_either)
{
    begin(LIMIT);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(1, HISTORY_WRITE, stamp(1, 1), 30, 70);
    op(3, HISTORY_READ, stamp(1, 1), 40, 45);
    op(3, HISTORY_READ, stamp(1, 1), 46, 48);
    op(4, HISTORY_READ, stamp(0, 1), 25, 43);
    check_register(0, "");
    begin(LIMIT); /* but not the new one first and then the old one */
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(1, HISTORY_WRITE, stamp(1, 1), 30, 70);
    op(3, HISTORY_READ, stamp(1, 1), 40, 45);
    op(4, HISTORY_READ, stamp(0, 1), 46, 50);
    check_register(1, "was over before");
}
END_TEST

START_TEST(a_read_of_the_initial_content_after_a_write_is_told)
{
    begin(LIMIT);
    op(3, HISTORY_READ, initial(), 5, 25);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    check_register(0, "");
    op(4, HISTORY_READ, initial(), 21, 25);
    check_register(1, "the initial content");
}
END_TEST

START_TEST(what_was_never_written_or_not_yet_cannot_be_read)
{
    begin(LIMIT);
    op(3, HISTORY_READ, stamp(2, 7), 5, 25);
    check_register(1, "worker 3 read version 7 of worker 2 (0.000 to 0.020 us), which nobody had written by then");
    begin(LIMIT);
    op(3, HISTORY_READ, stamp(0, 1), 5, 9);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    check_register(1, "worker 3 read version 1 of worker 0 (0.000 to 0.004 us) was over before worker 0 wrote");
    begin(LIMIT);
    op(3, HISTORY_READ, stamp(0, 1), 5, 10); /* at the same moment: nobody can tell */
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    check_register(0, "");
    begin(LIMIT);
    op(0, HISTORY_WRITE, stamp(0, 1), 5, 9);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    check_register(1, "one of them did not see the other");
}
END_TEST

START_TEST(a_write_behind_the_window_may_be_read_but_not_before_it_can_have_begun)
{
    begin(2);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(0, HISTORY_WRITE, stamp(0, 2), 30, 40); /* its record is full */
    op(3, HISTORY_READ, stamp(0, 5), 35, 45);
    op(4, HISTORY_READ, stamp(0, 9), 35, 60);
    check_register(0, "");
    begin(2);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(0, HISTORY_WRITE, stamp(0, 2), 30, 40);
    op(3, HISTORY_READ, stamp(0, 5), 25, 39);
    check_register(1, "which nobody had written by then");
}
END_TEST

START_TEST(a_queue_that_swaps_loses_or_doubles_is_told)
{
    begin(LIMIT);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(1, HISTORY_WRITE, stamp(1, 1), 30, 40);
    op(3, HISTORY_READ, stamp(1, 1), 50, 60);
    op(4, HISTORY_READ, stamp(0, 1), 70, 80);
    check_queue(1, "element 1 of worker 0 (pushed 0.000 to 0.010 us, popped 0.060 to 0.070 us by worker 4) was in the queue before "
                   "element 1 of worker 1");
    begin(LIMIT); /* the pops overlap: either may have been first */
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(1, HISTORY_WRITE, stamp(1, 1), 30, 40);
    op(3, HISTORY_READ, stamp(1, 1), 50, 60);
    op(4, HISTORY_READ, stamp(0, 1), 59, 80);
    check_queue(0, "");
    begin(LIMIT);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(0, HISTORY_WRITE, stamp(0, 2), 30, 40);
    op(3, HISTORY_READ, stamp(0, 2), 50, 60);
    check_queue(1, "not popped in the record");
    begin(LIMIT);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(3, HISTORY_READ, stamp(0, 1), 50, 60);
    op(4, HISTORY_READ, stamp(0, 1), 55, 90);
    check_queue(1, "worker 4 popped element 1 of worker 0 (0.045 to 0.080 us), and so had worker 3 popped element 1 of worker 0");
    begin(LIMIT);
    op(3, HISTORY_READ, stamp(0, 1), 5, 9);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    check_queue(1, "worker 3 popped element 1 of worker 0 (0.000 to 0.004 us) before worker 0 pushed");
    begin(LIMIT);
    op(3, HISTORY_READ, stamp(0, 1), 5, 9);
    check_queue(1, "which nobody had pushed by then");
}
END_TEST

START_TEST(empty_is_a_lie_while_something_is_certainly_inside)
{
    begin(LIMIT);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(4, HISTORY_EMPTY, 0, 30, 40);
    op(3, HISTORY_READ, stamp(0, 1), 50, 60);
    check_queue(1, "worker 4 found it empty (0.020 to 0.030 us), although element 1 of worker 0");
    begin(LIMIT); /* the element may have gone just before */
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(4, HISTORY_EMPTY, 0, 30, 50);
    op(3, HISTORY_READ, stamp(0, 1), 50, 60);
    check_queue(0, "");
    begin(LIMIT); /* or have come just after */
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 30);
    op(4, HISTORY_EMPTY, 0, 30, 40);
    op(3, HISTORY_READ, stamp(0, 1), 50, 60);
    check_queue(0, "");
}
END_TEST

START_TEST(elements_may_cover_an_empty_pop_one_after_the_other)
{
    for (uint64_t gap = 0; gap < 2; gap++) {
        begin(LIMIT);
        op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
        op(0, HISTORY_WRITE, stamp(0, 2), 21, 49 + gap); /* there before the first may have gone, or perhaps not */
        op(3, HISTORY_READ, stamp(0, 1), 50, 60);
        op(4, HISTORY_EMPTY, 0, 30, 70);
        op(3, HISTORY_READ, stamp(0, 2), 80, 90);
        check_queue(1 - gap, "something was inside at every moment: element 1 of worker 0");
    }
    begin(LIMIT);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(4, HISTORY_EMPTY, 0, 30, 40);
    history_check_queue(&w, memory, false); /* a queue that promises nothing about empty */
    ck_assert_uint_eq(found(), 0);
}
END_TEST

START_TEST(elements_at_the_edge_of_the_window_prove_nothing)
{
    begin(2);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(0, HISTORY_WRITE, stamp(0, 2), 30, 40);
    op(3, HISTORY_READ, stamp(0, 1), 50, 60);
    op(3, HISTORY_READ, stamp(0, 3), 70, 80); /* pushed later; and 2 may be popped by whom, after the record? not before 80 */
    op(4, HISTORY_EMPTY, 0, 85, 90);          /* it may have been taken between 80 and 85 */
    check_queue(0, "");
    begin(2);
    op(0, HISTORY_WRITE, stamp(0, 1), 10, 20);
    op(0, HISTORY_WRITE, stamp(0, 2), 30, 40);
    op(3, HISTORY_READ, stamp(0, 2), 50, 60);
    op(3, HISTORY_READ, stamp(0, 3), 70, 80); /* 1 cannot have been popped before 80 */
    check_queue(1, "first in was not first out");
}
END_TEST

int main(void)
{
    return testing_run("history", (const TTest *[]){
                                      operations_are_recorded_between_two_readings_of_the_clock,
                                      a_record_stops_when_it_is_full_and_none_is_kept_unless_asked_for,
                                      of_empty_pops_in_a_row_the_first_and_the_last_are_kept,
                                      a_stale_read_is_no_register,
                                      a_read_that_overlaps_the_next_write_may_see_either,
                                      a_read_of_the_initial_content_after_a_write_is_told,
                                      what_was_never_written_or_not_yet_cannot_be_read,
                                      a_write_behind_the_window_may_be_read_but_not_before_it_can_have_begun,
                                      a_queue_that_swaps_loses_or_doubles_is_told,
                                      empty_is_a_lie_while_something_is_certainly_inside,
                                      elements_may_cover_an_empty_pop_one_after_the_other,
                                      elements_at_the_edge_of_the_window_prove_nothing,
                                      NULL,
                                  });
}
