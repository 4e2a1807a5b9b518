/* Tests of every cell, counter, pool and barrier row against its contract, by processes that map the state at two addresses. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/time.h>

#include "base/testing.h"
#include "contract/contents.h"

enum { ROOM = 1 << 16, GUARD = 0x3c, CHILDREN = 2, SIGNALS_US = 300, SLOTS = 5 };

/* The state, twice in this process's memory; what processes tell each other lies behind it. */
static unsigned char *here, *there;
static size_t state_bytes;
static struct sync_setup setup;
static const struct sync_ops *row;

static uint64_t *shared_words(void)
{
    return (uint64_t *)(void *)(here + ROOM - 4096);
}

static void begin(const struct sync_ops *sync, size_t size, uint32_t capacity)
{
    static char name[96];
    row = sync;
    snprintf(name, sizeof name, "%s", testing_name(row->name));
    setup = (struct sync_setup){.name = name, .writers = 1, .readers = 1, .size = size, .capacity = capacity, .seed = 1};
    state_bytes = row->state_size ? row->state_size(&setup) : row->state_bytes;
    ck_assert_uint_lt(state_bytes, ROOM / 2);
    int fd = memfd_create("state", MFD_CLOEXEC);
    ck_assert_int_eq(ftruncate(fd, ROOM), 0);
    here = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    there = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert(here != MAP_FAILED && there != MAP_FAILED && here != there);
    close(fd);
    memset(here + state_bytes, GUARD, ROOM / 2 - state_bytes);
    ck_assert_int_eq(row->create ? row->create(here, &setup) : 0, 0);
}

static void finish(void)
{
    for (size_t i = state_bytes; i < ROOM / 2; i++)
        if (here[i] != GUARD)
            ck_abort_msg("%s writes beyond its state", row->name);
    if (row->destroy)
        ck_assert_int_eq(row->destroy(here, &setup), 0);
    munmap(here, ROOM);
    munmap(there, ROOM);
}

static struct sync_self attach(uint32_t index)
{
    struct sync_self self = {.state = index % 2 ? there : here, .setup = &setup, .index = index};
    int rc = row->attach ? row->attach(&self) : 0;
    ck_assert_msg(rc == 0, "%s: attach: %s", row->name, error_name(rc));
    return self;
}

/* The next row of that family that is to come out clean, after the i-th; NULL at the end. */
static const struct sync_ops *next_correct(enum sync_family family, size_t *i)
{
    for (; contents_syncs[*i]; ++*i)
        if (contents_syncs[*i]->family == family && contents_syncs[*i]->expect == VERDICT_CLEAN)
            return contents_syncs[(*i)++];
    return NULL;
}

static void on_alarm(int signal)
{
    (void)signal;
    sched_yield();
}

/* Timer signals whose handler interrupts whatever is under way, and is not followed by a restart. */
static void be_interrupted(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, SIGNALS_US}, {0, SIGNALS_US}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

static void in_children(int (*body)(void *user))
{
    pid_t pids[CHILDREN];
    for (uintptr_t i = 0; i < CHILDREN; i++)
        pids[i] = testing_fork(body, (void *)i);
    for (int i = 0; i < CHILDREN; i++) {
        int status = testing_wait(pids[i]);
        ck_assert_msg(status == 0, "%s: a child ended with %d", row->name, status);
    }
}

