/* Tests of the tight loops, for every instruction set, with a lock's own functions and by way of its row. */
#include "contract/tight_testing.h"

START_TEST(operations_are_counted_and_one_in_so_many_is_timed)
{
    EACH_LOOP(0, LOOPS) {
        run(loop_at(i), 1);
        ck_assert_uint_eq(slots[0].sampled, 1);
        run(loop_at(i), 4000);
        ck_assert_uint_ge(slots[0].sampled, 900);
        ck_assert_uint_le(slots[0].sampled, 1100);
        ck_assert_int_eq(acquired, 4000);
        ck_assert_int_eq(released, 4000);
        ck_assert_int_eq(floors, (int)slots[0].sampled);
        ck_assert_uint_eq(histograms[HISTOGRAM_ACQUIRE].count, (slots[0].sampled + 1) / 2);
        ck_assert_uint_eq(histograms[HISTOGRAM_HOLD].count, slots[0].sampled / 2);
        ck_assert_uint_eq(histograms[HISTOGRAM_RESPONSE].count, 0);
    }
}
END_TEST

START_TEST(where_every_operation_is_timed_all_of_it_is)
{
    EACH_LOOP(0, LOOPS) {
        shape.sampling = 1;
        run(loop_at(i), 100);
        ck_assert_uint_eq(slots[0].sampled, 100);
        ck_assert_uint_eq(histograms[HISTOGRAM_ACQUIRE].count, 100);
        ck_assert_uint_eq(histograms[HISTOGRAM_HOLD].count, 100);
    }
}
END_TEST

START_TEST(a_writer_replaces_the_line_version_by_version)
{
    EACH_LOOP(0, WRITERS) {
        struct payload_view view;
        run(loop_at(i), 1000);
        ck_assert(payload_read(line, PAYLOAD_LINE, &view));
        ck_assert_uint_eq(view.stamp, stamp_by(1000, 0));
        ck_assert_int_eq(others, 1); /* the initial content */
        ck_assert_int_eq(brokens + overwrittens, 0);
        ck_assert_uint_eq(slot_known(&slots[0]), 1000);
    }
}
END_TEST

START_TEST(versions_wrap_within_their_bits)
{
    EACH_LOOP(0, WRITERS) {
        struct payload_view view;
        payload_fill(line, PAYLOAD_LINE, stamp_by((1ULL << PAYLOAD_VERSION_BITS) - 2, 1));
        run(loop_at(i), 3);
        ck_assert(payload_read(line, PAYLOAD_LINE, &view));
        ck_assert_uint_eq(view.stamp, stamp_by(1, 0));
    }
}
END_TEST

START_TEST(the_first_operation_is_done_whatever_the_flag_says_and_no_other_one)
{
    EACH_LOOP(0, LOOPS) {
        stop = 1;
        loop_at(i)(&w, &t);
        ck_assert_uint_eq(w.ops, 1);
        loop_at(i)(&w, &t);
        ck_assert_uint_eq(w.ops, 1);
    }
}
END_TEST

static void stop_at_7(int call)
{
    stop = call == 7;
}

START_TEST(the_flag_ends_the_loop_after_the_operation_under_way)
{
    EACH_LOOP(0, LOOPS) {
        on_acquire = stop_at_7;
        loop_at(i)(&w, &t);
        ck_assert_uint_eq(w.ops, 7);
        ck_assert_uint_eq(slots[0].ops, 7);
    }
}
END_TEST

static void other_writes_at_5(int call)
{
    if (call == 5)
        payload_fill(line, PAYLOAD_LINE, stamp_by(900, 1));
}

START_TEST(what_another_worker_wrote_is_followed_and_counted)
{
    EACH_LOOP(0, LOOPS) {
        on_acquire = other_writes_at_5;
        shape.sampling = 1000;
        t.marks = 1023;
        run(loop_at(i), 8);
        ck_assert_int_eq(brokens, 0);
        ck_assert_uint_eq(others + (int)slots[0].handoffs, 2); /* the initial content, too; the load counts what it is given */
        if (w.writer) {
            ck_assert_uint_eq(payload_peek(line, 8), stamp_by(904, 0));
            ck_assert_uint_eq(slots[0].handoffs, 1);
            ck_assert_uint_eq(slot_known(&slots[0]), 904);
        }
    }
}
END_TEST

static uint64_t odd_stamp;

static void odd_one_at_5(int call)
{
    if (call == 5)
        payload_fill(line, PAYLOAD_LINE, odd_stamp);
}

