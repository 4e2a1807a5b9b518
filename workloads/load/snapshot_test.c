/* Tests of the snapshot load and its guarded record: one worker, a lock that lets others meddle on order, and the oracle. */
#include "base/testing.h"
#include "run/crew_worker.h"
#include "workloads/load/record.h"
#include "workloads/load/rows.h"

enum { SIZE_MAX_HERE = 4096, OTHER = 1, READER = 2, WORKERS = 3, AUDITOR = WORKERS };

static _Alignas(128) unsigned char area[SIZE_MAX_HERE + 4 * RECORD_GUARD];
static struct error error;
static struct ledger ledger;
static struct worker w;

/* What others do while this worker is at these places; `call` counts from 1. */
static void (*on_enter)(int call), (*on_inside)(int call);
static int entered;

static int take(struct sync_self *self)
{
    (void)self;
    entered++;
    if (on_enter)
        on_enter(entered);
    return 0;
}

static int give(struct sync_self *self)
{
    (void)self;
    return 0;
}

static void meddle(struct worker *worker, double parameter)
{
    (void)worker;
    (void)parameter;
    if (on_inside)
        on_inside(entered);
}

static const struct sync_ops scripted = {.name = "scripted", .family = SYNC_LOCK, .lock = {.acquire = take, .release = give}};
static const struct fault_ops meddler = {.name = "meddler", .inside = meddle};

static struct trial_spec spec = {
    .load = &load_snapshot,
    .sync = &scripted,
    .fault = &meddler,
    .shape = {.writers = 2, .readers = 1, .sampling = 1, .seed = 77},
};

static void begin(uint32_t index, uint64_t size)
{
    static struct sync_setup setup;
    spec.shape.size = size;
    testing_ok(ledger_create(&ledger, WORKERS, spec_histograms(&spec), &error));
    struct crew_plan plan = {.spec = &spec, .ledger = &ledger, .setups = &setup};
    ck_assert_int_eq(load_snapshot.prepare(area, &spec.shape), 0);
    crew_worker_init(&w, &plan, index, area);
    w.area = area; /* no instances of the sync lie before it here */
    on_enter = on_inside = NULL;
    entered = 0;
}

static void run(uint64_t ops)
{
    w.ops_limit = ops;
    (w.writer ? load_snapshot.write : load_snapshot.read)(&w);
    ck_assert_uint_eq(w.ops, ops);
}

static uint64_t stamp_by(uint64_t version, uint32_t writer)
{
    return payload_stamp(version, writer, record_tag(&spec.shape));
}

static unsigned char *payload(void)
{
    return record_payload(area);
}

static void fill(uint64_t version, uint32_t writer)
{
    payload_fill(payload(), spec.shape.size, stamp_by(version, writer));
}

/* Another writer's whole operation, done as it should be. */
static void other_writes(int call)
{
    (void)call;
    fill(payload_version(payload_peek(payload(), spec.shape.size)) + 1, OTHER);
}

static void check_clean(void)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == 0, "size %d: %s: %s", (int)spec.shape.size, violation_name((enum violation)k),
                      w.slot->evidence[0].text);
    ledger_destroy(&ledger);
}

/* So many violations of that kind, no others, and the first tells this. Returns the first. */
static struct evidence check_found(enum violation kind, uint64_t count, const char *part)
{
    struct evidence first = w.slot->evidence[0];
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == (k == (int)kind ? count : 0), "%s: %llu (%s)", violation_name((enum violation)k),
                      (unsigned long long)w.slot->violations[k], first.text);
    ck_assert_int_eq(first.kind, kind);
    testing_has(first.text, part);
    ledger_destroy(&ledger);
    return first;
}

static const uint64_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 31, 64, 100, 255, 256, 1000, 4096};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

