/* Tests of the pool load: slots with one owner at a time, none lost, none there twice; on a pool and on a list under a lock. */
#include "workloads/load/oracle_testing.h"
#include "workloads/load/plain.h"

enum { CAPACITY = 2, SIZE = 64, MARK_BYTES = 128 };

/* A pool that does as the test says: slots are free or not, and the script may spoil what it likes. */
static bool is_free[CAPACITY];
static void (*after_take)(uint32_t slot), (*before_give)(uint32_t slot);
static uint32_t refuses; /* so many takings: none is free */

static int scripted_take(struct sync_self *self, uint32_t *slot)
{
    (void)self;
    calls++;
    if (refuses) {
        refuses--;
        return EAGAIN;
    }
    for (uint32_t i = 0; i < CAPACITY; i++)
        if (is_free[i]) {
            is_free[i] = false;
            *slot = i;
            if (after_take)
                after_take(i);
            return 0;
        }
    return EAGAIN;
}

static int scripted_give(struct sync_self *self, uint32_t slot)
{
    (void)self;
    is_free[slot] = true;
    return 0;
}

static const struct sync_ops pool = {.name = "scripted", .family = SYNC_POOL, .pool = {.take = scripted_take, .give = scripted_give}};

/* Called by the worker when it has marked its first slot. */
static void meddle(struct worker *worker, double parameter)
{
    (void)worker;
    (void)parameter;
    if (before_give)
        before_give(0);
}

static const struct fault_ops meddler = {.name = "meddler", .inside = meddle};

static void start_on(const struct sync_ops *sync, uint32_t index, void (*take)(uint32_t slot), void (*give)(uint32_t slot))
{
    spec = (struct trial_spec){
        .load = &load_pool,
        .sync = sync,
        .fault = &meddler,
        .shape = {.writers = 2, .readers = 1, .size = SIZE, .sampling = 1, .seed = 7},
    };
    after_take = take;
    before_give = give;
    refuses = 0;
    is_free[0] = is_free[1] = true;
    begin(index);
    ck_assert_uint_eq(spec.load->capacity(&spec.shape), CAPACITY);
}

static void start(uint32_t index, void (*take)(uint32_t slot), void (*give)(uint32_t slot))
{
    start_on(&pool, index, take, give);
}

/* The slot's owner, its last owner, and its bytes. */
static uint64_t *mark_of(uint32_t slot)
{
    size_t marks = spec.load->area_bytes(&spec.shape) - CAPACITY * MARK_BYTES;
    return (uint64_t *)(void *)(area + marks + slot * MARK_BYTES);
}

START_TEST(slots_that_are_taken_and_given_back_are_nobodys_twice)
{
    start(WRITER, NULL, NULL);
    run(1000);
    ck_assert(is_free[0] && is_free[1]);
    ck_assert_uint_gt(calls, 1200); /* in about half of all, two */
    ck_assert_uint_eq(w.slot->handoffs, 2);
    check_clean();
    start(READER, NULL, NULL);
    run(100);
    check_clean();
}
END_TEST

static void others_have_had_it(uint32_t slot)
{
    mark_of(slot)[1] = OTHER + 1;
}

START_TEST(a_slot_that_another_had_before_is_a_hand_off)
{
    start(WRITER, others_have_had_it, NULL);
    run(100);
    ck_assert_uint_ge(w.slot->handoffs, 100);
    check_clean();
}
END_TEST

static void other_has_it(uint32_t slot)
{
    mark_of(slot)[0] = OTHER + 1;
}

START_TEST(a_slot_with_anothers_mark_is_handed_out_twice)
{
    start(WRITER, other_has_it, NULL);
    run(1);
    ck_assert_uint_ge(w.slot->violations[VIOLATION_DOUBLED], 1);
    check_among(VIOLATION_DOUBLED, "slot 0 belongs to two: on taking it, worker 0 found the mark of worker 1");
}
END_TEST

static void other_marks_it(uint32_t slot)
{
    mark_of(slot)[0] = OTHER + 1;
}

static void other_gives_it_back(uint32_t slot)
{
    mark_of(slot)[0] = 0;
}

static void other_writes_a_byte(uint32_t slot)
{
    ((unsigned char *)(mark_of(slot) + 2))[SIZE - 1] ^= 1;
}

START_TEST(what_happens_to_a_slot_while_one_has_it_is_seen_before_it_is_given_back)
{
    start(WRITER, NULL, other_marks_it);
    run(1);
    check_found(VIOLATION_DOUBLED, 1, "before giving it back, worker 0 found the mark of worker 1");
    start(WRITER, NULL, other_gives_it_back);
    run(1);
    check_found(VIOLATION_DOUBLED, 1, "while worker 0 had it, somebody else gave it back");
    start(WRITER, NULL, other_writes_a_byte);
    run(1);
    struct evidence found = check_found(VIOLATION_DOUBLED, 1, "somebody wrote to its bytes, at offset 56, while worker 0 had it");
    ck_assert_uint_gt(found.bytes_count, 0);
}
END_TEST

