/* Tests of the quit load's oracle: one worker, and a lock through which the test plays all the others. */
#include "base/testing.h"
#include "run/crew_worker.h"
#include "workloads/load/record.h"
#include "workloads/load/rows.h"

/* The area: words on lines of their own, then the guarded flag. */
enum { OWNER = 0, ACKNOWLEDGED = 16, CHANGED_NS = 32, FLAG_AT = 384, WORKERS = 3, FOLLOWER = 2, AUDITOR = WORKERS };

static _Alignas(128) uint64_t area[256];
static struct error error;
static struct ledger ledger;
static struct worker w;

/* What others do just before this worker is let in; `call` counts from 1. */
static void (*on_enter)(int call);
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

static const struct sync_ops scripted = {.name = "scripted", .family = SYNC_LOCK, .lock = {.acquire = take, .release = give}};
static const struct fault_ops nothing = {.name = "nothing"};

static struct trial_spec spec = {
    .load = &load_quit,
    .sync = &scripted,
    .fault = &nothing,
    .shape = {.writers = 2, .readers = 1, .sampling = 1, .seed = 5},
};

static unsigned char *flag(void)
{
    return record_payload((unsigned char *)area + FLAG_AT);
}

static void show(uint64_t round)
{
    payload_fill(flag(), spec.shape.size, payload_stamp(round, 0, record_tag(&spec.shape)));
    area[CHANGED_NS] = clock_ns();
}

static void begin(uint32_t index, uint64_t size)
{
    static struct sync_setup setup;
    spec.shape.size = size;
    testing_ok(ledger_create(&ledger, WORKERS, spec_histograms(&spec), &error));
    struct crew_plan plan = {.spec = &spec, .ledger = &ledger, .setups = &setup};
    ck_assert_uint_le(load_quit.area_bytes(&spec.shape), sizeof area);
    memset(area, 0, sizeof area);
    ck_assert_int_eq(load_quit.prepare(area, &spec.shape), 0);
    crew_worker_init(&w, &plan, index, area);
    w.area = area; /* no instances of the sync lie before it here */
    for (uint32_t i = 0; i < WORKERS; i++)
        if (i != index)
            ledger.slots[i].ops = 1000000; /* nobody has to be waited for */
    on_enter = NULL;
    entered = 0;
}

static void run(uint64_t ops)
{
    w.ops_limit = ops;
    (w.writer ? load_quit.write : load_quit.read)(&w);
}

static void check_clean(void)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == 0, "%s: %s", violation_name((enum violation)k), w.slot->evidence[0].text);
    ledger_destroy(&ledger);
}

static void check_found(enum violation kind, uint64_t count, const char *part)
{
    for (int k = 0; k < VIOLATIONS; k++)
        ck_assert_msg(w.slot->violations[k] == (k == (int)kind ? count : 0), "%s: %llu (%s)", violation_name((enum violation)k),
                      (unsigned long long)w.slot->violations[k], w.slot->evidence[0].text);
    testing_has(w.slot->evidence[0].text, part);
    ledger_destroy(&ledger);
}

/* A follower enters three times a round when it has to look twice: too early, in time, and to acknowledge. */
static void leader(int call)
{
    uint64_t round = (uint64_t)(call + 2) / 3;
    if (call % 3 == 2) {
        area[ACKNOWLEDGED] = 0;
        show(round);
    }
}

START_TEST(a_follower_sees_every_change_acknowledges_it_and_times_it)
{
    static const uint64_t sizes[] = {1, 2, 4, 7, 8, 9, 64, 500};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        begin(FOLLOWER, sizes[i]);
        on_enter = leader;
        run(600); /* a flag of one byte comes round twice */
        ck_assert_uint_eq(w.ops, 600);
        ck_assert_uint_eq(area[ACKNOWLEDGED], 1);
        ck_assert_uint_eq(area[OWNER], 0);
        ck_assert_uint_eq(w.slot->handoffs, 600);
        ck_assert_uint_gt(w.histograms[HISTOGRAM_OWN].count, 0);
        ck_assert_uint_le(w.histograms[HISTOGRAM_OWN].count, 600);
        check_clean();
    }
}
END_TEST

