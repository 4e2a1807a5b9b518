/* Tests of the ledger: its layout, what processes share through it, and one look at all workers. */
#define _GNU_SOURCE
#include "run/ledger.h"

#include <sys/resource.h>

#include "base/testing.h"

static struct error error;
static struct ledger ledger;

START_TEST(a_new_ledger_is_all_zero_but_for_the_marks)
{
    testing_ok(ledger_create(&ledger, 5, 4, &error));
    ck_assert_uint_eq(ledger.workers, 5);
    ck_assert_uint_eq(ledger.kinds, 4);
    for (uint32_t i = 0; i <= 5; i++) {
        ck_assert_uint_eq(ledger.slots[i].mark, SLOT_MARK);
        ledger.slots[i].mark = 0;
    }
    for (size_t i = 0; i < ledger.bytes; i++)
        if (((char *)ledger.base)[i] != 0)
            ck_abort_msg("byte %zu is not zero", i);
    ledger_destroy(&ledger);
}
END_TEST

static bool inside(const void *part, size_t bytes)
{
    uintptr_t base = (uintptr_t)ledger.base, at = (uintptr_t)part;
    return at >= base && at + bytes <= base + ledger.bytes;
}

START_TEST(nothing_in_a_ledger_overlaps_or_reaches_beyond_it)
{
    static const uint32_t populations[] = {1, 2, 7, 64, 300, LEDGER_COURSES, LEDGER_COURSES + 1, 5000};
    for (size_t p = 0; p < sizeof populations / sizeof populations[0]; p++) {
        for (uint32_t kinds = 3; kinds <= 11; kinds += 4) {
            uint32_t workers = populations[p];
            testing_ok(ledger_create(&ledger, workers, kinds, &error));
            ck_assert_uint_eq(ledger.bytes, ledger_bytes(workers, kinds));
            ck_assert(inside(ledger.gate, sizeof *ledger.gate));
            ck_assert_uint_ge((uintptr_t)ledger.slots, (uintptr_t)(ledger.gate + 1));
            ck_assert_uint_ge((uintptr_t)ledger.histograms, (uintptr_t)(ledger.slots + workers + 1));
            for (uint32_t i = 0; i <= workers; i++) {
                struct histogram *own = ledger_histograms(&ledger, i);
                ck_assert_uint_eq((uintptr_t)&ledger.slots[i] % SLOT_ALIGN, 0);
                ck_assert(inside(own, kinds * sizeof *own));
                if (i)
                    ck_assert_uint_ge((uintptr_t)own, (uintptr_t)(ledger_histograms(&ledger, i - 1) + kinds));
            }
            uintptr_t free_from = (uintptr_t)(ledger_histograms(&ledger, workers) + kinds);
            uint32_t courses = 0;
            for (uint32_t i = 0; i <= workers; i++) {
                struct course *own = ledger_course(&ledger, i);
                if (!own)
                    continue;
                courses++;
                ck_assert(inside(own, sizeof *own));
                ck_assert_uint_ge((uintptr_t)own, free_from);
                free_from = (uintptr_t)(own + 1);
            }
            ck_assert_uint_le(courses, LEDGER_COURSES);
            ck_assert_uint_ge(courses, workers < LEDGER_COURSES ? workers : LEDGER_COURSES / 2);
            ledger_destroy(&ledger);
        }
    }
}
END_TEST

START_TEST(the_auditors_slot_is_the_one_after_the_workers)
{
    testing_ok(ledger_create(&ledger, 3, 3, &error));
    ck_assert_ptr_eq(ledger_auditor(&ledger), &ledger.slots[3]);
    ledger_destroy(&ledger);
}
END_TEST

static int work_on_slot(void *user)
{
    struct slot *slot = user;
    slot_store(&slot->ops, 42);
    slot_store(&slot->phase, PHASE_INSIDE);
    histogram_record(ledger_histograms(&ledger, 1), 1000, 0, 1);
    raise(SIGKILL);
    return 0;
}

