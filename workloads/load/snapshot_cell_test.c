/* Tests of the snapshot load on cells: what a register with several writers may return, and what proves it broken. */
#include "workloads/load/oracle_testing.h"
#include "workloads/load/record.h"

enum { SIZE = 64 };

static unsigned char cell[SIZE + 8];
/* What others do before this worker's n-th read, from 1. */
static void (*before_read)(uint64_t call);
static size_t reads_beyond; /* bytes */

static int scripted_write(struct sync_self *self, const void *value)
{
    memcpy(cell, value, self->setup->size);
    return 0;
}

static int scripted_read(struct sync_self *self, void *value)
{
    calls++;
    if (before_read)
        before_read(calls);
    memcpy(value, cell, self->setup->size + reads_beyond);
    return 0;
}

static const struct sync_ops scripted = {
    .name = "scripted", .family = SYNC_CELL, .cell = {.write = scripted_write, .read = scripted_read}};

static void start(uint32_t index, uint64_t size, uint32_t readers, void (*script)(uint64_t call))
{
    spec = (struct trial_spec){
        .load = &load_snapshot,
        .sync = &scripted,
        .fault = contents_fault("none"),
        .shape = {.writers = 2, .readers = readers, .size = size, .sampling = 1, .seed = 7},
    };
    memset(cell, 0, sizeof cell);
    before_read = script;
    reads_beyond = 0;
    begin(index);
}

/* The cell holds that version of that writer, up to `bytes` bytes. */
static void put(size_t bytes, uint64_t version, uint32_t writer)
{
    unsigned char value[SIZE];
    payload_fill(value, SIZE, payload_stamp(version, writer, record_tag(&spec.shape)));
    memcpy(cell, value, bytes);
}

static void hold(uint64_t version, uint32_t writer)
{
    put(SIZE, version, writer);
}

static void two_writers_by_turns(uint64_t call)
{
    hold((call + 1) / 2, call % 2);
    ledger.slots[call % 2].ops = (call + 1) / 2;
}

START_TEST(writers_that_take_turns_are_hand_offs_and_nothing_else)
{
    start(READER, SIZE, 1, two_writers_by_turns);
    run(200);
    ck_assert_uint_eq(w.slot->handoffs, 200);
    check_clean();
}
END_TEST

/* Writer 1 is far behind in its own numbers; writer 0's write under way shows, then one of writer 1 again. */
static void uneven_versions(uint64_t call)
{
    static const struct {
        uint64_t version;
        uint32_t writer;
    } order[] = {{500, 0}, {3, 1}, {501, 0}, {501, 0}, {4, 1}, {502, 0}};
    hold(order[call - 1].version, order[call - 1].writer);
}

START_TEST(versions_of_different_writers_are_not_compared)
{
    start(READER, SIZE, 1, uneven_versions);
    run(6);
    check_clean();
}
END_TEST

static void half_and_half(uint64_t call)
{
    hold(5, 0);
    if (call == 2)
        put(24, 6, 1);
}

START_TEST(a_value_of_two_writes_is_torn)
{
    start(READER, SIZE, 1, half_and_half);
    run(2);
    struct evidence found = check_found(VIOLATION_TORN, 1, "torn at offset 24 of 64: up to there version 6 of worker 1");
    ck_assert_int_eq(found.found.writer, 0);
}
END_TEST

static void one_step_back(uint64_t call)
{
    hold(call == 3 ? 4 : 5, 0);
}

START_TEST(an_older_version_of_the_same_writer_has_gone_back)
{
    start(READER, SIZE, 1, one_step_back);
    run(4);
    check_found(VIOLATION_BACK, 1, "found version 4 of worker 0, although this worker had already read its version 5");
}
END_TEST

static void seven_are_complete(uint64_t call)
{
    static const uint64_t versions[] = {7, 8, 6};
    ledger.slots[0].ops = 7;
    hold(versions[call % 3], 0);
}

