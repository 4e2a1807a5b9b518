/* Tests of the histogram: steps and their bounds, the promised error, merging, and quantiles against a sorted array. */
#include "shm/histogram.h"

#include <math.h>

#include "base/seed.h"
#include "base/testing.h"

static void check_step(uint64_t value)
{
    uint32_t step = histogram_step(value);
    if (step >= HISTOGRAM_STEPS)
        ck_abort_msg("%llu has step %u of %u", (unsigned long long)value, step, HISTOGRAM_STEPS);
    if (value < HISTOGRAM_LIMIT && (histogram_low(step) > value || histogram_low(step + 1) <= value))
        ck_abort_msg("%llu is not in step %u, %llu to %llu", (unsigned long long)value, step,
                     (unsigned long long)histogram_low(step), (unsigned long long)histogram_low(step + 1));
}

START_TEST(every_value_lies_within_the_bounds_of_its_step)
{
    uint64_t random = 1;
    for (uint64_t v = 0; v < 200000; v++)
        check_step(v);
    for (int bit = 1; bit < 64; bit++)
        for (int around = -2; around <= 2; around++)
            check_step((1ULL << bit) + (uint64_t)around);
    for (int i = 0; i < 300000; i++)
        check_step(seed_next(&random) >> (i % 64));
}
END_TEST

START_TEST(steps_begin_where_the_one_before_ends)
{
    for (uint32_t step = 0; step < HISTOGRAM_STEPS; step++) {
        uint64_t low = histogram_low(step), next = histogram_low(step + 1);
        if (next <= low)
            ck_abort_msg("step %u ends before it begins", step);
        if (histogram_step(low) != step || histogram_step(next - 1) != step)
            ck_abort_msg("step %u does not hold its own bounds", step);
    }
    ck_assert_uint_eq(histogram_low(0), 0);
    ck_assert_uint_eq(histogram_low(HISTOGRAM_STEPS), HISTOGRAM_LIMIT);
}
END_TEST

START_TEST(values_beyond_the_limit_are_counted_in_the_last_step)
{
    ck_assert_uint_eq(histogram_step(HISTOGRAM_LIMIT - 1), HISTOGRAM_STEPS - 1);
    ck_assert_uint_eq(histogram_step(HISTOGRAM_LIMIT), HISTOGRAM_STEPS - 1);
    ck_assert_uint_eq(histogram_step(UINT64_MAX), HISTOGRAM_STEPS - 1);
}
END_TEST

START_TEST(the_middle_of_a_step_is_off_by_the_promised_error_at_most)
{
    for (uint32_t step = 0; step < HISTOGRAM_STEPS; step++) {
        uint64_t low = histogram_low(step), high = histogram_low(step + 1) - 1;
        double middle = (double)((low + high) / 2);
        double error = fmax(middle - (double)low, (double)high - middle);
        if (error > (double)low * HISTOGRAM_RELATIVE_ERROR + 0.5)
            ck_abort_msg("step %u: %g off in %llu", step, error, (unsigned long long)low);
    }
}
END_TEST

static struct histogram a, b, c, left, right;

START_TEST(records_keep_count_sum_and_both_ends_exactly)
{
    histogram_record(&a, 500, 1000, 7);
    histogram_record(&a, 20, 1001, 8);
    histogram_record(&a, 99999, 1002, 9);
    histogram_record(&a, 99999, 1003, 10);
    histogram_record(&a, 30, 1004, 11);
    ck_assert_uint_eq(a.count, 5);
    ck_assert_uint_eq(a.sum, 500 + 20 + 99999 + 99999 + 30);
    ck_assert_uint_eq(a.min, 20);
    ck_assert_uint_eq(a.max, 99999);
    ck_assert_uint_eq(a.max_at_ns, 1002); /* the first to come so far */
    ck_assert_uint_eq(a.max_worker, 9);
    ck_assert_uint_eq(a.steps[histogram_step(99999)], 2);
}
END_TEST

START_TEST(zero_is_a_value_like_any_other)
{
    histogram_record(&a, 0, 5, 3);
    ck_assert_uint_eq(a.count, 1);
    ck_assert_uint_eq(a.min, 0);
    ck_assert_uint_eq(a.max, 0);
    ck_assert_uint_eq(a.max_at_ns, 5);
    ck_assert_uint_eq(a.max_worker, 3);
    ck_assert_uint_eq(histogram_quantile(&a, 0.5), 0);
}
END_TEST

