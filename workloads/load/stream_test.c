/* Tests of the stream's oracles: consumers of a queue that says what the test tells it to, and what must (not) be reported. */
#include "workloads/load/stream.h"

#include "base/testing.h"
#include "run/crew_worker.h"
#include "workloads/load/rows.h"

enum { WRITERS = 2, READERS = 2, WORKERS = WRITERS + READERS, SIZE = 64, SCRIPT_MAX = 4000 };

static _Alignas(128) unsigned char area[256 * 1024];
static struct error error;
static struct ledger ledger;
static struct worker w;
static struct stream s;

/* What comes out, in this order. */
static struct {
    uint64_t stamp;
    void (*spoil)(unsigned char *element, size_t *got);
} script[SCRIPT_MAX];
static int script_count, script_at;

static int pop_next(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    if (script_at == script_count) {
        s.area->closed = 1;
        return EAGAIN;
    }
    uint64_t stamp = script[script_at].stamp;
    *got = stream_length(w.shape, payload_version(stamp));
    ck_assert(*got <= bytes && bytes == self->setup->size);
    payload_fill(element, *got, stamp);
    if (script[script_at].spoil)
        script[script_at].spoil(element, got);
    script_at++;
    return 0;
}

static int push_next(struct sync_self *self, const void *element, size_t bytes)
{
    (void)self;
    (void)element;
    (void)bytes;
    return 0;
}

static const struct sync_ops scripted = {
    .name = "scripted", .family = SYNC_QUEUE, .queue = {.push = push_next, .pop = pop_next}};
static const struct fault_ops no_fault = {.name = "none"};
static struct trial_spec spec = {
    .load = &load_stream,
    .sync = &scripted,
    .fault = &no_fault,
    .shape = {.writers = WRITERS, .readers = READERS, .size = SIZE, .sampling = 1, .seed = 1, .family = SYNC_QUEUE},
};

static void worker_of(uint32_t index)
{
    static struct sync_setup setup = {.size = SIZE};
    struct crew_plan plan = {.spec = &spec, .ledger = &ledger, .setups = &setup};
    crew_worker_init(&w, &plan, index, area);
    w.area = area; /* no instances of the sync lie before it here */
    w.instances = &w.self;
    s = stream_open(w.shape, area, index);
}

/* A crew with so many consumers; both producers have pushed so many, as they say and as their accounts have it. */
static void begin(uint32_t readers, uint64_t pushed)
{
    spec.shape.readers = readers;
    testing_ok(ledger_create(&ledger, WORKERS, spec_histograms(&spec), &error));
    ck_assert_uint_le(load_stream.area_bytes(&spec.shape), sizeof area);
    ck_assert_int_eq(load_stream.prepare(area, &spec.shape), 0);
    for (uint32_t p = 0; p < WRITERS; p++) {
        worker_of(p);
        struct account *account = account_of(&s.book, p, p);
        for (uint64_t n = 1; n <= pushed; n++)
            account_add(&s.book, account, n);
        account->newest = ledger.slots[p].ops = pushed;
    }
    for (uint32_t c = WRITERS; c < WORKERS; c++)
        ledger.slots[c].ops = 1; /* nobody is waited for */
    script_count = script_at = 0;
}

static void out(uint32_t producer, uint64_t number)
{
    ck_assert_int_lt(script_count, SCRIPT_MAX);
    script[script_count].spoil = NULL;
    script[script_count++].stamp = stream_stamp(&spec.shape, producer, number);
}

static void out_range(uint32_t producer, uint64_t from, uint64_t to)
{
    while (from <= to)
        out(producer, from++);
}

/* Worker `consumer` takes what the script holds. */
static void take(uint32_t consumer)
{
    worker_of(consumer);
    s.area->closed = 0;
    load_stream.read(&w);
    script_count = script_at = 0;
}

static void audit(void)
{
    worker_of(shape_workers(&spec.shape));
    load_stream.audit(&w);
}

static void check_clean(void)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == 0, "%s: %s", violation_name((enum violation)k), w.slot->evidence[0].text);
}

