/* Tests of the judgement on hand-made ledgers: which verdict outranks which, and what makes a trial as expected. */
#include "run/judge.h"

#include "base/testing.h"

enum { WRITERS = 2, READERS = 2, WORKERS = WRITERS + READERS };

static struct error error;
static struct trial_spec spec;
static struct crew_member members[WORKERS];
static struct crew crew;
static struct trial_result result;
static struct worker_end ends[WORKERS];
static enum watch watch;
static const char *audit_failure;

/* A crew that did all it should: everybody worked, met the others, and went home. */
static void begin(void)
{
    spec = (struct trial_spec){
        .number = 1,
        .load = contents_load("counter"),
        .sync = contents_sync("mutex"),
        .fault = contents_fault("none"),
        .fault_text = "none",
        .shape = {.writers = WRITERS, .readers = READERS, .size = 8, .sampling = 64, .seed = 1},
        .repeat = 1,
        .duration_ns = NS_PER_S,
        .pin = "none",
        .expect = VERDICT_CLEAN,
        .enough = 30,
    };
    memset(&result, 0, sizeof result);
    testing_ok(ledger_create(&result.ledger, WORKERS, spec_histograms(&spec), &error));
    result.gate_ns = 1000000;
    result.watched_ns = 3 * NS_PER_S;
    result.window_ns = NS_PER_S;
    result.window_ops = 10000;
    result.workers = WORKERS;
    result.ends = ends;
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct slot *slot = &result.ledger.slots[i];
        members[i] = (struct crew_member){.pid = 100 + (pid_t)i, .pidfd = -1, .exit = EXIT_NORMAL};
        ends[i] = (struct worker_end){.pid = 100 + (pid_t)i, .phase = PHASE_DONE};
        snprintf(ends[i].cpus, sizeof ends[i].cpus, "%u", i % 2);
        slot->phase = PHASE_DONE;
        slot->ops = 10000;
        slot->handoffs = 2000;
        slot->sampled = 150;
        slot->contended = 70;
        slot->started_ns = result.gate_ns + 1;
        slot->ended_ns = result.gate_ns + NS_PER_S;
        slot->user_ns = NS_PER_S;
    }
    crew = (struct crew){.members = members, .count = WORKERS};
    watch = WATCH_GO_ON;
    audit_failure = NULL;
}

static void fail_member(uint32_t i, enum exit_kind exit, int value)
{
    members[i].exit = exit;
    members[i].value = value;
    if (crew.failed == 0)
        crew.first_failed = i;
    crew.failed++;
}

static void add_violation(uint32_t slot, enum violation kind, uint64_t at_ns, const char *text)
{
    struct slot *s = &result.ledger.slots[slot];
    struct evidence *evidence = &s->evidence[s->evidence_count++];
    s->violations[kind]++;
    evidence->kind = kind;
    evidence->at_ns = at_ns;
    snprintf(evidence->text, sizeof evidence->text, "%s", text);
}

static void settle(void)
{
    judge(&spec, &crew, watch, "nobody moves", audit_failure, &result);
}

static void check(enum verdict verdict, const char *part)
{
    settle();
    ck_assert_msg(result.verdict == verdict, "%s: %s", verdict_name(result.verdict), result.reason);
    testing_has(result.reason, part);
    ledger_destroy(&result.ledger);
}

/* What can have gone wrong in a trial, from the gravest on. */
enum trouble { DEATH, WEDGE, CORRUPTION, AUDIT, IDLE, FEW, TROUBLES };

static void make_trouble(enum trouble trouble)
{
    switch (trouble) {
    case DEATH:
        fail_member(1, EXIT_SIGNAL, SIGSEGV);
        break;
    case WEDGE:
        watch = WATCH_WEDGED;
        fail_member(2, EXIT_ENDED, SIGKILL);
        break;
    case CORRUPTION:
        add_violation(3, VIOLATION_TORN, 5, "torn at offset 8");
        break;
    case AUDIT:
        audit_failure = "the audit was killed";
        break;
    case IDLE:
        result.ledger.slots[2].ops = 0;
        break;
    case FEW:
        for (int i = 0; i < WORKERS; i++)
            result.ledger.slots[i].handoffs = 1;
        break;
    case TROUBLES:
        break;
    }
}

