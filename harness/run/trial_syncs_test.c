/* Tests of real trials, one for each primitive: what is correct comes out clean, and what is broken is caught. */
#include "base/testing.h"
#include "run/pin.h"
#include "run/trial.h"

/* A crew on few or busy CPUs hardly meets: then the trial is inconclusive, and is run again, twice as long. */
enum { TRIES = 7 };

static struct trial_result result;

/* How the names of all objects of this process begin. */
static const char *own_prefix(void)
{
    static char prefix[64];
    snprintf(prefix, sizeof prefix, TRIAL_NAME_PREFIX "%d.", (int)getpid());
    return prefix;
}

static struct trial_spec spec_of(const char *load, const struct sync_ops *sync, uint32_t writers, uint32_t readers)
{
    struct trial_spec spec = {
        .number = 1,
        .job = "test",
        .load = contents_load(load),
        .sync = sync,
        .fault = contents_fault("none"),
        .fault_text = "none",
        .shape = {.writers = writers, .readers = readers, .sampling = 16, .seed = 42},
        .repeat = 1,
        .duration_ns = 60 * NS_PER_MS,
        .pin = "scatter",
    };
    spec.shape.size = spec.load->default_size;
    spec.enough = spec.load->enough;
    spec.expect = spec_expected(&spec);
    return spec;
}

/* Gives the CPU away inside the critical section: holders meet even on one CPU. Few meetings will do: on a busy machine those who
 * spin beside a holder that has given its CPU away hand over a few times a second. */
static void disturb(struct trial_spec *spec)
{
    spec->fault = contents_fault("yield");
    spec->fault_text = "yield:4";
    spec->fault_parameter = 4;
    spec->enough = 10;
}

/* Runs a trial until it comes to another verdict than `until_not`, and checks that nothing of it is left. */
static enum verdict run(struct trial_spec spec, enum verdict until_not)
{
    for (int i = 0; i < TRIES; i++) {
        trial_result_free(&result);
        ck_assert_int_eq(testing_census(own_prefix()), 0);
        trial_run(&spec, &result);
        ck_assert_int_eq(testing_census(own_prefix()), 0);
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child either */
        if (result.verdict != until_not)
            break;
        spec.duration_ns *= 2;
    }
    return result.verdict;
}

static void check_clean(const char *load, const struct sync_ops *sync, uint32_t writers, uint32_t readers, bool disturbed)
{
    struct trial_spec spec = spec_of(load, sync, writers, readers);
    if (disturbed)
        disturb(&spec);
    enum verdict verdict = run(spec, VERDICT_INCONCLUSIVE);
    bool can_meet = disturbed || pin_cpus_allowed() > 1;
    ck_assert_msg(verdict == VERDICT_CLEAN || (!can_meet && verdict == VERDICT_INCONCLUSIVE), "%s %s: %s: %s", load, sync->name,
                  verdict_name(verdict), result.reason);
    ck_assert_uint_eq(result.violation_count, 0);
    ck_assert_uint_eq(result.idle_workers, 0);
    ck_assert_int_eq(result.as_expected, verdict == VERDICT_CLEAN);
    for (uint32_t i = 0; i < writers + readers; i++) {
        ck_assert_str_eq(result.ends[i].exit, "exited 0");
        ck_assert_int_eq(result.ends[i].phase, PHASE_DONE);
    }
    trial_result_free(&result);
}

static void check_correct_syncs(const char *load, uint32_t writers, uint32_t readers, bool disturbed)
{
    int count = 0;
    for (size_t i = 0; contents_syncs[i]; i++) {
        struct trial_spec spec = spec_of(load, contents_syncs[i], writers, readers);
        if (contents_syncs[i]->expect != VERDICT_CLEAN || spec_unsupported(&spec))
            continue;
        check_clean(load, contents_syncs[i], writers, readers, disturbed);
        count++;
    }
    ck_assert_int_ge(count, 6);
}

START_TEST(every_correct_primitive_keeps_a_counter_whole)
{
    check_correct_syncs("counter", 2, 1, false);
}
END_TEST

START_TEST(every_correct_primitive_keeps_a_record_whole_when_holders_give_the_cpu_away)
{
    check_correct_syncs("snapshot", 2, 2, true);
}
END_TEST

START_TEST(every_correct_primitive_passes_a_flag_on)
{
    check_correct_syncs("quit", 1, 2, false);
}
END_TEST

START_TEST(the_kernel_keeps_the_promises_of_the_life_cycle)
{
    check_clean("lifecycle", contents_sync("none"), 2, 1, false);
}
END_TEST

