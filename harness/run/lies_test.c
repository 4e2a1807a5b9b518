/* Tests of what makes measurements of locks and channels lie: in each the harness must show the truth.
 *
 * All lies, and where each has its test, where its mechanism is:
 *
 *   a private mutex, whose atomics glibc leaves out       the_mutex_that_is_measured_is_shared_between_processes, here
 *   a copy of the lock in each process                    a_lock_of_which_each_process_has_a_copy_is_no_fast_lock_but_a_broken_one, here
 *   the clock's cost subtracted, work with it             the_clocks_cost_is_told_and_not_subtracted and
 *                                                         latencies_are_differences_of_stamps_and_nothing_less, here
 *   the clock's cost reported as latency                  the same two: it is told beside (`empty_ns`); the_meter_knows_what_it_costs,
 *                                                         fairness_test.c
 *   hogging shown as throughput                           a_hogged_lock_shows_in_time_in_shares_and_by_name, here
 *   the scheduler's doing shown as starvation             whom_the_scheduler_passes_over_does_not_starve, fairness_test.c
 *   coordinated omission                                  an_open_loop_counts_from_the_intended_start, contract/worker_test.c
 *   a payload that nobody touched                         what_passes_eight_bytes_on_has_transferred_nothing, here; of a record:
 *                                                         workloads/load/snapshot_test.c
 *   an empty critical section                             an_empty_critical_section_proves_nothing, here
 *   means of means                                        analysis/test_means.py; of percentiles: merging_parts_gives_what_one_-
 *                                                         histogram_would_have_held, shm/histogram_test.c
 *   real-time priorities, their throttling                test_a_real_time_crew_is_ended_and_told, cmd/test_run.py
 *   a start that not all have made yet                    judge_test.c: a_moments_throughput_is_none, figures_add_up_by_role
 *   exit status 0 and no result                           a_worker_that_does_nothing_makes_no_pass and a_worker_that_exits_by_itself_...,
 *                                                         trial_test.c; test_nothing_but_inconclusive_trials_is_status_4, cmd/test_run.py
 *   a peer that hangs                                     a_crew_that_sleeps_at_the_primitive_is_wedged_within_seconds and
 *                                                         a_crew_that_spins_without_progress_..., watchdog_test.c
 *   an orphan that spins on                               no_worker_outlives_a_harness_that_was_killed, crew_test.c;
 *                                                         test_workers_do_not_outlive_a_killed_harness, cmd/test_signals.py
 */
#include "run/trial.h"

#include <pthread.h>

#include "base/testing.h"
#include "contract/worker.h"
#include "run/fairness.h"
#include "run/meter.h"

#define NAP_NS (5 * NS_PER_MS)

static struct trial_result result;
static struct sync_ops row;

static struct trial_spec spec_of(const char *load)
{
    return (struct trial_spec){
        .number = 1,
        .job = "test",
        .load = contents_load(load),
        .sync = &row,
        .fault = contents_fault("none"),
        .fault_text = "none",
        .shape = {.writers = 2, .size = 64, .sampling = 8, .seed = 7},
        .repeat = 1,
        .duration_ns = 150 * NS_PER_MS,
        .pin = "scatter",
        .expect = VERDICT_CLEAN,
    };
}

/* A private copy of a lock is quick, because it excludes nobody. */
static pthread_mutex_t own_copy = PTHREAD_MUTEX_INITIALIZER;

static int own_acquire(struct sync_self *self)
{
    (void)self;
    return pthread_mutex_lock(&own_copy);
}

static int own_release(struct sync_self *self)
{
    (void)self;
    return pthread_mutex_unlock(&own_copy);
}

START_TEST(a_lock_of_which_each_process_has_a_copy_is_no_fast_lock_but_a_broken_one)
{
    row = *contents_sync("mutex");
    row.lock = (struct sync_lock){.acquire = own_acquire, .release = own_release};
    struct trial_spec spec = spec_of("counter");
    spec.shape.size = spec.load->default_size;
    spec.fault = contents_fault("yield"); /* gives the CPU away inside: they meet there on one busy CPU as well */
    spec.fault_text = "yield:1";
    spec.fault_parameter = 1;
    trial_run(&spec, &result);
    ck_assert_msg(result.verdict == VERDICT_CORRUPT, "%s: %s", verdict_name(result.verdict), result.reason);
    trial_result_free(&result);
}
END_TEST