START_TEST(a_value_beyond_the_limit_keeps_the_maximum_exact)
{
    histogram_record(&a, 100, 1, 0);
    histogram_record(&a, 3 * HISTOGRAM_LIMIT, 2, 1);
    ck_assert_uint_eq(a.max, 3 * HISTOGRAM_LIMIT);
    ck_assert_uint_eq(a.steps[HISTOGRAM_STEPS - 1], 1);
    ck_assert_uint_ge(histogram_quantile(&a, 1), histogram_low(HISTOGRAM_STEPS - 1));
    ck_assert_uint_le(histogram_quantile(&a, 1), a.max);
}
END_TEST

static void record_random(struct histogram *h, uint64_t seed, uint32_t count)
{
    uint64_t random = seed;
    memset(h, 0, sizeof *h);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = seed_next(&random) >> (20 + seed_below(&random, 40));
        histogram_record(h, value, seed * 1000000 + i, (uint32_t)seed);
    }
}

START_TEST(merging_is_associative_and_commutative)
{
    for (uint64_t round = 0; round < 50; round++) {
        uint32_t sizes[3] = {round % 3 ? 100 : 0, round % 4 ? 333 : 0, round % 5 ? 57 : 0};
        record_random(&a, 3 * round + 1, sizes[0]);
        record_random(&b, 3 * round + 2, sizes[1]);
        record_random(&c, 3 * round + 3, sizes[2]);
        left = a;
        histogram_merge(&left, &b);
        histogram_merge(&left, &c);
        right = b;
        histogram_merge(&right, &c);
        struct histogram all = a;
        histogram_merge(&all, &right);
        ck_assert_mem_eq(&left, &all, sizeof left);
        all = c;
        histogram_merge(&all, &b);
        histogram_merge(&all, &a);
        ck_assert_mem_eq(&left, &all, sizeof left);
    }
}
END_TEST

START_TEST(merging_parts_gives_what_one_histogram_would_have_held)
{
    uint64_t random = 77;
    for (uint32_t i = 0; i < 10000; i++) {
        uint64_t value = seed_next(&random) >> (16 + seed_below(&random, 48));
        histogram_record(&a, value, i, i % 3);
        histogram_record(i % 3 == 0 ? &b : i % 3 == 1 ? &c : &right, value, i, i % 3);
    }
    histogram_merge(&left, &b);
    histogram_merge(&left, &c);
    histogram_merge(&left, &right);
    ck_assert_uint_eq(left.count, 10000);
    ck_assert_uint_eq(left.sum, a.sum);
    ck_assert_uint_eq(left.min, a.min);
    ck_assert_uint_eq(left.max, a.max);
    ck_assert_uint_eq(left.max_worker, a.max_worker);
    ck_assert_uint_eq(left.max_at_ns, a.max_at_ns);
    ck_assert_mem_eq(left.steps, a.steps, sizeof a.steps);
}
END_TEST

START_TEST(merging_an_empty_histogram_changes_nothing)
{
    record_random(&a, 5, 100);
    b = a;
    histogram_merge(&a, &c);
    ck_assert_mem_eq(&a, &b, sizeof a);
    histogram_merge(&c, &b);
    ck_assert_mem_eq(&c, &b, sizeof b);
}
END_TEST

static int by_value(const void *x, const void *y)
{
    uint64_t p = *(const uint64_t *)x, q = *(const uint64_t *)y;
    return (p > q) - (p < q);
}

START_TEST(quantiles_agree_with_a_sorted_array_within_the_promised_error)
{
    static const double shares[] = {0, 0.001, 0.25, 0.5, 0.75, 0.875, 0.99, 0.999, 1};
    static const size_t sizes[] = {1, 2, 3, 10, 1000, 20000};
    static uint64_t values[20000];
    uint64_t random = 3;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        memset(&a, 0, sizeof a);
        for (size_t i = 0; i < sizes[s]; i++) {
            values[i] = seed_next(&random) >> (25 + seed_below(&random, 35));
            histogram_record(&a, values[i], i, 0);
        }
        qsort(values, sizes[s], sizeof values[0], by_value);
        for (size_t q = 0; q < sizeof shares / sizeof shares[0]; q++) {
            size_t rank = (size_t)ceil(shares[q] * (double)sizes[s]);
            double exact = (double)values[rank ? rank - 1 : 0], got = (double)histogram_quantile(&a, shares[q]);
            ck_assert_msg(fabs(got - exact) <= exact * HISTOGRAM_RELATIVE_ERROR + 1, "%zu values, quantile %g: %g, not %g",
                          sizes[s], shares[q], got, exact);
        }
    }
}
END_TEST