START_TEST(what_was_replaced_before_the_read_began_is_stale)
{
    start(READER, SIZE, 1, seven_are_complete);
    ledger.slots[0].ops = 7;
    run(1); /* version 8: under way */
    check_clean();
    start(READER, SIZE, 1, seven_are_complete);
    ledger.slots[0].ops = 7;
    calls = 1;
    run(1);
    check_found(VIOLATION_STALE, 1, "found version 6 of worker 0, which was overwritten before");
}
END_TEST

static uint64_t writes_since; /* of worker 0, since the mark */

/* First read: a mark is set at 3 and 5. Second: worker 0 has gone on, and worker 1's fifth is still there. */
static void overwritten_by_the_other(uint64_t call)
{
    hold(call == 1 ? 3 : 5, call == 1 ? 0 : 1);
    ledger.slots[0].ops = call == 1 ? 3 : 3 + writes_since;
}

START_TEST(what_another_writer_must_have_overwritten_is_stale)
{
    for (writes_since = 0; writes_since < 4; writes_since++) {
        start(READER, SIZE, 1, overwritten_by_the_other);
        ledger.slots[0].ops = 3;
        ledger.slots[1].ops = 5;
        run(2);
        check_clean(); /* nobody knew of it before the second read began */
        start(READER, SIZE, 1, overwritten_by_the_other);
        ledger.slots[0].ops = 3;
        ledger.slots[1].ops = 5;
        run(3);
        if (writes_since < 2)
            check_clean(); /* the one write may have begun before worker 1's fifth ended */
        else
            check_found(VIOLATION_STALE, 1, "found version 5 of worker 1, which was overwritten before");
    }
}
END_TEST

static void nothing_yet(uint64_t call)
{
    (void)call;
}

START_TEST(zeros_are_there_until_the_first_write_and_not_after_it)
{
    start(READER, SIZE, 1, nothing_yet);
    run(3);
    ck_assert_uint_eq(w.slot->handoffs, 0);
    check_clean();
    start(READER, SIZE, 1, nothing_yet);
    ledger.slots[1].ops = 1;
    run(1);
    check_found(VIOLATION_STALE, 1, "found the initial zeros");
}
END_TEST

static void from_elsewhere(uint64_t call)
{
    payload_fill(cell, SIZE, payload_stamp(1, call == 1 ? READER : 0, record_tag(&spec.shape) ^ (call != 1)));
}

START_TEST(a_value_that_no_writer_has_written_is_foreign)
{
    start(READER, SIZE, 1, from_elsewhere);
    run(1);
    check_found(VIOLATION_FOREIGN, 1, "found a value of worker 2, which is no writer");
    start(READER, SIZE, 1, from_elsewhere);
    run(2);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_FOREIGN], 2);
    ledger_destroy(&ledger);
}
END_TEST

static void others_write(uint64_t call)
{
    if (call % 2)
        hold(call, OTHER);
}

static void own_write_is_lost(uint64_t call)
{
    if (call == 3)
        hold(2, WRITER);
}

START_TEST(where_nobody_else_reads_a_writer_finds_its_own_write_or_anothers)
{
    start(WRITER, SIZE, 0, nothing_yet);
    run(10);
    check_clean();
    start(WRITER, SIZE, 0, others_write);
    run(10);
    ck_assert_uint_eq(w.slot->handoffs, 5);
    check_clean();
    start(WRITER, SIZE, 0, own_write_is_lost);
    run(3);
    check_found(VIOLATION_STALE, 1, "found version 2 of worker 0");
}
END_TEST

static void mixed_bytes(uint64_t call)
{
    if (call == 2)
        cell[1] ^= 1;
}

