/* Tests of what the tight loops time of hand-offs: which releases are marked, and who takes one over. */
#include "contract/tight_testing.h"

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

int main(void)
{
    return testing_run("tight_handoff", (const TTest *[]){
        one_release_in_so_many_is_marked_somewhere_when_somebody_waits,
        later_on_fewer_are_marked_and_alone_none,
        a_marked_release_to_a_worker_that_waited_for_it_is_a_timed_handoff,
        NULL,
    });
}
