/* Tests of every queue row of the contents against its contract: order, lengths, full and empty, other addresses, interruptions. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/time.h>

#include "base/seed.h"
#include "base/testing.h"
#include "contract/contents.h"

enum { ROOM = 1 << 20, GUARD = 0x3c, SIZE = 40, CAPACITY = 5, SIGNALS_US = 300 };

static unsigned char *memory; /* shared with children */
static size_t state_bytes;
static struct sync_setup setup;
static const struct sync_ops *row;

static void begin(const struct sync_ops *sync, size_t size, uint32_t capacity)
{
    static char name[96];
    row = sync;
    snprintf(name, sizeof name, "%s", testing_name(row->name));
    setup = (struct sync_setup){.name = name, .writers = 1, .readers = 1, .size = size, .capacity = capacity, .seed = 1};
    state_bytes = row->state_size ? row->state_size(&setup) : row->state_bytes;
    ck_assert_uint_lt(state_bytes, ROOM / 2);
    memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    memset(memory + state_bytes, GUARD, ROOM - state_bytes);
    int rc = row->create ? row->create(memory, &setup) : 0;
    ck_assert_msg(rc == 0, "%s: create: %s", row->name, error_name(rc));
}

static void finish(void)
{
    for (size_t i = state_bytes; i < state_bytes + 4096; i++)
        if (memory[i] != GUARD)
            ck_abort_msg("%s writes beyond its state", row->name);
    for (int i = 0; i < 2 && row->destroy; i++) /* it is idempotent */
        ck_assert_int_eq(row->destroy(memory, &setup), 0);
    ck_assert_int_eq(testing_census(setup.name + 1), 0);
    munmap(memory, ROOM);
}

static struct sync_self attach(uint32_t index)
{
    struct sync_self self = {.state = memory, .setup = &setup, .index = index};
    int rc = row->attach ? row->attach(&self) : 0;
    ck_assert_msg(rc == 0, "%s: attach: %s", row->name, error_name(rc));
    return self;
}

static void detach(struct sync_self *self)
{
    if (row->detach)
        ck_assert_int_eq(row->detach(self), 0);
}

static bool can_be_here(const struct sync_ops *sync)
{
    char text[400] = "";
    struct sync_setup any = {.name = "/shmoo-test", .writers = 1, .readers = 1, .size = 4096, .capacity = 8};
    return !sync->here || sync->here(&any, text, sizeof text);
}

/* The next queue row after the i-th that is not broken on purpose and can be set up here; NULL at the end. Used by one process,
 * even the unprotected one is a queue. */
static const struct sync_ops *next_queue(size_t *i)
{
    for (; contents_syncs[*i]; ++*i) {
        const struct sync_ops *sync = contents_syncs[*i];
        bool wanted = sync->family == SYNC_QUEUE && (sync->expect == VERDICT_CLEAN || sync->traits & SYNC_CONTROL);
        if (wanted && can_be_here(sync))
            return contents_syncs[(*i)++];
    }
    return NULL;
}

static size_t length_of(uint64_t number, size_t size)
{
    return 8 + seed_scramble(number) % (size - 7);
}

static int push_number(struct sync_self *self, uint64_t number)
{
    unsigned char element[4096];
    size_t bytes = length_of(number, setup.size);
    memset(element, (int)number, sizeof element);
    memcpy(element, &number, sizeof number);
    return row->queue.push(self, element, bytes);
}

/* 0: that number has come out, whole and with its length; EAGAIN: none; another errno, or -1: something else has. */
static int pop_number(struct sync_self *self, uint64_t number)
{
    unsigned char element[4096];
    size_t got = 0, bytes = length_of(number, setup.size);
    uint64_t found = 0;
    memset(element, ~(int)number, sizeof element);
    int rc = row->queue.pop(self, element, setup.size, &got);
    if (rc)
        return rc;
    memcpy(&found, element, sizeof found);
    for (size_t i = 8; i < got; i++)
        if (element[i] != (unsigned char)number)
            return -1;
    return found == number && got == bytes ? 0 : -1;
}

START_TEST(elements_come_out_in_order_whole_and_with_their_lengths)
{
    static const struct {
        size_t size;
        uint32_t capacity;
    } shapes[] = {{8, 1}, {16, 2}, {SIZE, CAPACITY}, {57, 0}, {4096, 3}};
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_queue(&i)); count++) {
        for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
            begin(sync, shapes[k].size, shapes[k].capacity);
            struct sync_self self = attach(0);
            uint64_t pushed = 0, popped = 0, state = 7;
            uint32_t room = shapes[k].capacity ? shapes[k].capacity : 8;
            for (int turn = 0; turn < 300; turn++) {
                for (uint64_t n = seed_below(&state, room + 1); n && pushed - popped < room; n--)
                    if (push_number(&self, ++pushed))
                        ck_abort_msg("%s: push %llu", row->name, (unsigned long long)pushed);
                for (uint64_t n = seed_below(&state, room + 1); n && popped < pushed; n--)
                    if (pop_number(&self, ++popped))
                        ck_abort_msg("%s: pop %llu", row->name, (unsigned long long)popped);
            }
            detach(&self);
            finish();
        }
    }
    ck_assert_uint_ge(count, 12);
}
END_TEST