START_TEST(of_any_set_of_troubles_the_gravest_gives_the_verdict)
{
    static const enum verdict verdicts[TROUBLES + 1] = {VERDICT_CRASHED,      VERDICT_WEDGED,       VERDICT_CORRUPT,
                                                        VERDICT_CRASHED,      VERDICT_INCONCLUSIVE, VERDICT_INCONCLUSIVE,
                                                        VERDICT_CLEAN};
    for (unsigned set = 0; set < 1u << TROUBLES; set++) {
        int gravest = TROUBLES;
        begin();
        for (int t = TROUBLES - 1; t >= 0; t--) {
            if (set >> t & 1) {
                make_trouble((enum trouble)t);
                gravest = t;
            }
        }
        settle();
        ck_assert_msg(result.verdict == verdicts[gravest], "troubles %02x: %s (%s)", set, verdict_name(result.verdict),
                      result.reason);
        ck_assert_msg(result.as_expected == (set == 0), "troubles %02x", set);
        ledger_destroy(&result.ledger);
    }
}
END_TEST

START_TEST(a_death_is_told_with_the_worker_its_role_its_signal_and_its_phase)
{
    begin();
    fail_member(1, EXIT_SIGNAL, SIGSEGV);
    result.ledger.slots[1].phase = PHASE_INSIDE;
    result.ledger.slots[1].ops = 77;
    check(VERDICT_CRASHED, "worker 1 (writer, pid 101) was lost: killed by SIGSEGV in phase inside after 77 operations");
    begin();
    fail_member(3, EXIT_NORMAL, 9);
    fail_member(0, EXIT_SIGNAL, SIGKILL);
    check(VERDICT_CRASHED, "worker 3 (reader, pid 103) was lost: exited 9");
    testing_has(result.reason, "it was not the only one");
}
END_TEST

START_TEST(a_memory_fault_is_told_with_its_place)
{
    begin();
    fail_member(0, EXIT_SIGNAL, SIGBUS);
    result.ledger.slots[0].fault = (struct slot_fault){.signal = SIGBUS, .code = 2, .address = 0x7000010, .region_base = 0x7000000};
    check(VERDICT_CRASHED, "at offset 16 of the region: the object cannot be looked at");
    begin(); /* another object that lies close by is not the region */
    fail_member(0, EXIT_SIGNAL, SIGBUS);
    result.ledger.slots[0].fault = (struct slot_fault){.signal = SIGBUS,
                                                       .code = 2,
                                                       .address = 0x7001010,
                                                       .region_base = 0x7000000,
                                                       .object = "/dev/shm/sem.no-such",
                                                       .object_offset = 16};
    check(VERDICT_CRASHED, "at offset 16 of the object /sem.no-such: the object has lost its name since");
    begin();
    fail_member(0, EXIT_SIGNAL, SIGSEGV);
    result.ledger.slots[0].fault = (struct slot_fault){.signal = SIGSEGV, .code = 1, .address = 0x10, .region_base = 0x7000000};
    check(VERDICT_CRASHED, "at address 0x10, outside the region");
    begin();
    fail_member(0, EXIT_SIGNAL, SIGSEGV);
    result.ledger.slots[0].fault = (struct slot_fault){.signal = SIGSEGV, .code = 0, .address = 0x10, .region_base = 0x7000000};
    check(VERDICT_CRASHED, "sent by another process");
}
END_TEST