START_TEST(writers_and_readers_that_exclude_each_other_find_nothing_at_any_size)
{
    for (int i = 0; i < SIZES; i++) {
        begin(0, sizes[i]);
        run(700); /* the low byte of the version comes round */
        check_clean();
        begin(0, sizes[i]);
        on_enter = other_writes;
        run(700);
        ck_assert_uint_ge(w.slot->handoffs, 690);
        check_clean();
        begin(READER, sizes[i]);
        on_enter = other_writes;
        run(700);
        check_clean();
        begin(READER, sizes[i]);
        run(10);
        ck_assert_uint_le(w.slot->handoffs, 1);
        check_clean();
    }
}
END_TEST

static void half_written(int call)
{
    fill(10, 0);
    if (call == 3)
        payload_fill(payload(), 24, stamp_by(11, OTHER));
}

START_TEST(a_torn_record_is_reported_with_both_writes_its_offset_and_its_bytes)
{
    begin(READER, 64);
    on_enter = half_written;
    run(5);
    struct evidence e = check_found(VIOLATION_TORN, 1,
                                    "torn at offset 24 of 64: up to there version 11 of worker 1, from there version 10 of worker 0");
    ck_assert_int_eq(e.form, EVIDENCE_WRITES);
    ck_assert_uint_eq(e.offset, 24);
    ck_assert_uint_eq(e.expected.version, 11);
    ck_assert_int_eq(e.expected.writer, OTHER);
    ck_assert_uint_eq(e.found.version, 10);
    ck_assert_int_eq(e.found.writer, 0);
    ck_assert_uint_gt(e.bytes_count, 0);
    half_written(3);
    ck_assert_mem_eq(e.bytes, payload() + e.bytes_at, e.bytes_count);
}
END_TEST

static void last_byte_is_old(int call)
{
    fill(10, 0);
    if (call == 2) {
        unsigned char last = payload()[spec.shape.size - 1];
        fill(11, 0);
        payload()[spec.shape.size - 1] = last;
    }
}

START_TEST(a_record_of_which_one_byte_is_older_is_torn)
{
    static const uint64_t odd[] = {9, 17, 25, 129, 1001};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        begin(READER, odd[i]);
        on_enter = last_byte_is_old;
        run(3);
        ck_assert_uint_eq(check_found(VIOLATION_TORN, 1, "from there something else").offset, odd[i] - 1);
    }
}
END_TEST

static void newer_and_then_half_written(int call)
{
    fill(10 * (uint64_t)call, 0);
    if (call == 3)
        payload_fill(payload(), 24, stamp_by(31, OTHER));
}

START_TEST(a_writer_that_finds_the_ends_of_two_writes_reports_the_tear)
{
    begin(0, 64);
    on_enter = newer_and_then_half_written;
    run(3);
    check_found(VIOLATION_TORN, 1, "torn at offset 24 of 64");
}
END_TEST

static void garbage_in_the_middle(int call)
{
    fill(10, 0);
    if (call == 2)
        memset(payload() + 32, 0xee, 8);
}

static void another_trials_record(int call)
{
    if (call == 2)
        payload_fill(payload(), spec.shape.size, payload_stamp(5, 0, record_tag(&spec.shape) ^ 1));
    else
        fill(5, 0);
}

static void a_stranger_writes(int call)
{
    fill(5, call == 2 ? WORKERS : 0); /* no crew has a worker of that index */
}

static void nobody_writes(int call)
{
    fill(5, call == 2 ? PAYLOAD_NOBODY : 0); /* nobody makes version 0 only */
}

START_TEST(bytes_that_nobody_has_written_are_foreign)
{
    begin(READER, 64);
    on_enter = garbage_in_the_middle;
    run(3);
    ck_assert_uint_eq(check_found(VIOLATION_FOREIGN, 1, "at offset 32 of 64 there are bytes that no worker").offset, 32);
    static void (*const rows[])(int call) = {another_trials_record, a_stranger_writes, nobody_writes};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(READER, 64);
        on_enter = rows[i];
        run(3);
        check_found(VIOLATION_FOREIGN, 1, "the record is whole, but no worker of this trial has written it");
    }
}
END_TEST

