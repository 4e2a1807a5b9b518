/* Tests of hunts: which slices there are, what they vary, what ends them, and what they come to. */
#include "run/hunt.h"

#include "base/testing.h"
#include "contract/worker.h"
#include "run/exposure.h"
#include "run/trial.h"

static struct trial_result result;

static struct trial_spec spec_of(const char *load, const char *sync, const char *fault)
{
    struct trial_spec spec = {
        .number = 1,
        .job = "test",
        .load = contents_load(load),
        .sync = contents_sync(sync),
        .fault = contents_fault(fault),
        .fault_text = fault,
        .shape = {.writers = 2, .readers = 2, .sampling = 64, .seed = 11},
        .repeat = 1,
        .duration_ns = 1500 * NS_PER_MS,
        .pin = "scatter",
    };
    spec.expect = spec_expected(&spec);
    return spec;
}

static void run(const struct trial_spec *spec, enum verdict verdict)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, TRIAL_NAME_PREFIX "%d.", (int)getpid());
    hunt_run(spec, &result);
    ck_assert_msg(result.verdict == verdict, "%s: %s", verdict_name(result.verdict), result.reason);
    ck_assert_int_eq(testing_census(prefix), 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}

START_TEST(only_what_stands_for_others_is_a_hunt)
{
    struct trial_spec plain = spec_of("counter", "mutex", "yield"), loads = spec_of("verify", "mutex", "yield"),
                      faults = spec_of("counter", "mutex", "explore"), both = spec_of("verify", "mutex", "explore");
    ck_assert(!hunt_is(&plain));
    ck_assert(hunt_is(&loads) && hunt_is(&faults) && hunt_is(&both));
    ck_assert_uint_eq(hunt_slices(&plain), 1);
    ck_assert_uint_gt(hunt_slices(&loads), 1);
    ck_assert_uint_gt(hunt_slices(&faults), 4);
    ck_assert_uint_eq(hunt_slices(&both), hunt_slices(&loads) * hunt_slices(&faults));
}
END_TEST

START_TEST(a_slice_is_a_trial_that_ends_with_the_first_violation)
{
    struct trial_spec spec = spec_of("verify", "mutex", "explore"), slice;
    uint32_t applicable = 0;
    for (uint32_t i = 0; i < hunt_slices(&spec); i++) {
        if (!hunt_slice(&spec, i, &slice))
            continue;
        applicable++;
        ck_assert(!hunt_is(&slice) && slice.slice);
        ck_assert_uint_ge(slice.shape.writers, 1);
        ck_assert_uint_ge(slice.shape.size, slice.load->min_size);
        ck_assert_uint_eq(strncmp(slice.fault_text, slice.fault->name, strlen(slice.fault->name)), 0);
    }
    ck_assert_uint_gt(applicable, 4);
}
END_TEST

START_TEST(a_crew_and_a_size_that_were_asked_for_are_not_varied)
{
    struct trial_spec spec = spec_of("verify", "mutex", "explore"), slice;
    spec.crew_given = spec.size_given = spec.pin_given = true;
    spec.shape.writers = 3;
    spec.shape.readers = 1;
    spec.shape.size = 128;
    spec.pin = "none";
    for (uint32_t i = 0; i < hunt_slices(&spec); i++) {
        if (!hunt_slice(&spec, i, &slice))
            continue;
        ck_assert_uint_eq(slice.shape.writers, 3);
        ck_assert_uint_eq(slice.shape.readers, 1);
        ck_assert_uint_eq(slice.shape.size, 128);
        ck_assert_str_eq(slice.pin, "none");
    }
}
END_TEST

