/* Tests of the ping-pong's oracle: a side whose partner answers what the test says, which queue it uses, and what it times. */
#include "workloads/load/oracle_testing.h"
#include "workloads/load/stream.h"

enum { SIZE = 64, SCRIPT_MAX = 64, ASKS = 0, ANSWERS = 1, WAY_THERE = 0, WAY_BACK = 1 };

static struct {
    uint64_t stamp;
    size_t cut; /* so many bytes fewer come out */
    bool torn;
} script[SCRIPT_MAX];
static int script_count, script_at, pops_from, pushes_to;
static uint32_t sampling; /* after the first message */
static uint64_t pushed[SCRIPT_MAX];
static int push_count;

static const struct sync_ops scripted;
static const struct fault_ops no_fault;
static struct trial_spec spec = {
    .load = &load_pingpong,
    .sync = &scripted,
    .fault = &no_fault,
    .shape = {.writers = 1, .readers = 1, .size = SIZE, .sampling = 1, .seed = 1},
};

static int pop_next(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    pops_from = (int)(uintptr_t)self->state;
    ck_assert_int_lt(script_at, script_count);
    payload_fill(element, bytes, script[script_at].stamp);
    if (script[script_at].torn)
        ((unsigned char *)element)[SIZE / 2] ^= 1;
    *got = bytes - script[script_at++].cut;
    if (script_at == 1)
        spec.shape.sampling = sampling;
    return 0;
}

static int push_next(struct sync_self *self, const void *element, size_t bytes)
{
    struct payload_view view;
    pushes_to = (int)(uintptr_t)self->state;
    ck_assert_uint_eq(bytes, SIZE);
    ck_assert(payload_read(element, bytes, &view));
    ck_assert_int_lt(push_count, SCRIPT_MAX);
    pushed[push_count++] = view.stamp;
    return 0;
}

static const struct sync_ops scripted = {
    .name = "scripted", .family = SYNC_QUEUE, .queue = {.push = push_next, .pop = pop_next}};
static const struct fault_ops no_fault = {.name = "none"};

static void start(uint32_t index)
{
    begin(index);
    script_count = script_at = push_count = 0;
    sampling = spec.shape.sampling = 1;
}

static uint64_t stamp_of(uint32_t worker, uint64_t number)
{
    return stream_stamp(&spec.shape, worker, number);
}

static void comes(uint32_t worker, uint64_t number)
{
    script[script_count].stamp = stamp_of(worker, number);
    script[script_count].cut = 0;
    script[script_count++].torn = false;
}

START_TEST(who_asks_gets_each_answer_and_ends_with_a_marker)
{
    start(ASKS);
    for (uint64_t n = 1; n <= 20; n++)
        comes(ANSWERS, n);
    run(20);
    ck_assert_int_eq(push_count, 21);
    for (uint64_t n = 1; n <= 20; n++)
        ck_assert_uint_eq(pushed[n - 1], stamp_of(ASKS, n));
    ck_assert_uint_eq(payload_version(pushed[20]), STREAM_END);
    ck_assert_int_eq(pushes_to, WAY_THERE);
    ck_assert_int_eq(pops_from, WAY_BACK);
    ck_assert_uint_eq(w.slot->messages, 20);
    ck_assert_uint_eq(w.slot->bytes, 20 * SIZE);
    ck_assert_uint_eq(w.slot->handoffs, 20);
    check_clean();
}
END_TEST

START_TEST(rounds_are_timed_as_a_whole_and_their_calls_are_not)
{
    start(ASKS);
    for (uint64_t n = 1; n <= 20; n++)
        comes(ANSWERS, n);
    run(20);
    ck_assert_uint_eq(w.histograms[HISTOGRAM_OWN].count, 9); /* the others from the third on were timed one way, by the partner */
    ck_assert_uint_eq(w.histograms[HISTOGRAM_OWN + 1].count, 0);
    ck_assert_uint_eq(w.histograms[HISTOGRAM_ACQUIRE].count, 0);
    check_clean();
}
END_TEST

START_TEST(who_answers_goes_on_until_the_marker_comes)
{
    start(ANSWERS);
    for (uint64_t n = 1; n <= 20; n++)
        comes(ASKS, n);
    comes(ASKS, STREAM_END);
    load_pingpong.read(&w);
    ck_assert_uint_eq(w.ops, 20);
    ck_assert_int_eq(push_count, 20);
    for (uint64_t n = 1; n <= 20; n++)
        ck_assert_uint_eq(pushed[n - 1], stamp_of(ANSWERS, n));
    ck_assert_int_eq(pushes_to, WAY_BACK);
    ck_assert_int_eq(pops_from, WAY_THERE);
    check_clean();
}
END_TEST

