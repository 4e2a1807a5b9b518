/* Tests of the oracle of starvation: a hand-made ledger, and workers that sleep or spin. */
#include "run/starvation.h"

#include "base/testing.h"
#include "contract/worker.h"
#include "run/process.h"

enum { WORKERS = 2 };

static struct error error;
static struct ledger ledger;
static struct crew_member members[WORKERS];
static struct crew crew;
static struct starvation starvation;
static struct trial_spec spec;
static struct sync_ops fair;

static int sleep_for_ever(void *user)
{
    (void)user;
    for (;;)
        pause();
    return 0;
}

static void begin(unsigned traits)
{
    fair = *contents_sync("mutex");
    fair.traits = traits;
    spec = (struct trial_spec){.load = contents_load("counter"), .sync = &fair, .fault = contents_fault("none"),
                               .shape = {.writers = WORKERS}};
    testing_ok(ledger_create(&ledger, WORKERS, 3, &error));
    crew = (struct crew){.members = members, .count = WORKERS, .alive = WORKERS};
    for (uint32_t i = 0; i < WORKERS; i++) {
        members[i] = (struct crew_member){.pid = testing_fork(sleep_for_ever, NULL), .pidfd = -1};
        ledger.slots[i].phase = PHASE_ACQUIRING;
        while (process_look(members[i].pid).state != 'S')
            sched_yield();
    }
    starvation_start(&starvation, &spec);
}

static void finish(void)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        kill(members[i].pid, SIGKILL);
        testing_wait(members[i].pid);
    }
    starvation_free(&starvation);
    ledger_destroy(&ledger);
}

/* Worker 1 is served again and again while worker 0 waits. */
static void serve(uint64_t operations)
{
    for (uint64_t k = 0; k < 10; k++) {
        ledger.slots[1].ops += operations / 10;
        starvation_look(&starvation, &crew, &ledger, &spec, ledger.slots[0].ops + ledger.slots[1].ops, k * NS_PER_MS);
    }
}

static uint64_t told(void)
{
    return ledger_auditor(&ledger)->violations[VIOLATION_STARVED];
}

START_TEST(who_waits_while_another_is_served_a_thousand_times_is_starved)
{
    begin(SYNC_FAIR);
    serve(10000);
    ck_assert_uint_eq(told(), 1); /* once for each worker */
    testing_has(ledger_auditor(&ledger)->evidence[0].text, "worker 0 has waited");
    finish();
}
END_TEST

START_TEST(a_sync_that_promises_nothing_starves_nobody)
{
    begin(0);
    serve(10000);
    ck_assert_uint_eq(told(), 0);
    finish();
}
END_TEST

START_TEST(a_few_operations_of_others_are_no_starvation)
{
    begin(SYNC_FAIR);
    serve(200);
    ck_assert_uint_eq(told(), 0);
    finish();
}
END_TEST

START_TEST(who_is_served_meanwhile_has_not_waited)
{
    begin(SYNC_FAIR);
    for (int k = 0; k < 20; k++) {
        ledger.slots[0].ops++;
        serve(300);
    }
    ck_assert_uint_eq(told(), 0);
    finish();
}
END_TEST

START_TEST(who_was_served_and_asks_again_in_one_operation_has_not_waited)
{
    begin(SYNC_FAIR);
    for (int k = 0; k < 100; k++) {
        ledger.slots[0].beats++; /* it gave back, and was never seen between */
        serve(10);
    }
    ck_assert_uint_eq(told(), 0);
    finish();
}
END_TEST

START_TEST(who_had_no_cpu_to_join_the_queue_with_is_not_in_it)
{
    begin(SYNC_FAIR);
    kill(members[0].pid, SIGSTOP);
    while (process_look(members[0].pid).state != 'T')
        sched_yield();
    serve(10000);
    ck_assert_uint_eq(told(), 0);
    finish();
}
END_TEST

int main(void)
{
    return testing_run("starvation", (const TTest *[]){
                                         who_waits_while_another_is_served_a_thousand_times_is_starved,
                                         a_sync_that_promises_nothing_starves_nobody,
                                         a_few_operations_of_others_are_no_starvation,
                                         who_is_served_meanwhile_has_not_waited,
                                         who_was_served_and_asks_again_in_one_operation_has_not_waited,
                                         who_had_no_cpu_to_join_the_queue_with_is_not_in_it,
                                         NULL,
                                     });
}