START_TEST(a_crew_is_fitted_to_what_the_sync_is_made_for)
{
    struct trial_spec spec = spec_of("verify", "mutex", "explore"), slice;
    struct sync_ops sync = *spec.sync;
    spec.sync = &sync;
    for (uint32_t max = 2; max < 6; max++) {
        uint32_t largest = 0;
        sync.max_workers = max;
        sync.max_writers = max - 1;
        for (uint32_t i = 0; i < hunt_slices(&spec); i++) {
            if (!hunt_slice(&spec, i, &slice))
                continue;
            ck_assert_uint_le(shape_workers(&slice.shape), max);
            ck_assert_uint_le(slice.shape.writers, max - 1);
            largest = shape_workers(&slice.shape) > largest ? shape_workers(&slice.shape) : largest;
        }
        ck_assert_uint_eq(largest, max);
    }
}
END_TEST

START_TEST(a_disturbance_keeps_to_the_families_that_it_concerns)
{
    static const uint32_t crowd = 7;
    const struct fault_ops *undisturbed = contents_fault("none");
    const struct disturbance disturbances[] = {{.fault = undisturbed, .writers = 2, .readers = 1},
                                               {.fault = undisturbed, .writers = crowd, .families = 1u << SYNC_CELL}, {.fault = NULL}};
    const struct fault_ops both = {.name = "both", .expect = -1, .disturbances = disturbances};
    for (int cell = 0; cell < 2; cell++) {
        struct trial_spec spec = spec_of("verify", cell ? "cell-none" : "mutex", "explore"), slice;
        uint32_t crowds = 0, others = 0;
        spec.fault = &both;
        for (uint32_t i = 0; i < hunt_slices(&spec); i++)
            if (hunt_slice(&spec, i, &slice))
                *(slice.shape.writers == crowd ? &crowds : &others) += 1;
        ck_assert_uint_gt(others, 0);
        ck_assert_uint_eq(crowds, cell ? others : 0);
    }
}
END_TEST

/* Who says that a holder's death is noticed is taken at his word; with others nobody dies. */
START_TEST(deaths_are_for_those_who_notice_them)
{
    const char *syncs[] = {"mutex", "mutex-unrepaired", "mutex-robust"};
    for (int i = 0; i < 3; i++) {
        struct trial_spec spec = spec_of("verify", syncs[i], "explore"), slice;
        uint32_t deadly = 0;
        for (uint32_t k = 0; k < hunt_slices(&spec); k++) {
            if (!hunt_slice(&spec, k, &slice) || !slice.fault->deadly)
                continue;
            deadly++;
            ck_assert_str_eq(slice.fault_text, "churn:inside:3");
            ck_assert_int_eq(slice.fault->dies_at(slice.fault_choices), DEATH_INSIDE);
        }
        ck_assert_int_eq(deadly > 0, i == 2);
    }
}
END_TEST

START_TEST(what_is_broken_is_found_and_the_hunt_ends_with_it)
{
    struct trial_spec spec = spec_of("verify", "none", "explore");
    spec.duration_ns = 60 * NS_PER_S;
    run(&spec, VERDICT_CORRUPT);
    ck_assert(result.as_expected);
    ck_assert_uint_gt(result.found_ns, 0);
    ck_assert_uint_lt(result.found_ns, 30 * NS_PER_S);
    ck_assert_uint_ge(result.watched_ns, result.found_ns);
    ck_assert_uint_ge(result.slices, 1);
    ck_assert_uint_gt(result.violation_count, 0);
    testing_has(result.reason, "--load ");
    testing_has(result.reason, "--seed ");
    ck_assert_uint_eq(result.interval_count, result.slices);
    ck_assert_int_eq(result.intervals[result.slices - 1].verdict, VERDICT_CORRUPT);
    trial_result_free(&result);
}
END_TEST

START_TEST(a_wedge_is_found_and_counts_as_broken_where_corruption_was_expected)
{
    struct trial_spec spec = spec_of("verify", "busted-forgetful", "explore");
    spec.duration_ns = 60 * NS_PER_S;
    spec.expect = VERDICT_CORRUPT;
    run(&spec, VERDICT_WEDGED);
    ck_assert(result.as_expected);
    testing_has(result.reason, "no progress");
    trial_result_free(&result);
    spec.expect_given = true; /* who asks for one verdict gets that one */
    run(&spec, VERDICT_WEDGED);
    ck_assert(!result.as_expected);
    trial_result_free(&result);
}
END_TEST

