/* Tests of settling: what workers can have written stays as it is, garbage is mended, counted and told. */
#include "run/settle.h"

#include "base/seed.h"
#include "base/testing.h"

static struct ledger ledger;
static struct error error;

static void begin(uint32_t workers)
{
    testing_ok(ledger_create(&ledger, workers, 3, &error));
}

START_TEST(a_fresh_ledger_is_whole)
{
    begin(3);
    ck_assert_uint_eq(settle(&ledger, clock_ns()), 0);
    ck_assert_uint_eq(ledger_auditor(&ledger)->violations[VIOLATION_SCRIBBLED], 0);
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(what_a_worker_writes_is_left_as_it_is)
{
    begin(2);
    uint64_t gate_ns = clock_ns();
    struct slot *slot = &ledger.slots[1];
    slot->phase = PHASE_DONE;
    slot->ops = 1ULL << 50;
    slot->started_ns = gate_ns;
    slot->ended_ns = clock_ns();
    slot->violations[VIOLATION_TORN] = 7;
    slot->evidence_count = SLOT_EVIDENCE;
    for (int i = 0; i < SLOT_EVIDENCE; i++) {
        slot->evidence[i] = (struct evidence){.kind = VIOLATION_STARVED, .form = EVIDENCE_VALUES, .at_ns = clock_ns(),
                                              .bytes_count = EVIDENCE_BYTES};
        memset(slot->evidence[i].text, 'x', EVIDENCE_TEXT_MAX - 1);
    }
    histogram_record(&ledger_histograms(&ledger, 1)[2], 12345, clock_ns(), 1);
    histogram_record(&ledger_histograms(&ledger, 1)[2], UINT64_C(1) << 50, clock_ns(), 0);
    ledger_histograms(&ledger, 1)[2].count++; /* killed between two additions */
    struct slot before = *slot;
    ck_assert_uint_eq(settle(&ledger, gate_ns), 0);
    ck_assert_mem_eq(&before, slot, sizeof before);
    ck_assert_uint_eq(ledger_histograms(&ledger, 1)[2].count, 3);
    ledger_destroy(&ledger);
}
END_TEST

/* Everything that the judge and the records use as a length, an index or a name. */
static void check_harmless(const struct slot *slot)
{
    ck_assert_uint_lt(slot->phase, PHASES);
    ck_assert_uint_le(slot->evidence_count, SLOT_EVIDENCE);
    ck_assert_ptr_nonnull(memchr(slot->failure, 0, sizeof slot->failure));
    for (uint32_t i = 0; i < slot->evidence_count; i++) {
        ck_assert_uint_lt(slot->evidence[i].kind, VIOLATIONS);
        ck_assert_uint_le(slot->evidence[i].form, EVIDENCE_VALUES);
        ck_assert_uint_le(slot->evidence[i].bytes_count, EVIDENCE_BYTES);
        ck_assert_ptr_nonnull(memchr(slot->evidence[i].text, 0, EVIDENCE_TEXT_MAX));
    }
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_uint_le(slot->violations[k], 1ULL << 57);
}

START_TEST(garbage_of_any_kind_is_mended_and_told)
{
    uint64_t random = 42;
    for (int round = 0; round < 50; round++) {
        begin(3);
        unsigned char *slot = (unsigned char *)&ledger.slots[1];
        for (size_t i = 0; i < sizeof(struct slot); i++)
            slot[i] = round == 0 ? 0xff : (unsigned char)seed_next(&random);
        ck_assert_uint_eq(settle(&ledger, clock_ns()), 1);
        check_harmless(&ledger.slots[1]);
        const struct slot *auditor = ledger_auditor(&ledger);
        ck_assert_uint_eq(auditor->violations[VIOLATION_SCRIBBLED], 1);
        testing_has(auditor->evidence[0].text, "record of worker 1");
        ck_assert_uint_eq(settle(&ledger, 0), 0); /* the second time there is nothing left to mend */
        ledger_destroy(&ledger);
    }
}
END_TEST

START_TEST(a_slot_that_is_wiped_out_has_lost_its_mark)
{
    begin(2);
    memset(&ledger.slots[0], 0, 2 * sizeof(struct slot));
    ck_assert_uint_eq(settle(&ledger, 0), 2);
    testing_has(ledger_auditor(&ledger)->evidence[0].text, "its mark");
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(the_auditors_own_slot_is_looked_over_too)
{
    begin(2);
    memset(ledger_auditor(&ledger), 0x5a, sizeof(struct slot));
    ck_assert_uint_eq(settle(&ledger, 0), 1);
    check_harmless(ledger_auditor(&ledger));
    ck_assert_uint_ge(ledger_auditor(&ledger)->violations[VIOLATION_SCRIBBLED], 1);
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(a_histogram_that_does_not_add_up_is_emptied)
{
    begin(2);
    struct histogram *h = &ledger_histograms(&ledger, 0)[1];
    for (int i = 0; i < 10; i++)
        histogram_record(h, 100, clock_ns(), 0);
    h->steps[3] = UINT64_MAX;
    ck_assert_uint_eq(settle(&ledger, 0), 1);
    ck_assert_uint_eq(h->count, 0);
    testing_has(ledger_auditor(&ledger)->evidence[0].text, "its histograms");
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(a_course_that_does_not_add_up_is_emptied_and_a_cut_one_is_nobodys_fault)
{
    begin(2);
    struct course_cursor cursor;
    struct course *course = ledger_course(&ledger, 1);
    for (int scribbled = 0; scribbled < 2; scribbled++) {
        course_begin(&cursor, course, 0, 0, 1000, 1000);
        course_note(&cursor, 0, 500, 10);
        ck_assert_uint_eq(settle(&ledger, clock_ns()), 0);
        ck_assert_uint_eq(course->intervals[0].count, 1);
        if (scribbled)
            memset(course->intervals[3].steps, 0x11, sizeof course->intervals[3].steps);
        else
            course->folding = 1;
        ck_assert_uint_eq(settle(&ledger, clock_ns()), (uint32_t)scribbled);
        ck_assert_uint_eq(course->intervals[0].count, 0);
    }
    testing_has(ledger_auditor(&ledger)->evidence[0].text, "its latencies over time");
    ledger_destroy(&ledger);
}
END_TEST

int main(void)
{
    return testing_run("settle", (const TTest *[]){
                                     a_fresh_ledger_is_whole,
                                     what_a_worker_writes_is_left_as_it_is,
                                     garbage_of_any_kind_is_mended_and_told,
                                     a_slot_that_is_wiped_out_has_lost_its_mark,
                                     the_auditors_own_slot_is_looked_over_too,
                                     a_histogram_that_does_not_add_up_is_emptied,
                                     a_course_that_does_not_add_up_is_emptied_and_a_cut_one_is_nobodys_fault,
                                     NULL,
                                 });
}
