/* Tests of a trial with workers that misbehave on order: every way to fail has its verdict, and nothing is left behind. */
#include "run/trial.h"

#include <sys/mman.h>

#include "base/testing.h"
#include "contract/worker.h"

static struct trial_result result;
static struct load_ops load;
static struct sync_ops sync_row;

static size_t area_bytes(const struct shape *shape)
{
    return shape->size;
}

static int prepare(void *area, const struct shape *shape)
{
    ck_assert_uint_eq(((unsigned char *)area)[shape->size - 1], 0);
    return 0;
}

static void work(struct worker *w)
{
    while (worker_next(w)) {
        if (!worker_enter(w))
            return;
        worker_inside(w);
        worker_leave(w);
        worker_handoff(w);
        worker_done(w);
    }
}

static void audit(struct worker *auditor)
{
    (void)auditor;
}

static bool breakable(const struct shape *shape)
{
    (void)shape;
    return true;
}

static struct trial_spec spec_of(void (*write_row)(struct worker *w), void (*read_row)(struct worker *w))
{
    load = (struct load_ops){
        .name = "scripted", .summary = "", .families = 1u << SYNC_LOCK, .size_means = "nothing", .area_bytes = area_bytes,
        .prepare = prepare, .write = write_row, .read = read_row, .audit = audit, .breakable = breakable,
    };
    sync_row = *contents_sync("mutex");
    struct trial_spec spec = {
        .number = 1,
        .job = "test",
        .load = &load,
        .sync = &sync_row,
        .fault = contents_fault("none"),
        .fault_text = "none",
        .shape = {.writers = 2, .readers = 2, .size = 4096, .sampling = 8, .seed = 7},
        .repeat = 1,
        .duration_ns = 50 * NS_PER_MS,
        .pin = "none",
    };
    spec.expect = VERDICT_CLEAN;
    return spec;
}

