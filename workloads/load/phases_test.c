/* Tests of the phases load: what everybody must find behind a barrier, who is too slow, who too quick, and when all leave. */
#include "workloads/load/oracle_testing.h"
#include "workloads/load/plain.h"
#include "workloads/load/record.h"

enum { SIZE = 64, DESK_BYTES = 3 * PLAIN_LINE };

/* What the others do while this worker waits at its n-th barrier. */
static void (*at_barrier)(uint64_t phase);

static int scripted_arrive(struct sync_self *self)
{
    (void)self;
    calls++;
    if (at_barrier)
        at_barrier(calls);
    return 0;
}

static const struct sync_ops scripted = {.name = "scripted", .family = SYNC_BARRIER, .barrier = {.arrive = scripted_arrive}};

static void start(uint32_t index, void (*script)(uint64_t phase))
{
    spec = (struct trial_spec){
        .load = &load_phases,
        .sync = &scripted,
        .fault = contents_fault("none"),
        .shape = {.writers = 2, .readers = 1, .size = SIZE, .sampling = 1, .seed = 7},
    };
    at_barrier = script;
    begin(index);
}

static uint64_t *last_phase(void)
{
    return (uint64_t *)(void *)area;
}

static uint64_t *phase_of(uint32_t worker)
{
    return (uint64_t *)(void *)(area + PLAIN_LINE + worker * DESK_BYTES);
}

static unsigned char *words_of(uint32_t worker, uint64_t phase)
{
    return area + PLAIN_LINE + worker * DESK_BYTES + (1 + phase % 2) * PLAIN_LINE;
}

/* Another worker writes its words and publishes its phase, as it should. */
static void publish(uint32_t worker, uint64_t phase)
{
    payload_fill(words_of(worker, phase), SIZE, payload_stamp(phase, worker, record_tag(&spec.shape)));
    *phase_of(worker) = phase;
}

static void others_come(uint64_t phase)
{
    for (uint32_t i = 0; i < WORKERS; i++)
        if (i != w.index)
            publish(i, phase);
}

static void one_goes_on(uint64_t phase)
{
    others_come(phase);
    if (phase % 3 == 0)
        publish(2, phase + 1); /* has left the barrier before us, and stands at the next one */
}

START_TEST(a_crew_that_arrives_together_finds_nothing)
{
    start(WRITER, others_come);
    run(500);
    ck_assert_uint_eq(w.slot->handoffs, 500);
    ck_assert_uint_eq(*last_phase(), 500);
    check_clean();
    start(WRITER, one_goes_on);
    run(500);
    check_clean();
}
END_TEST

static void one_is_late(uint64_t phase)
{
    others_come(phase);
    if (phase == 20)
        *phase_of(1) = 19;
}

static void one_is_two_ahead(uint64_t phase)
{
    others_come(phase);
    if (phase == 20)
        *phase_of(1) = 22;
}

/* Each phase is looked at whole or at one other in it: so many shifts of the seed find one that is looked at. */
static void run_until_found(void (*script)(uint64_t phase), const char *part)
{
    for (uint64_t seed = 1; seed < 50; seed++) {
        start(WRITER, script);
        spec.shape.seed = seed;
        run(20);
        if (w.slot->violations[VIOLATION_SKEW]) {
            check_found(VIOLATION_SKEW, 1, part);
            return;
        }
        check_clean();
    }
    ck_abort_msg("nothing found with 50 seeds");
}

START_TEST(who_has_not_come_or_has_gone_too_far_is_skew)
{
    run_until_found(one_is_late, "worker 0 has passed the barrier of phase 20, and worker 1 has come to phase 19 only");
    run_until_found(one_is_two_ahead, "worker 0 is still in phase 20, and worker 1 has passed its barrier and come to phase 22");
}
END_TEST

static void one_has_not_written(uint64_t phase)
{
    others_come(phase);
    if (phase == 20)
        words_of(2, phase)[8] ^= 1;
}

static void one_has_written_the_phase_before(uint64_t phase)
{
    others_come(phase);
    if (phase == 20)
        payload_fill(words_of(2, phase), SIZE, payload_stamp(18, 2, record_tag(&spec.shape)));
}

START_TEST(words_that_are_not_there_behind_the_barrier_are_skew)
{
    run_until_found(one_has_not_written, "does not find the words that worker 2 wrote before it, at offset 8");
    run_until_found(one_has_written_the_phase_before, "does not find the words that worker 2 wrote before it, at offset 0");
}
END_TEST

static void first_announces(uint64_t phase)
{
    others_come(phase);
    if (phase == 7)
        *last_phase() = 8;
}

START_TEST(leaving_is_agreed)
{
    start(OTHER, first_announces);
    spec.load->write(&w);
    ck_assert_uint_eq(w.ops, 8);
    check_clean();
    start(WRITER, others_come);
    ledger.gate->stop = 1; /* from the start: one phase is done all the same */
    spec.load->write(&w);
    ck_assert_uint_eq(w.ops, 1);
    ck_assert_uint_eq(*last_phase(), 1);
    check_clean();
}
END_TEST

static int fails(struct sync_self *self)
{
    (void)self;
    return EINVAL;
}

START_TEST(a_barrier_that_fails_is_left_at_once)
{
    struct sync_ops failing = scripted;
    start(WRITER, NULL);
    failing.barrier.arrive = fails;
    spec.sync = &failing;
    become(WRITER);
    spec.load->write(&w);
    ck_assert_uint_eq(w.ops, 0);
    check_found(VIOLATION_SYNC_ERROR, 1, "scripted: arrive returned EINVAL");
}
END_TEST

START_TEST(who_went_through_fewer_phases_is_told_by_the_audit)
{
    start(AUDITOR, NULL);
    *last_phase() = 30;
    for (uint32_t i = 0; i < WORKERS; i++)
        ledger.slots[i].ops = 30;
    spec.load->audit(&w);
    check_only(VIOLATION_COUNT, 0);
    ledger.slots[1].ops = 29;
    spec.load->audit(&w);
    check_found(VIOLATION_COUNT, 1, "the last phase was 30, and worker 1 went through 29");
}
END_TEST

int main(void)
{
    return testing_run("phases", (const TTest *[]){
                                     a_crew_that_arrives_together_finds_nothing,
                                     who_has_not_come_or_has_gone_too_far_is_skew,
                                     words_that_are_not_there_behind_the_barrier_are_skew,
                                     leaving_is_agreed,
                                     a_barrier_that_fails_is_left_at_once,
                                     who_went_through_fewer_phases_is_told_by_the_audit,
                                     NULL,
                                 });
}