/* So many violations of that kind by the worker who has worked last, no others, and the first tells this. */
static void check_found(enum violation kind, uint64_t count, const char *part)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == (k == (int)kind ? count : 0), "%s: %llu (%s)", violation_name((enum violation)k),
                      (unsigned long long)w.slot->violations[k], w.slot->evidence[0].text);
    testing_has(w.slot->evidence[0].text, part);
}

START_TEST(two_producers_elements_may_come_in_any_mixture)
{
    begin(1, 1000);
    for (uint64_t n = 0; n < 1000; n += 10) {
        out_range(n / 10 % 2, n + 1, n + 10);
        out_range(!(n / 10 % 2), n + 1, n + 10);
    }
    take(2);
    ck_assert_uint_eq(w.ops, 2000);
    ck_assert_uint_eq(w.slot->handoffs, 2000);
    check_clean();
    audit();
    check_clean();
}
END_TEST

START_TEST(two_consumers_may_share_a_producers_elements_out_in_any_way)
{
    begin(2, 3000);
    for (uint64_t n = 1; n <= 3000; n++)
        if (seed_scramble(n) % 3)
            out(0, n);
    out_range(1, 1, 1);
    take(2);
    check_clean();
    for (uint64_t n = 1; n <= 3000; n++)
        if (seed_scramble(n) % 3 == 0)
            out(0, n);
    out_range(1, 2, 3000);
    take(3);
    check_clean();
    audit();
    check_clean();
}
END_TEST

START_TEST(an_element_that_comes_twice_is_told_at_once_and_by_the_audit)
{
    begin(1, 100);
    out_range(0, 1, 40);
    out_range(0, 37, 37);
    out_range(0, 41, 100);
    out_range(1, 1, 100);
    take(2);
    check_found(VIOLATION_DUPLICATED, 1, "element 37 of worker 0 came out twice, both times to worker 2; the newest of that "
                                         "producer's was 40; taken just before: element 40 of worker 0");
    audit();
    check_found(VIOLATION_DUPLICATED, 1, "element 37 of worker 0 (which pushed 100) came out once too often");
}
END_TEST

START_TEST(an_element_that_two_consumers_get_is_told_with_both)
{
    begin(2, 100);
    out_range(0, 1, 60);
    take(2);
    check_clean();
    out_range(0, 60, 100);
    out_range(1, 1, 100);
    take(3);
    check_found(VIOLATION_DUPLICATED, 1, "element 60 of worker 0 came out twice: to worker 2 and to worker 3");
    audit();
    check_found(VIOLATION_DUPLICATED, 1, "element 60 of worker 0");
}
END_TEST

START_TEST(elements_of_one_producer_in_another_order_are_told)
{
    begin(1, 50);
    out_range(0, 1, 20);
    out(0, 22);
    out(0, 21);
    out_range(0, 23, 50);
    out_range(1, 1, 50);
    take(2);
    check_found(VIOLATION_REORDERED, 1, "element 21 of worker 0 came out after element 22 of the same producer");
    audit();
    check_clean(); /* none is lost, none came twice */
}
END_TEST

START_TEST(a_lost_element_is_told_while_the_trial_runs_and_by_the_audit)
{
    begin(1, 3000);
    out_range(0, 1, 499);
    out_range(0, 501, 3000);
    take(2);
    check_found(VIOLATION_LOST, 1, "element 500 of worker 0 has not come out; element 15");
    audit();
    ck_assert_uint_gt(w.slot->violations[VIOLATION_LOST], 1); /* worker 1's are lost, too */
    testing_has(w.slot->evidence[0].text, "element 500 of worker 0 (which pushed 3000) went in and never came out");
}
END_TEST

START_TEST(the_audit_names_two_that_are_lost_and_one_that_took_anothers_place)
{
    begin(1, 2000);
    out_range(0, 1, 2000);
    script[699].stamp = stream_stamp(&spec.shape, 0, 690); /* 700 is lost, 690 comes again */
    out_range(1, 1, 1497);
    out_range(1, 1500, 2000); /* 1498 and 1499, of one block */
    take(2);
    audit();
    ck_assert_uint_eq(w.slot->violations[VIOLATION_LOST], 3);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_DUPLICATED], 1);
    testing_has(w.slot->evidence[0].text, "element 700 of worker 0");
    testing_has(w.slot->evidence[1].text, "element 690 of worker 0");
    testing_has(w.slot->evidence[2].text, "element 1498 of worker 1");
    testing_has(w.slot->evidence[3].text, "element 1499 of worker 1");
}
END_TEST

