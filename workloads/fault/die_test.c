/* Tests of deaths at a chosen place: in child processes, who dies, where, in which manner, and what it notes before. */
#include <fcntl.h>
#include <sys/mman.h>

#include "base/testing.h"
#include "cmd/fault_text.h"
#include "contract/worker.h"
#include "workloads/fault/die.h"
#include "workloads/fault/rows.h"

enum { WRITERS = 3, WORKERS = 4 };

static struct error error;
static struct fault_choice choice;
static struct shape shape = {.writers = WRITERS, .readers = WORKERS - WRITERS, .size = 64, .seed = 5};
static struct shared {
    _Alignas(4096) unsigned char commons[FAULT_COMMONS_BYTES];
    _Alignas(4096) unsigned char region[4096];
    struct slot slots[WORKERS];
    uint32_t stop;
} *shared;

static void order(const char *fault)
{
    testing_ok(fault_parse(fault, &choice, &error));
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
}

static struct worker worker_of(uint32_t index)
{
    return (struct worker){
        .shape = &shape,
        .fault = choice.fault,
        .fault_parameter = choice.parameter,
        .fault_choices = choice.choices,
        .slot = &shared->slots[index],
        .crew = {.slots = shared->slots, .workers = WORKERS, .stop = &shared->stop, .fault_commons = shared->commons},
        .index = index,
        .writer = index < WRITERS,
        .random = index,
        .inside_at = UINT64_MAX,
    };
}

/* Plays a worker's operations through the hooks, so many of them; 77: it has outlived them. */
static int live(void *user)
{
    struct worker w = worker_of(*(const uint32_t *)user);
    const struct fault_ops *f = w.fault;
    w.region = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    w.region_bytes = 4096;
    if (f->begin(&w, w.fault_parameter))
        return 99;
    for (w.ops = 0; w.ops < 1000; w.ops++) {
        f->before(&w, w.fault_parameter);
        slot_store(&w.slot->phase, PHASE_ACQUIRING);
        f->calling(&w, w.fault_parameter);
        f->called(&w, w.fault_parameter);
        slot_store(&w.slot->phase, PHASE_INSIDE);
        f->inside(&w, w.fault_parameter);
        slot_store(&w.slot->phase, PHASE_RELEASING);
        f->calling(&w, w.fault_parameter);
        f->called(&w, w.fault_parameter);
        slot_store(&w.slot->phase, PHASE_IDLE);
        slot_store(&w.slot->ops, w.ops + 1);
    }
    return 77;
}

