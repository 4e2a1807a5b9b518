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
        result.ledger.slots[i].delay_known = 1;
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
    ck_assert_uint_eq(fairness.unscheduled_count, 0);
    ledger_destroy(&result.ledger);
}
END_TEST

/* Each had its share in the time for which it had a CPU; one was passed over while it had one. */
START_TEST(whom_the_scheduler_passes_over_does_not_starve)
{
    begin(WORKERS);
    struct slot *slots = result.ledger.slots;
    slots[0].ops = slots[1].ops = 100000;
    slots[2].ops = 500;
    slots[2].delayed_ns = NS_PER_S - 5 * NS_PER_MS;
    slots[3].ops = 500;
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    ck_assert_uint_eq(fairness.starved_count, 1);
    ck_assert_uint_eq(fairness.starved[0], 3);
    ck_assert_uint_eq(fairness.most_starved, 3);
    ck_assert(fairness.most_starved_least > 0.0099 && fairness.most_starved_least < 0.01);
    ck_assert_uint_eq(fairness.unscheduled_count, 1);
    ck_assert_uint_eq(fairness.late_count, 0);
    ledger_destroy(&result.ledger);
}
END_TEST

START_TEST(whom_a_fault_has_stopped_does_not_starve)
{
    struct fault_note note = {.at_ns = 1000, .until_ns = 1000 + NS_PER_S - NS_PER_MS, .worker = 2, .detail = "stopped"};
    begin(WORKERS);
    result.faults = &note;
    result.fault_count = 1;
    for (uint32_t i = 0; i < WORKERS; i++)
        result.ledger.slots[i].ops = i == 2 ? 100 : 100000;
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    ck_assert_uint_eq(fairness.starved_count, 0);
    ck_assert_uint_eq(fairness.unscheduled_count, 1);
    note.worker = 1;
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    ck_assert_uint_eq(fairness.starved_count, 1);
    ck_assert_uint_eq(fairness.starved[0], 2);
    ledger_destroy(&result.ledger);
}
END_TEST

/* One operation in no time is no splendid rate. */
START_TEST(who_came_when_all_was_over_has_no_part_in_the_figures)
{
    begin(WORKERS);
    struct slot *late = &result.ledger.slots[1];
    result.stopped_ns = 2000 + NS_PER_S / 2;
    *late = (struct slot){.ops = 1, .started_ns = result.stopped_ns, .ended_ns = result.stopped_ns + 100, .delay_known = 1};
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    ck_assert(fairness.jain > 0.999999 && fairness.min_max == 1 && fairness.least > 0.999999);
    ck_assert_uint_eq(fairness.starved_count, 0);
    ck_assert_uint_eq(fairness.late_count, 1);
    ck_assert_uint_eq(fairness.unscheduled_count, 1);
    result.ledger.slots[0].started_ns = result.ledger.slots[2].started_ns = result.stopped_ns;
    ck_assert(!fairness_of(&spec, &result, true, &fairness));
    ledger_destroy(&result.ledger);
}
END_TEST

/* Then CPU time tells, and whoever slept is taken to have waited in the primitive. */
START_TEST(where_the_kernel_tells_no_delay_cpu_time_and_sleep_do)
{
    begin(WORKERS);
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct slot *slot = &result.ledger.slots[i];
        slot->delay_known = 0;
        slot->user_ns = i ? NS_PER_MS : NS_PER_S;
        slot->ops = i ? 0 : 100000;
    }
    result.ledger.slots[2].voluntary_switches = 1;
    result.ledger.slots[3].user_ns = NS_PER_S;
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    ck_assert_uint_eq(fairness.starved_count, 2);
    ck_assert_uint_eq(fairness.starved[0], 2);
    ck_assert_uint_eq(fairness.unscheduled_count, 1);
    ledger_destroy(&result.ledger);
}
END_TEST

/* Of three operations in all, nobody was passed over again and again. */
START_TEST(few_operations_starve_nobody)
{
    begin(WORKERS);
    for (uint32_t i = 0; i < WORKERS; i++)
        result.ledger.slots[i].ops = i ? 1 : 0;
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    ck_assert_uint_eq(fairness.starved_count + fairness.unscheduled_count, 0);
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
                                                     whom_the_scheduler_passes_over_does_not_starve,
                                                     whom_a_fault_has_stopped_does_not_starve,
                                                     who_came_when_all_was_over_has_no_part_in_the_figures,
                                                     where_the_kernel_tells_no_delay_cpu_time_and_sleep_do,
                                                     few_operations_starve_nobody,
                                                     writers_and_readers_are_not_compared_with_each_other,
                                                     what_did_not_get_through_has_no_fairness, the_meter_knows_what_it_costs,
                                                     the_share_of_timing_is_of_the_crews_cpu_time, NULL});
}
