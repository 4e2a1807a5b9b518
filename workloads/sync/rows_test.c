/* Tests of every lock row of the contents against its contract: life, exclusion, sharing, death of a holder, and its traits. */
#define _GNU_SOURCE
#include "workloads/sync/rows.h"

#include <sys/mman.h>

#include "base/testing.h"
#include "contract/contents.h"

enum { ROOM = 4096, GUARD = 0x3c };

/* State, the guard behind it, and what processes tell each other, in memory that they share. */
struct yard {
    _Alignas(SYNC_STATE_ALIGN) unsigned char state[ROOM];
    uint64_t counter;
    uint32_t counting, holding, let_go;
};

static struct yard *yard;
static struct sync_setup setup;
static const struct sync_ops *row;
static struct sync_lock lock;

static size_t state_room(void)
{
    size_t bytes = row->state_size ? row->state_size(&setup) : row->state_bytes;
    return (bytes + SYNC_STATE_ALIGN - 1) / SYNC_STATE_ALIGN * SYNC_STATE_ALIGN;
}

static void begin(const struct sync_ops *sync)
{
    static char name[96];
    row = sync;
    lock = row->lock;
    if (!lock.acquire_shared) {
        lock.acquire_shared = lock.acquire;
        lock.release_shared = lock.release;
    }
    snprintf(name, sizeof name, "%s", testing_name(row->name));
    setup = (struct sync_setup){.name = name, .writers = 2, .readers = 2, .size = 8, .seed = 1};
    yard = mmap(NULL, sizeof *yard, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(yard, MAP_FAILED);
    ck_assert_uint_le(state_room(), ROOM / 2);
    memset(yard->state + state_room(), GUARD, ROOM - state_room());
    int rc = row->create ? row->create(yard->state, &setup) : 0;
    ck_assert_msg(rc == 0, "%s: create: %s", row->name, error_name(rc));
}

static bool guard_whole(void)
{
    for (size_t i = state_room(); i < ROOM; i++)
        if (yard->state[i] != GUARD)
            return false;
    return true;
}

static void finish(void)
{
    for (int i = 0; i < 2 && row->destroy; i++) /* it is idempotent */
        ck_assert_msg(row->destroy(yard->state, &setup) == 0, "%s: destroy, time %d", row->name, i + 1);
    ck_assert_int_eq(testing_census(setup.name + 1), 0);
    munmap(yard, sizeof *yard);
}

static struct sync_self attach(uint32_t index)
{
    struct sync_self self = {.state = yard->state, .setup = &setup, .index = index};
    int rc = row->attach ? row->attach(&self) : 0;
    ck_assert_msg(rc == 0, "%s: attach: %s", row->name, error_name(rc));
    return self;
}

static void detach(struct sync_self *self)
{
    if (row->detach)
        ck_assert_int_eq(row->detach(self), 0);
}

/* The next lock row that promises to exclude, after the i-th; NULL at the end. */
static const struct sync_ops *next_correct(size_t *i)
{
    for (; contents_syncs[*i]; ++*i)
        if (contents_syncs[*i]->family == SYNC_LOCK && contents_syncs[*i]->expect == VERDICT_CLEAN)
            return contents_syncs[(*i)++];
    return NULL;
}

START_TEST(a_lock_is_made_taken_given_back_and_gone_without_a_trace)
{
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_correct(&i)); count++) {
        begin(sync);
        struct sync_self self = attach(0);
        for (int k = 0; k < 1000; k++) {
            ck_assert_int_eq(lock.acquire(&self), 0);
            ck_assert_int_eq(lock.release(&self), 0);
            ck_assert_int_eq(lock.acquire_shared(&self), 0);
            ck_assert_int_eq(lock.release_shared(&self), 0);
        }
        detach(&self);
        ck_assert_msg(guard_whole(), "%s writes beyond its state", row->name);
        finish();
    }
    ck_assert_uint_ge(count, 6);
}
END_TEST

/* Counts without any protection but the lock's. */
static int count_up(void *user)
{
    uint64_t *times = user;
    struct sync_self self = {.state = yard->state, .setup = &setup};
    self.index = __atomic_fetch_add(&yard->counting, 1, __ATOMIC_RELAXED);
    if (row->attach && row->attach(&self))
        return 1;
    for (uint64_t i = 0; i < *times; i++) {
        if (lock.acquire(&self))
            return 2;
        uint64_t value = *(volatile uint64_t *)&yard->counter;
        if (i % 16 == 0)
            sched_yield();
        *(volatile uint64_t *)&yard->counter = value + 1;
        if (lock.release(&self))
            return 3;
    }
    return row->detach && row->detach(&self) ? 4 : 0;
}

