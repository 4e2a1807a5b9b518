/* Tests of the tight loops, for every instruction set, with a lock's own functions and by way of its row. */
#include "contract/tight.h"

#include "base/testing.h"

enum { WORKERS = 3, TAG = 77 };

static int take(struct sync_self *self);
static int give(struct sync_self *self);
TIGHT_LOOPS(static const struct tight_loops scripted_tight, scripted, NULL, take, give, take, give);
TIGHT_LOOPS(static const struct tight_loops by_row_tight, by_row, NULL, NULL, NULL, NULL, NULL);

static struct slot slots[WORKERS];
static struct histogram histograms[HISTOGRAM_OWN];
static uint32_t stop;
static struct shape shape;
static struct fault_ops fault;
static struct load_ops load_row;
static struct worker w;
static struct tight t;
static _Alignas(64) unsigned char line[PAYLOAD_LINE];

static int acquired, released, recovered, answer, release_answer;
static void (*on_acquire)(int call), (*on_release)(int call);

static int take(struct sync_self *self)
{
    acquired++;
    if (slots[self->index].phase != PHASE_ACQUIRING || slots[self->index].ops != (uint64_t)acquired - 1)
        ck_abort_msg("asked in phase %u after %llu operations", slots[self->index].phase,
                     (unsigned long long)slots[self->index].ops);
    if (on_acquire)
        on_acquire(acquired);
    return answer;
}

static int give(struct sync_self *self)
{
    released++;
    if (slots[self->index].phase != PHASE_RELEASING)
        ck_abort_msg("left in phase %u", slots[self->index].phase);
    if (on_release)
        on_release(released);
    return release_answer;
}

static int recover(struct sync_self *self)
{
    (void)self;
    recovered++;
    answer = 0;
    return 0;
}

static uint64_t floor_given;
static int floors, founds, others, brokens, overwrittens;
static uint64_t found_stamp, broken_words[PAYLOAD_LINE_WORDS];

static uint64_t floor_of(struct worker *worker)
{
    ck_assert_ptr_eq(worker, &w);
    floors++;
    return floor_given;
}

static void found(struct worker *worker, uint64_t stamp, uint64_t floor, bool other)
{
    ck_assert_ptr_eq(worker, &w);
    if (floor != 0 && floor != floor_given)
        ck_abort_msg("floor %llu", (unsigned long long)floor);
    founds++;
    others += other;
    found_stamp = stamp;
    slot_store(&w.slot->version, payload_version(stamp));
}

static void broken(struct worker *worker, const uint64_t read[PAYLOAD_LINE_WORDS])
{
    ck_assert_ptr_eq(worker, &w);
    brokens++;
    memcpy(broken_words, read, sizeof broken_words);
}

static void overwritten(struct worker *worker, uint64_t version, unsigned word)
{
    (void)worker;
    (void)version;
    (void)word;
    overwrittens++;
}

static uint64_t stamp_by(uint64_t version, uint32_t writer)
{
    return payload_stamp(version, writer, TAG);
}

static void begin(void)
{
    memset(slots, 0, sizeof slots);
    memset(histograms, 0, sizeof histograms);
    shape = (struct shape){.writers = 2, .readers = 1, .size = PAYLOAD_LINE, .sampling = 4};
    fault = (struct fault_ops){.name = "none"};
    static const struct sync_ops row = {.name = "scripted", .family = SYNC_LOCK};
    w = (struct worker){
        .shape = &shape,
        .load = &load_row,
        .sync = &row,
        .lock = {.acquire = take, .release = give, .acquire_shared = take, .release_shared = give},
        .slot = &slots[0],
        .crew = {slots, WORKERS, &stop, NULL},
        .histograms = histograms,
        .writer = true,
        .until_sample = 1,
        .ops_limit = UINT64_MAX,
        .random = 1,
        .fault = &fault,
    };
    t = (struct tight){.line = line, .own = stamp_by(0, 0), .marks = 3, .floor = floor_of, .found = found, .broken = broken,
                       .overwritten = overwritten};
    payload_fill(line, PAYLOAD_LINE, stamp_by(0, PAYLOAD_NOBODY));
    stop = 0;
    acquired = released = recovered = answer = release_answer = 0;
    floors = founds = others = brokens = overwrittens = 0;
    floor_given = 0;
    on_acquire = on_release = NULL;
}