START_TEST(the_initial_content_is_nobodys_and_no_violation)
{
    begin(READER, 64);
    run(2);
    check_clean();
}
END_TEST

static void versions_go_back(int call)
{
    fill(call == 4 ? 12 : 20, OTHER);
}

START_TEST(a_version_older_than_one_seen_before_is_back)
{
    begin(READER, 64);
    on_enter = versions_go_back;
    run(4);
    struct evidence e = check_found(VIOLATION_BACK, 1, "found version 12 of worker 1, although this worker had already seen version 20");
    ck_assert_uint_eq(e.expected.version, 20);
    ck_assert_uint_eq(e.found.version, 12);
    begin(0, 64);
    fill(20, OTHER);
    on_enter = versions_go_back;
    run(4);
    check_found(VIOLATION_BACK, 3, "this worker had already seen"); /* all but the first: its own were newer each time */
}
END_TEST

static void version_20(int call)
{
    (void)call;
    fill(20, OTHER);
}

START_TEST(a_version_older_than_one_known_to_be_complete_is_stale)
{
    begin(READER, 64);
    on_enter = version_20;
    for (int i = 0; i < WORKERS; i++)
        ledger.slots[i].version = 21;
    w.slot->version = 0;
    run(30); /* whom it asks is drawn by lot; itself it has asked in vain */
    uint64_t stale = w.slot->violations[VIOLATION_STALE];
    ck_assert_uint_gt(stale, 5);
    ck_assert_uint_lt(stale, 30);
    check_found(VIOLATION_STALE, stale, "found version 20 of worker 1, although another worker was done with version 21");
}
END_TEST

START_TEST(a_version_just_known_to_be_complete_is_not_stale)
{
    begin(READER, 64);
    on_enter = version_20;
    ledger.slots[0].version = ledger.slots[1].version = 20;
    run(30);
    check_clean();
}
END_TEST

static void other_begins_to_write(int call)
{
    if (call == 2)
        payload_fill(payload(), 8, stamp_by(99, OTHER));
}

START_TEST(a_writer_whose_record_changes_while_it_is_inside_reports_an_overlap)
{
    begin(0, 64);
    on_inside = other_begins_to_write;
    run(2);
    struct evidence e = check_found(VIOLATION_OVERLAP, 1, "two holders at once: while worker 0 was inside with version 2 of worker 0, "
                                                          "offset 0 of the record became version 99 of worker 1");
    ck_assert_uint_eq(e.found.version, 99);
    ck_assert_int_eq(e.found.writer, OTHER);
}
END_TEST

START_TEST(what_is_still_there_after_a_write_is_confirmed_at_every_size_and_what_is_not_is_found_in_the_end)
{
    for (int i = 0; i < SIZES; i++) {
        size_t bytes = sizes[i], last = bytes < 8 ? 0 : bytes / 8 * 8 - 8;
        begin(0, bytes);
        record_write(&w, area, 300);
        for (int k = 0; k < 100; k++)
            record_confirm(&w, area, 300);
        ck_assert_uint_eq(w.slot->violations[VIOLATION_OVERLAP], 0);
        payload()[last] ^= 1;
        for (int k = 0; k < 100; k++)
            record_confirm(&w, area, 300);
        ck_assert_uint_gt(w.slot->violations[VIOLATION_OVERLAP], 10); /* every second look is at the last word */
        ledger_destroy(&ledger);
    }
}
END_TEST

/* The auditor, after writers that made so many writes. */
static void begin_audit(uint64_t ops0, uint64_t ops1, uint64_t version, uint64_t size)
{
    begin(AUDITOR, size);
    ledger.slots[0].ops = ops0;
    ledger.slots[1].ops = ops1;
    ledger.slots[READER].ops = 12345; /* a reader's do not count */
    fill(version, OTHER);
}