START_TEST(the_last_element_is_missed_and_one_too_many_is_invented)
{
    begin(1, 10);
    out_range(0, 1, 9);
    out_range(1, 1, 10);
    take(2);
    check_clean();
    audit();
    check_found(VIOLATION_LOST, 1, "element 10 of worker 0");
    begin(1, 10);
    out_range(0, 1, 10);
    out_range(1, 1, 12);
    take(2);
    check_found(VIOLATION_FOREIGN, 1, "element 12 of worker 1 came out before its producer had pushed it: it is at 10");
    audit();
    ck_assert_uint_eq(w.slot->violations[VIOLATION_FOREIGN], 2); /* 11 might have been under way */
}
END_TEST

START_TEST(many_that_are_lost_are_counted)
{
    begin(1, 1000);
    out_range(0, 1, 1000);
    out_range(1, 1, 500);
    take(2);
    check_clean();
    audit();
    ck_assert_uint_ge(w.slot->violations[VIOLATION_LOST], 1);
    testing_has(w.slot->evidence[0].text, "of worker 1");
    ck_assert_uint_gt(w.slot->evidence[0].expected.version, w.slot->evidence[0].found.version);
}
END_TEST

static void tear(unsigned char *element, size_t *got)
{
    payload_fill(element + 24, *got - 24, stream_stamp(&spec.shape, 1, 5) + 3 * PAYLOAD_STRIDE);
}

static void forge(unsigned char *element, size_t *got)
{
    payload_fill(element, *got, payload_stamp(3, 0, stream_tag(&spec.shape) ^ 1));
}

static void shorten(unsigned char *element, size_t *got)
{
    (void)element;
    *got -= 8;
}

static void cut(unsigned char *element, size_t *got)
{
    (void)element;
    *got = 7;
}

static void overrun(unsigned char *element, size_t *got)
{
    (void)got;
    element[SIZE] ^= 1;
}

/* The third of five elements is spoilt. */
static void spoilt(void (*spoil)(unsigned char *element, size_t *got), enum violation kind, const char *part)
{
    begin(1, 5);
    out_range(0, 1, 5);
    script[2].spoil = spoil;
    take(2);
    check_found(kind, 1, part);
    ck_assert_uint_eq(w.ops, 5);
}

START_TEST(torn_foreign_short_and_overlong_elements_are_told)
{
    spoilt(tear, VIOLATION_TORN, "torn at offset 24 of 64: up to there element 3 of worker 0, from there element 5 of worker 1; "
                                 "this worker had taken element 2 of worker 0 before");
    ck_assert_uint_eq(w.slot->evidence[0].offset, 24);
    ck_assert_uint_gt(w.slot->evidence[0].bytes_count, 0);
    spoilt(forge, VIOLATION_FOREIGN, "an element came out that no worker of this trial has pushed");
    spoilt(shorten, VIOLATION_TORN, "element 3 of worker 0 went in with 64 bytes and came out with 56");
    spoilt(cut, VIOLATION_TORN, "an element of 7 bytes came out; they have 8 to 64");
    spoilt(overrun, VIOLATION_SCRIBBLED, "a pop has written beyond the 64 bytes it was given");
}
END_TEST

START_TEST(a_queue_that_never_gets_empty_does_not_keep_its_consumers)
{
    begin(1, 10);
    out_range(0, 1, 10);
    for (int i = 0; i < 1000; i++)
        out(1, 1 + (uint64_t)i % 10);
    worker_of(2);
    s.area->closed = 1;
    load_stream.read(&w);
    ck_assert_uint_eq(w.ops, 21); /* one more than were pushed */
}
END_TEST

START_TEST(lengths_vary_within_bounds_and_accounts_fit_every_crew)
{
    struct shape shape = spec.shape;
    unsigned shorter = 0;
    for (uint64_t n = 1; n < 4000; n++) {
        size_t length = stream_length(&shape, n);
        if (length < STREAM_SIZE_MIN || length > SIZE)
            ck_abort_msg("element %llu: %zu", (unsigned long long)n, length);
        shorter += length < SIZE;
    }
    ck_assert_uint_gt(shorter, 100);
    shape.size = STREAM_SIZE_MIN;
    ck_assert_uint_eq(stream_length(&shape, 7), STREAM_SIZE_MIN);
    shape.writers = shape.readers = 1000;
    ck_assert_uint_lt(account_book_bytes(&shape), 128u << 20);
}
END_TEST