START_TEST(what_a_worker_had_noted_stays_after_it_was_killed)
{
    testing_ok(ledger_create(&ledger, 2, 3, &error));
    ck_assert_int_eq(testing_wait(testing_fork(work_on_slot, &ledger.slots[1])), -SIGKILL);
    ck_assert_uint_eq(slot_load(&ledger.slots[1].ops), 42);
    ck_assert_uint_eq(slot_load(&ledger.slots[1].phase), PHASE_INSIDE);
    ck_assert_uint_eq(ledger_histograms(&ledger, 1)->count, 1);
    ck_assert_uint_eq(ledger_histograms(&ledger, 0)->count, 0);
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(a_retired_ledger_is_in_no_later_process)
{
    testing_ok(ledger_create(&ledger, 2, 3, &error));
    ck_assert_int_eq(testing_wait(testing_fork(work_on_slot, &ledger.slots[1])), -SIGKILL);
    ledger_retire(&ledger);
    ck_assert_int_eq(testing_wait(testing_fork(work_on_slot, &ledger.slots[0])), -SIGSEGV);
    ck_assert_uint_eq(slot_load(&ledger.slots[0].ops), 0);
    ck_assert_uint_eq(slot_load(&ledger.slots[1].ops), 42);
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(a_ledger_takes_nothing_from_the_shared_memory_file_system)
{
    if (testing_private_shm("size=4k,nr_inodes=1"))
        return;
    testing_ok(ledger_create(&ledger, 64, 10, &error));
    ledger.slots[64].ops = 1;
    ledger_destroy(&ledger);
    ck_assert_int_eq(testing_census("shmoo"), 0);
}
END_TEST

START_TEST(one_look_adds_up_all_workers_but_not_the_auditor)
{
    static const enum phase phases[] = {PHASE_READY, PHASE_ACQUIRING, PHASE_INSIDE, PHASE_INSIDE, PHASE_DONE, PHASE_STARTING};
    testing_ok(ledger_create(&ledger, 6, 3, &error));
    for (uint32_t i = 0; i < 6; i++) {
        ledger.slots[i].phase = phases[i];
        ledger.slots[i].ops = i;
        ledger.slots[i].started_ns = i < 4 ? 1 : 0;
    }
    ledger_auditor(&ledger)->ops = 1000;
    ledger_auditor(&ledger)->phase = PHASE_INSIDE;
    struct ledger_view view = ledger_look(&ledger);
    ck_assert_uint_eq(view.ops, 15);
    ck_assert_uint_eq(view.started, 4);
    ck_assert_uint_eq(view.acquiring, 1);
    ck_assert_uint_eq(view.inside, 2);
    ck_assert_uint_eq(view.done, 1);
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(operations_beats_and_arrivals_are_progress)
{
    testing_ok(ledger_create(&ledger, 2, 3, &error));
    uint64_t last = ledger_look(&ledger).progress;
    ledger.slots[1].phase = PHASE_READY;
    ck_assert_uint_gt(ledger_look(&ledger).progress, last);
    last = ledger_look(&ledger).progress;
    ledger.slots[0].ops++;
    ck_assert_uint_gt(ledger_look(&ledger).progress, last);
    last = ledger_look(&ledger).progress;
    ledger.slots[0].beats++;
    ck_assert_uint_gt(ledger_look(&ledger).progress, last);
    last = ledger_look(&ledger).progress;
    ledger.slots[1].phase = PHASE_ACQUIRING;
    ck_assert_uint_eq(ledger_look(&ledger).progress, last); /* asking is not getting */
    ledger.slots[1].phase = PHASE_DONE;
    ck_assert_uint_gt(ledger_look(&ledger).progress, last);
    ledger_destroy(&ledger);
}
END_TEST

START_TEST(a_ledger_can_be_destroyed_twice)
{
    testing_ok(ledger_create(&ledger, 1, 3, &error));
    ledger_destroy(&ledger);
    ck_assert_ptr_null(ledger.base);
    ledger_destroy(&ledger);
}
END_TEST

#ifndef SANITIZED /* a sanitizer reserves more address space than any limit leaves */
START_TEST(a_ledger_that_does_not_fit_the_address_space_is_told)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = 64 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_int_eq(ledger_create(&ledger, 8000, 10, &error), -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    ck_assert_int_eq(error.errnum, ENOMEM);
    testing_has(error.text, "ledger of 8000 workers");
    testing_has(error.text, "mmap: ENOMEM");
    testing_has(error.text, "ulimit -v");
    ledger_destroy(&ledger);
}
END_TEST
#endif

int main(void)
{
    return testing_run("ledger", (const TTest *[]){
                                     a_new_ledger_is_all_zero_but_for_the_marks,
                                     nothing_in_a_ledger_overlaps_or_reaches_beyond_it,
                                     the_auditors_slot_is_the_one_after_the_workers,
                                     what_a_worker_had_noted_stays_after_it_was_killed, a_retired_ledger_is_in_no_later_process,
                                     a_ledger_takes_nothing_from_the_shared_memory_file_system,
                                     one_look_adds_up_all_workers_but_not_the_auditor,
                                     operations_beats_and_arrivals_are_progress,
                                     a_ledger_can_be_destroyed_twice,
#ifndef SANITIZED
                                     a_ledger_that_does_not_fit_the_address_space_is_told,
#endif
                                     NULL,
                                 });
}
