/* Tests of the stream in real trials: queues that break one promise each, caught by the oracle that is there for it. */
#include "base/testing.h"
#include "run/pin.h"
#include "run/trial.h"

/* Elements of 8 bytes and more in a ring behind a spin lock, and what goes wrong every so many times. */
enum { SLOTS = 16, SLOT = 128, EVERY = 500 };

struct faulty {
    uint32_t lock, pushes, pops;
    uint64_t head, tail;
    struct {
        uint64_t bytes;
        unsigned char element[SLOT];
    } slots[SLOTS];
};

static struct trial_result result;

static void take_lock(struct faulty *q)
{
    while (__atomic_exchange_n(&q->lock, 1, __ATOMIC_ACQUIRE))
        sched_yield();
}

static int give_lock(struct faulty *q, int rc)
{
    __atomic_store_n(&q->lock, 0, __ATOMIC_RELEASE);
    return rc;
}

static int sound_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct faulty *q = self->state;
    take_lock(q);
    if (q->tail - q->head == SLOTS)
        return give_lock(q, EAGAIN);
    q->slots[q->tail % SLOTS].bytes = bytes;
    memcpy(q->slots[q->tail++ % SLOTS].element, element, bytes);
    return give_lock(q, 0);
}

static int take_at(struct faulty *q, uint64_t at, void *element, size_t *got)
{
    *got = q->slots[at % SLOTS].bytes;
    memcpy(element, q->slots[at % SLOTS].element, *got);
    return 0;
}

static int sound_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct faulty *q = self->state;
    (void)bytes;
    take_lock(q);
    return give_lock(q, q->head == q->tail ? EAGAIN : take_at(q, q->head++, element, got));
}

/* Says yes, and keeps nothing. */
static int losing_push(struct sync_self *self, const void *element, size_t bytes)
{
    uint32_t pushes = __atomic_add_fetch(&((struct faulty *)self->state)->pushes, 1, __ATOMIC_RELAXED);
    return pushes % EVERY ? sound_push(self, element, bytes) : 0;
}

static int doubling_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct faulty *q = self->state;
    (void)bytes;
    take_lock(q);
    if (q->head == q->tail)
        return give_lock(q, EAGAIN);
    return give_lock(q, take_at(q, ++q->pops % EVERY ? q->head++ : q->head, element, got));
}

/* The second oldest first. */
static int swapping_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct faulty *q = self->state;
    (void)bytes;
    take_lock(q);
    if (q->head == q->tail)
        return give_lock(q, EAGAIN);
    if (q->tail - q->head > 1 && ++q->pops % EVERY == 0) {
        __typeof__(q->slots[0]) slot = q->slots[q->head % SLOTS];
        q->slots[q->head % SLOTS] = q->slots[(q->head + 1) % SLOTS];
        q->slots[(q->head + 1) % SLOTS] = slot;
    }
    return give_lock(q, take_at(q, q->head++, element, got));
}

/* Often finds nothing, although something is there: only a history shows it. */
static int shy_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct faulty *q = self->state;
    return __atomic_add_fetch(&q->pops, 1, __ATOMIC_RELAXED) % 3 ? sound_pop(self, element, bytes, got) : EAGAIN;
}

static struct sync_ops queue_of(const char *name, int (*push)(struct sync_self *, const void *, size_t),
                                int (*pop)(struct sync_self *, void *, size_t, size_t *), bool not_now)
{
    return (struct sync_ops){.name = name, .summary = "", .family = SYNC_QUEUE, .expect = VERDICT_CORRUPT,
                             .state_bytes = sizeof(struct faulty), .queue = {.push = push, .pop = pop, .not_now = not_now}};
}