static const char *refused_fault(struct fault_ops fault)
{
    struct shape shape = {.writers = 2, .readers = 2, .size = SIZE, .family = SYNC_QUEUE};
    return load_stream.refuses(&shape, &scripted, &fault);
}

static const char *refused(uint32_t writers, uint32_t readers, unsigned traits, bool in_step)
{
    struct shape shape = {.writers = writers, .readers = readers, .size = SIZE, .family = SYNC_QUEUE};
    struct sync_ops sync = {.name = "any", .family = SYNC_QUEUE, .traits = traits};
    struct fault_ops fault = {.name = "any", .in_step = in_step};
    return load_stream.refuses(&shape, &sync, &fault);
}

START_TEST(crews_that_would_wait_for_ever_are_refused)
{
    ck_assert_ptr_nonnull(refused(2, 0, 0, false));
    ck_assert_ptr_nonnull(refused(2, 1, SYNC_BLOCKING, true));
    ck_assert_ptr_null(refused(2, 2, SYNC_BLOCKING, true));
    ck_assert_ptr_null(refused(2, 1, 0, true));
    ck_assert_ptr_null(refused(2, 1, SYNC_BLOCKING, false));
    ck_assert_ptr_null(refused_fault((struct fault_ops){.name = "any", .deadly = true}));
    ck_assert_ptr_null(refused_fault((struct fault_ops){.name = "any"}));
}
END_TEST

static void inspect(void)
{
    worker_of(shape_workers(&spec.shape));
    load_stream.inspect(&w);
}

START_TEST(what_a_dead_producer_had_under_way_may_have_come_out_or_not)
{
    for (uint64_t last = 50; last <= 52; last++) {
        begin(1, 50);
        ledger.slots[1].doomed = 1;
        out_range(0, 1, 50);
        out_range(1, 1, last); /* it says that it has pushed 50 */
        take(2);
        if (last <= 51)
            check_clean();
        inspect();
        if (last <= 51)
            check_clean();
        else
            check_found(VIOLATION_FOREIGN, 2, "came out and never went in");
        ledger_destroy(&ledger);
    }
}
END_TEST

START_TEST(what_a_dead_consumer_had_in_its_hands_is_gone_and_no_more)
{
    for (uint32_t lost = 1; lost <= 2; lost++) {
        begin(2, 50);
        ledger.slots[3].doomed = 1;
        out_range(0, 1, 50);
        out_range(1, 1, 50 - lost);
        take(2);
        check_clean();
        inspect();
        if (lost == 1)
            check_clean();
        else
            check_found(VIOLATION_LOST, 1, "went in and never came out");
        ledger_destroy(&ledger);
    }
}
END_TEST

int main(void)
{
    return testing_run("stream", (const TTest *[]){
                                     two_producers_elements_may_come_in_any_mixture,
                                     two_consumers_may_share_a_producers_elements_out_in_any_way,
                                     an_element_that_comes_twice_is_told_at_once_and_by_the_audit,
                                     an_element_that_two_consumers_get_is_told_with_both,
                                     elements_of_one_producer_in_another_order_are_told,
                                     a_lost_element_is_told_while_the_trial_runs_and_by_the_audit,
                                     the_audit_names_two_that_are_lost_and_one_that_took_anothers_place,
                                     the_last_element_is_missed_and_one_too_many_is_invented,
                                     many_that_are_lost_are_counted,
                                     torn_foreign_short_and_overlong_elements_are_told,
                                     a_queue_that_never_gets_empty_does_not_keep_its_consumers,
                                     lengths_vary_within_bounds_and_accounts_fit_every_crew,
                                     crews_that_would_wait_for_ever_are_refused,
                                     what_a_dead_producer_had_under_way_may_have_come_out_or_not,
                                     what_a_dead_consumer_had_in_its_hands_is_gone_and_no_more,
                                     NULL,
                                 });
}