/* Runs it, and checks that neither an object nor a process of it is left. */
static void run(const struct trial_spec *spec, enum verdict verdict, const char *part)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, TRIAL_NAME_PREFIX "%d.", (int)getpid());
    trial_run(spec, &result);
    ck_assert_msg(result.verdict == verdict, "%s: %s", verdict_name(result.verdict), result.reason);
    testing_has(result.reason, part);
    ck_assert_int_eq(testing_census(prefix), 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static void kill_oneself(struct worker *w)
{
    if (w->index == 1 && worker_next(w))
        raise(SIGKILL);
    work(w);
}

START_TEST(a_worker_that_is_killed_makes_the_trial_crashed)
{
    struct trial_spec spec = spec_of(kill_oneself, work);
    spec.duration_ns = 60 * NS_PER_S; /* nobody waits for it */
    run(&spec, VERDICT_CRASHED, "worker 1 (writer, pid ");
    testing_has(result.reason, "was lost: killed by SIGKILL in phase idle after 0 operations");
    ck_assert(!result.as_expected);
    ck_assert_str_eq(result.ends[1].exit, "killed by SIGKILL");
    ck_assert_str_eq(result.ends[0].exit, "exited 0");
    trial_result_free(&result);
}
END_TEST

/* Waits until all others ask for what it holds. */
static void die_inside(struct worker *w)
{
    if (w->index == 0 && worker_next(w) && worker_enter(w)) {
        for (uint32_t i = 1; i < w->crew.workers; i++)
            while (slot_load(&w->crew.slots[i].phase) != PHASE_ACQUIRING)
                worker_beat(w);
        raise(SIGKILL);
    }
    work(w);
}

START_TEST(a_holder_that_is_killed_does_not_keep_the_others_waiting_for_ever)
{
    struct trial_spec spec = spec_of(die_inside, work);
    spec.duration_ns = 60 * NS_PER_S;
    run(&spec, VERDICT_CRASHED, "worker 0 (writer, pid ");
    testing_has(result.reason, "in phase inside");
    for (int i = 1; i < 4; i++) {
        ck_assert_str_eq(result.ends[i].exit, "ended by the watchdog");
        ck_assert_int_eq(result.ends[i].phase, PHASE_ACQUIRING);
    }
    trial_result_free(&result);
}
END_TEST

static void exit_early(struct worker *w)
{
    if (w->index == 1 && worker_next(w))
        _exit(0);
    work(w);
}

START_TEST(a_worker_that_exits_by_itself_makes_the_trial_crashed_although_its_status_is_0)
{
    struct trial_spec spec = spec_of(exit_early, work);
    run(&spec, VERDICT_CRASHED, "worker 1 (writer) exited by itself in phase idle after 0 operations");
    trial_result_free(&result);
}
END_TEST

static void wild_write(struct worker *w)
{
    worker_next(w);
    ((volatile char *)w->area)[1 << 30] = 1;
}

START_TEST(a_wild_pointer_is_told_with_its_address)
{
    struct trial_spec spec = spec_of(wild_write, work);
    run(&spec, VERDICT_CRASHED, "was lost: killed by SIG");
    testing_has(result.reason, " at ");
    trial_result_free(&result);
}
END_TEST

static void truncate_region(struct worker *w)
{
    worker_next(w);
    if (w->index == 0) {
        int fd = shm_open(w->self.setup->name, O_RDWR, 0);
        _exit(ftruncate(fd, 0) == 0 ? 1 : 2);
    }
    for (;;)
        *(volatile char *)w->area = 1;
}

START_TEST(a_region_that_is_shrunk_under_the_crew_is_told_as_a_bus_error)
{
    struct trial_spec spec = spec_of(truncate_region, work);
    sync_row = *contents_sync("none");
    run(&spec, VERDICT_CRASHED, "was lost");
    bool told = false;
    for (uint32_t i = 0; i < result.workers; i++)
        told |= strcmp(result.ends[i].exit, "killed by SIGBUS") == 0;
    ck_assert(told);
    trial_result_free(&result);
}
END_TEST

static void do_nothing(struct worker *w)
{
    (void)w;
}

START_TEST(a_worker_that_does_nothing_makes_no_pass)
{
    struct trial_spec spec = spec_of(work, do_nothing);
    run(&spec, VERDICT_INCONCLUSIVE, "2 of 4 workers did nothing");
    ck_assert(!result.as_expected);
    trial_result_free(&result);
}
END_TEST

static void bad_audit(struct worker *auditor)
{
    raise(auditor->index == 4 ? SIGKILL : SIGTERM);
}

static void leaving_audit(struct worker *auditor)
{
    _exit((int)auditor->index); /* as a sanitizer does, or a library that knows no better */
}

START_TEST(an_audit_that_dies_takes_only_the_trial_with_it)
{
    struct trial_spec spec = spec_of(work, work);
    load.audit = bad_audit;
    run(&spec, VERDICT_CRASHED, "the audit of the region was killed by SIGKILL: the region is not what it was");
    trial_result_free(&result);
    load.audit = leaving_audit;
    run(&spec, VERDICT_CRASHED, "the audit of the region ended by itself with status 4");
    trial_result_free(&result);
}
END_TEST

static void finding_audit(struct worker *auditor)
{
    worker_violation_text(auditor, VIOLATION_COUNT, "one too many");
}

START_TEST(what_the_audit_finds_is_corruption)
{
    struct trial_spec spec = spec_of(work, work);
    load.audit = finding_audit;
    run(&spec, VERDICT_CORRUPT, "1 violation; the first, count, was found by the audit: one too many");
    ck_assert_uint_eq(ledger_auditor(&result.ledger)->evidence_count, 1);
    trial_result_free(&result);
}
END_TEST

static int no_lock(struct sync_self *self)
{
    (void)self;
    return EDEADLK;
}

START_TEST(a_primitive_that_refuses_is_corruption_with_its_errno)
{
    struct trial_spec spec = spec_of(work, work);
    sync_row.lock.acquire = no_lock;
    run(&spec, VERDICT_CORRUPT, "sync-error");
    testing_has(result.reason, "acquire returned EDEADLK");
    ck_assert(!result.as_expected);
    trial_result_free(&result);
}
END_TEST

START_TEST(a_set_up_that_fails_is_an_error_of_the_environment)
{
    struct trial_spec spec = spec_of(work, work);
    sync_row.attach = no_lock;
    run(&spec, VERDICT_ERROR, "ended before the start: worker ");
    testing_has(result.reason, "sync mutex: attach: EDEADLK");
    ck_assert_int_eq(result.error_status, STATUS_ENVIRONMENT);
    ck_assert_uint_eq(result.gate_ns, 0);
    ck_assert(!result.as_expected);
    trial_result_free(&result);
}
END_TEST

static int cannot_create(void *state, const struct sync_setup *setup_row)
{
    (void)state;
    return setup_row->writers == 2 ? ENOSYS : 0;
}

static int cannot_prepare(void *area, const struct shape *shape)
{
    (void)area;
    (void)shape;
    return ENOMEM;
}

START_TEST(a_primitive_or_load_that_cannot_be_made_is_an_error)
{
    struct trial_spec spec = spec_of(work, work);
    sync_row.create = cannot_create;
    run(&spec, VERDICT_ERROR, "sync mutex in region /shmoo.");
    testing_has(result.reason, "create: ENOSYS");
    trial_result_free(&result);
    spec = spec_of(work, work);
    load.prepare = cannot_prepare;
    run(&spec, VERDICT_ERROR, "load scripted in region /shmoo.");
    testing_has(result.reason, "prepare: ENOMEM");
    trial_result_free(&result);
}
END_TEST

START_TEST(a_pinning_that_cannot_be_had_is_an_error)
{
    struct trial_spec spec = spec_of(work, work);
    spec.pin = "900";
    run(&spec, VERDICT_ERROR, "--pin 900");
    trial_result_free(&result);
}
END_TEST

START_TEST(a_family_that_the_load_does_not_know_is_unsupported_and_nothing_is_tried)
{
    struct trial_spec spec = spec_of(work, work);
    load.families = 1u << SYNC_QUEUE;
    run(&spec, VERDICT_UNSUPPORTED, "cannot be run with a sync of that family, lock; it takes one of: queue");
    ck_assert(result.as_expected);
    ck_assert_uint_eq(result.workers, 0);
    trial_result_free(&result);
    spec.expect_given = true;
    spec.expect = VERDICT_CLEAN;
    run(&spec, VERDICT_UNSUPPORTED, "");
    ck_assert(!result.as_expected);
    trial_result_free(&result);
}
END_TEST

START_TEST(one_process_alone_proves_nothing)
{
    struct trial_spec spec = spec_of(work, work);
    spec.shape.writers = 1;
    spec.shape.readers = 0;
    run(&spec, VERDICT_INCONCLUSIVE, "one process alone meets nobody");
    trial_result_free(&result);
}
END_TEST

START_TEST(a_limit_on_operations_ends_the_trial_exactly_there)
{
    struct trial_spec spec = spec_of(work, work);
    spec.duration_ns = 0;
    spec.shape.ops_limit = 123;
    spec.enough = 0;
    run(&spec, VERDICT_CLEAN, "492 operations");
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(result.ledger.slots[i].ops, 123);
    ck_assert_uint_eq(result.writer_ops, 246);
    ck_assert_uint_eq(result.reader_ops, 246);
    trial_result_free(&result);
}
END_TEST

START_TEST(a_result_tells_times_steps_intervals_and_ends)
{
    struct trial_spec spec = spec_of(work, work);
    uint64_t before = clock_ns();
    spec.enough = 0;
    spec.duration_ns = 150 * NS_PER_MS;
    run(&spec, VERDICT_CLEAN, "operations");
    uint64_t interval_ops = 0;
    ck_assert_uint_gt(result.gate_ns, before);
    ck_assert_uint_ge(result.ran_ns, 150 * NS_PER_MS);
    ck_assert_uint_gt(result.fork_ns, 0);
    ck_assert_uint_ge(result.ready_ns, result.fork_ns);
    ck_assert_uint_eq(result.workers, 4);
    for (uint32_t i = 0; i < result.interval_count; i++) {
        ck_assert_uint_gt(result.intervals[i].length_ns, 0);
        ck_assert_uint_le(result.intervals[i].at_ns, result.ran_ns + NS_PER_S);
        interval_ops += result.intervals[i].ops;
    }
    ck_assert_uint_gt(result.interval_count, 0);
    ck_assert_uint_le(interval_ops, result.ops);
    for (int i = 0; i < REGION_STEPS; i++)
        ck_assert(result.region_step_done[i]);
    ck_assert_str_eq(result.reserved_by, "posix_fallocate");
    uint64_t timed = 0, over_time = 0;
    for (uint32_t i = 0; i < 4; i++) {
        timed += ledger_histograms(&result.ledger, i)[HISTOGRAM_ACQUIRE].count;
        for (uint32_t k = 0; k < COURSE_INTERVALS; k++)
            over_time += ledger_course(&result.ledger, i)->intervals[k].count;
    }
    ck_assert_uint_eq(timed, result.sampled);
    ck_assert_uint_eq(over_time, timed);
    trial_result_free(&result);
    ck_assert_ptr_null(result.ends);
    trial_result_free(&result);
}
END_TEST

int main(void)
{
    return testing_run("trial", (const TTest *[]){
                                    a_worker_that_is_killed_makes_the_trial_crashed,
                                    a_holder_that_is_killed_does_not_keep_the_others_waiting_for_ever,
                                    a_worker_that_exits_by_itself_makes_the_trial_crashed_although_its_status_is_0,
                                    a_wild_pointer_is_told_with_its_address,
                                    a_region_that_is_shrunk_under_the_crew_is_told_as_a_bus_error,
                                    a_worker_that_does_nothing_makes_no_pass,
                                    an_audit_that_dies_takes_only_the_trial_with_it,
                                    what_the_audit_finds_is_corruption,
                                    a_primitive_that_refuses_is_corruption_with_its_errno,
                                    a_set_up_that_fails_is_an_error_of_the_environment,
                                    a_primitive_or_load_that_cannot_be_made_is_an_error,
                                    a_pinning_that_cannot_be_had_is_an_error,
                                    a_family_that_the_load_does_not_know_is_unsupported_and_nothing_is_tried,
                                    one_process_alone_proves_nothing,
                                    a_limit_on_operations_ends_the_trial_exactly_there,
                                    a_result_tells_times_steps_intervals_and_ends,
                                    NULL,
                                });
}
