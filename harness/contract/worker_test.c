/* Tests of a worker's calls: when it goes on, what it times, whom it meets, and the evidence it leaves. */
#include "contract/worker.h"

#include "base/testing.h"

enum { WORKERS = 3 };

static struct slot slots[WORKERS];
static struct histogram histograms[HISTOGRAM_OWN + 1];
static uint32_t stop;
static struct shape shape;
static struct fault_ops fault;
static struct sync_ops sync_row;
static struct worker w;
static struct load_ops load_row;
static int repaired;

static void repair(struct worker *worker)
{
    (void)worker;
    repaired++;
}

static int acquire_result, release_result, recover_result;
static int timeouts, acquired, shared, released, released_shared, recovered, inside;

static int take(struct sync_self *self)
{
    acquired++;
    ck_assert_int_eq(slots[self->index].phase, PHASE_ACQUIRING);
    return timeouts && timeouts-- ? ETIMEDOUT : acquire_result;
}

static int take_shared(struct sync_self *self)
{
    (void)self;
    shared++;
    return acquire_result;
}

static int give(struct sync_self *self)
{
    released++;
    ck_assert_int_eq(slots[self->index].phase, PHASE_RELEASING);
    return release_result;
}

static int give_shared(struct sync_self *self)
{
    (void)self;
    released_shared++;
    return release_result;
}

static int recover(struct sync_self *self)
{
    (void)self;
    recovered++;
    return recover_result;
}

static void fault_inside(struct worker *worker, double parameter)
{
    ck_assert_ptr_eq(worker, &w);
    ck_assert(parameter == 4.5);
    inside++;
}

/* Worker 0 of three, everything else idle. */
static void setup(void)
{
    shape = (struct shape){.writers = 2, .readers = 1, .sampling = 4};
    sync_row = (struct sync_ops){.name = "scripted"};
    w = (struct worker){
        .shape = &shape,
        .load = &load_row,
        .sync = &sync_row,
        .lock = {.acquire = take, .release = give, .acquire_shared = take_shared, .release_shared = give_shared},
        .slot = &slots[0],
        .crew = {.slots = slots, .workers = WORKERS, .stop = &stop},
        .histograms = histograms,
        .until_sample = 1,
        .ops_limit = UINT64_MAX,
        .random = 1,
        .fault = &fault,
        .fault_parameter = 4.5,
    };
    for (int i = 0; i < WORKERS; i++)
        slots[i].phase = PHASE_IDLE;
}

static void operate(void)
{
    ck_assert(worker_next(&w));
    ck_assert(worker_enter(&w));
    worker_leave(&w);
    worker_done(&w);
}

START_TEST(every_violation_is_counted_and_the_first_ones_are_kept)
{
    setup();
    for (uint64_t i = 0; i < 3 * SLOT_EVIDENCE; i++) {
        struct evidence *evidence = worker_violation(&w, i % 2 ? VIOLATION_TORN : VIOLATION_STALE);
        ck_assert_int_eq(evidence != NULL, i < SLOT_EVIDENCE);
        if (evidence)
            evidence->offset = i;
    }
    ck_assert_uint_eq(slots[0].violations[VIOLATION_TORN], 3 * SLOT_EVIDENCE / 2);
    ck_assert_uint_eq(slots[0].violations[VIOLATION_STALE], 3 * SLOT_EVIDENCE / 2);
    ck_assert_uint_eq(slots[0].evidence_count, SLOT_EVIDENCE);
    for (uint64_t i = 0; i < SLOT_EVIDENCE; i++) {
        ck_assert_uint_eq(slots[0].evidence[i].offset, i);
        ck_assert_int_eq(slots[0].evidence[i].kind, i % 2 ? VIOLATION_TORN : VIOLATION_STALE);
    }
}
END_TEST

START_TEST(evidence_is_empty_but_for_its_kind_and_moment)
{
    setup();
    memset(slots[0].evidence, 0x5a, sizeof slots[0].evidence);
    uint64_t before = clock_ns();
    struct evidence *evidence = worker_violation(&w, VIOLATION_LOST);
    struct evidence blank = {.kind = VIOLATION_LOST, .at_ns = evidence->at_ns};
    ck_assert_mem_eq(evidence, &blank, sizeof blank);
    ck_assert_uint_ge(evidence->at_ns, before);
    ck_assert_uint_le(evidence->at_ns, clock_ns());
}
END_TEST