START_TEST(one_way_is_timed_from_the_partners_word)
{
    start(ASKS);
    for (uint64_t n = 1; n <= 4; n++)
        comes(ANSWERS, n);
    sampling = 1000;
    run(4); /* of what is sampled, the second round, it follows that the fourth is timed one way: its departure is noted */
    become(ANSWERS);
    script_count = script_at = 0;
    for (uint64_t n = 1; n <= 4; n++)
        comes(ASKS, n);
    comes(ASKS, STREAM_END);
    load_pingpong.read(&w);
    ck_assert_uint_eq(w.histograms[HISTOGRAM_OWN + 1].count, 1);
    ck_assert_uint_gt(w.histograms[HISTOGRAM_OWN + 1].max, 0);
    check_clean();
}
END_TEST

/* The third answer is another one. */
static void third_is(uint32_t worker, uint64_t number)
{
    start(ASKS);
    comes(ANSWERS, 1);
    comes(ANSWERS, 2);
    comes(worker, number);
    comes(ANSWERS, 4);
}

START_TEST(a_wrong_answer_is_told)
{
    third_is(ANSWERS, 2);
    run(4);
    check_found(VIOLATION_DUPLICATED, 1, "waited for message 3 of worker 1, and got 2");
    third_is(ANSWERS, 5);
    run(4);
    check_found(VIOLATION_LOST, 1, "waited for message 3 of worker 1, and got 5");
    third_is(ASKS, 3);
    run(4);
    check_found(VIOLATION_FOREIGN, 1, "got 3 of worker 0");
    third_is(7, 3);
    run(4);
    check_found(VIOLATION_FOREIGN, 1, "no worker of this trial");
}
END_TEST

START_TEST(a_torn_or_short_answer_is_told)
{
    third_is(ANSWERS, 3);
    script[2].torn = true;
    run(4);
    check_found(VIOLATION_TORN, 1, "torn at offset 32 of 64");
    third_is(ANSWERS, 3);
    script[2].cut = 8;
    run(4);
    check_found(VIOLATION_TORN, 1, "went in with 64 bytes and came out with 56");
}
END_TEST

START_TEST(a_marker_for_an_answer_is_told)
{
    start(ASKS);
    comes(ANSWERS, 1);
    comes(ANSWERS, STREAM_END);
    w.ops_limit = 5;
    load_pingpong.write(&w);
    ck_assert_uint_eq(w.ops, 1);
    check_found(VIOLATION_FOREIGN, 1, "end's marker");
}
END_TEST

START_TEST(the_audit_compares_both_sides)
{
    start(ASKS);
    for (uint64_t n = 1; n <= 5; n++)
        comes(ANSWERS, n);
    run(5);
    become(ANSWERS);
    script_count = script_at = 0;
    for (uint64_t n = 1; n <= 4; n++)
        comes(ASKS, n);
    comes(ASKS, STREAM_END);
    load_pingpong.read(&w);
    become(AUDITOR);
    load_pingpong.audit(&w);
    check_found(VIOLATION_COUNT, 1, "worker 0 has had 5 answers, and worker 1 has sent 4");
}
END_TEST

START_TEST(only_pairs_make_a_crew)
{
    struct shape shape = spec.shape;
    ck_assert_ptr_null(load_pingpong.refuses(&shape, &scripted, &no_fault));
    shape.writers = 2;
    testing_has(load_pingpong.refuses(&shape, &scripted, &no_fault), "pairs");
    shape.readers = 2;
    ck_assert_ptr_null(load_pingpong.refuses(&shape, &scripted, &no_fault));
}
END_TEST

int main(void)
{
    return testing_run("pingpong", (const TTest *[]){
                                       who_asks_gets_each_answer_and_ends_with_a_marker,
                                       rounds_are_timed_as_a_whole_and_their_calls_are_not,
                                       who_answers_goes_on_until_the_marker_comes,
                                       one_way_is_timed_from_the_partners_word,
                                       a_wrong_answer_is_told,
                                       a_torn_or_short_answer_is_told,
                                       a_marker_for_an_answer_is_told,
                                       the_audit_compares_both_sides,
                                       only_pairs_make_a_crew,
                                       NULL,
                                   });
}
