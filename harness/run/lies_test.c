/* Tests of what makes measurements of locks lie: in each the harness must show the truth.
 *
 * Some lies have their test where their mechanism is: coordinated omission in contract/worker_test.c (the intended start), a payload
 * of which only a part was touched in workloads/load/snapshot_test.c (one byte that is older), averaged percentiles in
 * shm/histogram_test.c (merging), a start that not all had made in judge_test.c, results without a crew in trial_test.c.
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
    spec.enough = 10000; /* on a busy machine the two take turns, and hardly meet */
    for (int tries = 0; tries < 5; tries++) {
        trial_run(&spec, &result);
        enum verdict verdict = result.verdict;
        ck_assert_msg(verdict == VERDICT_CORRUPT || verdict == VERDICT_INCONCLUSIVE, "%s: %s", verdict_name(verdict), result.reason);
        trial_result_free(&result);
        if (verdict == VERDICT_CORRUPT)
            return;
    }
    fprintf(stderr, "skipped: the processes hardly met\n");
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
    trial_run(&spec, &result);
    const struct histogram *waits = &ledger_histograms(&result.ledger, 0)[HISTOGRAM_ACQUIRE];
    ck_assert_uint_gt(waits->count, 0);
    ck_assert_uint_gt(waits->min, 0);
    ck_assert(meter_facts()->empty_ns > 0);
    trial_result_free(&result);
}
END_TEST

int main(void)
{
    return testing_run("lies", (const TTest *[]){
                                   a_lock_of_which_each_process_has_a_copy_is_no_fast_lock_but_a_broken_one,
                                   the_mutex_that_is_measured_is_shared_between_processes,
                                   a_hogged_lock_shows_in_time_in_shares_and_by_name,
                                   the_clocks_cost_is_told_and_not_subtracted,
                                   NULL,
                               });
}
