/* Tests of trials that are disturbed or paced: the nemesis's records, open loops, think time, and an interrupt. */
#include "base/testing.h"
#include "run/interrupt.h"
#include "run/trial.h"

static struct trial_result result;

static struct trial_spec spec_of(const char *load, const char *sync, const char *fault, double parameter)
{
    struct trial_spec spec = {
        .number = 1,
        .job = "test",
        .load = contents_load(load),
        .sync = contents_sync(sync),
        .fault = contents_fault(fault),
        .fault_text = fault,
        .fault_parameter = parameter,
        .shape = {.writers = 2, .readers = 2, .size = 64, .sampling = 1, .seed = 11},
        .repeat = 1,
        .duration_ns = 200 * NS_PER_MS,
        .pin = "none",
    };
    spec.expect = spec_expected(&spec);
    return spec;
}

static void run(const struct trial_spec *spec, enum verdict verdict)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, TRIAL_NAME_PREFIX "%d.", (int)getpid());
    trial_run(spec, &result);
    ck_assert_msg(result.verdict == verdict, "%s: %s", verdict_name(result.verdict), result.reason);
    ck_assert_int_eq(testing_census(prefix), 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}

START_TEST(a_kill_on_schedule_crashes_the_trial_as_expected_and_is_recorded)
{
    struct trial_spec spec = spec_of("counter", "mutex", "kill", 30);
    spec.duration_ns = 60 * NS_PER_S; /* the death ends it */
    run(&spec, VERDICT_CRASHED);
    testing_has(result.reason, "killed by SIGKILL");
    ck_assert_uint_eq(result.fault_count, 1);
    ck_assert_uint_ge(result.faults[0].at_ns, 30 * NS_PER_MS);
    ck_assert_str_eq(result.faults[0].detail, "killed");
    ck_assert_str_eq(result.ends[result.faults[0].worker].exit, "killed by SIGKILL");
    ck_assert(result.as_expected);
    trial_result_free(&result);
}
END_TEST

START_TEST(the_audit_calls_the_primitive_undisturbed)
{
    static const struct { const char *fault; double parameter; } faults[] = {{"breakpoint", 1000}, {"step", 20}, {"signals", 300}};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct trial_spec spec = spec_of("cells", "seqlock", faults[i].fault, faults[i].parameter);
        if (spec.fault->refuses && spec.fault->refuses(&spec.shape, spec.fault_parameter))
            continue;
        spec.enough = 0;
        run(&spec, VERDICT_CLEAN);
        trial_result_free(&result);
    }
}
END_TEST

START_TEST(one_seed_kills_one_worker)
{
    uint32_t victim = 0;
    for (int i = 0; i < 3; i++) {
        struct trial_spec spec = spec_of("counter", "mutex", "kill", 5);
        spec.shape.writers = 8;
        run(&spec, VERDICT_CRASHED);
        if (i)
            ck_assert_uint_eq(result.faults[0].worker, victim);
        victim = result.faults[0].worker;
        trial_result_free(&result);
    }
}
END_TEST

START_TEST(stops_and_continues_come_in_pairs_and_harm_nobody)
{
    struct trial_spec spec = spec_of("counter", "spin", "stop", 5);
    run(&spec, VERDICT_CLEAN);
    ck_assert_uint_ge(result.fault_count, 4);
    for (uint32_t i = 0; i + 1 < result.fault_count; i += 2) {
        ck_assert_str_eq(result.faults[i].detail, "stopped");
        ck_assert_str_eq(result.faults[i + 1].detail, "continued");
        ck_assert_uint_eq(result.faults[i].worker, result.faults[i + 1].worker);
        ck_assert_uint_ge(result.faults[i + 1].at_ns, result.faults[i].at_ns);
    }
    trial_result_free(&result);
}
END_TEST

START_TEST(a_worker_that_was_left_stopped_is_continued_before_the_end)
{
    struct trial_spec spec = spec_of("counter", "mutex", "stop", 150); /* its continuation would come after the end */
    run(&spec, VERDICT_CLEAN);
    ck_assert_uint_eq(result.idle_workers, 0);
    trial_result_free(&result);
}
END_TEST