/* Half of the flag first, the whole at the next look. */
static void leader_in_two_steps(int call)
{
    if (call == 1)
        payload_fill(flag(), 8, payload_stamp(1, 0, record_tag(&spec.shape)));
    else if (call == 2)
        show(1);
}

START_TEST(a_flag_that_is_seen_half_changed_is_torn_and_looked_at_again)
{
    begin(FOLLOWER, 64);
    on_enter = leader_in_two_steps;
    run(1);
    ck_assert_uint_eq(w.ops, 1);
    check_found(VIOLATION_TORN, 1, "torn at offset 8 of 64");
}
END_TEST

static void bytes_of_two_rounds(int call)
{
    leader(call);
    if (call == 3 * 255 + 1) { /* 255 is 00ff, 256 is 0100 */
        flag()[0] = 0xff;
        flag()[1] = 0x01;
    }
}

START_TEST(a_short_flag_with_bytes_of_two_rounds_is_torn)
{
    begin(FOLLOWER, 2);
    on_enter = bytes_of_two_rounds;
    run(256);
    ck_assert_uint_eq(w.ops, 256);
    check_found(VIOLATION_TORN, 1, "the flag of 2 bytes shows 511: bytes of changes 255 and 256 mixed");
}
END_TEST

static void goes_back(int call)
{
    if (call <= 9)
        leader(call);
    else
        show(1);
}

START_TEST(a_flag_that_went_back_is_reported_and_ends_the_worker)
{
    begin(FOLLOWER, 64);
    on_enter = goes_back;
    run(100);
    ck_assert_uint_eq(w.ops, 3);
    ck_assert(w.leave);
    check_found(VIOLATION_BACK, 1, "waiting for change 4 of the flag, this worker found change 1");
}
END_TEST

static void runs_ahead(int call)
{
    if (call <= 9)
        leader(call);
    else
        show(6);
}

START_TEST(a_change_that_was_never_seen_is_lost)
{
    begin(FOLLOWER, 64);
    on_enter = runs_ahead;
    run(100);
    ck_assert_uint_eq(w.ops, 3);
    check_found(VIOLATION_LOST, 1, "waiting for change 4 of the flag, this worker found change 6");
}
END_TEST

static void a_writer_is_inside(int call)
{
    leader(call);
    area[OWNER] = call == 5 ? 1 : 0;
}

START_TEST(whoever_looks_at_the_flag_while_a_writer_is_inside_reports_an_overlap)
{
    begin(FOLLOWER, 4);
    on_enter = a_writer_is_inside;
    run(2);
    check_found(VIOLATION_OVERLAP, 1, "two holders at once: looking at the flag, worker 2 found worker 0 inside");
}
END_TEST

static void another_acknowledges(int call)
{
    leader(call);
    area[OWNER] = call == 6 ? 2 : 0;
}

START_TEST(whoever_acknowledges_beside_another_reports_an_overlap)
{
    begin(FOLLOWER, 4);
    on_enter = another_acknowledges;
    run(3);
    check_found(VIOLATION_OVERLAP, 1, "on entering, worker 2 found worker 1 inside");
}
END_TEST

static void the_trial_ends(int call)
{
    leader(call);
    if (call == 10)
        ledger.gate->stop = 1;
}

START_TEST(whoever_waits_for_a_change_leaves_when_the_trial_ends)
{
    begin(FOLLOWER, 4);
    on_enter = the_trial_ends;
    run(1000);
    ck_assert_uint_eq(w.ops, 3);
    check_clean();
}
END_TEST

START_TEST(waiting_is_progress)
{
    begin(FOLLOWER, 4);
    uint64_t before = w.slot->beats;
    on_enter = leader;
    run(10);
    ck_assert_uint_ge(w.slot->beats - before, 10);
    ledger_destroy(&ledger);
}
END_TEST

