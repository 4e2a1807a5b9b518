/* Tests of the snapshot load: what its workers find in a record that others meddle with, in the general loop and the tight one. */
#include "workloads/load/snapshot_testing.h"

START_TEST(writers_and_readers_that_exclude_each_other_find_nothing_at_any_size)
{
    IN_BOTH_LOOPS {
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
    IN_BOTH_LOOPS {
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
    IN_BOTH_LOOPS {
        begin(0, 64);
        on_enter = newer_and_then_half_written;
        run(3);
        check_found(VIOLATION_TORN, 1, "torn at offset 24 of 64");
    }
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
    IN_BOTH_LOOPS {
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
}
END_TEST

START_TEST(the_initial_content_is_nobodys_and_no_violation)
{
    IN_BOTH_LOOPS {
        begin(READER, 64);
        run(2);
        check_clean();
    }
}
END_TEST

static void versions_go_back(int call)
{
    fill(call == 4 ? 12 : 20, OTHER);
}

START_TEST(a_version_older_than_one_seen_before_is_back)
{
    IN_BOTH_LOOPS {
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
}
END_TEST

static void version_20(int call)
{
    (void)call;
    fill(20, OTHER);
}

START_TEST(a_version_older_than_one_known_to_be_complete_is_stale)
{
    IN_BOTH_LOOPS {
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
}
END_TEST

START_TEST(a_version_just_known_to_be_complete_is_not_stale)
{
    IN_BOTH_LOOPS {
        begin(READER, 64);
        on_enter = version_20;
        ledger.slots[0].version = ledger.slots[1].version = 20;
        run(30);
        check_clean();
    }
}
END_TEST

/* What a writer has left counts as seen, whoever wrote before. */
static void its_own_write_is_undone(int call)
{
    if (call == 5)
        fill(2, OTHER);
}

START_TEST(a_record_from_before_the_workers_own_write_is_back)
{
    IN_BOTH_LOOPS {
        begin(0, 64);
        on_enter = its_own_write_is_undone;
        run(8);
        check_found(VIOLATION_BACK, 1, "found version 2 of worker 1, although this worker had already seen version 4");
    }
}
END_TEST

/* A writer's tear in the middle, where neither end of the record shows it: the general loop looks at the ends alone. */
static void wrong_in_the_middle(int call)
{
    if (call == 3)
        payload()[32] ^= 1;
}

START_TEST(a_tight_writer_checks_every_word)
{
    tight = true;
    begin(0, 64);
    on_enter = wrong_in_the_middle;
    run(6);
    ck_assert_uint_eq(check_found(VIOLATION_TORN, 1, "torn at offset 32 of 64").offset, 32);
    tight = false;
}
END_TEST

/* Whoever asks is told the version that is complete, after every operation. */
static uint64_t most_known;

static void another_writer_asks(int call)
{
    uint64_t known = slot_known(w.slot), complete = payload_version(payload_peek(payload(), spec.shape.size));
    if (call > 1 && (known > complete || known + 1 < complete))
        ck_abort_msg("call %d: known %llu, complete %llu", call, (unsigned long long)known, (unsigned long long)complete);
    if (call > 1 && known == complete)
        most_known++;
    if (call % 3 == 0)
        other_writes(call);
}

START_TEST(what_a_writer_knows_to_be_complete_is_told_in_both_loops)
{
    IN_BOTH_LOOPS {
        begin(0, 64);
        on_enter = another_writer_asks;
        most_known = 0;
        run(300);
        ck_assert_uint_ge(most_known, 299); /* nobody but this worker has written when it is asked */
        ck_assert_uint_eq(slot_known(w.slot), payload_version(payload_peek(payload(), 64)));
        check_clean();
    }
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
        a_record_from_before_the_workers_own_write_is_back,
        a_tight_writer_checks_every_word,
        what_a_writer_knows_to_be_complete_is_told_in_both_loops,
        a_writer_whose_record_changes_while_it_is_inside_reports_an_overlap,
        NULL,
    });
}
