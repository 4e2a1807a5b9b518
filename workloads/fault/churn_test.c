/* Tests of whom churn condemns: nobody twice, and never all. */
#include "base/testing.h"
#include "cmd/fault_text.h"
#include "contract/worker.h"
#include "workloads/fault/die.h"
#include "workloads/fault/rows.h"

enum { WORKERS = 4 };

static struct error error;
static struct fault_choice choice;
static struct shape shape = {.writers = WORKERS - 1, .readers = 1, .size = 64, .seed = 5};
static struct slot slots[WORKERS];
static _Alignas(64) unsigned char commons[FAULT_COMMONS_BYTES];
static uint32_t struck, condemned, stop;

static pid_t process_of(struct nemesis *nemesis, uint32_t worker)
{
    (void)nemesis;
    return 1000 + (pid_t)worker;
}

static void note(struct nemesis *nemesis, uint32_t worker, const char *detail)
{
    (void)nemesis;
    (void)worker;
    condemned += strncmp(detail, "condemned", 9) == 0;
}

static int strike(struct nemesis *nemesis, uint32_t worker, int signal, const char *detail)
{
    (void)nemesis, (void)detail;
    ck_assert_int_eq(signal, SIGKILL);
    ck_assert_msg(slots[worker].sentence == 0, "worker %u has a sentence, and is struck from outside", worker);
    struck++;
    return 0;
}

static struct nemesis nemesis_of(const char *fault, uint64_t *random)
{
    testing_ok(fault_parse(fault, &choice, &error));
    memset(slots, 0, sizeof slots);
    memset(commons, 0, sizeof commons);
    struck = condemned = 0;
    return (struct nemesis){.workers = WORKERS, .alive = WORKERS, .random = random, .parameter = choice.parameter,
                            .choices = choice.choices, .shape = &shape, .slots = slots, .commons = commons,
                            .process = process_of, .note = note, .signal = strike};
}

/* So many acts, half a millisecond apart, in which everybody waits and nobody comes to its end. */
static void act_for(struct nemesis *nemesis, uint32_t acts)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        slots[i].phase = PHASE_ACQUIRING;
        slots[i].ops = 100;
    }
    for (nemesis->step = 0; nemesis->step < acts; nemesis->step++)
        nemesis->now_ns = choice.fault->act(nemesis);
}

static uint32_t count_settled(void)
{
    uint32_t settled = 0;
    for (uint32_t i = 0; i < WORKERS; i++)
        settled += slots[i].sentence || slots[i].doomed;
    return settled;
}

START_TEST(nobody_is_condemned_twice_and_one_is_left_alone)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t random = seed;
        struct nemesis nemesis = nemesis_of("churn:anywhere:kill:anybody:for-good:1", &random);
        act_for(&nemesis, 400);
        ck_assert_uint_eq(count_settled(), WORKERS - 1);
        ck_assert_uint_eq(condemned + struck, WORKERS - 1);
    }
}
END_TEST

START_TEST(a_sentence_taken_up_is_still_one)
{
    uint64_t random = 1;
    nemesis_of("churn:before:kill:1", &random);
    struct worker w = {.shape = &shape, .fault = choice.fault, .fault_choices = choice.choices, .slot = &slots[0], .ops = 7,
                       .crew = {.slots = slots, .workers = WORKERS, .stop = &stop, .fault_commons = commons}};
    testing_ok(choice.fault->begin(&w, 1));
    slots[0].sentence = DIE_AFTER + 1; /* not a place that this operation has come to */
    choice.fault->before(&w, 1);
    ck_assert_uint_ne(slots[0].sentence, 0);
    ck_assert_uint_ne(slots[0].sentence, DIE_AFTER + 1);
    ck_assert_int_eq(((const struct die_plan *)w.fault_own)->place, DIE_AFTER);
    choice.fault->before(&w, 1);
    ck_assert_uint_eq(((const struct die_plan *)w.fault_own)->operation, 7);
    free(w.fault_own);
}
END_TEST

START_TEST(now_and_then_several_are_to_die_at_once)
{
    uint64_t random = 3;
    struct nemesis nemesis = nemesis_of("churn:inside:1", &random);
    uint32_t alone = 0, together = 0;
    for (nemesis.step = 1; nemesis.step <= 100; nemesis.step++) {
        memset(slots, 0, sizeof slots);
        condemned = 0;
        nemesis.now_ns += NS_PER_S;
        choice.fault->act(&nemesis);
        ck_assert_uint_ge(condemned, 1);
        ck_assert_uint_lt(condemned, WORKERS);
        alone += condemned == 1;
        together += condemned > 1;
    }
    ck_assert_uint_gt(alone, together); /* as a rule the heir lives, and all can be seen to be well */
    ck_assert_uint_gt(together, 0);
}
END_TEST

int main(void)
{
    return testing_run("churn", (const TTest *[]){
                                    nobody_is_condemned_twice_and_one_is_left_alone,
                                    a_sentence_taken_up_is_still_one,
                                    now_and_then_several_are_to_die_at_once,
                                    NULL,
                                });
}