START_TEST(what_is_correct_is_clean_with_the_exposure_of_all_slices)
{
    struct trial_spec spec = spec_of("verify", "mutex", "explore");
    uint64_t ops = 0, longest = 0;
    run(&spec, VERDICT_CLEAN);
    ck_assert(result.as_expected);
    ck_assert_uint_ge(result.slices, 2);
    ck_assert_uint_le(result.slices_clean, result.slices);
    for (uint32_t i = 0; i < result.interval_count; i++) {
        ops += result.intervals[i].ops;
        longest = result.intervals[i].ops > longest ? result.intervals[i].ops : longest;
    }
    ck_assert_uint_eq(ops, result.ops);
    ck_assert_uint_le(result.late_handoffs, result.handoffs);
    if (longest <= EXPOSURE_LATE) {
        ck_assert_uint_eq(result.late_handoffs, 0);
        testing_has(result.reason, "a million operations on one object first was not tried");
    }
    ck_assert_uint_eq(result.found_ns, 0);
    testing_has(result.reason, "hand-offs");
    trial_result_free(&result);
}
END_TEST

START_TEST(what_an_object_comes_to_late_has_the_exposure_from_there_on_only)
{
    struct trial_result r = {.ops = 4 * EXPOSURE_LATE, .handoffs = 1000};
    ck_assert_uint_eq(exposure_late(&r, 1), 750);
    ck_assert_uint_eq(exposure_late(&r, 2), 500);
    ck_assert_uint_eq(exposure_late(&r, 4), 0);
    r.ops = EXPOSURE_LATE;
    ck_assert_uint_eq(exposure_late(&r, 1), 0);
}
END_TEST

START_TEST(a_sync_that_no_load_suits_is_unsupported)
{
    struct trial_spec spec = spec_of("verify", "mutex", "none");
    struct sync_ops sync = *spec.sync;
    sync.max_workers = 1;
    spec.crew_given = true;
    spec.sync = &sync;
    run(&spec, VERDICT_UNSUPPORTED);
    ck_assert_uint_eq(result.slices, 0);
    trial_result_free(&result);
}
END_TEST

START_TEST(the_largest_crew_is_what_a_plan_must_have_room_for)
{
    struct trial_spec spec = spec_of("verify", "mutex", "explore"), slice;
    uint32_t writers = 0, readers = 0, largest = 0;
    hunt_crew(&spec, &writers, &readers);
    for (uint32_t i = 0; i < hunt_slices(&spec); i++)
        if (hunt_slice(&spec, i, &slice) && shape_workers(&slice.shape) > largest)
            largest = shape_workers(&slice.shape);
    ck_assert_uint_eq(writers + readers, largest);
}
END_TEST

int main(void)
{
    return testing_run("hunt", (const TTest *[]){
                                   only_what_stands_for_others_is_a_hunt,
                                   a_slice_is_a_trial_that_ends_with_the_first_violation,
                                   a_crew_and_a_size_that_were_asked_for_are_not_varied,
                                   a_crew_is_fitted_to_what_the_sync_is_made_for,
                                   a_disturbance_keeps_to_the_families_that_it_concerns,
                                   deaths_are_for_those_who_notice_them,
                                   what_is_broken_is_found_and_the_hunt_ends_with_it,
                                   a_wedge_is_found_and_counts_as_broken_where_corruption_was_expected,
                                   what_is_correct_is_clean_with_the_exposure_of_all_slices,
                                   what_an_object_comes_to_late_has_the_exposure_from_there_on_only,
                                   a_sync_that_no_load_suits_is_unsupported,
                                   the_largest_crew_is_what_a_plan_must_have_room_for,
                                   NULL,
                               });
}
