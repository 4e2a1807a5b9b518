/* Tests of the brink: who is alone gets on, and nobody waits for one that does not come, has left, or was asked to end. */
#include <sys/mman.h>

#include "base/testing.h"
#include "contract/worker.h"
#include "workloads/fault/rows.h"

enum { WORKERS = 3, BITS = 10 };

/* Shared by the test and its workers. */
static struct scene {
    _Alignas(4096) unsigned char commons[FAULT_COMMONS_BYTES];
    struct slot slots[WORKERS];
    uint32_t stop;
} *scene;

static struct load_ops load;
static const struct sync_ops sync_any = {.name = "any", .family = SYNC_LOCK};
static const struct shape shape = {.writers = WORKERS};

static void setup(void)
{
    scene = mmap(NULL, sizeof *scene, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(scene, MAP_FAILED);
    load = (struct load_ops){.name = "test"};
}

/* The loop of a worker. */
static void work(uint32_t index, uint64_t ops)
{
    struct worker w = {
        .load = &load,
        .sync = &sync_any,
        .shape = &shape,
        .slot = &scene->slots[index],
        .crew = {.slots = scene->slots, .workers = WORKERS, .stop = &scene->stop, .fault_commons = scene->commons},
        .index = index,
        .random = index,
        .writer = true,
        .polls = WORKER_POLLS_FEW,
    };
    fault_brink.begin(&w, BITS);
    while (w.ops < ops) {
        fault_brink.before(&w, BITS);
        slot_store(&w.slot->phase, PHASE_ACQUIRING);
        fault_brink.calling(&w, BITS);
        slot_store(&w.slot->phase, PHASE_INSIDE);
        fault_brink.inside(&w, BITS);
        slot_store(&w.slot->phase, PHASE_IDLE);
        slot_store(&w.slot->ops, ++w.ops);
    }
    fault_brink.end(&w, BITS);
}

static pid_t start(uint32_t index, uint64_t ops)
{
    pid_t pid = fork();
    if (pid == 0) {
        work(index, ops);
        _exit(0);
    }
    return pid;
}

START_TEST(all_come_to_their_end_past_many_brinks)
{
    setup();
    pid_t pids[WORKERS];
    for (uint32_t i = 0; i < WORKERS; i++)
        pids[i] = start(i, 20000);
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(testing_wait(pids[i]), 0);
}
END_TEST

START_TEST(who_has_left_its_loop_is_not_waited_for)
{
    setup();
    pid_t pids[WORKERS];
    for (uint32_t i = 0; i < WORKERS; i++)
        pids[i] = start(i, i * 5000); /* the first one, who is to begin, does nothing at all */
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(testing_wait(pids[i]), 0);
}
END_TEST

/* The others never come: neither to the brink, nor when it is their turn to be alone. */
START_TEST(nobody_waits_for_one_that_does_not_come)
{
    setup();
    work(0, 20000);
    ck_assert_uint_eq(scene->slots[0].ops, 20000);
}
END_TEST

/* It is not the second one's turn. */
START_TEST(who_is_not_alone_waits_until_it_is_let_go)
{
    setup();
    fault_brink.release(scene->commons);
    work(1, 1000);
    ck_assert_uint_eq(scene->slots[1].ops, 1000);
    setup();
    scene->stop = 1;
    work(1, 1000);
    ck_assert_uint_eq(scene->slots[1].ops, 1000);
}
END_TEST

START_TEST(a_load_in_step_by_itself_is_left_alone)
{
    setup();
    load.in_step = true;
    work(1, 1000);
    ck_assert_uint_eq(scene->slots[1].ops, 1000);
}
END_TEST

int main(void)
{
    return testing_run("fault_brink", (const TTest *[]){
                                          all_come_to_their_end_past_many_brinks,
                                          who_has_left_its_loop_is_not_waited_for,
                                          nobody_waits_for_one_that_does_not_come,
                                          who_is_not_alone_waits_until_it_is_let_go,
                                          a_load_in_step_by_itself_is_left_alone,
                                          NULL,
                                      });
}
