/* Tests of fairness and of the meter's cost: what is alike, what is hogged, what cannot be told. */
#include "run/fairness.h"

#include "base/testing.h"
#include "run/meter.h"

enum { WORKERS = 4 };

static struct trial_spec spec;
static struct trial_result result;
static struct fairness fairness;

static void begin(uint32_t writers)
{
    struct error error;
    spec = (struct trial_spec){.shape = {.writers = writers, .readers = WORKERS - writers}};
    memset(&result, 0, sizeof result);
    testing_ok(ledger_create(&result.ledger, WORKERS, HISTOGRAM_OWN, &error));
    result.workers = WORKERS;
    result.gate_ns = 1000;
    for (uint32_t i = 0; i < WORKERS; i++) {
        result.ledger.slots[i].started_ns = 2000 + i;
        result.ledger.slots[i].ended_ns = 2000 + i + NS_PER_S;
        result.ledger.slots[i].ops = 1000;
    }
}

START_TEST(equal_parts_are_fair)
{
    begin(WORKERS);
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    ck_assert_uint_eq(fairness.workers, WORKERS);
    ck_assert(fairness.jain > 0.999999 && fairness.jain < 1.000001);
    ck_assert(fairness.min_max == 1);
    ck_assert_uint_eq(fairness.starved_count, 0);
    ck_assert(!fairness_of(&spec, &result, false, &fairness));
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(half_the_time_is_not_half_the_part)
{
    begin(WORKERS);
    result.ledger.slots[2].ended_ns -= NS_PER_S / 2;
    result.ledger.slots[2].ops = 500;
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    ck_assert(fairness.min_max > 0.999999);
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(who_keeps_the_lock_shows_and_who_starves_is_named)
{
    begin(WORKERS);
    result.ledger.slots[0].ops = 0;
    result.ledger.slots[1].ops = 1000000;
    result.ledger.slots[2].ops = 0;
    result.ledger.slots[3].ops = 0;
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    ck_assert(fairness.jain > 0.2499 && fairness.jain < 0.2501);
    ck_assert(fairness.min_max == 0 && fairness.least == 0);
    ck_assert_uint_eq(fairness.starved_count, 3);
    ck_assert_uint_eq(fairness.starved[0], 0);
    ck_assert_uint_eq(fairness.starved[1], 2);
    ck_assert_uint_eq(fairness.starved[2], 3);
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(writers_and_readers_are_not_compared_with_each_other)
{
    begin(2);
    result.ledger.slots[2].ops = result.ledger.slots[3].ops = 1000000;
    for (int writers = 0; writers < 2; writers++) {
        ck_assert(fairness_of(&spec, &result, writers, &fairness));
        ck_assert_uint_eq(fairness.workers, 2);
        ck_assert(fairness.jain > 0.999999);
    }
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(what_did_not_get_through_has_no_fairness)
{
    static const enum verdict bad[] = {VERDICT_WEDGED, VERDICT_CRASHED, VERDICT_ERROR};
    begin(WORKERS);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        result.verdict = bad[i];
        ck_assert(!fairness_of(&spec, &result, true, &fairness));
    }
    result.verdict = VERDICT_CLEAN;
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    result.ledger.slots[1].lives = 1;
    ck_assert(!fairness_of(&spec, &result, true, &fairness));
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(the_meter_knows_what_it_costs)
{
    const struct meter *meter = meter_facts();
    ck_assert_ptr_nonnull(meter->clock);
    ck_assert(meter->stamp_ns > 0 && meter->loop_ns > 0);
    /* an operation that is timed reads the clock three times at least */
    ck_assert_msg(meter->timing_ns > meter->stamp_ns, "timing %g ns, a stamp %g ns", meter->timing_ns, meter->stamp_ns);
    ck_assert_ptr_eq(meter, meter_facts());
}
END_TEST

START_TEST(the_share_of_timing_is_of_the_crews_cpu_time)
{
    const struct meter meter = {.timing_ns = 50};
    begin(WORKERS);
    result.sampled = 1000;
    ck_assert(meter_share(&meter, &result) < 0);
    for (uint32_t i = 0; i < WORKERS; i++)
        result.ledger.slots[i].user_ns = 100000, result.ledger.slots[i].system_ns = 25000;
    ck_assert(meter_share(&meter, &result) == 0.1);
    ledger_destroy(&result.ledger);
}
END_TEST

int main(void)
{
    return testing_run("fairness", (const TTest *[]){equal_parts_are_fair, half_the_time_is_not_half_the_part,
                                                     who_keeps_the_lock_shows_and_who_starves_is_named,
                                                     writers_and_readers_are_not_compared_with_each_other,
                                                     what_did_not_get_through_has_no_fairness, the_meter_knows_what_it_costs,
                                                     the_share_of_timing_is_of_the_crews_cpu_time, NULL});
}