START_TEST(time_quantiles_agree_with_running_sums_of_a_sorted_array)
{
    static const double shares[] = {0, 0.001, 0.25, 0.5, 0.75, 0.99, 0.999, 1};
    static uint64_t values[5000];
    uint64_t random = 4;
    double all = 0;
    for (size_t i = 0; i < 5000; i++) {
        values[i] = 1 + (seed_next(&random) >> (25 + seed_below(&random, 35)));
        histogram_record(&a, values[i], i, 0);
        all += (double)values[i];
    }
    qsort(values, 5000, sizeof values[0], by_value);
    for (size_t q = 0; q < sizeof shares / sizeof shares[0]; q++) {
        /* the sums of the steps are off by as much as the values: the exact answer lies between those of two shares */
        double seen = 0, got = (double)histogram_time_quantile(&a, shares[q]), slack = 2 * HISTOGRAM_RELATIVE_ERROR;
        double low = (double)values[0], high = (double)values[4999];
        for (size_t i = 0; i < 5000; i++) {
            seen += (double)values[i];
            if (seen < (shares[q] - slack) * all)
                low = (double)values[i];
            if (seen < (shares[q] + slack) * all)
                high = (double)values[i + 1 < 5000 ? i + 1 : i];
        }
        ck_assert_msg(got >= low * (1 - slack) - 1 && got <= high * (1 + slack) + 1, "share %g: %g, not within %g and %g",
                      shares[q], got, low, high);
    }
}
END_TEST

/* A thousand short waits and a long one: nearly all operations were short, nearly all the waiting was the long one. */
START_TEST(one_long_wait_outweighs_a_thousand_short_ones)
{
    for (int i = 0; i < 1000; i++)
        histogram_record(&a, 100, 0, 0);
    histogram_record(&a, 5900000, 0, 0);
    ck_assert_uint_eq(histogram_quantile(&a, 0.99), 100);
    ck_assert_uint_ge(histogram_time_quantile(&a, 0.5), 5800000);
    ck_assert_uint_le(histogram_time_quantile(&a, 0.5), 5900000);
    ck_assert_uint_le(histogram_time_quantile(&a, 0.01), 103);
}
END_TEST

START_TEST(quantiles_never_leave_the_range_of_what_was_recorded)
{
    static const double shares[] = {0, 0.1, 0.5, 0.9, 1};
    for (uint64_t value = 0; value < HISTOGRAM_LIMIT * 4; value = value * 3 + 1) {
        memset(&a, 0, sizeof a);
        histogram_record(&a, value, 0, 0);
        for (size_t q = 0; q < 5; q++)
            ck_assert_uint_eq(histogram_quantile(&a, shares[q]), value);
        for (size_t q = 0; q < 5; q++)
            ck_assert_uint_eq(histogram_time_quantile(&a, shares[q]), value);
    }
}
END_TEST

START_TEST(quantiles_rise_with_their_share)
{
    record_random(&a, 9, 5000);
    uint64_t last = 0;
    for (int i = 0; i <= 1000; i++) {
        uint64_t value = histogram_quantile(&a, i / 1000.0);
        ck_assert_uint_ge(value, last);
        last = value;
    }
    ck_assert_uint_le(last, a.max);
}
END_TEST

START_TEST(an_empty_histogram_has_no_quantiles)
{
    ck_assert_uint_eq(histogram_quantile(&a, 0.5), 0);
    ck_assert_uint_eq(histogram_quantile(&a, 1), 0);
}
END_TEST

int main(void)
{
    return testing_run("histogram", (const TTest *[]){
                                        every_value_lies_within_the_bounds_of_its_step,
                                        steps_begin_where_the_one_before_ends,
                                        values_beyond_the_limit_are_counted_in_the_last_step,
                                        the_middle_of_a_step_is_off_by_the_promised_error_at_most,
                                        records_keep_count_sum_and_both_ends_exactly,
                                        zero_is_a_value_like_any_other,
                                        a_value_beyond_the_limit_keeps_the_maximum_exact,
                                        merging_is_associative_and_commutative,
                                        merging_parts_gives_what_one_histogram_would_have_held,
                                        merging_an_empty_histogram_changes_nothing,
                                        quantiles_agree_with_a_sorted_array_within_the_promised_error,
                                        time_quantiles_agree_with_running_sums_of_a_sorted_array,
                                        one_long_wait_outweighs_a_thousand_short_ones,
                                        quantiles_never_leave_the_range_of_what_was_recorded,
                                        quantiles_rise_with_their_share,
                                        an_empty_histogram_has_no_quantiles,
                                        NULL,
                                    });
}