START_TEST(what_is_not_the_next_thing_of_a_worker_of_this_trial_is_for_the_load_to_judge)
{
    const uint64_t odd[] = {stamp_by(3, 1), stamp_by(4, 1), stamp_by(900, WORKERS), stamp_by(900, PAYLOAD_NOBODY),
                            payload_stamp(900, 1, TAG + 1)};
    for (size_t k = 0; k < sizeof odd / sizeof odd[0]; k++)
        EACH_LOOP(0, LOOPS) {
            on_acquire = odd_one_at_5;
            odd_stamp = odd[k];
            shape.sampling = 1000;
            run(loop_at(i), 5);
            ck_assert_int_eq(others, 2);
            ck_assert_uint_eq(found_stamp, odd[k]);
            ck_assert_uint_eq(slots[0].handoffs, 0);
        }
}
END_TEST

static void tear_at_6(int call)
{
    if (call == 6)
        line[43] ^= 0x10;
}

START_TEST(a_line_that_is_no_whole_write_is_handed_over_as_it_was_read)
{
    EACH_LOOP(0, LOOPS) {
        unsigned char want[PAYLOAD_LINE];
        on_acquire = tear_at_6;
        run(loop_at(i), 6);
        payload_fill(want, PAYLOAD_LINE, w.writer ? stamp_by(5, 0) : stamp_by(0, PAYLOAD_NOBODY));
        want[43] ^= 0x10;
        ck_assert_int_eq(brokens, 1);
        ck_assert_mem_eq(broken_words, want, PAYLOAD_LINE);
        payload_fill(line, PAYLOAD_LINE, payload_peek(line, 8));
    }
}
END_TEST

START_TEST(every_byte_of_the_line_is_checked)
{
    for (int at = 8; at < PAYLOAD_LINE; at++) {
        EACH_LOOP(0, LOOPS) {
            payload_fill(line, PAYLOAD_LINE, stamp_by(3, 1));
            line[at] ^= 0x80;
            run(loop_at(i), 1);
            if (brokens != 1)
                ck_abort_msg("loop %d passes over byte %d", i, at);
        }
    }
}
END_TEST

START_TEST(a_primitive_that_refuses_ends_the_loop_with_evidence)
{
    EACH_LOOP(0, LOOPS) {
        answer = EINVAL;
        loop_at(i)(&w, &t);
        ck_assert_uint_eq(w.ops, 0);
        ck_assert_uint_eq(slots[0].violations[VIOLATION_SYNC_ERROR], 1);
        ck_assert_int_eq(released, 0);
        begin();
        w.writer = i < WRITERS;
        release_answer = EPERM;
        loop_at(i)(&w, &t);
        ck_assert_uint_eq(w.ops, 1);
        ck_assert_uint_eq(slots[0].violations[VIOLATION_SYNC_ERROR], 1);
        ck_assert(w.leave);
    }
}
END_TEST

static int recover(struct sync_self *self)
{
    (void)self;
    recovered++;
    answer = 0;
    return 0;
}

START_TEST(a_dead_owner_is_recovered_from)
{
    EACH_LOOP(0, LOOPS) {
        w.lock.recover = recover;
        answer = EOWNERDEAD;
        run(loop_at(i), 3);
        ck_assert_int_eq(recovered, 1);
        ck_assert_uint_eq(slots[0].recovered, 1);
        ck_assert_uint_eq(slots[0].violations[VIOLATION_SYNC_ERROR], 0);
    }
}
END_TEST

static void hook(struct worker *worker, double parameter)
{
    (void)worker;
    (void)parameter;
}

START_TEST(whatever_wants_a_place_in_the_loop_gets_a_general_one)
{
    begin();
    ck_assert(worker_tight(&w));
    w.probing = true;
    ck_assert(!worker_tight(&w));
    begin();
    w.paced = true;
    ck_assert(!worker_tight(&w));
    begin();
    shape.hold_ns = 1;
    ck_assert(!worker_tight(&w));
    begin();
    shape.history = 1;
    ck_assert(!worker_tight(&w));
    begin();
    shape.size = 65;
    ck_assert(!worker_tight(&w));
    void (**hooks[])(struct worker *, double) = {&fault.before, &fault.inside, &fault.calling, &fault.called};
    for (int i = 0; i < 4; i++) {
        begin();
        *hooks[i] = hook;
        ck_assert(!worker_tight(&w));
    }
}
END_TEST

int main(void)
{
    return testing_run("tight", (const TTest *[]){
        operations_are_counted_and_one_in_so_many_is_timed,
        a_writer_replaces_the_line_version_by_version,
        versions_wrap_within_their_bits,
        the_first_operation_is_done_whatever_the_flag_says_and_no_other_one,
        the_flag_ends_the_loop_after_the_operation_under_way,
        where_every_operation_is_timed_all_of_it_is,
        what_another_worker_wrote_is_followed_and_counted,
        what_is_not_the_next_thing_of_a_worker_of_this_trial_is_for_the_load_to_judge,
        a_line_that_is_no_whole_write_is_handed_over_as_it_was_read,
        every_byte_of_the_line_is_checked,
        a_primitive_that_refuses_ends_the_loop_with_evidence,
        a_dead_owner_is_recovered_from,
        whatever_wants_a_place_in_the_loop_gets_a_general_one,
        NULL,
    });
}