START_TEST(violations_of_text_and_of_numbers_keep_their_form)
{
    char text[1000];
    setup();
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    worker_violation_text(&w, VIOLATION_LIFECYCLE, "%s", text);
    worker_violation_values(&w, VIOLATION_COUNT, 7, 8, "%d for %d", 8, 7);
    ck_assert_int_eq(slots[0].evidence[0].form, EVIDENCE_TEXT);
    ck_assert_uint_eq(strlen(slots[0].evidence[0].text), EVIDENCE_TEXT_MAX - 1);
    ck_assert_int_eq(slots[0].evidence[1].form, EVIDENCE_VALUES);
    ck_assert_uint_eq(slots[0].evidence[1].expected.version, 7);
    ck_assert_uint_eq(slots[0].evidence[1].found.version, 8);
    ck_assert_str_eq(slots[0].evidence[1].text, "8 for 7");
    for (int i = 0; i < 10; i++) {
        worker_violation_text(&w, VIOLATION_LIFECYCLE, "more");
        worker_violation_values(&w, VIOLATION_COUNT, 1, 2, "more");
    }
    ck_assert_uint_eq(slots[0].violations[VIOLATION_COUNT], 11);
    ck_assert_uint_eq(slots[0].evidence_count, SLOT_EVIDENCE);
}
END_TEST

START_TEST(the_first_operation_is_done_whatever_the_clock_says)
{
    setup();
    stop = 1;
    ck_assert(worker_next(&w));
    worker_done(&w);
    ck_assert(!worker_next(&w));
    ck_assert_uint_eq(slots[0].ops, 1);
    ck_assert(worker_stopping(&w));
}
END_TEST

START_TEST(a_limit_on_operations_ends_the_loop)
{
    int rounds = 0;
    setup();
    w.ops_limit = 17;
    while (worker_next(&w)) {
        worker_done(&w);
        rounds++;
    }
    ck_assert_int_eq(rounds, 17);
    ck_assert_uint_eq(slots[0].ops, 17);
}
END_TEST

START_TEST(one_operation_in_so_many_is_timed)
{
    setup();
    for (int i = 0; i < 4000; i++)
        operate();
    ck_assert_uint_ge(slots[0].sampled, 900);
    ck_assert_uint_le(slots[0].sampled, 1100);
    ck_assert_uint_eq(histograms[HISTOGRAM_ACQUIRE].count, slots[0].sampled);
    ck_assert_uint_eq(histograms[HISTOGRAM_HOLD].count, slots[0].sampled);
    ck_assert_uint_eq(histograms[HISTOGRAM_RESPONSE].count, 0);
    ck_assert_int_eq(acquired, 4000);
    ck_assert_int_eq(released, 4000);
    ck_assert_int_eq(slots[0].phase, PHASE_IDLE);
}
END_TEST