START_TEST(as_many_writes_as_versions_pass_the_audit_and_others_are_lost)
{
    for (int i = 0; i < SIZES; i++) {
        begin_audit(700, 301, 1001, sizes[i]);
        load_snapshot.audit(&w);
        check_clean();
        begin_audit(700, 302, 1001, sizes[i]);
        load_snapshot.audit(&w);
        check_found(VIOLATION_LOST, 1, "1002 writes were made, the record has come to version ");
    }
}
END_TEST

START_TEST(a_torn_or_foreign_last_record_is_told_by_the_audit)
{
    begin_audit(5, 5, 10, 64);
    payload_fill(payload(), 16, stamp_by(9, 0));
    load_snapshot.audit(&w);
    check_found(VIOLATION_TORN, 1, "torn at offset 16");
}
END_TEST

START_TEST(scribbled_guards_are_told_with_their_bytes)
{
    for (int i = 0; i < SIZES; i++) {
        begin_audit(5, 5, 10, sizes[i]);
        area[RECORD_GUARD - 1] ^= 1; /* the byte before the record */
        load_snapshot.audit(&w);
        struct evidence e = check_found(VIOLATION_SCRIBBLED, 1, "the 64 bytes before the record were overwritten");
        ck_assert_uint_eq(e.bytes_count, RECORD_GUARD);
        ck_assert_mem_eq(e.bytes, area, RECORD_GUARD);
        begin_audit(5, 5, 10, sizes[i]);
        payload()[sizes[i]] ^= 0x80; /* the byte after it */
        load_snapshot.audit(&w);
        check_found(VIOLATION_SCRIBBLED, 1, "the 64 bytes after the record were overwritten");
    }
}
END_TEST

START_TEST(a_guard_with_one_byte_changed_anywhere_is_scribbled)
{
    for (size_t at = 0; at < 2 * RECORD_GUARD; at++) {
        begin_audit(5, 5, 10, 64);
        (at < RECORD_GUARD ? area : payload() + 64 - RECORD_GUARD)[at] ^= 0x20;
        load_snapshot.audit(&w);
        check_found(VIOLATION_SCRIBBLED, 1, "were overwritten");
    }
}
END_TEST

START_TEST(the_initial_content_is_told_as_nobodys)
{
    ck_assert_int_eq(record_writer(payload_stamp(0, PAYLOAD_NOBODY, 0)), -1);
    ck_assert_int_eq(record_writer(payload_stamp(7, 12, 0)), 12);
    ck_assert_uint_eq(record_bytes(100), 100 + 2 * RECORD_GUARD);
}
END_TEST

int main(void)
{
    return testing_run("snapshot", (const TTest *[]){
                                       writers_and_readers_that_exclude_each_other_find_nothing_at_any_size,
                                       a_torn_record_is_reported_with_both_writes_its_offset_and_its_bytes,
                                       a_record_of_which_one_byte_is_older_is_torn,
                                       a_writer_that_finds_the_ends_of_two_writes_reports_the_tear,
                                       bytes_that_nobody_has_written_are_foreign,
                                       the_initial_content_is_nobodys_and_no_violation,
                                       a_version_older_than_one_seen_before_is_back,
                                       a_version_older_than_one_known_to_be_complete_is_stale,
                                       a_version_just_known_to_be_complete_is_not_stale,
                                       a_writer_whose_record_changes_while_it_is_inside_reports_an_overlap,
                                       what_is_still_there_after_a_write_is_confirmed_at_every_size_and_what_is_not_is_found_in_the_end,
                                       as_many_writes_as_versions_pass_the_audit_and_others_are_lost,
                                       a_torn_or_foreign_last_record_is_told_by_the_audit,
                                       scribbled_guards_are_told_with_their_bytes,
                                       a_guard_with_one_byte_changed_anywhere_is_scribbled,
                                       the_initial_content_is_told_as_nobodys,
                                       NULL,
                                   });
}
