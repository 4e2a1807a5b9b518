/* Tests of the counter load on counters: turns that go up, each given out once, and what shows that they were not. */
#include "workloads/load/oracle_testing.h"

static uint64_t number, step; /* as the crew sees it; what the load adds */
static void (*before_add)(uint64_t call);

static int scripted_add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    (void)self;
    step = amount ? amount : step;
    calls++;
    if (before_add)
        before_add(calls);
    *before = number;
    number += amount;
    return 0;
}

static const struct sync_ops scripted = {.name = "scripted", .family = SYNC_COUNTER, .counter = {.add = scripted_add}};

static void start(uint32_t index, void (*script)(uint64_t call))
{
    spec = (struct trial_spec){
        .load = &load_counter,
        .sync = &scripted,
        .fault = contents_fault("none"),
        .shape = {.writers = 2, .readers = 1, .size = 8, .sampling = 1, .seed = 7},
    };
    before_add = NULL;
    begin(WRITER);
    run(1); /* shows the step */
    ledger_destroy(&ledger);
    number = 0;
    before_add = script;
    begin(index);
}

static void other_adds(uint64_t call)
{
    number += step;
    ledger.slots[OTHER].ops = call;
}

START_TEST(a_worker_alone_and_two_by_turns_find_nothing)
{
    start(WRITER, NULL);
    run(1000);
    ck_assert_uint_eq(w.slot->handoffs, 0);
    check_clean();
    start(WRITER, other_adds);
    run(1000);
    ck_assert_uint_eq(w.slot->handoffs, 1000);
    check_clean();
    start(READER, other_adds);
    run(1000);
    ck_assert_uint_eq(w.slot->handoffs, 1000);
    check_clean();
}
END_TEST

/* Another's addition overwrites this one's: a load and a store with this addition in between. */
static void own_is_overwritten(uint64_t call)
{
    if (call == 5)
        number -= step;
}

static void goes_back(uint64_t call)
{
    other_adds(call);
    if (call == 5)
        number = 3 * step;
    ledger.slots[OTHER].ops = call == 5 ? 3 : call;
}

START_TEST(a_number_that_goes_back_is_reported_by_writers_and_readers)
{
    start(WRITER, own_is_overwritten);
    run(5);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_BACK], 1);
    check_among(VIOLATION_BACK, "after its own addition, in turn 3, this worker was given turn 3");
    start(READER, goes_back);
    w.until_sample = 1000; /* looks at nobody */
    run(5);
    check_found(VIOLATION_BACK, 1, "the number went back, from the sum of 4 additions to that of 3");
}
END_TEST

static void ten_are_complete(uint64_t call)
{
    (void)call;
    number = 9 * step;
    ledger.slots[OTHER].ops = 10;
}

static void ten_are_there(uint64_t call)
{
    (void)call;
    number = 10 * step;
    ledger.slots[OTHER].ops = 10;
}

START_TEST(less_than_was_complete_is_a_lost_addition)
{
    start(READER, ten_are_complete);
    ledger.slots[OTHER].ops = 10;
    run(1);
    check_found(VIOLATION_LOST, 1, "10 additions were complete, and the number was the sum of 9");
    start(READER, ten_are_there);
    ledger.slots[OTHER].ops = 10;
    run(1);
    check_clean();
}
END_TEST

static uint64_t too_many;

static void more_than_were_begun(uint64_t call)
{
    (void)call;
    ledger.slots[OTHER].ops = 10;
    number = too_many * step;
}

START_TEST(more_than_can_have_begun_is_a_wrong_count)
{
    too_many = 12; /* one of each writer may be under way */
    start(READER, more_than_were_begun);
    run(1);
    check_clean();
    too_many = 13;
    start(READER, more_than_were_begun);
    run(1);
    check_found(VIOLATION_COUNT, 1, "at most 12 additions had begun, and the number was the sum of 13");
}
END_TEST

/* The lower half of one value, the upper half of another. */
static void halves(uint64_t call)
{
    uint64_t other = number + step;
    if (call == 4)
        number = (number & 0xffffffff) | (other & ~0xffffffffULL);
}