START_TEST(shared_entries_are_left_by_the_shared_way)
{
    setup();
    ck_assert(worker_next(&w));
    ck_assert(worker_enter_shared(&w));
    ck_assert_int_eq(slots[0].phase, PHASE_INSIDE);
    worker_leave(&w);
    worker_done(&w);
    operate();
    ck_assert_int_eq(shared, 1);
    ck_assert_int_eq(released_shared, 1);
    ck_assert_int_eq(acquired, 1);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(a_primitive_that_refuses_ends_the_worker_with_evidence)
{
    setup();
    acquire_result = EDEADLK;
    ck_assert(worker_next(&w));
    ck_assert(!worker_enter(&w));
    ck_assert_uint_eq(slots[0].violations[VIOLATION_SYNC_ERROR], 1);
    testing_has(slots[0].evidence[0].text, "scripted: acquire returned EDEADLK");
    ck_assert(!worker_next(&w));
}
END_TEST

START_TEST(a_lock_that_gives_up_in_time_is_asked_again_if_it_says_that_it_may)
{
    setup();
    sync_row.traits = SYNC_TIMED;
    timeouts = 3;
    ck_assert(worker_enter(&w));
    ck_assert_int_eq(acquired, 4);
    ck_assert_uint_eq(slots[0].beats, 0); /* no sign of life */
    worker_leave(&w);
    sync_row.traits = 0;
    timeouts = 1;
    ck_assert(!worker_enter(&w));
    ck_assert_uint_eq(slots[0].violations[VIOLATION_SYNC_ERROR], 1);
}
END_TEST

START_TEST(a_release_that_fails_ends_the_worker_with_evidence)
{
    setup();
    release_result = EPERM;
    ck_assert(worker_next(&w));
    ck_assert(worker_enter(&w));
    worker_leave(&w);
    ck_assert_uint_eq(slots[0].violations[VIOLATION_SYNC_ERROR], 1);
    testing_has(slots[0].evidence[0].text, "scripted: release returned EPERM");
    worker_done(&w);
    ck_assert(!worker_next(&w));
}
END_TEST

START_TEST(a_dead_owner_is_recovered_from_where_the_primitive_can)
{
    setup();
    acquire_result = EOWNERDEAD;
    w.lock.recover = recover;
    load_row.repair = repair;
    operate();
    ck_assert_int_eq(recovered, 1);
    ck_assert_int_eq(repaired, 1); /* the data first */
    sync_row.traits = SYNC_UNREPAIRED;
    operate();
    ck_assert_int_eq(recovered, 2);
    ck_assert_int_eq(repaired, 1);
    ck_assert_uint_eq(slots[0].recovered, 2);
    ck_assert_uint_eq(slots[0].violations[VIOLATION_SYNC_ERROR], 0);
    recover_result = EINVAL;
    ck_assert(worker_next(&w));
    ck_assert(!worker_enter(&w));
    testing_has(slots[0].evidence[0].text, "recover returned EINVAL");
}
END_TEST

START_TEST(a_dead_owner_without_recovery_is_an_error)
{
    setup();
    acquire_result = EOWNERDEAD;
    ck_assert(worker_next(&w));
    ck_assert(!worker_enter(&w));
    ck_assert_uint_eq(slots[0].violations[VIOLATION_SYNC_ERROR], 1);
    ck_assert_uint_eq(slots[0].recovered, 0);
}
END_TEST

START_TEST(a_sampled_operation_meets_whoever_is_at_the_primitive)
{
    static const enum phase there[] = {PHASE_ACQUIRING, PHASE_INSIDE, PHASE_RELEASING};
    static const enum phase elsewhere[] = {PHASE_STARTING, PHASE_READY, PHASE_IDLE, PHASE_DONE};
    setup();
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        slots[1].phase = slots[2].phase = elsewhere[i];
        worker_asks(&w);
        ck_assert_uint_eq(slots[0].contended, 0);
    }
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++) {
        slots[1].phase = slots[2].phase = there[i];
        slots[1].ops = slots[2].ops = i + 1;
        worker_asks(&w);
        ck_assert_uint_eq(slots[0].contended, i + 1);
    }
}
END_TEST

START_TEST(a_worker_that_has_not_moved_is_not_met_again)
{
    setup();
    slots[1].phase = slots[2].phase = PHASE_INSIDE;
    for (int i = 0; i < 100; i++)
        worker_asks(&w);
    ck_assert_uint_eq(slots[0].contended, 2); /* each of the two, once */
    slots[2].ops++;
    for (int i = 0; i < 100; i++)
        worker_asks(&w);
    ck_assert_uint_eq(slots[0].contended, 3);
}
END_TEST

START_TEST(a_worker_alone_meets_nobody_and_never_itself)
{
    setup();
    slots[0].phase = PHASE_INSIDE;
    for (int i = 0; i < 100; i++)
        worker_asks(&w);
    ck_assert_uint_eq(slots[0].contended, 0);
    w.crew.workers = 1;
    worker_asks(&w);
    ck_assert_uint_eq(slots[0].contended, 0);
}
END_TEST

START_TEST(hold_time_and_faults_act_inside)
{
    setup();
    worker_inside(&w);
    ck_assert_int_eq(inside, 0);
    fault.inside = fault_inside;
    shape.hold_ns = 2 * NS_PER_MS;
    uint64_t start = clock_ns();
    worker_inside(&w);
    ck_assert_int_eq(inside, 1);
    ck_assert_uint_ge(clock_ns() - start, 2 * NS_PER_MS);
}
END_TEST