static int out_of_range(struct sync_self *self, uint32_t *slot)
{
    (void)self;
    *slot = CAPACITY;
    return 0;
}

START_TEST(a_slot_that_the_pool_has_not_is_foreign)
{
    struct sync_ops wrong = pool;
    wrong.pool.take = out_of_range;
    start_on(&wrong, WRITER, NULL, NULL);
    spec.load->write(&w);
    ck_assert_uint_eq(w.ops, 0);
    check_found(VIOLATION_FOREIGN, 1, "slot 2 was handed out, of a pool of 2");
}
END_TEST

START_TEST(who_finds_none_free_waits_for_one)
{
    start(WRITER, NULL, NULL);
    refuses = 1000;
    run(1);
    check_clean();
}
END_TEST

static void audit_of(bool first, bool second)
{
    start(AUDITOR, NULL, NULL);
    is_free[0] = first;
    is_free[1] = second;
    spec.load->audit(&w);
}

static int takes_for_ever(struct sync_self *self, uint32_t *slot)
{
    (void)self;
    *slot = 0;
    return 0;
}

START_TEST(the_audit_counts_the_free_slots)
{
    audit_of(true, true);
    check_clean();
    audit_of(true, false);
    check_found(VIOLATION_LOST, 1, "of 2 only 1 are free");
    audit_of(false, false);
    check_found(VIOLATION_LOST, 1, "of 2 only 0 are free");
    struct sync_ops wrong = pool;
    wrong.pool.take = takes_for_ever;
    start_on(&wrong, AUDITOR, NULL, NULL);
    spec.load->audit(&w);
    check_found(VIOLATION_DOUBLED, 1, "of 2 slots, 3 or more are free");
}
END_TEST

START_TEST(a_mark_that_nobody_took_off_is_told_by_the_audit)
{
    start(AUDITOR, NULL, NULL);
    mark_of(1)[0] = 1;
    spec.load->audit(&w);
    check_found(VIOLATION_SCRIBBLED, 1, "slot 1 still has an owner's mark");
}
END_TEST

static const struct sync_ops lock = {.name = "scripted", .family = SYNC_LOCK, .lock = {.acquire = pass, .release = pass}};

/* Whoever is in at the same time has taken the head as well: it goes where this worker's does not lead. */
static void head_is_taken_twice(uint32_t slot)
{
    (void)slot;
    mark_of(0)[0] = OTHER + 1;
}

START_TEST(a_list_under_a_lock_is_a_pool)
{
    start_on(&lock, WRITER, NULL, NULL);
    run(1000);
    become(AUDITOR);
    spec.load->audit(&w);
    check_clean();
    start_on(&lock, WRITER, NULL, head_is_taken_twice);
    run(1);
    check_among(VIOLATION_DOUBLED, "slot 0 belongs to two");
}
END_TEST

START_TEST(a_list_that_lost_slots_or_runs_in_a_circle_fails_the_audit)
{
    start_on(&lock, AUDITOR, NULL, NULL);
    uint64_t *head = (uint64_t *)(void *)area, *next = (uint64_t *)(void *)(area + PLAIN_LINE);
    *head = 1;
    spec.load->audit(&w);
    check_found(VIOLATION_LOST, 1, "of 2 only 1 are free");
    start_on(&lock, AUDITOR, NULL, NULL);
    next[1] = 0;
    spec.load->audit(&w);
    check_found(VIOLATION_DOUBLED, 1, "of 2 slots, 3 or more are free");
}
END_TEST

int main(void)
{
    return testing_run("pool", (const TTest *[]){
                                   slots_that_are_taken_and_given_back_are_nobodys_twice,
                                   a_slot_that_another_had_before_is_a_hand_off,
                                   a_slot_with_anothers_mark_is_handed_out_twice,
                                   what_happens_to_a_slot_while_one_has_it_is_seen_before_it_is_given_back,
                                   a_slot_that_the_pool_has_not_is_foreign,
                                   who_finds_none_free_waits_for_one,
                                   the_audit_counts_the_free_slots,
                                   a_mark_that_nobody_took_off_is_told_by_the_audit,
                                   a_list_under_a_lock_is_a_pool,
                                   a_list_that_lost_slots_or_runs_in_a_circle_fails_the_audit,
                                   NULL,
                               });
}