START_TEST(delays_inside_the_critical_section_leave_a_correct_lock_clean)
{
    struct trial_spec spec = spec_of("snapshot", "mutex", "delay", 50);
    run(&spec, VERDICT_CLEAN);
    trial_result_free(&result);
}
END_TEST

START_TEST(an_open_loop_starts_its_operations_on_schedule_and_times_responses)
{
    struct trial_spec spec = spec_of("counter", "mutex", "none", 0);
    spec.shape.rate = 400;
    spec.duration_ns = 500 * NS_PER_MS;
    run(&spec, VERDICT_CLEAN);
    uint64_t responses = 0;
    for (uint32_t i = 0; i < 4; i++)
        responses += ledger_histograms(&result.ledger, i)[HISTOGRAM_RESPONSE].count;
    ck_assert_uint_eq(responses, result.ops);
    ck_assert_uint_gt(result.ops, 4);
    ck_assert_uint_le((double)result.ops, 400 * (double)result.ran_ns / 1e9 + 8);
    trial_result_free(&result);
}
END_TEST

START_TEST(think_time_bounds_the_number_of_operations)
{
    struct trial_spec spec = spec_of("counter", "mutex", "none", 0);
    spec.shape.think_ns = 20 * NS_PER_MS;
    run(&spec, VERDICT_CLEAN);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_ge(result.ledger.slots[i].ops, 1);
        ck_assert_uint_le(result.ledger.slots[i].ops, result.ran_ns / spec.shape.think_ns + 1);
    }
    trial_result_free(&result);
}
END_TEST

START_TEST(hold_time_lengthens_every_stay_inside)
{
    struct trial_spec spec = spec_of("counter", "mutex", "none", 0);
    spec.shape.hold_ns = 200 * NS_PER_US;
    run(&spec, VERDICT_CLEAN);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_ge(ledger_histograms(&result.ledger, i)[HISTOGRAM_HOLD].min, 200 * NS_PER_US);
    trial_result_free(&result);
}
END_TEST

START_TEST(an_interrupted_trial_ends_early_without_a_verdict)
{
    struct error error;
    struct trial_spec spec = spec_of("counter", "mutex", "none", 0);
    testing_ok(interrupt_setup(&error));
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        /* sends it when the crew is under way: when objects of the trial are to be seen */
        char prefix[64];
        snprintf(prefix, sizeof prefix, TRIAL_NAME_PREFIX "%d.", (int)parent);
        interrupt_reset();
        signal(SIGALRM, SIG_DFL);
        alarm(TESTING_SECONDS);
        while (testing_census(prefix) == 0)
            sched_yield();
        kill(parent, SIGTERM);
        _exit(0);
    }
    spec.duration_ns = 3600 * NS_PER_S;
    trial_run(&spec, &result);
    ck_assert_int_eq(testing_wait(pid), 0);
    ck_assert_int_eq(result.verdict, VERDICT_INCONCLUSIVE);
    ck_assert_int_eq(result.interrupted, SIGTERM);
    testing_has(result.reason, "interrupted");
    ck_assert(!result.as_expected);
    trial_result_free(&result);
    /* and the next one does not even start */
    trial_run(&spec, &result);
    ck_assert_int_eq(result.verdict, VERDICT_INCONCLUSIVE);
    testing_has(result.reason, "interrupted before the crew had started");
    trial_result_free(&result);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

int main(void)
{
    return testing_run("trial_faults", (const TTest *[]){
                                           a_kill_on_schedule_crashes_the_trial_as_expected_and_is_recorded,
                                           the_audit_calls_the_primitive_undisturbed,
                                           one_seed_kills_one_worker,
                                           stops_and_continues_come_in_pairs_and_harm_nobody,
                                           a_worker_that_was_left_stopped_is_continued_before_the_end,
                                           delays_inside_the_critical_section_leave_a_correct_lock_clean,
                                           an_open_loop_starts_its_operations_on_schedule_and_times_responses,
                                           think_time_bounds_the_number_of_operations,
                                           hold_time_lengthens_every_stay_inside,
                                           an_interrupted_trial_ends_early_without_a_verdict,
                                           NULL,
                                       });
}