static const size_t sizes[] = {1, 3, 7, 8, 9, 64, 100, 1000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

START_TEST(a_cell_gives_back_what_was_written_last_at_any_address)
{
    size_t i = 0, count = 0;
    unsigned char value[1000], found[1000 + 8];
    for (const struct sync_ops *sync; (sync = next_correct(SYNC_CELL, &i)); count++)
        for (int s = 0; s < SIZES && (!sync->max_size || sizes[s] <= sync->max_size); s++) {
            begin(sync, sizes[s], SLOTS);
            struct sync_self writer = attach(0), reader = attach(1);
            memset(value, 0, sizeof value);
            for (int k = 0; k < 20; k++) {
                memset(found, GUARD, sizeof found);
                ck_assert_int_eq(row->cell.read(&reader, found), 0);
                ck_assert_msg(memcmp(value, found, sizes[s]) == 0, "%s, %zu bytes, read %d", row->name, sizes[s], k);
                ck_assert_uint_eq(found[sizes[s]], GUARD);
                for (int n = 0; n < k % 4; n++) {
                    memset(value, k * 5 + n + 1, sizes[s]);
                    ck_assert_int_eq(row->cell.write(&writer, value), 0);
                }
            }
            finish();
        }
    ck_assert_uint_ge(count, 5);
}
END_TEST

/* Child 0 writes values whose bytes are all the same, child 1 reads until it finds the last of them. */
static int pass_values(void *user)
{
    unsigned char value[1000];
    struct sync_self self = attach((uint32_t)(uintptr_t)user);
    be_interrupted();
    for (int k = 1; self.index == 0 && k <= 2000; k++) {
        memset(value, k == 2000 ? 255 : k % 255, setup.size);
        if (row->cell.write(&self, value))
            return 1;
    }
    value[0] = 0;
    for (int k = 0; self.index == 1 && value[0] != 255; k++) {
        if (row->cell.read(&self, value) || memcmp(value, value + 1, setup.size - 1) != 0)
            return 2;
        if (k % 1000 == 0)
            sched_yield();
    }
    return 0;
}

START_TEST(a_reader_in_another_process_sees_whole_values_though_signals_interrupt_both)
{
    size_t i = 0;
    for (const struct sync_ops *sync; (sync = next_correct(SYNC_CELL, &i));) {
        begin(sync, sync->max_size ? sync->max_size : 200, SLOTS);
        in_children(pass_values);
        finish();
    }
}
END_TEST

static const uint64_t amounts[] = {1, 0, 7, 1ULL << 31, 1ULL << 32, 1ULL << 63, UINT64_MAX};

START_TEST(a_counter_gives_the_value_before_and_wraps_at_the_end)
{
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_correct(SYNC_COUNTER, &i)); count++) {
        begin(sync, 8, SLOTS);
        uint64_t number = 0, found = 0;
        for (size_t k = 0; k < 100; k++) {
            struct sync_self self = attach(k % 2);
            uint64_t amount = amounts[k % (sizeof amounts / sizeof amounts[0])];
            ck_assert_int_eq(row->counter.add(&self, amount, &found), 0);
            ck_assert_msg(found == number, "%s: %llx, not %llx", row->name, (unsigned long long)found, (unsigned long long)number);
            number += amount;
        }
        finish();
    }
    ck_assert_uint_ge(count, 2);
}
END_TEST

enum { ADDITIONS = 20000 };

static int add_often(void *user)
{
    struct sync_self self = attach((uint32_t)(uintptr_t)user);
    uint64_t before, last = 0;
    be_interrupted();
    for (int k = 0; k < ADDITIONS; k++) {
        if (row->counter.add(&self, 3, &before) || before % 3 || (k && before <= last))
            return 1;
        last = before;
    }
    return 0;
}

START_TEST(no_addition_is_lost_between_processes)
{
    size_t i = 0;
    for (const struct sync_ops *sync; (sync = next_correct(SYNC_COUNTER, &i));) {
        begin(sync, 8, SLOTS);
        uint64_t total = 0;
        in_children(add_often);
        struct sync_self self = attach(0);
        ck_assert_int_eq(row->counter.add(&self, 0, &total), 0);
        ck_assert_uint_eq(total, 3 * ADDITIONS * CHILDREN);
        finish();
    }
}
END_TEST

static void check_pool(uint32_t slots)
{
    struct sync_self one = attach(0), other = attach(1);
    uint32_t slot;
    for (int round = 0; round < 3; round++) {
        bool taken[200] = {false};
        for (uint32_t k = 0; k < slots; k++) {
            ck_assert_int_eq(row->pool.take(k % 2 ? &one : &other, &slot), 0);
            ck_assert_msg(slot < slots && !taken[slot], "%s: slot %u", row->name, slot);
            taken[slot] = true;
        }
        if (!(row->traits & SYNC_BLOCKING))
            ck_assert_int_eq(row->pool.take(&one, &slot), EAGAIN);
        for (uint32_t k = 0; k < slots; k++) /* by somebody else, and in another order */
            ck_assert_int_eq(row->pool.give(k % 2 ? &other : &one, (k * 3 + 1) % slots), 0);
    }
}