/* The wait status of worker `index`. */
static int fate(uint32_t index)
{
    int status = 0;
    pid_t pid = testing_fork(live, &index);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static bool outlived(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 77;
}

static uint32_t count_dead(void)
{
    uint32_t dead = 0;
    for (uint32_t i = 0; i < WORKERS; i++)
        dead += !outlived(fate(i));
    return dead;
}

START_TEST(each_manner_ends_a_worker_in_its_own_way)
{
    static const struct {
        const char *fault;
        int signal, status;
    } rows[] = {{"die:inside:kill:2", SIGKILL, 0}, {"die:inside:segv:2", SIGSEGV, 0}, {"die:inside:abort:2", SIGABRT, 0},
                {"die:inside:exit:2", 0, 0},       {"die:inside:_exit:2", 0, 0},      {"die:inside:exec:2", 0, 0},
                {"die:inside:unmap:2", 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        order(rows[i].fault);
        const struct fault_mortality *mortality = (const void *)shared->commons;
        for (uint32_t k = 0; k < WORKERS; k++) {
            int status = fate(k);
            if (outlived(status))
                continue;
            if (rows[i].signal)
                ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == rows[i].signal, "%s: %x", rows[i].fault, status);
            else
                ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %x", rows[i].fault, status);
            ck_assert_uint_eq(mortality->victim, k);
            ck_assert_uint_eq(shared->slots[k].doomed, 1);
        }
        ck_assert_uint_gt(mortality->death_ns, 1);
        munmap(shared, sizeof *shared);
    }
}
END_TEST

START_TEST(each_place_is_where_the_slot_says_that_it_was)
{
    static const struct {
        const char *fault;
        enum phase phase;
    } rows[] = {{"die:before:kill", PHASE_IDLE},
                {"die:inside:kill", PHASE_INSIDE},
                {"die:releasing:kill", PHASE_RELEASING},
                {"die:after:kill", PHASE_RELEASING}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        order(rows[i].fault);
        ck_assert_uint_eq(count_dead(), 1);
        const struct slot *slot = &shared->slots[((const struct fault_mortality *)(const void *)shared->commons)->victim];
        ck_assert_msg(slot->phase == rows[i].phase, "%s: phase %u", rows[i].fault, slot->phase);
        ck_assert_uint_ge(slot->ops, 20); /* the others were under way by then */
        munmap(shared, sizeof *shared);
    }
}
END_TEST

START_TEST(who_dies_is_one_or_the_writers_or_all_but_one)
{
    order("die:inside:kill:one");
    ck_assert_uint_eq(count_dead(), 1);
    order("die:inside:kill:writers");
    for (uint32_t i = 0; i < WORKERS; i++)
        ck_assert(outlived(fate(i)) == (i >= WRITERS));
    order("die:inside:kill:all-but-one");
    ck_assert_uint_eq(count_dead(), WORKERS - 1);
}
END_TEST

START_TEST(who_is_asked_to_end_before_it_dies_is_pardoned)
{
    static const char *const faults[] = {"die:before:kill", "die:inside:kill", "die:within:kill:40", "die:writing:kill"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        order(faults[i]);
        if (fault_die.refuses_choices(&shape, choice.choices, choice.parameter))
            continue;
        shared->stop = 1;
        ck_assert_msg(count_dead() == 0, "%s", faults[i]);
        munmap(shared, sizeof *shared);
    }
}
END_TEST

START_TEST(where_operations_take_long_their_number_is_not_waited_for)
{
    order("die:after:kill");
    uint64_t random = 1;
    struct nemesis nemesis = {.workers = WORKERS, .alive = WORKERS, .random = &random, .choices = choice.choices,
                              .shape = &shape, .slots = shared->slots, .commons = shared->commons};
    nemesis.now_ns = fault_die.act(&nemesis);
    ck_assert_uint_ge(nemesis.now_ns, 100 * NS_PER_MS);
    ck_assert_uint_le(nemesis.now_ns, NS_PER_S);
    ck_assert_uint_eq(fault_die.act(&nemesis), UINT64_MAX);
    ck_assert_uint_eq(count_dead(), 1);
    ck_assert_uint_eq(((const struct fault_mortality *)(const void *)shared->commons)->ops, 1);
}
END_TEST

START_TEST(the_record_is_left_at_the_word_that_was_asked_for)
{
    order("die:inside:kill:6");
    uint64_t wanted = UINT64_MAX;
    for (uint32_t i = 0; i < WRITERS; i++) {
        struct worker w = worker_of(i);
        testing_ok(w.fault->begin(&w, w.fault_parameter));
        if (w.inside_at != UINT64_MAX)
            wanted = w.inside_at;
        free(w.fault_own);
    }
    ck_assert_uint_eq(wanted, 6);
}
END_TEST

/* So many instructions that a loop of ten thousand of them is left in the middle. */
static int count_within(void *user)
{
    struct worker w = worker_of(*(const uint32_t *)user);
    if (w.fault->begin(&w, w.fault_parameter))
        return 99;
    w.ops = 1000;
    w.fault->before(&w, w.fault_parameter);
    slot_store(&w.slot->phase, PHASE_RELEASING);
    w.fault->calling(&w, w.fault_parameter);
    for (volatile uint64_t *at = &w.slot->version; *at < 10000; ++*at)
        continue;
    w.fault->called(&w, w.fault_parameter);
    return 77;
}

/* Stands for the primitive: in a frame below the hook's caller. */
static int call_within(void *user)
{
    struct worker w = worker_of(*(const uint32_t *)user);
    if (w.fault->begin(&w, w.fault_parameter))
        return 99;
    w.ops = 1000;
    w.fault->before(&w, w.fault_parameter);
    w.fault->calling(&w, w.fault_parameter);
    for (int i = 0; i < 10000; i++)
        getppid();
    w.fault->called(&w, w.fault_parameter);
    return 77;
}

/* A primitive of a few instructions, again and again. */
static int call_briefly(void *user)
{
    struct worker w = worker_of(*(const uint32_t *)user);
    if (w.fault->begin(&w, w.fault_parameter))
        return 99;
    for (w.ops = 1000; w.ops < 1100; w.ops++) {
        w.fault->before(&w, w.fault_parameter);
        w.fault->calling(&w, w.fault_parameter);
        getppid();
        w.fault->called(&w, w.fault_parameter);
    }
    return 77;
}

START_TEST(the_count_goes_on_over_operations_that_are_shorter)
{
    uint32_t dead = 0;
    order("die:within:kill:100");
    if (fault_die.refuses_choices(&shape, choice.choices, choice.parameter))
        return;
    for (uint32_t i = 0; i < WRITERS; i++)
        dead += testing_wait(testing_fork(call_briefly, &i)) == -SIGKILL;
    ck_assert_uint_eq(dead, 1);
}
END_TEST

START_TEST(who_dies_within_dies_in_the_primitives_code_alone)
{
    order("die:within:kill:40");
    if (fault_die.refuses_choices(&shape, choice.choices, choice.parameter))
        return;
    uint32_t victim = WORKERS;
    for (uint32_t i = 0; i < WRITERS; i++) {
        int status = 0;
        ck_assert_int_eq(waitpid(testing_fork(call_within, &i), &status, 0) > 0, 1);
        if (outlived(status))
            continue;
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        ck_assert_uint_eq(victim, WORKERS);
        victim = i;
    }
    ck_assert_uint_lt(victim, WRITERS);
    /* the caller's own loop is not the primitive's code, however long it is */
    ck_assert_int_eq(testing_wait(testing_fork(count_within, &victim)), 77);
    ck_assert_uint_eq(shared->slots[victim].version, 10000);
}
END_TEST

/* Eight stores into the region, of which a kernel's own is not counted, and loads in between. */
static int store_eight(void *user)
{
    struct worker w = worker_of(*(const uint32_t *)user);
    int null = open("/dev/zero", O_RDONLY);
    volatile uint64_t *words = (volatile uint64_t *)shared->region;
    w.region = shared->region;
    w.region_bytes = sizeof shared->region;
    if (w.fault->begin(&w, w.fault_parameter) || null < 0)
        return 99;
    w.ops = 1000;
    w.fault->before(&w, w.fault_parameter);
    slot_store(&w.slot->phase, PHASE_CALLING);
    w.fault->calling(&w, w.fault_parameter);
    for (int i = 0; i < 8; i++) {
        words[i] = words[511] + 1;
        if (i == 2 && read(null, shared->region + 2048, 64) != 64)
            return 98;
    }
    w.fault->called(&w, w.fault_parameter);
    return 77;
}

START_TEST(who_dies_writing_has_made_so_many_stores)
{
    static const uint32_t counts[] = {0, 1, 3, 7, 8, 100};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char fault[32];
        int status = 0;
        uint32_t stored = 0, made = counts[i] < 8 ? counts[i] : 8;
        snprintf(fault, sizeof fault, "die:writing:kill:%u", counts[i]);
        order(fault);
        if (fault_die.refuses_choices(&shape, choice.choices, choice.parameter))
            return;
        uint32_t victim = die_victim(&shape, DIE_ONE);
        ck_assert_int_gt(waitpid(testing_fork(store_eight, &victim), &status, 0), 0);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: %x", fault, status);
        for (int word = 0; word < 8; word++)
            stored += ((const uint64_t *)(const void *)shared->region)[word] != 0;
        ck_assert_msg(stored == made, "%s: %u stores", fault, stored);
        ck_assert_uint_eq(((const struct fault_mortality *)(const void *)shared->commons)->made, made);
        munmap(shared, sizeof *shared);
    }
}
END_TEST