START_TEST(think_time_passes_between_operations_and_not_before_the_first)
{
    setup();
    shape.think_ns = 3 * NS_PER_MS;
    w.paced = true;
    operate();
    uint64_t start = clock_ns();
    operate();
    ck_assert_uint_ge(clock_ns() - start, 3 * NS_PER_MS);
}
END_TEST

START_TEST(an_open_loop_counts_from_the_intended_start)
{
    setup();
    shape.sampling = 1;
    w.paced = true;
    w.period_ns = NS_PER_MS;
    w.intended_ns = clock_ns() - 500 * NS_PER_MS; /* half a second behind its schedule */
    uint64_t schedule = w.intended_ns;
    for (int i = 0; i < 10; i++)
        operate();
    ck_assert_uint_eq(w.intended_ns, schedule + 10 * NS_PER_MS);
    ck_assert_uint_eq(histograms[HISTOGRAM_RESPONSE].count, 10);
    ck_assert_uint_ge(histograms[HISTOGRAM_RESPONSE].min, 490 * NS_PER_MS);
    ck_assert_uint_ge(histograms[HISTOGRAM_RESPONSE].max, 499 * NS_PER_MS);
    ck_assert_uint_eq(histograms[HISTOGRAM_SERVICE].count, 10);
    ck_assert_uint_lt(histograms[HISTOGRAM_SERVICE].min, histograms[HISTOGRAM_RESPONSE].min); /* what leaving the lateness out would show */
}
END_TEST

START_TEST(a_stop_cuts_a_long_think_time_short)
{
    setup();
    shape.think_ns = 3600 * NS_PER_S;
    w.paced = true;
    operate();
    stop = 1;
    worker_pace(&w); /* would take an hour */
    ck_assert(!worker_next(&w));
}
END_TEST

START_TEST(what_a_stop_lets_start_before_its_time_has_no_response_time)
{
    setup();
    operate();
    shape.sampling = 1;
    w.until_sample = 1;
    w.paced = true;
    w.period_ns = 3600 * NS_PER_S;
    w.intended_ns = clock_ns();
    stop = 1;
    worker_turn(&w);
    ck_assert(w.timed && worker_enter(&w));
    worker_leave(&w);
    worker_done(&w);
    ck_assert_uint_eq(histograms[HISTOGRAM_RESPONSE].count, 0);
}
END_TEST

START_TEST(hand_offs_beats_and_own_histograms_are_counted)
{
    setup();
    worker_handoff(&w);
    worker_handoff(&w);
    worker_beat(&w);
    worker_record(&w, HISTOGRAM_OWN, 123, 456);
    ck_assert_uint_eq(slots[0].handoffs, 2);
    ck_assert_uint_eq(slots[0].beats, 1);
    ck_assert_uint_eq(histograms[HISTOGRAM_OWN].max, 123);
    ck_assert_uint_eq(histograms[HISTOGRAM_OWN].max_at_ns, 456);
}
END_TEST

int main(void)
{
    return testing_run("worker", (const TTest *[]){
                                     every_violation_is_counted_and_the_first_ones_are_kept,
                                     evidence_is_empty_but_for_its_kind_and_moment,
                                     violations_of_text_and_of_numbers_keep_their_form,
                                     the_first_operation_is_done_whatever_the_clock_says,
                                     a_limit_on_operations_ends_the_loop,
                                     one_operation_in_so_many_is_timed,
                                     shared_entries_are_left_by_the_shared_way,
                                     a_primitive_that_refuses_ends_the_worker_with_evidence,
                                     a_lock_that_gives_up_in_time_is_asked_again_if_it_says_that_it_may,
                                     a_release_that_fails_ends_the_worker_with_evidence,
                                     a_dead_owner_is_recovered_from_where_the_primitive_can,
                                     a_dead_owner_without_recovery_is_an_error,
                                     a_sampled_operation_meets_whoever_is_at_the_primitive,
                                     a_worker_that_has_not_moved_is_not_met_again,
                                     a_worker_alone_meets_nobody_and_never_itself,
                                     hold_time_and_faults_act_inside,
                                     think_time_passes_between_operations_and_not_before_the_first,
                                     an_open_loop_counts_from_the_intended_start,
                                     a_stop_cuts_a_long_think_time_short,
                                     what_a_stop_lets_start_before_its_time_has_no_response_time,
                                     hand_offs_beats_and_own_histograms_are_counted,
                                     NULL,
                                 });
}
