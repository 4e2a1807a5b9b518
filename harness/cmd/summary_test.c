/* Tests of what a run has come to: how far its CPUs were apart, and whether that may be compared. */
#include "cmd/summary.h"

#include "base/testing.h"

START_TEST(distances_are_kept_as_the_least_and_the_largest)
{
    struct run_summary summary = {0};
    summary_distance(&summary, "scatter", 0); /* was not measured */
    ck_assert_ptr_null(summary.pin);
    ck_assert_uint_eq(summary.line_most_ns, 0);
    const uint64_t ways[] = {100, 480, 0, 57, 90};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        summary_distance(&summary, "scatter", ways[i]);
    ck_assert_str_eq(summary.pin, "scatter");
    ck_assert_uint_eq(summary.line_least_ns, 57);
    ck_assert_uint_eq(summary.line_most_ns, 480);
}
END_TEST

START_TEST(unlike_pinnings_have_none_in_common)
{
    struct run_summary summary = {0};
    const char *const pins[] = {"same-llc", "other-numa", "same-llc"};
    for (size_t i = 0; i < sizeof pins / sizeof pins[0]; i++)
        summary_distance(&summary, pins[i], 100);
    ck_assert_ptr_null(summary.pin);
    summary = (struct run_summary){0};
    summary_distance(&summary, "none", 100);
    summary_distance(&summary, "scatter", 0); /* measured nothing, and says nothing */
    ck_assert_str_eq(summary.pin, "none");
}
END_TEST

int main(void)
{
    return testing_run("summary", (const TTest *[]){
        distances_are_kept_as_the_least_and_the_largest,
        unlike_pinnings_have_none_in_common,
        NULL,
    });
}
