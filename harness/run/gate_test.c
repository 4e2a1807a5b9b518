/* Tests of the gate: nobody passes while it is closed, everybody once it is open. */
#include "run/gate.h"

#include <sys/mman.h>

#include "base/testing.h"

enum { CHILDREN = 16 };

/* What the children tell. */
struct yard {
    struct gate gate;
    uint32_t arrived, passed, signalled;
    uint64_t passed_ns[CHILDREN];
};
static struct yard *yard;
static pid_t children[CHILDREN];

static void yard_open(void)
{
    yard = mmap(NULL, sizeof *yard, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(yard, MAP_FAILED);
}

static void on_signal(int signal)
{
    (void)signal;
    __atomic_add_fetch(&yard->signalled, 1, __ATOMIC_SEQ_CST);
}

static int pass(void *user)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    __atomic_add_fetch(&yard->arrived, 1, __ATOMIC_SEQ_CST);
    gate_wait(&yard->gate);
    *(uint64_t *)user = clock_ns();
    __atomic_add_fetch(&yard->passed, 1, __ATOMIC_SEQ_CST);
    return 0;
}

/* Waits until a counter that children move has come so far; the test's time limit bounds it. */
static void await(const uint32_t *counter, uint32_t count)
{
    while (__atomic_load_n(counter, __ATOMIC_SEQ_CST) < count)
        sched_yield();
}

static void start_all(void)
{
    for (int i = 0; i < CHILDREN; i++)
        children[i] = testing_fork(pass, &yard->passed_ns[i]);
    await(&yard->arrived, CHILDREN);
}

static void check_nobody_passed(void)
{
    for (int i = 0; i < CHILDREN; i++)
        ck_assert_int_eq(waitpid(children[i], NULL, WNOHANG), 0);
    ck_assert_uint_eq(__atomic_load_n(&yard->passed, __ATOMIC_SEQ_CST), 0);
}

START_TEST(all_wait_until_the_gate_opens_and_then_all_pass)
{
    yard_open();
    start_all();
    check_nobody_passed();
    uint64_t before = clock_ns();
    gate_open(&yard->gate);
    ck_assert_uint_ge(yard->gate.opened_ns, before);
    ck_assert_uint_le(yard->gate.opened_ns, clock_ns());
    for (int i = 0; i < CHILDREN; i++)
        ck_assert_int_eq(testing_wait(children[i]), 0);
    ck_assert_uint_eq(yard->passed, CHILDREN);
    for (int i = 0; i < CHILDREN; i++)
        ck_assert_uint_ge(yard->passed_ns[i], yard->gate.opened_ns);
}
END_TEST

START_TEST(a_signal_does_not_let_anybody_through)
{
    yard_open();
    start_all();
    for (uint32_t round = 1; round <= 5; round++) {
        for (int i = 0; i < CHILDREN; i++)
            ck_assert_int_eq(kill(children[i], SIGUSR1), 0);
        await(&yard->signalled, CHILDREN * round);
        check_nobody_passed();
    }
    gate_open(&yard->gate);
    for (int i = 0; i < CHILDREN; i++)
        ck_assert_int_eq(testing_wait(children[i]), 0);
}
END_TEST

START_TEST(whoever_comes_late_does_not_wait)
{
    yard_open();
    gate_open(&yard->gate);
    gate_wait(&yard->gate);
    ck_assert_int_eq(testing_wait(testing_fork(pass, &yard->passed_ns[0])), 0);
    ck_assert_uint_eq(yard->passed, 1);
}
END_TEST

START_TEST(stopping_is_another_thing_than_opening)
{
    yard_open();
    ck_assert_uint_eq(yard->gate.stop, 0);
    gate_stop(&yard->gate);
    gate_stop(&yard->gate);
    ck_assert_uint_ne(yard->gate.stop, 0);
    ck_assert_uint_eq(yard->gate.open, 0);
    gate_open(&yard->gate);
    ck_assert_uint_ne(yard->gate.stop, 0);
}
END_TEST

START_TEST(what_is_read_in_every_operation_lies_on_a_line_of_its_own)
{
    ck_assert_uint_ge(offsetof(struct gate, stop) - offsetof(struct gate, open), SLOT_ALIGN);
    ck_assert_uint_ge(offsetof(struct gate, opened_ns) - offsetof(struct gate, stop), SLOT_ALIGN);
}
END_TEST

int main(void)
{
    return testing_run("gate", (const TTest *[]){
                                   all_wait_until_the_gate_opens_and_then_all_pass,
                                   a_signal_does_not_let_anybody_through,
                                   whoever_comes_late_does_not_wait,
                                   stopping_is_another_thing_than_opening,
                                   what_is_read_in_every_operation_lies_on_a_line_of_its_own,
                                   NULL,
                               });
}
