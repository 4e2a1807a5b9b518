/* Tests of the crew: forked, held at the gate, let go, reaped, each exit classified, and nobody left behind. */
#define _GNU_SOURCE
#include "run/crew.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/testing.h"
#include "contract/worker.h"
#include "run/crew_worker.h"
#include "run/process.h"
#include "shm/region.h"

static struct error error;
static struct trial_spec spec;
static struct load_ops load;
static struct ledger ledger;
static struct region region;
static struct pin *pin;
static struct sync_setup setup;
static struct crew_plan plan;
static struct crew crew;

static size_t no_area(const struct shape *shape)
{
    return shape->size;
}

static void one_operation(struct worker *w)
{
    if (worker_next(w))
        worker_done(w);
}

/* All that a crew needs, with writers that call write(). */
static void begin(uint32_t workers, uint64_t size, void (*write_row)(struct worker *worker))
{
    load = (struct load_ops){.name = "scripted", .families = 1u << SYNC_LOCK, .area_bytes = no_area, .write = write_row,
                             .read = one_operation};
    spec = (struct trial_spec){
        .number = 1,
        .load = &load,
        .sync = contents_sync("none"),
        .fault = contents_fault("none"),
        .fault_text = "none",
        .shape = {.writers = workers - 1, .readers = 1, .size = size, .sampling = 1, .seed = 1},
        .pin = "none",
    };
    testing_ok(region_create(&region, testing_name("crew"), spec_region_bytes(&spec), &error));
    testing_ok(ledger_create(&ledger, workers, spec_histograms(&spec), &error));
    testing_ok(pin_create(&pin, "none", workers, &error));
    setup = (struct sync_setup){.name = region.name, .writers = workers - 1, .readers = 1};
    plan = (struct crew_plan){
        .spec = &spec,
        .ledger = &ledger,
        .pin = pin,
        .region_name = region.name,
        .region_bytes = region.bytes,
        .region_base = region.base,
        .region_fd = region.fd,
        .setups = &setup,
    };
}

static void finish(void)
{
    crew_free(&crew);
    pin_destroy(pin);
    ledger_destroy(&ledger);
    region_destroy(&region, NULL);
    ck_assert_int_eq(testing_census(testing_name("crew") + 1), 0);
}

/* Until all wait at the gate, or somebody has ended; the test's time limit bounds it. */
static void gather(void)
{
    for (uint32_t ready = 0; ready < crew.count && crew.alive == crew.count;) {
        crew_poll(&crew, 1);
        ready = 0;
        for (uint32_t i = 0; i < crew.count; i++)
            ready += slot_load(&ledger.slots[i].phase) == PHASE_READY;
    }
}

static void run_out(void)
{
    gate_open(ledger.gate);
    while (crew.alive)
        crew_poll(&crew, 50);
}

START_TEST(a_crew_waits_at_the_gate_works_and_goes_home)
{
    begin(8, 64, one_operation);
    testing_ok(crew_start(&crew, &plan, &error));
    ck_assert_uint_eq(crew.count, 8);
    ck_assert_uint_eq(crew.alive, 8);
    gather();
    ck_assert_uint_eq(crew.alive, 8);
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_uint_eq(slot_load(&ledger.slots[i].ops), 0);
    run_out();
    ck_assert_uint_eq(crew.failed, 0);
    ck_assert_uint_ge(crew.last_exit_ns, ledger.gate->opened_ns);
    for (uint32_t i = 0; i < 8; i++) {
        const struct slot *slot = &ledger.slots[i];
        ck_assert_int_eq(crew.members[i].exit, EXIT_NORMAL);
        ck_assert_int_eq(crew.members[i].value, 0);
        ck_assert_uint_eq(slot->ops, 1);
        ck_assert_uint_eq(slot->phase, PHASE_DONE);
        ck_assert_uint_ge(slot->started_ns, ledger.gate->opened_ns);
        ck_assert_uint_ge(slot->ended_ns, slot->started_ns);
    }
    finish();
}
END_TEST

START_TEST(all_workers_are_of_one_process_group_that_is_not_the_harnesss)
{
    begin(4, 64, one_operation);
    testing_ok(crew_start(&crew, &plan, &error));
    gather();
    ck_assert_int_ne(crew.group, getpgrp());
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(getpgid(crew.members[i].pid), crew.group);
    run_out();
    finish();
}
END_TEST