/* glibc leaves atomic instructions out of a private mutex while a process has one thread: it must be a shared one that is measured. */
START_TEST(the_mutex_that_is_measured_is_shared_between_processes)
{
    static _Alignas(SYNC_STATE_ALIGN) unsigned char state[256], expected[256];
    const struct sync_ops *mutex = contents_sync("mutex");
    struct sync_setup setup = {.name = "/test", .writers = 2, .size = 8};
    pthread_mutexattr_t shared;
    ck_assert_int_eq(pthread_mutexattr_init(&shared), 0);
    ck_assert_int_eq(pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED), 0);
    ck_assert_int_eq(pthread_mutexattr_settype(&shared, PTHREAD_MUTEX_NORMAL), 0);
    ck_assert_int_eq(pthread_mutex_init((pthread_mutex_t *)expected, &shared), 0);
    ck_assert_int_eq(mutex->create(state, &setup), 0);
    ck_assert_mem_eq(state, expected, sizeof(pthread_mutex_t));
}
END_TEST

/* A lock that one worker has for the asking, while the others wait for it each time. */
static int hogged_acquire(struct sync_self *self)
{
    pthread_mutex_t *mutex = self->state;
    if (self->index != 0)
        clock_wait_until(clock_ns() + NAP_NS);
    return pthread_mutex_lock(mutex);
}

static int hogged_release(struct sync_self *self)
{
    return pthread_mutex_unlock(self->state);
}

/* By number almost all waits are short; nearly all of the time is spent in long ones; and the throughput is splendid. */
START_TEST(a_hogged_lock_shows_in_time_in_shares_and_by_name)
{
    static struct histogram waits;
    struct fairness fairness;
    row = *contents_sync("mutex");
    row.lock = (struct sync_lock){.acquire = hogged_acquire, .release = hogged_release};
    struct trial_spec spec = spec_of("snapshot");
    spec.shape.sampling = 1;
    trial_run(&spec, &result);
    ck_assert_msg(result.verdict == VERDICT_CLEAN || result.verdict == VERDICT_INCONCLUSIVE, "%s", result.reason);
    for (uint32_t i = 0; i < result.ledger.workers; i++)
        histogram_merge(&waits, &ledger_histograms(&result.ledger, i)[HISTOGRAM_ACQUIRE]);
    ck_assert_uint_lt(histogram_quantile(&waits, 0.5), NAP_NS / 5);
    ck_assert_uint_ge(histogram_time_quantile(&waits, 0.9), NAP_NS * 9 / 10);
    ck_assert(fairness_of(&spec, &result, true, &fairness));
    ck_assert_msg(fairness.starved_count == 1 && fairness.starved[0] == 1, "%u starved, least %g", fairness.starved_count, fairness.least);
    ck_assert(fairness.jain < 0.6 && fairness.min_max < 0.1);
    trial_result_free(&result);
}
END_TEST

/* Loops as fast as can be around nothing: any number of operations, and no trace of anybody in any data. */
static void lock_and_unlock(struct worker *w)
{
    while (worker_next(w)) {
        if (!worker_enter(w))
            return;
        worker_leave(w);
        worker_done(w);
    }
}

static void no_audit(struct worker *auditor)
{
    (void)auditor;
}

START_TEST(an_empty_critical_section_proves_nothing)
{
    static struct load_ops empty;
    empty = *contents_load("counter");
    empty.write = lock_and_unlock;
    empty.audit = no_audit; /* or all operations would be lost updates */
    row = *contents_sync("mutex");
    struct trial_spec spec = spec_of("counter");
    spec.load = &empty;
    spec.shape.size = empty.default_size;
    spec.enough = empty.enough;
    spec.duration_ns = 30 * NS_PER_MS;
    trial_run(&spec, &result);
    ck_assert_uint_gt(result.ops, empty.enough);
    ck_assert_uint_eq(result.handoffs, 0);
    ck_assert_msg(result.verdict == VERDICT_INCONCLUSIVE && !result.as_expected, "%s: %s", verdict_name(result.verdict), result.reason);
    trial_result_free(&result);
}
END_TEST

/* "Zero copy": of each message the receiver has the first eight bytes, and takes the rest to be there. */
static int sparing_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    static unsigned char whole[64 * 1024];
    int rc = contents_sync("ring-lock")->queue.pop(self, whole, bytes, got);
    if (rc == 0)
        memcpy(element, whole, 8);
    return rc;
}

START_TEST(what_passes_eight_bytes_on_has_transferred_nothing)
{
    row = *contents_sync("ring-lock");
    row.queue = (struct sync_queue){.push = row.queue.push, .pop = sparing_pop};
    struct trial_spec spec = spec_of("stream");
    spec.shape.writers = spec.shape.readers = 1;
    spec.shape.size = 64 * 1024;
    spec.duration_ns = 50 * NS_PER_MS;
    trial_run(&spec, &result);
    ck_assert_msg(result.verdict == VERDICT_CORRUPT, "%s: %s", verdict_name(result.verdict), result.reason);
    ck_assert_uint_gt(result.reader_ops, 1);
    ck_assert_msg(result.bytes <= result.messages * 16, "%llu bytes in %llu messages", (unsigned long long)result.bytes,
                  (unsigned long long)result.messages); /* the shortest ones are whole */
    trial_result_free(&result);
}
END_TEST