START_TEST(a_reader_dies_where_it_is_asked_to)
{
    order("die:inside:kill:reader");
    for (uint32_t i = 0; i < WORKERS; i++)
        ck_assert(outlived(fate(i)) == (i < WRITERS));
    static const struct shape no_reader = {.writers = 2};
    testing_has(fault_die.refuses_choices(&no_reader, choice.choices, 0), "no reader");
}
END_TEST

START_TEST(who_was_put_in_a_dead_ones_place_lives)
{
    order("die:before:kill:all-but-one:respawn");
    ck_assert_uint_eq(count_dead(), WORKERS - 1);
    for (uint32_t i = 0; i < WORKERS; i++)
        shared->slots[i].lives = 1;
    ck_assert_uint_eq(count_dead(), 0);
    ck_assert(fault_die.respawns(choice.choices));
    struct fault_victims victims = fault_die.victims(&shape, choice.choices);
    ck_assert_uint_eq(victims.writers + victims.readers, 0);
    order("die:before:kill:all-but-one");
    victims = fault_die.victims(&shape, choice.choices);
    ck_assert_uint_eq(victims.writers + victims.readers, WORKERS - 1);
}
END_TEST

START_TEST(the_first_acquisition_after_a_death_stops_the_clock_once)
{
    order("die:inside:kill");
    struct fault_mortality *mortality = (void *)shared->commons;
    struct worker w = worker_of(WORKERS - 1);
    testing_ok(w.fault->begin(&w, w.fault_parameter));
    slot_store(&w.slot->phase, PHASE_ACQUIRING);
    w.fault->called(&w, 0);
    ck_assert_uint_eq(mortality->next_ns, 0); /* nobody has died */
    mortality->death_ns = mortality->open_ns = clock_ns();
    mortality->deaths = 1;
    slot_store(&w.slot->phase, PHASE_RELEASING);
    w.fault->called(&w, 0);
    ck_assert_uint_eq(mortality->next_ns, 0); /* a release is no acquisition */
    slot_store(&w.slot->phase, PHASE_ACQUIRING);
    w.fault->called(&w, 0);
    uint64_t next_ns = mortality->next_ns;
    ck_assert_uint_ge(next_ns, mortality->death_ns);
    w.fault->called(&w, 0);
    ck_assert_uint_eq(mortality->next_ns, next_ns);
    ck_assert_uint_eq(mortality->recoveries, 1);
    ck_assert_uint_eq(mortality->recovery_ns[0], next_ns - mortality->death_ns);
    mortality->open_ns = clock_ns(); /* another death: its recovery is another one's */
    mortality->deaths = 2;
    w.fault->called(&w, 0);
    ck_assert_uint_eq(mortality->next_ns, next_ns);
    ck_assert_uint_eq(mortality->recoveries, 2);
    free(w.fault_own);
}
END_TEST

