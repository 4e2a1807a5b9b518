/* Tests of breakpoints and single steps: where they reach, that results stay right, and that they end with the call. */
#define _GNU_SOURCE
#include <pthread.h>

#include "base/testing.h"
#include "contract/worker.h"
#include "workloads/fault/rows.h"

static const struct shape shape = {.writers = 2};
static struct slot slots[2];
static uint32_t stop;
static _Alignas(SLOT_ALIGN) uint32_t commons[FAULT_COMMONS_BYTES / 4];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct worker worker_for(const struct fault_ops *fault)
{
    static uint64_t serial; /* the fault's choices follow from `random`: every crew makes others */
    return (struct worker){
        .slot = &slots[0],
        .shape = &shape,
        .crew = {.slots = slots, .workers = 2, .stop = &stop, .fault_commons = commons},
        .random = ++serial,
        .fault = fault,
        .fault_parameter = fault->fallback,
    };
}

/* Is the fault to be had here? Says so, where it is not. */
static bool possible(const struct fault_ops *fault)
{
    const char *reason = fault->refuses(&shape, fault->fallback);
    if (reason)
        printf("%s: %s\n", fault->name, reason);
    return !reason;
}

static __attribute__((noinline)) uint64_t mix(uint64_t value)
{
    for (int i = 0; i < 5; i++)
        value = (value ^ value >> 7) * 0x9e3779b97f4a7c15ULL;
    return value;
}

/* What a primitive does: code of its own, and the C library's. */
static uint64_t operate(struct worker *w, uint64_t value)
{
    worker_calls(w);
    pthread_mutex_lock(&mutex);
    value = mix(value);
    pthread_mutex_unlock(&mutex);
    worker_call_ends(w);
    return value;
}

/* `rounds` operations under the fault give what they give without. */
static void check_results(const struct fault_ops *fault, int rounds)
{
    static const struct fault_ops quiet = {.name = "quiet"};
    struct worker disturbed = worker_for(fault), plain = worker_for(&quiet);
    uint64_t value = 1, expected = 1;
    ck_assert_int_eq(fault->begin(&disturbed, fault->fallback), 0);
    for (int i = 0; i < rounds; i++)
        value = operate(&disturbed, value);
    if (fault->end)
        fault->end(&disturbed, fault->fallback);
    for (int i = 0; i < rounds; i++)
        expected = operate(&plain, expected);
    ck_assert_uint_eq(value, expected);
}

/* Mappings that are writable and executable and whose file's name has `part` in it. */
static int opened(const char *part)
{
    char line[512];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps))
        count += strstr(line, " rwxp ") && strstr(line, part);
    fclose(maps);
    return count;
}

START_TEST(breakpoints_reach_the_program_and_the_c_library)
{
    if (!possible(&fault_breakpoint))
        return;
    ck_assert_int_eq(opened("/libc"), 0);
    for (int i = 0; i < 200 && !(opened("/libc") && opened("/trap_test")); i++)
        check_results(&fault_breakpoint, 2000);
    ck_assert_int_ge(opened("/libc"), 1);
    ck_assert_int_ge(opened("/trap_test"), 1);
}
END_TEST

START_TEST(single_steps_leave_results_alone)
{
    if (possible(&fault_step))
        check_results(&fault_step, 60);
}
END_TEST

/* A trap that nobody has set ends the process as it would have without. */
static void break_alone(const struct fault_ops *fault)
{
    struct worker w = worker_for(fault);
    ck_assert_int_eq(fault->begin(&w, fault->fallback), 0);
    operate(&w, 1);
#if defined(__x86_64__)
    __asm__ __volatile__("int3");
#endif
    _exit(0);
}

START_TEST(a_trap_of_somebody_else_kills_as_ever)
{
    const struct fault_ops *faults[] = {&fault_breakpoint, &fault_step};
    for (int i = 0; i < 2; i++) {
        if (!possible(faults[i]))
            continue;
        int status;
        pid_t pid = fork();
        if (pid == 0)
            break_alone(faults[i]);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(WTERMSIG(status), SIGTRAP);
    }
}
END_TEST

/* What runs with all signals blocked can be neither stepped through nor stopped at a breakpoint. */
static void operate_deaf(const struct fault_ops *fault)
{
    struct worker w = worker_for(fault);
    sigset_t all, before;
    sigfillset(&all);
    memset(commons, 0, sizeof commons);
    bool failed = fault->begin(&w, fault->fallback) != 0;
    for (int i = 0; i < 300; i++) {
        worker_calls(&w);
        sigprocmask(SIG_BLOCK, &all, &before);
        pthread_mutex_lock(&mutex);
        worker_call_ends(&w);
        worker_calls(&w);
        pthread_mutex_unlock(&mutex);
        sigprocmask(SIG_SETMASK, &before, NULL);
        worker_call_ends(&w);
    }
    _exit(failed);
}

START_TEST(code_that_blocks_signals_is_spared)
{
    const struct fault_ops *faults[] = {&fault_breakpoint, &fault_step};
    for (int i = 0; i < 2; i++) {
        if (!possible(faults[i]))
            continue;
        int status;
        pid_t pid = fork();
        if (pid == 0)
            operate_deaf(faults[i]);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(status == 0, "%s: status %x", faults[i]->name, (unsigned)status);
    }
}
END_TEST

#if defined(__x86_64__)
static uint64_t flags(void)
{
    uint64_t value;
    __asm__ __volatile__("lea -128(%%rsp), %%rsp\n\tpushfq\n\tpopq %0\n\tlea 128(%%rsp), %%rsp" : "=r"(value)::"memory");
    return value;
}
#else
static uint64_t flags(void)
{
    return 0;
}
#endif

START_TEST(outside_the_call_nothing_is_stepped)
{
    if (!possible(&fault_step))
        return;
    struct worker w = worker_for(&fault_step);
    ck_assert_int_eq(fault_step.begin(&w, 1), 0);
    for (int i = 0; i < 30; i++) {
        operate(&w, 1);
        ck_assert_uint_eq(flags() & 0x100, 0);
    }
}
END_TEST

START_TEST(asking_whether_it_is_possible_changes_nothing)
{
    signal(SIGTRAP, SIG_IGN);
    possible(&fault_step);
    possible(&fault_breakpoint);
    ck_assert(signal(SIGTRAP, SIG_DFL) == SIG_IGN);
    ck_assert_int_eq(opened(""), 0);
}
END_TEST

int main(void)
{
    return testing_run("fault_trap", (const TTest *[]){
                                         breakpoints_reach_the_program_and_the_c_library,
                                         single_steps_leave_results_alone,
                                         a_trap_of_somebody_else_kills_as_ever,
                                         code_that_blocks_signals_is_spared,
                                         outside_the_call_nothing_is_stepped,
                                         asking_whether_it_is_possible_changes_nothing,
                                         NULL,
                                     });
}
