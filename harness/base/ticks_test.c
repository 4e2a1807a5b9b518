/* Tests of time stamps: they keep the clock's time, whatever they are taken from. */
#include "base/ticks.h"

#include "base/testing.h"

/* Ticks of a stretch and the clock's word on it; the first that agree count: a busy machine may come between two readings. */
static void check_agreement(void)
{
    double off = 1;
    for (int i = 0; i < 50 && off > 0.005; i++) {
        uint64_t clock = clock_ns(), ticks = ticks_now();
        clock_spin(2 * NS_PER_MS);
        double spent = (double)ticks_ns(ticks_now() - ticks), wanted = (double)(clock_ns() - clock);
        off = spent > wanted ? (spent - wanted) / wanted : (wanted - spent) / wanted;
    }
    ck_assert_msg(off <= 0.005, "off by %.2f %%", off * 100);
}

START_TEST(ticks_are_nanoseconds_of_the_clock_until_a_source_is_chosen)
{
    ck_assert(!ticks_scale.counter);
    check_agreement();
    uint64_t clock = clock_ns();
    ck_assert_uint_ge(ticks_now(), clock);
    ck_assert_str_eq(ticks_measure().name, "CLOCK_MONOTONIC");
}
END_TEST

START_TEST(the_chosen_source_keeps_the_clocks_time)
{
    ticks_begin();
    check_agreement();
    struct ticks_scale before = ticks_scale;
    ticks_begin();
    ck_assert_uint_eq(before.ns_times_2_32, ticks_scale.ns_times_2_32);
    ck_assert_str_eq(ticks_measure().name, ticks_scale.counter ? "TSC" : "CLOCK_MONOTONIC");
}
END_TEST

START_TEST(stamps_never_go_back_in_one_process)
{
    ticks_begin();
    uint64_t last = ticks_now();
    for (int i = 0; i < 100000; i++) {
        uint64_t now = ticks_now();
        if (now < last)
            ck_abort_msg("went back by %llu", (unsigned long long)(last - now));
        last = now;
    }
}
END_TEST

START_TEST(a_stretch_that_runs_backwards_took_no_time)
{
    ck_assert_uint_eq(ticks_ns((uint64_t)-5), 0);
    ticks_begin();
    ck_assert_uint_eq(ticks_ns((uint64_t)-5), 0);
    ck_assert_uint_eq(ticks_ns(0), 0);
}
END_TEST

START_TEST(long_stretches_do_not_run_over)
{
    ticks_begin();
    uint64_t day = 24 * 3600 * NS_PER_S, ticks = day;
    if (ticks_scale.counter)
        ticks = (uint64_t)((double)day * 4294967296.0 / (double)ticks_scale.ns_times_2_32);
    double off = (double)ticks_ns(ticks) - (double)day;
    ck_assert(off < 1e6 && off > -1e6);
}
END_TEST

START_TEST(a_stamp_costs_something_and_an_empty_stretch_reads_as_something)
{
    ticks_begin();
    struct ticks_facts facts = ticks_measure();
    ck_assert(facts.cost_ns > 0.5 && facts.cost_ns < 10000);
    ck_assert(facts.empty_ns > 0.5 && facts.empty_ns < 10000);
}
END_TEST

START_TEST(every_stretch_is_a_multiple_of_the_step)
{
    ticks_begin();
    struct ticks_facts facts = ticks_measure();
    double tick_ns = ticks_scale.counter ? (double)ticks_scale.ns_times_2_32 / 4294967296.0 : 1;
    uint64_t step = (uint64_t)(facts.step_ns / tick_ns + 0.5), first = ticks_now();
    ck_assert_uint_ge(step, 1);
    ck_assert(facts.step_ns <= 2 * facts.cost_ns || facts.step_ns <= 4e6); /* a clock of a jiffy is a clock, too */
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq((ticks_now() - first) % step, 0);
}
END_TEST

int main(void)
{
    return testing_run("ticks", (const TTest *[]){
        ticks_are_nanoseconds_of_the_clock_until_a_source_is_chosen,
        the_chosen_source_keeps_the_clocks_time,
        stamps_never_go_back_in_one_process,
        a_stretch_that_runs_backwards_took_no_time,
        long_stretches_do_not_run_over,
        a_stamp_costs_something_and_an_empty_stretch_reads_as_something,
        every_stretch_is_a_multiple_of_the_step,
        NULL,
    });
}