/* One trial; the first words of the verdict are in `result`, freed by the next. */
static enum verdict run(const struct sync_ops *sync, uint32_t writers, uint32_t readers, uint32_t history)
{
    struct trial_spec spec = {
        .number = 1, .job = "test", .load = contents_load("stream"), .sync = sync, .fault = contents_fault("none"),
        .fault_text = "none", .repeat = 1, .pin = "scatter", .expect = sync->expect,
        .shape = {.writers = writers, .readers = readers, .size = 64, .sampling = 16, .seed = 42, .ops_limit = 5000,
                  .history = history},
    };
    trial_result_free(&result);
    trial_run(&spec, &result);
    return result.verdict;
}

static void check_caught(const struct sync_ops *sync, uint32_t readers, enum violation kind)
{
    enum verdict verdict = run(sync, 2, readers, 0);
    ck_assert_msg(verdict == VERDICT_CORRUPT && result.violations[kind], "%s: %s: %s", sync->name, verdict_name(verdict),
                  result.reason);
}

START_TEST(what_loses_doubles_or_swaps_is_caught_with_one_and_two_consumers)
{
    struct sync_ops losing = queue_of("losing", losing_push, sound_pop, false);
    struct sync_ops doubling = queue_of("doubling", sound_push, doubling_pop, false);
    struct sync_ops swapping = queue_of("swapping", sound_push, swapping_pop, false);
    for (uint32_t readers = 1; readers <= 2; readers++) {
        check_caught(&losing, readers, VIOLATION_LOST);
        check_caught(&doubling, readers, VIOLATION_DUPLICATED);
    }
    check_caught(&swapping, 1, VIOLATION_REORDERED);
}
END_TEST

START_TEST(the_sound_one_among_them_passes_and_has_accounted_for_everything)
{
    struct sync_ops sound = queue_of("sound", sound_push, sound_pop, false);
    for (uint32_t readers = 1; readers <= 2; readers++) {
        run(&sound, 2, readers, 2000);
        ck_assert_msg(result.violation_count == 0, "%s", result.reason);
        ck_assert_uint_eq(result.writer_ops, 10000);
        ck_assert_uint_eq(result.reader_ops, 10000);
        ck_assert_uint_eq(result.handoffs, 10000);
        ck_assert_uint_eq(result.idle_workers, 0);
    }
}
END_TEST

START_TEST(a_history_catches_a_pop_that_finds_nothing_though_something_is_inside)
{
    struct sync_ops shy = queue_of("shy", sound_push, shy_pop, false);
    enum verdict verdict = run(&shy, 1, 1, 5000);
    ck_assert_msg(verdict == VERDICT_CORRUPT && result.violations[VIOLATION_HISTORY], "%s: %s", verdict_name(verdict),
                  result.reason);
    testing_has(result.reason, "found it empty");
    run(&shy, 1, 1, 0);
    ck_assert_msg(result.violation_count == 0, "%s", result.reason); /* nothing else shows it */
    shy.queue.not_now = true;
    run(&shy, 1, 1, 5000);
    ck_assert_msg(result.violation_count == 0, "%s", result.reason); /* and it may, if it says so */
}
END_TEST

START_TEST(a_history_catches_a_swap_of_two_producers_elements)
{
    struct sync_ops swapping = queue_of("swapping", sound_push, swapping_pop, false);
    uint64_t found = 0;
    for (int i = 0; i < 10 && !found; i++) {
        run(&swapping, 2, 1, 5000);
        found = result.violations[VIOLATION_HISTORY];
    }
    ck_assert_msg(found || pin_cpus_allowed() == 1, "%s", result.reason);
}
END_TEST

int main(void)
{
    return testing_run("stream_trial", (const TTest *[]){
                                           what_loses_doubles_or_swaps_is_caught_with_one_and_two_consumers,
                                           the_sound_one_among_them_passes_and_has_accounted_for_everything,
                                           a_history_catches_a_pop_that_finds_nothing_though_something_is_inside,
                                           a_history_catches_a_swap_of_two_producers_elements,
                                           NULL,
                                       });
}
