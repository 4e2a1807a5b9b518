/* Tests of the snapshot load's guarded record: what is confirmed after a write, and what the audit finds in the end. */
#include "workloads/load/snapshot_testing.h"

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
    return testing_run("snapshot_audit", (const TTest *[]){
        what_is_still_there_after_a_write_is_confirmed_at_every_size_and_what_is_not_is_found_in_the_end,
        as_many_writes_as_versions_pass_the_audit_and_others_are_lost,
        a_torn_or_foreign_last_record_is_told_by_the_audit,
        scribbled_guards_are_told_with_their_bytes,
        a_guard_with_one_byte_changed_anywhere_is_scribbled,
        the_initial_content_is_told_as_nobodys,
        NULL,
    });
}