START_TEST(a_death_of_what_the_fault_works_with_says_nothing_about_the_primitive)
{
    begin();
    spec.fault = contents_fault("breakpoint");
    fail_member(1, EXIT_SIGNAL, SIGTRAP);
    result.ledger.slots[1].phase = PHASE_ACQUIRING;
    judge(&spec, &crew, watch, "", audit_failure, &result);
    ck_assert_int_eq(result.verdict, VERDICT_UNSUPPORTED);
    testing_has(result.reason, "fault breakpoint works with SIGTRAP, which the code of sync mutex has blocked in phase acquiring");
    ck_assert(result.as_expected);
    ledger_destroy(&result.ledger);
    begin(); /* one that the handler has seen was the primitive's own */
    spec.fault = contents_fault("breakpoint");
    fail_member(1, EXIT_SIGNAL, SIGTRAP);
    result.ledger.slots[1].fault.signal = SIGTRAP;
    check(VERDICT_CRASHED, "killed by SIGTRAP");
    begin();
    spec.fault = contents_fault("breakpoint");
    fail_member(1, EXIT_SIGNAL, SIGTRAP);
    fail_member(2, EXIT_SIGNAL, SIGABRT);
    check(VERDICT_CRASHED, "it was not the only one");
    begin();
    fail_member(1, EXIT_SIGNAL, SIGTRAP);
    check(VERDICT_CRASHED, "killed by SIGTRAP");
}
END_TEST

START_TEST(a_death_among_workers_that_the_watchdog_ended_is_not_hidden)
{
    begin();
    watch = WATCH_WEDGED;
    fail_member(0, EXIT_ENDED, SIGKILL);
    fail_member(2, EXIT_SIGNAL, SIGABRT);
    check(VERDICT_CRASHED, "worker 2 (reader, pid 102) was lost: killed by SIGABRT");
}
END_TEST

START_TEST(a_wedge_is_told_by_the_watchdogs_words)
{
    begin();
    watch = WATCH_WEDGED;
    for (uint32_t i = 0; i < WORKERS; i++)
        fail_member(i, EXIT_ENDED, SIGKILL);
    check(VERDICT_WEDGED, "nobody moves");
    ck_assert_uint_eq(result.window_ns, 0);
}
END_TEST

START_TEST(a_moments_throughput_is_none)
{
    begin();
    judge(&spec, &crew, watch, "", NULL, &result);
    ck_assert_uint_eq(result.window_ns, NS_PER_S);
    begin();
    result.window_ns = NS_PER_S / 5;
    judge(&spec, &crew, watch, "", NULL, &result);
    ck_assert_uint_eq(result.window_ns, 0);
    begin();
    result.window_ops = 0;
    judge(&spec, &crew, watch, "", NULL, &result);
    ck_assert_uint_eq(result.window_ns, 0);
    begin();
    spec.shape.ops_limit = 10000; /* then no time is promised */
    result.window_ns = NS_PER_S / 5;
    judge(&spec, &crew, watch, "", NULL, &result);
    ck_assert_uint_eq(result.window_ns, NS_PER_S / 5);
}
END_TEST

START_TEST(a_worker_that_left_its_loop_by_itself_is_lost)
{
    begin();
    result.ledger.slots[3].phase = PHASE_IDLE;
    check(VERDICT_CRASHED, "worker 3 (reader) exited by itself in phase idle after 10000 operations");
}
END_TEST

START_TEST(a_worker_whose_own_objects_found_no_room_makes_the_trial_an_error_of_the_environment)
{
    begin();
    result.ledger.slots[1].failed = ENOSPC;
    snprintf(result.ledger.slots[1].failure, sizeof result.ledger.slots[1].failure, "no room");
    check(VERDICT_ERROR, "worker 1: no room");
    ck_assert_int_eq(result.error_status, STATUS_ENVIRONMENT);
    ck_assert(!result.as_expected);
}
END_TEST

START_TEST(the_earliest_evidence_explains_corruption)
{
    begin();
    add_violation(0, VIOLATION_STALE, 900, "late");
    add_violation(2, VIOLATION_TORN, 300, "early");
    add_violation(WORKERS, VIOLATION_LOST, 950, "audited");
    check(VERDICT_CORRUPT, "3 violations; the first, torn, was found by worker 2: early");
    begin();
    add_violation(WORKERS, VIOLATION_LOST, 950, "audited");
    check(VERDICT_CORRUPT, "1 violation; the first, lost, was found by the audit: audited");
    ck_assert_uint_eq(result.violations[VIOLATION_LOST], 1);
    ck_assert_uint_eq(result.violation_count, 1);
}
END_TEST

