/* Tests of what the faults are for: primitives broken in one way each, and the disturbance that shows it. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>

#include "base/testing.h"
#include "base/seed.h"
#include "contract/contents.h"
#include "run/trial.h"
#include "workloads/fault/rows.h"

/* The reason is in these; they are far above what it takes. */
#define TRIES 4
#define ONE_TRY_NS (8 * NS_PER_S)

static struct trial_result result;

/* A semaphore whose wait takes an interruption for success. */
static int hasty_create(void *state, const struct sync_setup *setup)
{
    (void)setup;
    return sem_init(state, 1, 1);
}

static int hasty_acquire(struct sync_self *self)
{
    sem_wait(self->state);
    return 0;
}

static int hasty_release(struct sync_self *self)
{
    return sem_post(self->state);
}

static const struct sync_ops hasty = {
    .name = "hasty",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(sem_t),
    .create = hasty_create,
    .lock = {.acquire = hasty_acquire, .release = hasty_release},
};

/* A futex lock that counts its waiters; the release loads the count, and only then stores the word: a waiter that comes in between
 * is not woken. While the crew goes on, the next release wakes it. (That the two are out of order in the processor only is
 * futex-fence's fault: how often that is met is the processor's affair, and a figure for `make detect`.) */
#define BETWEEN 2000 /* turns of an empty loop: a microsecond or so, longer than the call into the kernel before a sleep */

struct sleeper {
    _Alignas(128) uint32_t word;
    _Alignas(128) uint32_t waiters;
};

static int sleeper_acquire(struct sync_self *self)
{
    struct sleeper *lock = self->state;
    uint32_t freed = 0;
    while (!__atomic_compare_exchange_n(&lock->word, &freed, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        freed = 0;
        __atomic_fetch_add(&lock->waiters, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, &lock->word, FUTEX_WAIT, 1, NULL, NULL, 0);
        __atomic_fetch_sub(&lock->waiters, 1, __ATOMIC_SEQ_CST);
    }
    return 0;
}

static int sleeper_release(struct sync_self *self)
{
    struct sleeper *lock = self->state;
    uint32_t waiters = __atomic_load_n(&lock->waiters, __ATOMIC_SEQ_CST);
    for (volatile int i = 0; i < BETWEEN; i++)
        ;
    __atomic_store_n(&lock->word, 0, __ATOMIC_SEQ_CST);
    if (waiters)
        syscall(SYS_futex, &lock->word, FUTEX_WAKE, 1, NULL, NULL, 0);
    return 0;
}

static const struct sync_ops sleeper = {
    .name = "sleeper",
    .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_BUSTED,
    .expect = VERDICT_WEDGED,
    .state_bytes = sizeof(struct sleeper),
    .lock = {.acquire = sleeper_acquire, .release = sleeper_release},
};

/* A lock whose waiters take a holder for dead after eight milliseconds. */
#define LEASE_NS (8 * NS_PER_MS)

static int lease_acquire(struct sync_self *self)
{
    uint64_t *end = self->state, seen = __atomic_load_n(end, __ATOMIC_ACQUIRE);
    while (clock_ns() < seen ||
           !__atomic_compare_exchange_n(end, &seen, clock_ns() + LEASE_NS, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        sched_yield();
        seen = __atomic_load_n(end, __ATOMIC_ACQUIRE);
    }
    return 0;
}

static int lease_release(struct sync_self *self)
{
    __atomic_store_n((uint64_t *)self->state, 0, __ATOMIC_RELEASE);
    return 0;
}

static const struct sync_ops lease = {
    .name = "lease",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(uint64_t),
    .lock = {.acquire = lease_acquire, .release = lease_release},
};

/* A count of acquisitions beside the word that runs over into it: after 2^14 of them nobody is kept out. */
#define TOO_MANY (1u << 14)

struct overflowing {
    _Alignas(128) uint32_t word;
    uint32_t acquisitions;
};

static int overflowing_acquire(struct sync_self *self)
{
    struct overflowing *lock = self->state;
    while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_SEQ_CST) && lock->acquisitions < TOO_MANY)
        sched_yield();
    lock->acquisitions++;
    return 0;
}