START_TEST(no_increment_is_lost_inside_a_lock)
{
    enum { CHILDREN = 2 }; /* more would keep a fair spin lock waiting for whole time slices */
    size_t i = 0;
    uint64_t times = 400;
    for (const struct sync_ops *sync; (sync = next_correct(&i));) {
        pid_t pids[CHILDREN];
        uint64_t writers = sync->max_writers && sync->max_writers < CHILDREN ? sync->max_writers : CHILDREN;
        begin(sync);
        for (uint64_t k = 0; k < writers; k++)
            pids[k] = testing_fork(count_up, &times);
        for (uint64_t k = 0; k < writers; k++)
            ck_assert_int_eq(testing_wait(pids[k]), 0);
        ck_assert_msg(yard->counter == writers * times, "%s: %llu of %llu", row->name, (unsigned long long)yard->counter,
                      (unsigned long long)(writers * times));
        finish();
    }
}
END_TEST

/* Holds the lock, shared or not, until it is told to let go. */
static int hold(void *user)
{
    bool shared = *(bool *)user;
    struct sync_self self = {.state = yard->state, .setup = &setup, .index = 1};
    if (row->attach && row->attach(&self))
        return 1;
    if ((shared ? lock.acquire_shared : lock.acquire)(&self))
        return 2;
    __atomic_store_n(&yard->holding, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&yard->let_go, __ATOMIC_SEQ_CST))
        sched_yield();
    return (shared ? lock.release_shared : lock.release)(&self) ? 3 : 0;
}

static pid_t start_holder(bool shared)
{
    pid_t pid = testing_fork(hold, &shared);
    while (!__atomic_load_n(&yard->holding, __ATOMIC_SEQ_CST))
        sched_yield();
    return pid;
}

static void end_holder(pid_t pid)
{
    __atomic_store_n(&yard->let_go, 1, __ATOMIC_SEQ_CST);
    ck_assert_int_eq(testing_wait(pid), 0);
    yard->holding = yard->let_go = 0;
}

START_TEST(trying_a_lock_that_is_held_says_busy_and_a_free_one_is_taken)
{
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_correct(&i));) {
        if (!sync->lock.try_acquire)
            continue;
        begin(sync);
        struct sync_self self = attach(0);
        pid_t pid = start_holder(false);
        for (int k = 0; k < 3; k++)
            ck_assert_msg(lock.try_acquire(&self) == EBUSY, "%s", row->name);
        end_holder(pid);
        ck_assert_msg(lock.try_acquire(&self) == 0, "%s", row->name);
        ck_assert_int_eq(lock.release(&self), 0);
        detach(&self);
        finish();
        count++;
    }
    ck_assert_uint_gt(count, 3);
}
END_TEST

START_TEST(where_readers_go_in_together_a_writer_stays_out)
{
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_correct(&i));) {
        ck_assert_msg(!sync->lock.acquire_shared == !(sync->traits & SYNC_SHARED), "%s: trait and slots differ", sync->name);
        if (!(sync->traits & SYNC_SHARED))
            continue;
        begin(sync);
        struct sync_self self = attach(0);
        pid_t pid = start_holder(true);
        ck_assert_int_eq(lock.acquire_shared(&self), 0); /* would never return from an exclusive lock */
        ck_assert_int_eq(lock.release_shared(&self), 0);
        if (lock.try_acquire)
            ck_assert_int_eq(lock.try_acquire(&self), EBUSY);
        end_holder(pid);
        ck_assert_int_eq(lock.acquire(&self), 0);
        ck_assert_int_eq(lock.release(&self), 0);
        finish();
        count++;
    }
    ck_assert_uint_gt(count, 0);
}
END_TEST

static int die_inside(void *user)
{
    struct sync_self self = {.state = yard->state, .setup = &setup, .index = 1};
    (void)user;
    if ((row->attach && row->attach(&self)) || lock.acquire(&self))
        return 1;
    raise(SIGKILL);
    return 2;
}

START_TEST(the_death_of_a_holder_is_noticed_where_it_is_promised)
{
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_correct(&i));) {
        ck_assert_msg(!sync->lock.recover == !(sync->traits & SYNC_ROBUST), "%s: trait and slot differ", sync->name);
        if (!(sync->traits & SYNC_ROBUST))
            continue;
        begin(sync);
        struct sync_self self = attach(0);
        for (int k = 0; k < 3; k++) {
            ck_assert_int_eq(testing_wait(testing_fork(die_inside, NULL)), -SIGKILL);
            ck_assert_int_eq(lock.acquire(&self), EOWNERDEAD);
            ck_assert_int_eq(lock.recover(&self), 0);
            ck_assert_int_eq(lock.release(&self), 0);
            ck_assert_int_eq(lock.acquire(&self), 0);
            ck_assert_int_eq(lock.release(&self), 0);
        }
        detach(&self);
        finish();
        count++;
    }
    ck_assert_uint_gt(count, 0);
}
END_TEST