/* Runs a trial that must show corruption of one of these kinds. */
static void check_corrupt(const char *load, const char *sync, uint32_t readers, unsigned kinds)
{
    struct trial_spec spec = spec_of(load, contents_sync(sync), 2, readers);
    unsigned seen = 0;
    ck_assert_int_eq(spec.expect, VERDICT_CORRUPT);
    disturb(&spec);
    for (int i = 0; i < TRIES; i++) {
        enum verdict verdict = run(spec, VERDICT_INCONCLUSIVE);
        if (verdict == VERDICT_CORRUPT)
            break;
        ck_assert_msg(verdict == VERDICT_CLEAN, "%s %s: %s: %s", load, sync, verdict_name(verdict), result.reason);
        spec.duration_ns *= 2; /* a window of two instructions is not always hit */
    }
    ck_assert_msg(result.verdict == VERDICT_CORRUPT, "%s %s: %s: %s", load, sync, verdict_name(result.verdict), result.reason);
    ck_assert(result.as_expected);
    for (int k = 0; k < VIOLATIONS; k++)
        seen |= result.violations[k] ? 1u << k : 0;
    ck_assert_msg(seen && (seen & ~kinds) == 0, "%s %s: kinds %x: %s", load, sync, seen, result.reason);
    trial_result_free(&result);
}

enum {
    TORN = 1u << VIOLATION_TORN,
    STALE = 1u << VIOLATION_STALE,
    BACK = 1u << VIOLATION_BACK,
    OVERLAP = 1u << VIOLATION_OVERLAP,
    LOST = 1u << VIOLATION_LOST,
    SCRIBBLED = 1u << VIOLATION_SCRIBBLED,
    COUNT = 1u << VIOLATION_COUNT,
};

START_TEST(without_a_primitive_every_load_shows_corruption)
{
    check_corrupt("counter", "none", 2, OVERLAP | LOST | BACK | SCRIBBLED);
    check_corrupt("snapshot", "none", 2, TORN | STALE | BACK | OVERLAP | LOST);
    check_corrupt("quit", "none", 2, TORN | BACK | OVERLAP | LOST | COUNT | SCRIBBLED);
}
END_TEST

START_TEST(a_lock_with_two_permits_is_caught)
{
    check_corrupt("counter", "busted-permits", 2, OVERLAP | LOST | BACK | SCRIBBLED);
    check_corrupt("snapshot", "busted-permits", 2, TORN | STALE | BACK | OVERLAP | LOST);
}
END_TEST

START_TEST(a_lock_that_lets_readers_in_is_caught)
{
    check_corrupt("counter", "busted-readers", 2, OVERLAP | LOST | BACK | SCRIBBLED);
    check_corrupt("snapshot", "busted-readers", 2, TORN | STALE | BACK | OVERLAP); /* who stays inside sees it change */
}
END_TEST

START_TEST(a_lock_that_writes_beside_its_state_is_caught)
{
    check_corrupt("snapshot", "busted-scribble", 2, SCRIBBLED);
}
END_TEST

START_TEST(a_lock_whose_test_and_set_are_two_steps_is_caught)
{
    if (pin_cpus_allowed() < 2) {
        fprintf(stderr, "skipped: on one CPU two processes are hardly ever between the same two instructions\n");
        return;
    }
    check_corrupt("counter", "busted-tas", 2, OVERLAP | LOST | BACK | SCRIBBLED);
}
END_TEST

START_TEST(a_lock_that_forgets_a_release_ends_as_wedged_and_is_ended)
{
    struct trial_spec spec = spec_of("counter", contents_sync("busted-forgetful"), 2, 0);
    spec.duration_ns = 20 * NS_PER_S; /* the watchdog must not wait for the end of it */
    uint64_t start = clock_ns();
    ck_assert_int_eq(run(spec, VERDICT_INCONCLUSIVE), VERDICT_WEDGED);
    ck_assert_uint_lt(clock_ns() - start, 15 * NS_PER_S);
    ck_assert(result.as_expected);
    testing_has(result.reason, "no progress for");
    testing_has(result.reason, "phase acquiring");
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(result.ends[i].exit, "ended by the watchdog");
        ck_assert_int_eq(kill(result.ends[i].pid, 0), -1);
    }
    trial_result_free(&result);
}
END_TEST

START_TEST(a_population_of_64_comes_to_its_verdict)
{
    struct trial_spec spec = spec_of("snapshot", contents_sync("mutex"), 16, 48);
    spec.duration_ns = 200 * NS_PER_MS;
    disturb(&spec);
    enum verdict verdict = run(spec, VERDICT_INCONCLUSIVE);
    ck_assert_msg(verdict == VERDICT_CLEAN, "%s: %s", verdict_name(verdict), result.reason);
    ck_assert_uint_eq(result.workers, 64);
    ck_assert_uint_eq(result.idle_workers, 0);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_uint_gt(result.ledger.slots[i].ops, 0);
    trial_result_free(&result);
}
END_TEST

int main(void)
{
    return testing_run("trial_syncs", (const TTest *[]){
                                          every_correct_primitive_keeps_a_counter_whole,
                                          every_correct_primitive_keeps_a_record_whole_when_holders_give_the_cpu_away,
                                          every_correct_primitive_passes_a_flag_on,
                                          the_kernel_keeps_the_promises_of_the_life_cycle,
                                          without_a_primitive_every_load_shows_corruption,
                                          a_lock_with_two_permits_is_caught,
                                          a_lock_that_lets_readers_in_is_caught,
                                          a_lock_that_writes_beside_its_state_is_caught,
                                          a_lock_whose_test_and_set_are_two_steps_is_caught,
                                          a_lock_that_forgets_a_release_ends_as_wedged_and_is_ended,
                                          a_population_of_64_comes_to_its_verdict,
                                          NULL,
                                      });
}