START_TEST(full_and_empty_are_told_by_those_that_do_not_wait)
{
    size_t i = 0, count = 0;
    for (const struct sync_ops *sync; (sync = next_queue(&i));) {
        if (sync->traits & SYNC_BLOCKING)
            continue;
        begin(sync, SIZE, CAPACITY);
        struct sync_self self = attach(0);
        for (uint64_t round = 0; round < 20; round++) {
            ck_assert_int_eq(pop_number(&self, 1), EAGAIN);
            for (uint64_t n = 1; n <= CAPACITY; n++)
                ck_assert_msg(push_number(&self, n) == 0, "%s: element %llu", row->name, (unsigned long long)n);
            ck_assert_msg(push_number(&self, 99) == EAGAIN, "%s holds more than it was asked for", row->name);
            for (uint64_t n = 1; n <= CAPACITY; n++)
                ck_assert_int_eq(pop_number(&self, n), 0);
        }
        detach(&self);
        finish();
        count++;
    }
    ck_assert_uint_ge(count, 6);
}
END_TEST

START_TEST(what_is_larger_than_an_element_is_refused)
{
    unsigned char element[SIZE + 1] = {0};
    size_t i = 0;
    for (const struct sync_ops *sync; (sync = next_queue(&i));) {
        begin(sync, SIZE, CAPACITY);
        struct sync_self self = attach(0);
        ck_assert_msg(row->queue.push(&self, element, SIZE + 1) == EMSGSIZE, "%s", row->name);
        detach(&self);
        finish();
    }
}
END_TEST

START_TEST(a_queue_works_at_two_addresses_at_once)
{
    size_t i = 0;
    for (const struct sync_ops *sync; (sync = next_queue(&i));) {
        begin(sync, SIZE, CAPACITY);
        void *there = mremap(memory, 0, ROOM, MREMAP_MAYMOVE); /* a second mapping of the same pages */
        ck_assert_ptr_ne(there, MAP_FAILED);
        struct sync_self one = attach(0), other = attach(1);
        other.state = there;
        for (uint64_t n = 1; n <= 50; n++) {
            ck_assert_int_eq(push_number(&one, n), 0);
            ck_assert_msg(pop_number(&other, n) == 0, "%s", row->name);
        }
        munmap(there, ROOM);
        detach(&one);
        detach(&other);
        finish();
    }
}
END_TEST

static void interrupted(int signal)
{
    (void)signal;
}

/* A timer whose handler does not restart system calls. */
static void interrupt_often(void)
{
    struct sigaction action = {.sa_handler = interrupted};
    struct itimerval every = {{0, SIGNALS_US}, {0, SIGNALS_US}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

static int push_many(void *user)
{
    uint64_t times = *(uint64_t *)user;
    struct sync_self self = {.state = memory, .setup = &setup};
    interrupt_often();
    if (row->attach && row->attach(&self))
        return 1;
    for (uint64_t n = 1; n <= times;) {
        int rc = push_number(&self, n);
        if (rc && rc != EAGAIN)
            return 2;
        n += rc == 0;
        if (rc || n % 64 == 0)
            sched_yield();
    }
    return row->detach && row->detach(&self) ? 3 : 0;
}

static int pop_many(void *user)
{
    uint64_t times = *(uint64_t *)user;
    struct sync_self self = {.state = memory, .setup = &setup, .index = 1};
    interrupt_often();
    if (row->attach && row->attach(&self))
        return 1;
    for (uint64_t n = 1; n <= times;) {
        int rc = pop_number(&self, n);
        if (rc && rc != EAGAIN)
            return 2;
        n += rc == 0;
        if (rc)
            sched_yield();
    }
    return row->detach && row->detach(&self) ? 3 : 0;
}

START_TEST(between_two_processes_under_signals_nothing_is_lost)
{
    uint64_t times = 3000;
    size_t i = 0;
    for (const struct sync_ops *sync; (sync = next_queue(&i));) {
        if (sync->expect != VERDICT_CLEAN)
            continue;
        begin(sync, SIZE, CAPACITY);
        pid_t pids[2] = {testing_fork(push_many, &times), testing_fork(pop_many, &times)};
        for (int k = 0; k < 2; k++)
            ck_assert_msg(testing_wait(pids[k]) == 0, "%s: %s", row->name, k ? "pop" : "push");
        finish();
    }
}
END_TEST

int main(void)
{
    return testing_run("queue_rows", (const TTest *[]){
                                         elements_come_out_in_order_whole_and_with_their_lengths,
                                         full_and_empty_are_told_by_those_that_do_not_wait,
                                         what_is_larger_than_an_element_is_refused,
                                         a_queue_works_at_two_addresses_at_once,
                                         between_two_processes_under_signals_nothing_is_lost,
                                         NULL,
                                     });
}