START_TEST(figures_add_up_by_role)
{
    begin();
    for (uint32_t i = 0; i < WORKERS; i++)
        result.ledger.slots[i].ops = 1ULL << 10 * i;
    result.ledger.slots[1].ended_ns = result.gate_ns + 2 * NS_PER_S;
    result.ledger.slots[0].recovered = 3;
    result.ledger.slots[2].preempted = 4;
    check(VERDICT_CLEAN, "nothing broke");
    ck_assert_uint_eq(result.writer_ops, 1 + 1024);
    ck_assert_uint_eq(result.reader_ops, (1 << 20) + (1 << 30));
    ck_assert_uint_eq(result.ops, result.writer_ops + result.reader_ops);
    ck_assert_uint_eq(result.handoffs, 8000);
    ck_assert_uint_eq(result.sampled, 600);
    ck_assert_uint_eq(result.contended, 280);
    ck_assert_uint_eq(result.recovered, 3);
    ck_assert_uint_eq(result.preempted, 4);
    ck_assert_uint_eq(result.ran_ns, 2 * NS_PER_S);
}
END_TEST

START_TEST(a_crew_that_was_given_up_ran_as_long_as_it_was_watched)
{
    begin();
    watch = WATCH_WEDGED;
    result.ledger.slots[0].ended_ns = 0;
    check(VERDICT_WEDGED, "");
    ck_assert_uint_eq(result.ran_ns, 3 * NS_PER_S);
}
END_TEST

START_TEST(an_idle_worker_is_never_as_expected_by_the_data)
{
    static const enum verdict expected[] = {VERDICT_CLEAN, VERDICT_CORRUPT};
    for (size_t i = 0; i < 2; i++) {
        for (uint32_t idle = 0; idle < WORKERS; idle++) {
            begin();
            spec.expect = expected[i];
            result.ledger.slots[idle].ops = 0;
            if (expected[i] == VERDICT_CORRUPT)
                add_violation(0, VIOLATION_TORN, 1, "torn");
            settle();
            ck_assert_uint_eq(result.idle_workers, 1);
            ck_assert(!result.as_expected);
            ledger_destroy(&result.ledger);
        }
    }
}
END_TEST

START_TEST(what_was_expected_is_as_expected_and_nothing_else)
{
    for (int expect = 0; expect < VERDICTS; expect++) {
        begin();
        spec.expect = (enum verdict)expect;
        check(VERDICT_CLEAN, "");
        ck_assert_int_eq(result.as_expected, expect == VERDICT_CLEAN);
        begin();
        spec.expect = (enum verdict)expect;
        add_violation(0, VIOLATION_TORN, 1, "torn");
        check(VERDICT_CORRUPT, "");
        ck_assert_int_eq(result.as_expected, expect == VERDICT_CORRUPT);
        begin();
        spec.expect = (enum verdict)expect;
        spec.expect_given = true;
        fail_member(0, EXIT_SIGNAL, SIGKILL);
        check(VERDICT_CRASHED, "");
        ck_assert_int_eq(result.as_expected, expect == VERDICT_CRASHED);
    }
}
END_TEST

int main(void)
{
    return testing_run("judge", (const TTest *[]){
                                    of_any_set_of_troubles_the_gravest_gives_the_verdict,
                                    a_death_is_told_with_the_worker_its_role_its_signal_and_its_phase,
                                    a_memory_fault_is_told_with_its_place,
                                    a_death_of_what_the_fault_works_with_says_nothing_about_the_primitive,
                                    a_death_among_workers_that_the_watchdog_ended_is_not_hidden,
                                    a_wedge_is_told_by_the_watchdogs_words,
                                    a_moments_throughput_is_none,
                                    a_worker_that_left_its_loop_by_itself_is_lost,
                                    a_worker_whose_own_objects_found_no_room_makes_the_trial_an_error_of_the_environment,
                                    the_earliest_evidence_explains_corruption,
                                    figures_add_up_by_role,
                                    a_crew_that_was_given_up_ran_as_long_as_it_was_watched,
                                    an_idle_worker_is_never_as_expected_by_the_data,
                                    what_was_expected_is_as_expected_and_nothing_else,
                                    NULL,
                                });
}