START_TEST(of_what_is_no_lock_a_call_that_began_after_the_death_stops_the_clock)
{
    order("die:before:kill");
    struct fault_mortality *mortality = (void *)shared->commons;
    struct worker w = worker_of(WORKERS - 1);
    testing_ok(w.fault->begin(&w, w.fault_parameter));
    slot_store(&w.slot->phase, PHASE_CALLING);
    w.fault->calling(&w, 0);
    mortality->death_ns = mortality->open_ns = clock_ns();
    mortality->deaths = 1;
    w.fault->called(&w, 0);
    ck_assert_uint_eq(mortality->next_ns, 0); /* it was under way before */
    w.fault->calling(&w, 0);
    w.fault->called(&w, 0);
    ck_assert_uint_ge(mortality->next_ns, mortality->death_ns);
    free(w.fault_own);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_with_the_reason)
{
    static const struct shape alone = {.writers = 1};
    static const char *const silent[] = {"die:waiting:exit", "die:waiting:_exit", "die:waiting:exec", "die:waiting:unmap"};
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
        order(silent[i]);
        testing_has(fault_die.refuses_choices(&shape, choice.choices, choice.parameter), "ended by a signal only");
    }
    struct shape other = shape;
    other.family = SYNC_CELL;
    order("die:waiting:kill");
    testing_has(fault_die.refuses_choices(&other, choice.choices, choice.parameter), "nobody waits long");
    order("die:inside:kill");
    testing_has(fault_die.refuses_choices(&other, choice.choices, choice.parameter), "no critical section");
    other.family = SYNC_POOL;
    ck_assert_ptr_null(fault_die.refuses_choices(&other, choice.choices, choice.parameter));
    ck_assert_ptr_null(fault_die.refuses_choices(&shape, choice.choices, choice.parameter));
    testing_has(fault_die.refuses_choices(&alone, choice.choices, choice.parameter), "nobody to see");
}
END_TEST

int main(void)
{
    return testing_run("die", (const TTest *[]){
                                  each_manner_ends_a_worker_in_its_own_way,
                                  each_place_is_where_the_slot_says_that_it_was,
                                  who_dies_is_one_or_the_writers_or_all_but_one,
                                  who_is_asked_to_end_before_it_dies_is_pardoned,
                                  where_operations_take_long_their_number_is_not_waited_for,
                                  the_record_is_left_at_the_word_that_was_asked_for,
                                  who_dies_within_dies_in_the_primitives_code_alone,
                                  the_count_goes_on_over_operations_that_are_shorter,
                                  who_dies_writing_has_made_so_many_stores,
                                  a_reader_dies_where_it_is_asked_to,
                                  who_was_put_in_a_dead_ones_place_lives,
                                  the_first_acquisition_after_a_death_stops_the_clock_once,
                                  of_what_is_no_lock_a_call_that_began_after_the_death_stops_the_clock,
                                  what_makes_no_sense_is_refused_with_the_reason,
                                  NULL,
                              });
}