START_TEST(every_worker_has_the_region_at_an_address_of_its_own)
{
    static const uint64_t sizes[] = {64, 8192, 65536, 1 << 20};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        begin(6, sizes[s], one_operation);
        testing_ok(crew_start(&crew, &plan, &error));
        gather();
        run_out();
        for (uint32_t i = 0; i < 6; i++)
            for (uint32_t k = 0; k < i; k++)
                ck_assert_uint_ne(ledger.slots[i].fault.region_base, ledger.slots[k].fault.region_base);
        finish();
    }
}
END_TEST

static void die_of_a_signal(struct worker *w)
{
    worker_next(w);
    raise(w->index == 0 ? SIGKILL : SIGTERM);
}

START_TEST(a_worker_that_is_killed_is_classified_by_its_signal)
{
    char text[48];
    begin(3, 64, die_of_a_signal);
    testing_ok(crew_start(&crew, &plan, &error));
    gather();
    run_out();
    ck_assert_uint_eq(crew.failed, 2);
    ck_assert_int_eq(crew.members[0].exit, EXIT_SIGNAL);
    ck_assert_int_eq(crew.members[0].value, SIGKILL);
    ck_assert_str_eq(crew_exit_text(&crew.members[0], text), "killed by SIGKILL");
    ck_assert_str_eq(crew_exit_text(&crew.members[1], text), "killed by SIGTERM");
    ck_assert_str_eq(crew_exit_text(&crew.members[2], text), "exited 0");
    finish();
}
END_TEST

static void leave_early(struct worker *w)
{
    worker_next(w);
    _exit((int)w->index + 7);
}

START_TEST(a_worker_that_exits_by_itself_is_classified_by_its_status)
{
    char text[48];
    begin(3, 64, leave_early);
    testing_ok(crew_start(&crew, &plan, &error));
    gather();
    run_out();
    ck_assert_uint_eq(crew.failed, 2);
    ck_assert_str_eq(crew_exit_text(&crew.members[1], text), "exited 8");
    ck_assert_uint_eq(ledger.slots[1].phase, PHASE_IDLE);
    finish();
}
END_TEST

START_TEST(every_exit_has_a_text)
{
    static const struct {
        struct crew_member member;
        const char *text;
    } rows[] = {
        {{.exit = EXIT_NOT_YET}, "not ended"},
        {{.exit = EXIT_NORMAL, .value = 90}, "exited 90"},
        {{.exit = EXIT_SIGNAL, .value = SIGBUS}, "killed by SIGBUS"},
        {{.exit = EXIT_SIGNAL, .value = 63}, "killed by signal 63"},
        {{.exit = EXIT_ENDED, .value = SIGKILL}, "ended by the watchdog"},
    };
    char text[48];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_str_eq(crew_exit_text(&rows[i].member, text), rows[i].text);
}
END_TEST

static void touch_beyond_the_end(struct worker *w)
{
    worker_next(w);
    ((volatile char *)w->area)[100000] = 1;
}

START_TEST(a_memory_fault_is_noted_with_signal_and_address)
{
    begin(2, 200000, touch_beyond_the_end);
    ck_assert_int_eq(ftruncate(region.fd, (off_t)region.bytes), 0);
    testing_ok(crew_start(&crew, &plan, &error));
    gather();
    ck_assert_int_eq(ftruncate(region.fd, 50000), 0); /* pulls the pages away from under them */
    run_out();
    const struct slot *slot = &ledger.slots[0];
    ck_assert_int_eq(crew.members[0].exit, EXIT_SIGNAL);
    ck_assert_int_eq(crew.members[0].value, SIGBUS);
    ck_assert_uint_eq(slot->fault.signal, SIGBUS);
    ck_assert_int_gt(slot->fault.code, 0);
    ck_assert_uint_eq(slot->fault.address - slot->fault.region_base, spec_area_offset(&spec) + 100000);
    finish();
}
END_TEST

START_TEST(a_worker_that_cannot_set_itself_up_says_why)
{
    char text[48];
    begin(2, 64, one_operation);
    ck_assert_int_eq(shm_unlink(region.name), 0);
    region.linked = false;
    testing_ok(crew_start(&crew, &plan, &error));
    while (crew.alive)
        crew_poll(&crew, 50);
    ck_assert_uint_eq(crew.failed, 2);
    ck_assert_int_eq(crew.members[0].value, WORKER_SETUP_FAILED);
    ck_assert_str_eq(crew_exit_text(&crew.members[0], text), "exited 90");
    ck_assert_uint_eq(ledger.slots[0].failed, ENOENT);
    testing_has(ledger.slots[0].failure, "worker 0: region");
    testing_has(ledger.slots[0].failure, "shm_open: ENOENT");
    finish();
}
END_TEST

