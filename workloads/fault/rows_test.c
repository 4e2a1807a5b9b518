/* Tests of the fault rows: whom the nemesis chooses and when it wants to act again, and what acts inside. */
#include "workloads/fault/rows.h"

#include "base/seed.h"
#include "base/testing.h"
#include "contract/contents.h"
#include "contract/worker.h"

enum { WORKERS = 5, SIGNALS_MAX = 100 };

static struct {
    uint32_t worker;
    int signal;
    uint64_t at_ns;
} sent[SIGNALS_MAX];
static int sent_count;
static uint64_t seed_state;

static int note_signal(struct nemesis *nemesis, uint32_t worker, int signal, const char *detail)
{
    ck_assert_int_lt(sent_count, SIGNALS_MAX);
    ck_assert_uint_gt(strlen(detail), 0);
    sent[sent_count].worker = worker;
    sent[sent_count].signal = signal;
    sent[sent_count++].at_ns = nemesis->now_ns;
    return 0;
}

/* Plays the harness: calls act() when it asks for it, until `until_ns` of the trial's time. */
static void act(const struct fault_ops *fault, double parameter, uint64_t seed, uint64_t until_ns)
{
    seed_state = seed;
    sent_count = 0;
    struct nemesis nemesis = {.workers = WORKERS, .random = &seed_state, .parameter = parameter, .signal = note_signal};
    for (uint64_t next = 0; next < until_ns; nemesis.step++) {
        nemesis.now_ns = next;
        uint64_t again = fault->act(&nemesis);
        ck_assert_msg(again > next, "%s wants to act at %llu after %llu", fault->name, (unsigned long long)again,
                      (unsigned long long)next);
        next = again;
    }
}

START_TEST(kill_kills_one_worker_once_at_its_time)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        act(&fault_kill, 250, seed, 10 * NS_PER_S);
        ck_assert_int_eq(sent_count, 1);
        ck_assert_int_eq(sent[0].signal, SIGKILL);
        ck_assert_uint_lt(sent[0].worker, WORKERS);
        ck_assert_uint_eq(sent[0].at_ns, 250 * NS_PER_MS);
    }
}
END_TEST

START_TEST(one_seed_chooses_one_victim_and_many_seeds_choose_all)
{
    unsigned chosen = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        act(&fault_kill, 1, seed, NS_PER_S);
        uint32_t victim = sent[0].worker;
        act(&fault_kill, 1, seed, NS_PER_S);
        ck_assert_uint_eq(sent[0].worker, victim);
        chosen |= 1u << victim;
    }
    ck_assert_uint_eq(chosen, (1u << WORKERS) - 1);
}
END_TEST

START_TEST(stop_continues_whom_it_has_stopped_before_it_stops_another)
{
    unsigned stopped = 0;
    act(&fault_stop, 5, 3, 400 * NS_PER_MS);
    ck_assert_int_ge(sent_count, 40);
    for (int i = 0; i + 1 < sent_count; i += 2) {
        ck_assert_int_eq(sent[i].signal, SIGSTOP);
        ck_assert_int_eq(sent[i + 1].signal, SIGCONT);
        ck_assert_uint_eq(sent[i].worker, sent[i + 1].worker);
        ck_assert_uint_lt(sent[i].worker, WORKERS);
        ck_assert_uint_eq(sent[i + 1].at_ns - sent[i].at_ns, 5 * NS_PER_MS);
        stopped |= 1u << sent[i].worker;
    }
    ck_assert_int_ge(__builtin_popcount(stopped), 3); /* one after the other */
}
END_TEST

START_TEST(a_fault_acts_inside_or_outside_or_not_at_all)
{
    ck_assert(!fault_none.inside && !fault_none.act);
    ck_assert(fault_yield.inside && !fault_yield.act);
    ck_assert(fault_delay.inside && !fault_delay.act);
    ck_assert(!fault_stop.inside && fault_stop.act);
    ck_assert(!fault_kill.inside && fault_kill.act);
    ck_assert_int_eq(fault_kill.expect, VERDICT_CRASHED);
}
END_TEST

START_TEST(a_delay_is_no_longer_than_asked_for_and_mostly_none)
{
    struct worker w = {.random = 9};
    uint64_t start = clock_ns();
    for (int i = 0; i < 1000; i++)
        fault_delay.inside(&w, 0);
    ck_assert_uint_lt(clock_ns() - start, 10 * NS_PER_S);
    uint64_t drawn = w.random;
    fault_delay.inside(&w, 1);
    ck_assert_uint_ne(w.random, drawn); /* it asks the worker's own generator */
}
END_TEST

START_TEST(a_yield_in_every_operation_needs_no_lot)
{
    struct worker w = {.random = 9};
    fault_yield.inside(&w, 1);
    ck_assert_uint_eq(w.random, 9);
    fault_yield.inside(&w, 1000);
    ck_assert_uint_ne(w.random, 9);
}
END_TEST

int main(void)
{
    return testing_run("fault_rows", (const TTest *[]){
                                         kill_kills_one_worker_once_at_its_time,
                                         one_seed_chooses_one_victim_and_many_seeds_choose_all,
                                         stop_continues_whom_it_has_stopped_before_it_stops_another,
                                         a_fault_acts_inside_or_outside_or_not_at_all,
                                         a_delay_is_no_longer_than_asked_for_and_mostly_none,
                                         a_yield_in_every_operation_needs_no_lot,
                                         NULL,
                                     });
}