static int overflowing_release(struct sync_self *self)
{
    __atomic_store_n(&((struct overflowing *)self->state)->word, 0, __ATOMIC_SEQ_CST);
    return 0;
}

static const struct sync_ops overflowing = {
    .name = "overflowing",
    .family = SYNC_LOCK,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_bytes = sizeof(struct overflowing),
    .lock = {.acquire = overflowing_acquire, .release = overflowing_release},
};

/* A run of the counter load that ends at its verdict, or after ONE_TRY_NS. */
static struct trial_spec spec_of(const struct sync_ops *sync, const struct fault_ops *fault, uint32_t writers, const char *pin)
{
    struct trial_spec spec = {
        .number = 1,
        .job = "test",
        .load = contents_load("counter"),
        .sync = sync,
        .fault = fault,
        .fault_text = fault->name,
        .fault_parameter = fault->fallback,
        .shape = {.writers = writers, .size = 8, .sampling = 64, .seed = seed_fresh()},
        .repeat = 1,
        .duration_ns = ONE_TRY_NS,
        .pin = pin,
        .expect = sync->expect,
        .slice = true, /* ends with the first violation */
    };
    return spec;
}

/* How long it took until the first violation, or the wedge; the tries bound what a busy machine may do. */
static void find(struct trial_spec spec)
{
    const char *refused = spec_unsupported(&spec);
    if (refused) {
        printf("%s: %s\n", spec.fault->name, refused);
        return;
    }
    for (int i = 0; i < TRIES; i++) {
        spec.shape.seed = seed_fresh();
        trial_run(&spec, &result);
        enum verdict verdict = result.verdict;
        printf("%s under %s: %s after %.0f ms: %.120s\n", spec.sync->name, spec.fault->name, verdict_name(verdict),
               (double)result.watched_ns / 1e6, result.reason);
        trial_result_free(&result);
        if (verdict == spec.expect)
            return;
    }
    ck_abort_msg("%s under %s was not found", spec.sync->name, spec.fault->name);
}

START_TEST(signals_show_a_wait_that_takes_an_interruption_for_success)
{
    find(spec_of(&hasty, &fault_signals, 4, "none"));
}
END_TEST

START_TEST(rounds_show_a_wake_up_that_the_next_release_would_mend)
{
    find(spec_of(&sleeper, &fault_rounds, 2, "compact"));
}
END_TEST

START_TEST(a_long_hold_shows_a_lease_that_nobody_renews)
{
    find(spec_of(&lease, &fault_linger, 3, "none"));
}
END_TEST

START_TEST(the_brink_shows_what_breaks_after_many_times)
{
    find(spec_of(&overflowing, &fault_brink, 2, "none"));
}
END_TEST

START_TEST(a_breakpoint_shows_a_test_and_set_of_two_steps)
{
    find(spec_of(contents_sync("busted-tas"), &fault_breakpoint, 4, "none"));
}
END_TEST

START_TEST(single_steps_show_a_test_and_set_of_two_steps)
{
    find(spec_of(contents_sync("busted-tas"), &fault_step, 3, "none"));
}
END_TEST

int main(void)
{
    return testing_run("fault_effects", (const TTest *[]){
                                            signals_show_a_wait_that_takes_an_interruption_for_success,
                                            rounds_show_a_wake_up_that_the_next_release_would_mend,
                                            a_long_hold_shows_a_lease_that_nobody_renews,
                                            the_brink_shows_what_breaks_after_many_times,
                                            a_breakpoint_shows_a_test_and_set_of_two_steps,
                                            single_steps_show_a_test_and_set_of_two_steps,
                                            NULL,
                                        });
}