static void never_end(struct worker *w)
{
    worker_next(w);
    for (;;)
        pause();
}

static void check_all_gone(const pid_t *pids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ck_assert_msg(kill(pids[i], 0) != 0 && errno == ESRCH, "pid %d is still there", (int)pids[i]);
}

START_TEST(whoever_is_left_is_ended_and_reaped)
{
    pid_t pids[5];
    char text[48];
    begin(5, 64, never_end);
    testing_ok(crew_start(&crew, &plan, &error));
    gather();
    gate_open(ledger.gate);
    while (crew.alive > 4)
        crew_poll(&crew, 50); /* the reader goes home */
    for (uint32_t i = 0; i < 5; i++)
        pids[i] = crew.members[i].pid;
    crew_end(&crew);
    ck_assert_uint_eq(crew.alive, 0);
    ck_assert_int_eq(crew.members[0].exit, EXIT_ENDED);
    ck_assert_str_eq(crew_exit_text(&crew.members[0], text), "ended by the watchdog");
    ck_assert_int_eq(crew.members[4].exit, EXIT_NORMAL);
    check_all_gone(pids, 5);
    crew_end(&crew);
    ck_assert_uint_eq(crew.failed, 4);
    finish();
}
END_TEST

START_TEST(a_stopped_worker_is_ended_too)
{
    begin(2, 64, never_end);
    testing_ok(crew_start(&crew, &plan, &error));
    gather();
    ck_assert_int_eq(crew_signal(&crew, 0, SIGSTOP), 0);
    while (process_look(crew.members[0].pid).state != 'T')
        sched_yield();
    crew_end(&crew);
    ck_assert_uint_eq(crew.alive, 0);
    ck_assert_int_eq(crew.members[0].exit, EXIT_ENDED);
    finish();
}
END_TEST

START_TEST(signals_go_to_one_worker_and_never_to_one_that_has_gone)
{
    begin(3, 64, never_end);
    testing_ok(crew_start(&crew, &plan, &error));
    gather();
    ck_assert_int_eq(crew_signal(&crew, 1, SIGKILL), 0);
    while (crew.alive == 3)
        crew_poll(&crew, 50);
    ck_assert_uint_eq(crew.first_failed, 1);
    ck_assert_int_eq(crew.members[0].exit, EXIT_NOT_YET);
    ck_assert_int_eq(crew_signal(&crew, 1, SIGKILL), ESRCH);
    crew_end(&crew);
    ck_assert_int_eq(crew.members[1].exit, EXIT_SIGNAL);
    ck_assert_int_eq(crew.members[0].exit, EXIT_ENDED);
    finish();
}
END_TEST

/* A harness that starts a crew, tells its pids, and is killed. */
static int die_with_a_crew(void *user)
{
    if (crew_start(&crew, &plan, &error))
        return 1;
    gather();
    for (uint32_t i = 0; i < crew.count; i++)
        if (write(*(int *)user, &crew.members[i].pid, sizeof(pid_t)) != (ssize_t)sizeof(pid_t))
            return 2;
    raise(SIGKILL);
    return 3;
}

START_TEST(no_worker_outlives_a_harness_that_was_killed)
{
    int ends[2];
    pid_t pids[6];
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* orphans come to us, so that their end can be waited for */
    begin(6, 64, never_end);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t harness = testing_fork(die_with_a_crew, &ends[1]);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(read(ends[0], &pids[i], sizeof pids[i]), sizeof pids[i]);
    ck_assert_int_eq(testing_wait(harness), -SIGKILL);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(testing_wait(pids[i]), -SIGKILL);
    check_all_gone(pids, 6);
    finish();
}
END_TEST

int main(void)
{
    return testing_run("crew", (const TTest *[]){
                                   a_crew_waits_at_the_gate_works_and_goes_home,
                                   all_workers_are_of_one_process_group_that_is_not_the_harnesss,
                                   every_worker_has_the_region_at_an_address_of_its_own,
                                   a_worker_that_is_killed_is_classified_by_its_signal,
                                   a_worker_that_exits_by_itself_is_classified_by_its_status,
                                   every_exit_has_a_text,
                                   a_memory_fault_is_noted_with_signal_and_address,
                                   a_worker_that_cannot_set_itself_up_says_why,
                                   whoever_is_left_is_ended_and_reaped,
                                   a_stopped_worker_is_ended_too,
                                   signals_go_to_one_worker_and_never_to_one_that_has_gone,
                                   no_worker_outlives_a_harness_that_was_killed,
                                   NULL,
                               });
}
