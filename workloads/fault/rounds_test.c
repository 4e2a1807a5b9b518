/* Tests of the rounds: nobody is ahead, whoever leaves is not waited for, and the end of the trial lets everybody go. */
#include <sys/mman.h>

#include "base/testing.h"
#include "contract/contents.h"
#include "contract/worker.h"
#include "workloads/fault/rows.h"

enum { WORKERS = 4 };

/* Shared by the test and its workers. */
static struct scene {
    _Alignas(4096) unsigned char commons[FAULT_COMMONS_BYTES];
    struct slot slots[WORKERS];
    uint32_t stop;
    uint32_t ahead; /* the most that anybody was found behind */
} *scene;

static struct load_ops load = {.name = "test"};

static void setup(void)
{
    scene = mmap(NULL, sizeof *scene, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(scene, MAP_FAILED);
}

static struct worker worker_of(uint32_t index)
{
    return (struct worker){
        .load = &load,
        .slot = &scene->slots[index],
        .crew = {.slots = scene->slots, .workers = WORKERS, .stop = &scene->stop, .fault_commons = scene->commons},
        .index = index,
        .random = index,
    };
}

/* The loop of a worker: `ops` operations in rounds of `each`, looking how far the others are behind. */
static void work(uint32_t index, uint64_t ops, double each)
{
    struct worker w = worker_of(index);
    fault_rounds.begin(&w, each);
    while (w.ops < ops && !(w.ops && worker_stopping(&w))) {
        fault_rounds.before(&w, each);
        for (uint32_t i = 0; i < WORKERS; i++) {
            uint64_t other = __atomic_load_n(&scene->slots[i].ops, __ATOMIC_SEQ_CST);
            if (w.ops > other && w.ops - other > scene->ahead)
                scene->ahead = (uint32_t)(w.ops - other);
        }
        slot_store(&w.slot->phase, PHASE_CALLING);
        fault_rounds.calling(&w, each);
        slot_store(&w.slot->phase, PHASE_IDLE);
        __atomic_store_n(&w.slot->ops, ++w.ops, __ATOMIC_SEQ_CST);
    }
    fault_rounds.end(&w, each);
}

static pid_t start(uint32_t index, uint64_t ops, double each)
{
    pid_t pid = fork();
    if (pid == 0) {
        work(index, ops, each);
        _exit(0);
    }
    return pid;
}

static void wait_all(const pid_t *pids)
{
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(testing_wait(pids[i]), 0);
}

START_TEST(nobody_begins_a_round_before_all_have_ended_the_last)
{
    for (uint64_t each = 1; each <= 4; each += 3) {
        setup();
        pid_t pids[WORKERS];
        for (uint32_t i = 0; i < WORKERS; i++)
            pids[i] = start(i, 2000, (double)each);
        wait_all(pids);
        ck_assert_msg(scene->ahead < each, "rounds of %u: one was %u ahead", (unsigned)each, scene->ahead);
    }
}
END_TEST

START_TEST(who_has_left_its_loop_is_not_waited_for)
{
    setup();
    pid_t pids[WORKERS];
    for (uint32_t i = 0; i < WORKERS; i++)
        pids[i] = start(i, i * 100, 1); /* one does nothing at all */
    wait_all(pids);
    ck_assert_uint_eq(scene->slots[WORKERS - 1].ops, (WORKERS - 1) * 100);
}
END_TEST

/* Alone in the crew: the others never come. */
START_TEST(the_end_of_the_trial_lets_go_whoever_waits)
{
    setup();
    pid_t pid = start(0, 1000000, 1);
    clock_wait_until(clock_ns() + 30 * NS_PER_MS); /* by now it sleeps, or is about to */
    ck_assert_uint_eq(scene->slots[0].ops, 0);
    __atomic_store_n(&scene->stop, 1, __ATOMIC_SEQ_CST);
    fault_rounds.release(scene->commons);
    ck_assert_int_eq(testing_wait(pid), 0);
    ck_assert_uint_eq(scene->slots[0].ops, 1);
}
END_TEST

START_TEST(whatever_makes_workers_wait_for_each_other_can_let_them_go)
{
    uint32_t seen = 0;
    for (const struct fault_ops *const *fault = contents_faults; *fault; fault++) {
        seen += (*fault)->in_step;
        ck_assert_msg(!(*fault)->in_step || (*fault)->release, "fault %s has no release()", (*fault)->name);
    }
    ck_assert_uint_ge(seen, 2);
}
END_TEST

START_TEST(after_the_end_nobody_waits)
{
    setup();
    scene->stop = 1;
    work(0, 1000, 1);
    ck_assert_uint_eq(scene->slots[0].ops, 1);
}
END_TEST

START_TEST(a_load_in_step_by_itself_is_left_alone)
{
    setup();
    load.in_step = true;
    work(0, 1000, 1);
    ck_assert_uint_eq(scene->slots[0].ops, 1000);
}
END_TEST

START_TEST(a_waiter_is_between_operations_and_asleep)
{
    setup();
    pid_t pid = start(0, 1000000, 1);
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    for (uint64_t end = clock_ns() + 20 * NS_PER_S; state != 'S' && clock_ns() < end; sched_yield()) {
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
        fclose(file);
    }
    ck_assert_int_eq(state, 'S');
    ck_assert_uint_eq(scene->slots[0].beats, 0);
    __atomic_store_n(&scene->stop, 1, __ATOMIC_SEQ_CST);
    fault_rounds.release(scene->commons);
    ck_assert_int_eq(testing_wait(pid), 0);
}
END_TEST

int main(void)
{
    return testing_run("fault_rounds", (const TTest *[]){
                                           nobody_begins_a_round_before_all_have_ended_the_last,
                                           who_has_left_its_loop_is_not_waited_for,
                                           the_end_of_the_trial_lets_go_whoever_waits,
                                           whatever_makes_workers_wait_for_each_other_can_let_them_go,
                                           after_the_end_nobody_waits,
                                           a_load_in_step_by_itself_is_left_alone,
                                           a_waiter_is_between_operations_and_asleep,
                                           NULL,
                                       });
}