/* A leader enters once a round, when all have been through the one before. */
static void all_acknowledge(int call)
{
    if (call > 1)
        area[ACKNOWLEDGED] = WORKERS - 1;
}

START_TEST(a_leader_that_is_alone_with_the_flag_changes_it_once_a_round)
{
    spec.shape.writers = 1;
    spec.shape.readers = 2;
    begin(0, 64);
    on_enter = all_acknowledge;
    run(50);
    ck_assert_uint_eq(w.ops, 50);
    ck_assert_uint_eq(payload_version(payload_peek(flag(), 64)), 50);
    ck_assert_uint_gt(area[CHANGED_NS], 0);
    check_clean();
}
END_TEST

static void one_acknowledgement_is_lost(int call)
{
    all_acknowledge(call);
    if (call == 7)
        area[ACKNOWLEDGED]--;
}

START_TEST(a_leader_that_finds_too_few_acknowledgements_reports_a_lost_update)
{
    spec.shape.writers = 1;
    spec.shape.readers = 2;
    begin(0, 4);
    on_enter = one_acknowledgement_is_lost;
    run(9);
    check_found(VIOLATION_LOST, 1, "round 6: 2 processes have acknowledged, the counter shows 1: updates were lost");
}
END_TEST

static void begin_audit(uint64_t ops0, uint64_t ops1, uint64_t ops2, uint64_t version, uint64_t acknowledged)
{
    begin(AUDITOR, 4);
    ledger.slots[0].ops = ops0;
    ledger.slots[1].ops = ops1;
    ledger.slots[2].ops = ops2;
    show(version);
    area[ACKNOWLEDGED] = acknowledged;
}

START_TEST(a_last_round_that_some_have_not_been_through_passes_the_audit)
{
    begin_audit(70, 70, 70, 70, 2);
    load_quit.audit(&w);
    check_clean();
    begin_audit(70, 69, 70, 70, 1);
    load_quit.audit(&w);
    check_clean();
    begin_audit(0, 0, 0, 0, 0);
    load_quit.audit(&w);
    check_clean();
}
END_TEST

START_TEST(what_does_not_add_up_at_the_end_is_told_by_the_audit)
{
    begin_audit(70, 68, 70, 70, 1);
    load_quit.audit(&w);
    check_found(VIOLATION_COUNT, 1, "worker 1 has seen 68 of 70 changes");
    begin_audit(70, 70, 70, 71, 2);
    load_quit.audit(&w);
    check_found(VIOLATION_LOST, 1, "the flag was changed 70 times and shows change 71");
    begin_audit(70, 70, 70, 70, 1);
    load_quit.audit(&w);
    check_found(VIOLATION_LOST, 1, "in the last round 2 processes have acknowledged, the counter shows 1");
    begin_audit(70, 70, 70, 70, 2);
    flag()[-1] ^= 1;
    load_quit.audit(&w);
    check_found(VIOLATION_SCRIBBLED, 1, "before the record were overwritten");
}
END_TEST

int main(void)
{
    return testing_run("quit", (const TTest *[]){
                                   a_follower_sees_every_change_acknowledges_it_and_times_it,
                                   a_flag_that_is_seen_half_changed_is_torn_and_looked_at_again,
                                   a_short_flag_with_bytes_of_two_rounds_is_torn,
                                   a_flag_that_went_back_is_reported_and_ends_the_worker,
                                   a_change_that_was_never_seen_is_lost,
                                   whoever_looks_at_the_flag_while_a_writer_is_inside_reports_an_overlap,
                                   whoever_acknowledges_beside_another_reports_an_overlap,
                                   whoever_waits_for_a_change_leaves_when_the_trial_ends,
                                   waiting_is_progress,
                                   a_leader_that_is_alone_with_the_flag_changes_it_once_a_round,
                                   a_leader_that_finds_too_few_acknowledgements_reports_a_lost_update,
                                   a_last_round_that_some_have_not_been_through_passes_the_audit,
                                   what_does_not_add_up_at_the_end_is_told_by_the_audit,
                                   NULL,
                               });
}