/* Every loop that there is here; the first half are writers'. */
static tight_loop *loop_at(int i)
{
    const struct tight_loops *const sets[] = {&scripted_tight, &by_row_tight};
    int isa = i / 2 % PAYLOAD_ISAS;
    if (i / 2 / PAYLOAD_ISAS == 1)
        return i / 2 % PAYLOAD_ISAS ? NULL : sets[i % 2]->read;
    return payload_isa_here((enum payload_isa)isa) ? sets[i % 2]->write[isa] : NULL;
}
enum { LOOPS = 4 * PAYLOAD_ISAS, WRITERS = 2 * PAYLOAD_ISAS };

#define EACH_LOOP(from, to) for (int i = (from); i < (to); i++) if (loop_at(i) && (begin(), w.writer = i < WRITERS, true))

static void run(tight_loop *loop, uint64_t ops)
{
    w.ops_limit = ops;
    loop(&w, &t);
    ck_assert_uint_eq(w.ops, ops);
    ck_assert_uint_eq(slots[0].ops, ops);
    ck_assert_uint_eq(slots[0].phase, PHASE_IDLE);
}

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

static void waiter_looks(int call)
{
    (void)call;
    slots[1].phase = PHASE_ACQUIRING;
    slots[2].phase = PHASE_ACQUIRING;
}

static unsigned marks, places; /* how many releases were marked, and at which places of their blocks of four */

static void look_for_mark(int call)
{
    const struct slot_left *left = &slots[0].left;
    if (left->number != (uint64_t)call)
        return;
    marks++;
    places |= 1u << call % 4;
    ck_assert_uint_ge(left->waiter, 1);
    ck_assert_uint_ne(left->ticks, 0);
}

START_TEST(one_release_in_so_many_is_marked_somewhere_when_somebody_waits)
{
    EACH_LOOP(0, WRITERS) {
        on_release = look_for_mark;
        marks = places = 0;
        run(loop_at(i), 256);
        ck_assert_uint_eq(marks, 0); /* nobody waited */
        begin();
        on_acquire = waiter_looks;
        on_release = look_for_mark;
        run(loop_at(i), 255);
        ck_assert_uint_ge(marks, 63); /* the first block's may be of version 0, which nobody releases */
        ck_assert_uint_le(marks, 64);
        ck_assert_uint_eq(places, 15);
    }
}
END_TEST

START_TEST(later_on_fewer_are_marked_and_alone_none)
{
    EACH_LOOP(0, WRITERS) {
        uint64_t later = TIGHT_MARKS_MANY + 31;
        on_acquire = waiter_looks;
        on_release = look_for_mark;
        run(loop_at(i), later);
        marks = 0;
        run(loop_at(i), later + 320);
        ck_assert_uint_ge(marks, 9);
        ck_assert_uint_le(marks, 11);
        begin();
        w.crew.workers = 1;
        on_release = look_for_mark;
        marks = 0;
        run(loop_at(i), 256);
        ck_assert_uint_eq(marks, 0);
    }
}
END_TEST

/* Worker 1 has left a version, marked, while this worker waited in its third operation. */
static void handed_over_at_3(int call)
{
    if (call != 3)
        return;
    uint64_t version = tight_next_mark(&t, 3);
    payload_fill(line, PAYLOAD_LINE, stamp_by(version, 1));
    slots[1].left = (struct slot_left){.number = version, .ticks = ticks_now(), .waiter = 0, .waiter_ops = 2};
}

static void handed_to_another_at_3(int call)
{
    handed_over_at_3(call);
    slots[1].left.waiter = 2;
}

static void asked_later_at_3(int call)
{
    handed_over_at_3(call);
    slots[1].left.waiter_ops = 1;
}

START_TEST(a_marked_release_to_a_worker_that_waited_for_it_is_a_timed_handoff)
{
    EACH_LOOP(0, LOOPS) {
        on_acquire = handed_over_at_3;
        run(loop_at(i), 5);
        ck_assert_uint_eq(histograms[HISTOGRAM_HANDOFF].count, 1);
        ck_assert_uint_lt(histograms[HISTOGRAM_HANDOFF].max, 10 * NS_PER_S);
    }
    static void (*const no_handoffs[])(int call) = {handed_to_another_at_3, asked_later_at_3};
    for (int k = 0; k < 2; k++)
        EACH_LOOP(0, LOOPS) {
            on_acquire = no_handoffs[k];
            run(loop_at(i), 5);
            ck_assert_uint_eq(histograms[HISTOGRAM_HANDOFF].count, 0);
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
        one_release_in_so_many_is_marked_somewhere_when_somebody_waits,
        later_on_fewer_are_marked_and_alone_none,
        a_marked_release_to_a_worker_that_waited_for_it_is_a_timed_handoff,
        whatever_wants_a_place_in_the_loop_gets_a_general_one,
        NULL,
    });
}