START_TEST(a_lock_works_at_two_addresses_at_once)
{
    size_t i = 0;
    for (const struct sync_ops *sync; (sync = next_correct(&i));) {
        if (sync->traits & (SYNC_SAME_ADDRESS | SYNC_KERNEL_NAME))
            continue;
        begin(sync);
        int fd = memfd_create("state", MFD_CLOEXEC);
        ck_assert_int_eq(ftruncate(fd, ROOM), 0);
        void *here = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        void *there = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        struct sync_self one = attach(0), other = one;
        one.state = here;
        other.state = there;
        other.index = 1;
        if (row->create)
            ck_assert_int_eq(row->create(here, &setup), 0);
        for (int k = 0; k < 3; k++) {
            ck_assert_int_eq(lock.acquire(&one), 0);
            if (lock.try_acquire)
                ck_assert_msg(lock.try_acquire(&other) == EBUSY, "%s", row->name);
            ck_assert_int_eq(lock.release(&one), 0);
            ck_assert_msg((lock.try_acquire ? lock.try_acquire : lock.acquire)(&other) == 0, "%s", row->name);
            ck_assert_int_eq(lock.release(&other), 0);
        }
        detach(&one);
        munmap(here, ROOM);
        munmap(there, ROOM);
        close(fd);
        finish();
    }
}
END_TEST

START_TEST(an_object_with_a_name_of_its_own_is_there_once_and_then_gone)
{
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_correct(&i));) {
        begin(sync);
        int objects = testing_census(setup.name + 1);
        ck_assert_msg((objects > 0) == ((row->traits & SYNC_KERNEL_NAME) != 0), "%s: %d objects", row->name, objects);
        if (objects) {
            ck_assert_int_eq(row->create(yard->state, &setup), EEXIST);
            count++;
        }
        finish();
    }
    ck_assert_uint_gt(count, 0);
}
END_TEST

START_TEST(two_permits_let_two_in)
{
    begin(&sync_busted_permits);
    struct sync_self self = attach(0);
    pid_t pid = start_holder(false);
    ck_assert_int_eq(lock.acquire(&self), 0);
    ck_assert_int_eq(lock.release(&self), 0);
    end_holder(pid);
    finish();
}
END_TEST

START_TEST(the_lock_that_is_broken_for_readers_keeps_writers_apart_only)
{
    begin(&sync_busted_readers);
    struct sync_self self = attach(0);
    pid_t pid = start_holder(false);
    ck_assert_int_eq(lock.acquire_shared(&self), 0);
    ck_assert_int_eq(lock.release_shared(&self), 0);
    end_holder(pid);
    uint64_t times = 400;
    pid_t pids[2] = {testing_fork(count_up, &times), testing_fork(count_up, &times)};
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(testing_wait(pids[i]), 0);
    ck_assert_uint_eq(yard->counter, 800);
    finish();
}
END_TEST

static int take_1001_times(void *user)
{
    struct sync_self self = {.state = yard->state, .setup = &setup};
    (void)user;
    for (int i = 0; i < 1001; i++) {
        if (i == 1000)
            alarm(1); /* it is about to wait for ever */
        if (lock.acquire(&self) || lock.release(&self))
            return 1;
    }
    return 0;
}

START_TEST(the_forgetful_lock_is_never_free_again_after_a_thousand_releases)
{
    begin(&sync_busted_forgetful);
    ck_assert_int_eq(testing_wait(testing_fork(take_1001_times, NULL)), -SIGALRM);
    finish();
}
END_TEST

START_TEST(the_scribbling_lock_excludes_and_writes_beyond_its_state)
{
    begin(&sync_busted_scribble);
    struct sync_self self = attach(0);
    ck_assert_int_eq(lock.acquire(&self), 0);
    ck_assert(guard_whole());
    ck_assert_int_eq(lock.release(&self), 0);
    ck_assert(!guard_whole());
    finish();
}
END_TEST

START_TEST(none_lets_everybody_in)
{
    begin(&sync_none);
    struct sync_self self = attach(0);
    pid_t pid = start_holder(false);
    ck_assert_int_eq(lock.acquire(&self), 0);
    ck_assert_int_eq(lock.acquire_shared(&self), 0);
    end_holder(pid);
    finish();
}
END_TEST

int main(void)
{
    return testing_run("sync_rows", (const TTest *[]){
                                        a_lock_is_made_taken_given_back_and_gone_without_a_trace,
                                        no_increment_is_lost_inside_a_lock,
                                        trying_a_lock_that_is_held_says_busy_and_a_free_one_is_taken,
                                        where_readers_go_in_together_a_writer_stays_out,
                                        the_death_of_a_holder_is_noticed_where_it_is_promised,
                                        a_lock_works_at_two_addresses_at_once,
                                        an_object_with_a_name_of_its_own_is_there_once_and_then_gone,
                                        two_permits_let_two_in,
                                        the_lock_that_is_broken_for_readers_keeps_writers_apart_only,
                                        the_forgetful_lock_is_never_free_again_after_a_thousand_releases,
                                        the_scribbling_lock_excludes_and_writes_beyond_its_state,
                                        none_lets_everybody_in,
                                        NULL,
                                    });
}