static int nothing(struct sync_self *self)
{
    (void)self;
    return 0;
}

/* What two stamps read with nothing between them is in every latency, told beside it, and never taken off it. */
START_TEST(the_clocks_cost_is_told_and_not_subtracted)
{
    row = *contents_sync("none");
    row.lock = (struct sync_lock){.acquire = nothing, .release = nothing};
    struct trial_spec spec = spec_of("snapshot");
    spec.shape.writers = 1;
    spec.duration_ns = 20 * NS_PER_MS;
    double empty_ns = meter_facts()->empty_ns;
    trial_run(&spec, &result);
    const struct histogram *waits = &ledger_histograms(&result.ledger, 0)[HISTOGRAM_ACQUIRE];
    ck_assert_uint_gt(waits->count, 0);
    ck_assert(empty_ns > 0);
    ck_assert_msg((double)waits->sum >= (double)waits->count * empty_ns / 2, "%llu ns for %llu waits for nothing; two stamps read %g",
                  (unsigned long long)waits->sum, (unsigned long long)waits->count, empty_ns); /* the CPU may be twice as fast now */
    trial_result_free(&result);
}
END_TEST

/* One that has a lock which does nothing to itself, for so many operations. */
static struct worker lone_worker(const struct shape *shape, struct histogram *histograms, uint64_t operations)
{
    static struct slot slot;
    static const struct fault_ops undisturbed;
    static const uint32_t stop;
    return (struct worker){.shape = shape, .slot = &slot, .crew = {&slot, 1, &stop, NULL}, .histograms = histograms,
                           .fault = &undisturbed, .lock = {.acquire = nothing, .release = nothing}, .until_sample = 1,
                           .ops_limit = operations, .random = 1};
}

START_TEST(latencies_are_differences_of_stamps_and_nothing_less)
{
    enum { ROUNDS = 100, HELD = 1000000 };
    struct histogram histograms[HISTOGRAM_OWN] = {0};
    struct shape shape = {.writers = 1, .sampling = 1};
    struct worker w = lone_worker(&shape, histograms, ROUNDS);
    uint64_t waited = 0;
    while (worker_next(&w)) {
        ck_assert(worker_enter(&w));
        waited += ticks_ns(w.granted - w.asked);
        w.granted -= HELD; /* it has been held for that long, at the least */
        worker_leave(&w);
        worker_done(&w);
    }
    ck_assert_uint_eq(histograms[HISTOGRAM_ACQUIRE].count, ROUNDS);
    ck_assert_uint_eq(histograms[HISTOGRAM_ACQUIRE].sum, waited);
    ck_assert_uint_ge(histograms[HISTOGRAM_HOLD].min, ticks_ns(HELD));
}
END_TEST

/* Every 64th operation takes long: timed are as many of those as there are, and neither none nor nothing else. */
START_TEST(what_comes_back_regularly_is_not_always_timed_nor_never)
{
    enum { ROUNDS = 100000, PERIOD = 64 };
    struct histogram histograms[HISTOGRAM_OWN] = {0};
    struct shape shape = {.writers = 1, .sampling = PERIOD};
    struct worker w = lone_worker(&shape, histograms, ROUNDS);
    uint64_t timed = 0, slow = 0;
    for (uint64_t i = 0; worker_next(&w); i++) {
        ck_assert(worker_enter(&w));
        timed += w.timed;
        slow += w.timed && i % PERIOD == 0;
        worker_leave(&w);
        worker_done(&w);
    }
    ck_assert_uint_ge(timed, ROUNDS / PERIOD * 9 / 10);
    ck_assert_uint_le(timed, ROUNDS / PERIOD * 11 / 10);
    ck_assert_msg(slow * PERIOD > timed / 3 && slow * PERIOD < timed * 3, "%llu of %llu timed ones were slow", (unsigned long long)slow,
                  (unsigned long long)timed);
}
END_TEST

int main(void)
{
    return testing_run("lies", (const TTest *[]){
                                   a_lock_of_which_each_process_has_a_copy_is_no_fast_lock_but_a_broken_one,
                                   the_mutex_that_is_measured_is_shared_between_processes,
                                   a_hogged_lock_shows_in_time_in_shares_and_by_name,
                                   an_empty_critical_section_proves_nothing,
                                   what_passes_eight_bytes_on_has_transferred_nothing,
                                   the_clocks_cost_is_told_and_not_subtracted,
                                   latencies_are_differences_of_stamps_and_nothing_less,
                                   what_comes_back_regularly_is_not_always_timed_nor_never,
                                   NULL,
                               });
}
