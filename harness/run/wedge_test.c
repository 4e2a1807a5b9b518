/* Tests of the explanation of a wedge: since when somebody waits, what the lock's word says, whose number is in it. */
#define _GNU_SOURCE
#include "run/wedge.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/testing.h"
#include "run/instances.h"
#include "run/process.h"

enum { WORKERS = 2, PAGE = 4096 };

static struct error error;
static struct ledger ledger;
static struct crew_member members[WORKERS];
static struct sync_setup setup = {.writers = WORKERS};
static struct sync_ops sync_row;
static struct trial_spec spec;
static struct crew_plan plan;
static struct crew crew;
static char text[1400];

static void describe(const void *state, const struct sync_setup *with, struct sync_sight *sight)
{
    const uint64_t *words = state;
    ck_assert_uint_eq(with->writers, WORKERS);
    snprintf(sight->words, sizeof sight->words, "its word is %llu", (unsigned long long)words[0]);
    sight->owner = words[1];
}

static void begin(void)
{
    sync_row = (struct sync_ops){.name = "row", .family = SYNC_LOCK, .state_bytes = 128, .describe = describe};
    spec = (struct trial_spec){
        .load = contents_load("counter"), .sync = &sync_row, .fault = contents_fault("none"), .shape = {.writers = WORKERS, .size = 8}};
    testing_ok(ledger_create(&ledger, WORKERS, 3, &error));
    plan = (struct crew_plan){.spec = &spec, .ledger = &ledger, .setups = &setup, .region_bytes = PAGE};
    plan.region_base = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(plan.region_base, MAP_FAILED);
    members[0] = (struct crew_member){.pid = getpid(), .pidfd = -1};
    members[1] = (struct crew_member){.pid = 999999, .pidfd = -1, .exit = EXIT_SIGNAL, .value = SIGKILL};
    crew = (struct crew){.members = members, .count = WORKERS, .alive = 1, .plan = &plan};
    ledger.slots[0].phase = PHASE_ACQUIRING;
    ledger.slots[1].phase = PHASE_INSIDE;
    ledger.slots[1].version = 17;
    text[0] = '\0';
}

static uint64_t *state(void)
{
    return instances_state(&spec, plan.region_base, 0);
}

static void finish(void)
{
    munmap(plan.region_base, PAGE);
    ledger_destroy(&ledger);
}

START_TEST(who_died_holding_and_whose_number_is_in_the_word)
{
    begin();
    state()[0] = 2;
    state()[1] = 999999;
    wedge_explain(&crew, &ledger, NULL, 0, text, sizeof text);
    testing_has(text, "; worker 1 (pid 999999, killed by SIGKILL) ended in phase inside, at version 17; row: its word is 2, and its "
                      "owner is worker 1 (pid 999999), which is dead; worker 0 (pid ");
    text[0] = '\0';
    state()[1] = 12345;
    members[1].exit = EXIT_NOT_YET;
    crew.alive = 2;
    wedge_explain(&crew, &ledger, NULL, 0, text, sizeof text);
    testing_has(text, "its owner is thread 12345, which is none of the crew's; worker 0");
    testing_lacks(text, "ended in phase");
    text[0] = '\0';
    members[1].pid_before = 12345;
    wedge_explain(&crew, &ledger, NULL, 0, text, sizeof text);
    testing_has(text, "its owner was worker 1 before it was replaced (pid 12345), which is dead; worker 0");
    testing_has(text, "worker 1 (pid 999999) cannot be seen in /proc, phase inside");
    finish();
}
END_TEST

static int sleep_at(void *word)
{
    syscall(SYS_futex, word, FUTEX_WAIT, 2, NULL, NULL, 0);
    return 0;
}

START_TEST(of_many_instances_the_one_is_shown_that_somebody_sleeps_at)
{
    static struct load_ops many;
    static struct sync_setup setups[3];
    begin();
    many = *spec.load;
    many.instances = 3;
    spec.load = &many;
    setups[1] = setup;
    plan.setups = setups;
    uint64_t *second = instances_state(&spec, plan.region_base, 1);
    second[0] = 2;
    second[1] = 999999;
    wedge_explain(&crew, &ledger, NULL, 0, text, sizeof text);
    testing_lacks(text, "row");
    members[0].pid = testing_fork(sleep_at, second);
    ledger.slots[0].fault.region_base = (uint64_t)(uintptr_t)plan.region_base;
    while (!process_call(members[0].pid).futex)
        sched_yield();
    text[0] = '\0';
    wedge_explain(&crew, &ledger, NULL, 0, text, sizeof text);
    testing_has(text, "; row, number 1 of 3: its word is 2, and its owner is worker 1 (pid 999999), which is dead; worker 0");
    kill(members[0].pid, SIGKILL);
    testing_wait(members[0].pid);
    finish();
}
END_TEST

START_TEST(since_when_is_counted_from_the_last_move)
{
    struct wedge_since since[WORKERS] = {0};
    begin();
    ledger.slots[0].ops = 5;
    wedge_note(since, &ledger, 1 * NS_PER_S);
    wedge_note(since, &ledger, 2 * NS_PER_S);
    wedge_explain(&crew, &ledger, since, 3 * NS_PER_S, text, sizeof text);
    testing_has(text, "phase acquiring for 2.00 s, after 5 operations");
    ledger.slots[0].beats++;
    wedge_note(since, &ledger, 4 * NS_PER_S);
    ledger.slots[0].phase = PHASE_RELEASING;
    wedge_note(since, &ledger, 5 * NS_PER_S);
    text[0] = '\0';
    wedge_explain(&crew, &ledger, since, 5500 * NS_PER_MS, text, sizeof text);
    testing_has(text, "phase releasing for 0.50 s");
    finish();
}
END_TEST

START_TEST(a_state_that_describes_itself_to_nobody_is_shown_by_its_words)
{
    begin();
    sync_row.describe = NULL;
    state()[0] = 0x1300000012;
    wedge_explain(&crew, &ledger, NULL, 0, text, sizeof text);
    testing_has(text, "; row: its state begins with 0x12 0x13 0x0 0x0; worker 0");
    finish();
}
END_TEST

START_TEST(a_state_that_has_gone_is_no_crash_of_the_harness)
{
    begin();
    mprotect(plan.region_base, PAGE, PROT_NONE);
    wedge_explain(&crew, &ledger, NULL, 0, text, sizeof text);
    testing_lacks(text, "row:");
    testing_has(text, "; worker 0 (pid ");
    finish();
}
END_TEST

START_TEST(however_small_the_room_the_text_ends)
{
    begin();
    for (size_t room = 1; room < 300; room++) {
        char *small = malloc(room);
        small[0] = '\0';
        wedge_explain(&crew, &ledger, NULL, 0, small, room);
        ck_assert_uint_lt(strnlen(small, room), room);
        free(small);
    }
    finish();
}
END_TEST

int main(void)
{
    return testing_run("wedge", (const TTest *[]){
                                    who_died_holding_and_whose_number_is_in_the_word,
                                    of_many_instances_the_one_is_shown_that_somebody_sleeps_at,
                                    since_when_is_counted_from_the_last_move,
                                    a_state_that_describes_itself_to_nobody_is_shown_by_its_words,
                                    a_state_that_has_gone_is_no_crash_of_the_harness,
                                    however_small_the_room_the_text_ends,
                                    NULL,
                                });
}