START_TEST(a_number_of_two_halves_is_no_sum_of_additions)
{
    start(READER, NULL);
    number = 7 * step;
    ledger.slots[OTHER].ops = 7;
    before_add = halves;
    run(4);
    check_found(VIOLATION_FOREIGN, 1, "which no number of additions");
}
END_TEST

/* Two writers, one after the other, on one number; `between` spoils it. */
static void two_writers(void (*between)(void), uint64_t first, uint64_t second)
{
    start(WRITER, NULL);
    run(first);
    ledger.slots[OTHER].ops = 0;
    if (between)
        between();
    become(OTHER);
    w.until_sample = 1000000; /* it looks at nobody: only the audit is to find out */
    run(second);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_BACK] + w.slot->violations[VIOLATION_LOST], 0);
    become(AUDITOR);
    spec.load->audit(&w);
}

START_TEST(turns_that_were_given_out_once_each_pass_the_audit)
{
    static const uint64_t counts[][2] = {{1, 1}, {2, 1}, {100, 1}, {1, 100}, {777, 555}};
    for (int i = 0; i < 5; i++) {
        two_writers(NULL, counts[i][0], counts[i][1]);
        check_clean();
    }
}
END_TEST

static void one_is_lost(void)
{
    number -= step;
}

START_TEST(a_lost_addition_is_found_by_the_total_and_the_turn_that_came_twice)
{
    two_writers(one_is_lost, 30, 20);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_LOST], 1);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_COUNT], 1);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_DUPLICATED], 1);
    check_among(VIOLATION_DUPLICATED, "turn 29 was given out twice: to an addition of worker 0 and to one of worker 1");
}
END_TEST

static uint64_t swapped;

/* One turn is given out twice and another never; the total is right. */
static int wrong_before(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    int rc = scripted_add(self, amount, before);
    if (amount && *before == 20 * step)
        *before += swapped * step;
    return rc;
}

START_TEST(a_wrong_value_before_is_found_though_the_total_is_right)
{
    struct sync_ops wrong = scripted;
    wrong.counter.add = wrong_before;
    for (swapped = 0; swapped < 2; swapped++) {
        start(WRITER, NULL);
        spec.sync = &wrong;
        become(WRITER);
        w.until_sample = 1000000;
        run(20);
        become(OTHER);
        w.until_sample = 1000000;
        run(1);
        become(WRITER);
        become(AUDITOR);
        ck_assert_uint_eq(number, 21 * step);
        spec.load->audit(&w);
        if (swapped)
            check_found(VIOLATION_COUNT, 1, "the 21 turns given out are not 0 to 20, each once");
        else
            check_clean();
    }
}
END_TEST

static int fails(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    (void)self;
    (void)amount;
    *before = 0;
    return EIO;
}

START_TEST(a_counter_that_fails_is_reported_once_and_left)
{
    struct sync_ops failing = scripted;
    start(WRITER, NULL);
    failing.counter.add = fails;
    spec.sync = &failing;
    become(WRITER);
    w.ops_limit = 100;
    spec.load->write(&w);
    ck_assert_uint_eq(w.ops, 0);
    check_found(VIOLATION_SYNC_ERROR, 1, "scripted: add returned EIO");
}
END_TEST

int main(void)
{
    return testing_run("counter_adds", (const TTest *[]){
                                           a_worker_alone_and_two_by_turns_find_nothing,
                                           a_number_that_goes_back_is_reported_by_writers_and_readers,
                                           less_than_was_complete_is_a_lost_addition,
                                           more_than_can_have_begun_is_a_wrong_count,
                                           a_number_of_two_halves_is_no_sum_of_additions,
                                           turns_that_were_given_out_once_each_pass_the_audit,
                                           a_lost_addition_is_found_by_the_total_and_the_turn_that_came_twice,
                                           a_wrong_value_before_is_found_though_the_total_is_right,
                                           a_counter_that_fails_is_reported_once_and_left,
                                           NULL,
                                       });
}