START_TEST(a_pool_hands_each_slot_out_once_and_then_none)
{
    static const uint32_t capacities[] = {1, 2, 5, 64, 65, 200};
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_correct(SYNC_POOL, &i)); count++)
        for (int c = 0; c < 6; c++) {
            begin(sync, 8, capacities[c]);
            check_pool(capacities[c]);
            finish();
        }
    ck_assert_uint_ge(count, 2);
}
END_TEST

/* Each marks the slots that it has taken, as owner of a shared word. */
static int take_and_give(void *user)
{
    struct sync_self self = attach((uint32_t)(uintptr_t)user);
    uint64_t *owners = shared_words(), me = self.index + 1;
    uint32_t slots[2];
    be_interrupted();
    for (int k = 0; k < 5000; k++) {
        int have = 0;
        while (have < 2 && row->pool.take(&self, &slots[have]) == 0)
            if (slots[have] >= SLOTS || __atomic_exchange_n(&owners[slots[have++]], me, __ATOMIC_SEQ_CST) != 0)
                return 1;
        for (int n = 0; n < have; n++) {
            uint32_t slot = slots[k % 2 ? n : have - 1 - n];
            if (__atomic_exchange_n(&owners[slot], 0, __ATOMIC_SEQ_CST) != me || row->pool.give(&self, slot))
                return 2;
        }
    }
    return 0;
}

START_TEST(no_slot_belongs_to_two_processes_and_none_is_lost)
{
    size_t i = 0;
    for (const struct sync_ops *sync; (sync = next_correct(SYNC_POOL, &i));) {
        begin(sync, 8, SLOTS);
        in_children(take_and_give);
        check_pool(SLOTS);
        finish();
    }
}
END_TEST

enum { PHASES = 300 };

static int go_through_phases(void *user)
{
    struct sync_self self = attach((uint32_t)(uintptr_t)user);
    uint64_t *phases = shared_words();
    be_interrupted();
    for (uint64_t k = 1; k <= PHASES; k++) {
        __atomic_store_n(&phases[self.index], k, __ATOMIC_RELAXED);
        if (row->barrier.arrive(&self))
            return 1;
        for (int i = 0; i < CHILDREN; i++)
            if (__atomic_load_n(&phases[i], __ATOMIC_RELAXED) - k > 1)
                return 2;
    }
    return 0;
}

START_TEST(nobody_passes_a_barrier_before_all_have_arrived)
{
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_correct(SYNC_BARRIER, &i)); count++) {
        begin(sync, 8, SLOTS);
        in_children(go_through_phases);
        finish();
    }
    ck_assert_uint_ge(count, 2);
}
END_TEST

START_TEST(each_family_has_one_control_that_must_break)
{
    static const enum sync_family families[] = {SYNC_CELL, SYNC_COUNTER, SYNC_POOL, SYNC_BARRIER};
    for (int f = 0; f < 4; f++) {
        int count = 0;
        for (size_t i = 0; contents_syncs[i]; i++) {
            const struct sync_ops *sync = contents_syncs[i];
            if (sync->family != families[f] || !(sync->traits & SYNC_CONTROL))
                continue;
            ck_assert_msg(sync->traits & SYNC_BUSTED && sync->expect == VERDICT_CORRUPT, "%s", sync->name);
            count++;
        }
        ck_assert_msg(count == 1, "%s: %d", sync_family_name(families[f]), count);
    }
}
END_TEST

int main(void)
{
    return testing_run("data_rows", (const TTest *[]){
                                        a_cell_gives_back_what_was_written_last_at_any_address,
                                        a_reader_in_another_process_sees_whole_values_though_signals_interrupt_both,
                                        a_counter_gives_the_value_before_and_wraps_at_the_end,
                                        no_addition_is_lost_between_processes,
                                        a_pool_hands_each_slot_out_once_and_then_none,
                                        no_slot_belongs_to_two_processes_and_none_is_lost,
                                        nobody_passes_a_barrier_before_all_have_arrived,
                                        each_family_has_one_control_that_must_break,
                                        NULL,
                                    });
}