START_TEST(values_below_a_word_show_whether_their_bytes_belong_together)
{
    for (uint64_t size = 1; size < 8; size++) {
        start(WRITER, size, 0, nothing_yet);
        run(600);
        check_clean();
    }
    for (uint64_t size = 2; size < 8; size++) {
        start(WRITER, size, 0, mixed_bytes);
        run(2);
        check_found(VIOLATION_TORN, 1, "were not written together");
    }
}
END_TEST

/* The upper half of one version, the lower half of the one before. */
static void halves_of_a_word(uint64_t call)
{
    static unsigned char first[8];
    if (call == 1)
        memcpy(first, cell, 8);
    else
        memcpy(cell, first, 4);
}

START_TEST(a_word_of_two_halves_is_seen_with_a_single_writer_too)
{
    start(WRITER, 8, 0, nothing_yet);
    run(50);
    check_clean();
    start(WRITER, 8, 0, halves_of_a_word);
    run(2);
    ck_assert_uint_ge(w.slot->violations[VIOLATION_FOREIGN] + w.slot->violations[VIOLATION_STALE], 1);
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(a_read_that_gives_more_than_the_value_scribbles)
{
    start(READER, SIZE, 1, nothing_yet);
    reads_beyond = 1;
    run(1);
    check_found(VIOLATION_SCRIBBLED, 1, "the 64 bytes after the record were overwritten");
}
END_TEST

static void audit_of(uint64_t left, uint32_t writer)
{
    start(AUDITOR, SIZE, 1, NULL);
    ledger.slots[0].ops = 100;
    ledger.slots[1].ops = 40;
    hold(left, writer);
    spec.load->audit(&w);
    ck_assert_uint_eq(w.slot->handoffs, 0);
}

START_TEST(what_is_left_is_the_last_write_of_one_of_them)
{
    audit_of(100, 0);
    check_clean();
    audit_of(40, 1);
    check_clean();
    audit_of(99, 0);
    check_found(VIOLATION_LOST, 1, "what is left is version 99 of worker 0, who has made 100 writes");
    audit_of(39, 1);
    check_found(VIOLATION_LOST, 1, "what is left is version 39 of worker 1, who has made 40 writes");
}
END_TEST

static uint64_t found; /* by the only read */

static void one_of_them(uint64_t call)
{
    (void)call;
    hold(found, WRITER);
}

/* Writer 0 writes twice, then a reader who looks at nobody's slot finds one of these versions. */
START_TEST(recorded_operations_show_what_no_order_explains)
{
    for (found = 1; found <= 2; found++) {
        start(WRITER, SIZE, 1, one_of_them);
        spec.shape.history = 10;
        run(2);
        become(READER);
        w.until_sample = 1000;
        run(1);
        check_only(VIOLATION_TORN, 0);
        become(AUDITOR);
        before_read = NULL;
        hold(2, WRITER);
        spec.load->audit(&w);
        if (found == 2)
            check_clean();
        else
            check_found(VIOLATION_HISTORY, 1, "version 1 of worker 0");
    }
}
END_TEST

int main(void)
{
    return testing_run("snapshot_cell", (const TTest *[]){
                                            writers_that_take_turns_are_hand_offs_and_nothing_else,
                                            versions_of_different_writers_are_not_compared,
                                            a_value_of_two_writes_is_torn,
                                            an_older_version_of_the_same_writer_has_gone_back,
                                            what_was_replaced_before_the_read_began_is_stale,
                                            what_another_writer_must_have_overwritten_is_stale,
                                            zeros_are_there_until_the_first_write_and_not_after_it,
                                            a_value_that_no_writer_has_written_is_foreign,
                                            where_nobody_else_reads_a_writer_finds_its_own_write_or_anothers,
                                            values_below_a_word_show_whether_their_bytes_belong_together,
                                            a_word_of_two_halves_is_seen_with_a_single_writer_too,
                                            a_read_that_gives_more_than_the_value_scribbles,
                                            what_is_left_is_the_last_write_of_one_of_them,
                                            recorded_operations_show_what_no_order_explains,
                                            NULL,
                                        });
}
