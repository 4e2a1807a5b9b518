/* Tests of pinning: policies and their spelling, which CPUs a worker gets, and what cannot be had. */
#define _GNU_SOURCE
#include "run/pin.h"

#include "base/testing.h"

static struct error error;
static struct pin *pin;

/* The CPUs that this process may use, in order. */
static int allowed[CPU_SETSIZE], allowed_count;

static void find_allowed(void)
{
    cpu_set_t set;
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    allowed_count = 0;
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set))
            allowed[allowed_count++] = i;
    ck_assert_int_gt(allowed_count, 0);
}

static bool is_allowed(const char *cpu)
{
    for (int i = 0; i < allowed_count; i++)
        if (allowed[i] == atoi(cpu))
            return true;
    return false;
}

START_TEST(policies_and_lists_are_told_from_what_is_neither)
{
    static const char *const good[] = {"none", "compact", "scatter", "same-core", "same-llc", "other-numa", "0", "0,1", "0-3", "1,4-7,2", "0+2-3"};
    static const char *const bad[] = {"", "Compact", "spread", "-1", ",1", "0;1", "all", "0x1", " 0", "0++1", "+1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        testing_ok(pin_valid(good[i], &error));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(pin_valid(bad[i], &error) == -1, "\"%s\" was taken", bad[i]);
        ck_assert_int_eq(error.status, STATUS_USAGE);
        testing_has(error.text, "Valid: none compact scatter same-core same-llc other-numa, or a list of CPUs like 0,2-3");
    }
    pin_valid("scater", &error);
    testing_has(error.text, "unknown policy \"scater\"; did you mean \"scatter\"?");
}
END_TEST

START_TEST(without_a_policy_nobody_is_bound)
{
    cpu_set_t before, after;
    testing_ok(pin_create(&pin, "none", 4, &error));
    ck_assert_ptr_null(pin_cpus(pin, 0));
    ck_assert_ptr_null(pin_cpus(pin, 3));
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    ck_assert_int_eq(pin_apply(pin, 2), 0);
    ck_assert_int_eq(sched_getaffinity(0, sizeof after, &after), 0);
    ck_assert(CPU_EQUAL(&before, &after));
    pin_destroy(pin);
    pin_destroy(NULL);
}
END_TEST

struct placing {
    uint32_t worker;
};

static int check_bound(void *user)
{
    const struct placing *p = user;
    cpu_set_t set;
    if (pin_apply(pin, p->worker) || sched_getaffinity(0, sizeof set, &set))
        return 1;
    return CPU_COUNT(&set) == 1 && CPU_ISSET((size_t)atoi(pin_cpus(pin, p->worker)), &set) ? 0 : 2;
}

START_TEST(every_worker_is_bound_to_the_one_cpu_that_is_told)
{
    static const char *const policies[] = {"compact", "scatter"};
    find_allowed();
    for (size_t p = 0; p < 2; p++) {
        testing_ok(pin_create(&pin, policies[p], 5, &error));
        for (uint32_t i = 0; i < 5; i++) {
            ck_assert(is_allowed(pin_cpus(pin, i)));
            ck_assert_int_eq(testing_wait(testing_fork(check_bound, &(struct placing){i})), 0);
        }
        pin_destroy(pin);
    }
}
END_TEST

START_TEST(as_many_workers_as_cpus_have_one_each)
{
    static const char *const policies[] = {"compact", "scatter"};
    find_allowed();
    for (size_t p = 0; p < 2; p++) {
        testing_ok(pin_create(&pin, policies[p], (uint32_t)allowed_count, &error));
        for (int i = 0; i < allowed_count; i++)
            for (int k = 0; k < i; k++)
                ck_assert_str_ne(pin_cpus(pin, (uint32_t)i), pin_cpus(pin, (uint32_t)k));
        pin_destroy(pin);
    }
}
END_TEST

START_TEST(more_workers_than_cpus_take_turns)
{
    find_allowed();
    testing_ok(pin_create(&pin, "compact", 1000, &error));
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_str_eq(pin_cpus(pin, i), pin_cpus(pin, i % (uint32_t)allowed_count));
    pin_destroy(pin);
}
END_TEST

START_TEST(the_cpus_of_a_list_are_used_in_turn)
{
    char list[64], first[16], last[16];
    find_allowed();
    snprintf(first, sizeof first, "%d", allowed[0]);
    snprintf(last, sizeof last, "%d", allowed[allowed_count - 1]);
    snprintf(list, sizeof list, "%s,%s", first, last);
    testing_ok(pin_create(&pin, list, 4, &error));
    ck_assert_str_eq(pin_cpus(pin, 0), first);
    ck_assert_str_eq(pin_cpus(pin, 1), last);
    ck_assert_str_eq(pin_cpus(pin, allowed_count > 1 ? 2 : 0), first);
    ck_assert_int_eq(testing_wait(testing_fork(check_bound, &(struct placing){1})), 0);
    pin_destroy(pin);
}
END_TEST

START_TEST(a_cpu_that_is_not_there_is_told_with_those_that_are)
{
    char first[16];
    find_allowed();
    snprintf(first, sizeof first, "%d", allowed[0]);
    ck_assert_int_eq(pin_create(&pin, "900", 4, &error), -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    testing_has(error.text, "--pin 900: not all of these CPUs can be used here; there are ");
    testing_has(error.text, first);
    ck_assert_ptr_null(pin);
    ck_assert_int_eq(pin_create(&pin, "0-900", 4, &error), -1);
}
END_TEST

START_TEST(a_list_that_makes_no_sense_is_refused)
{
    static const char *const bad[] = {"3-", "1--2", "4-2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(pin_create(&pin, bad[i], 4, &error) == -1, "\"%s\" was taken", bad[i]);
        testing_has(error.text, bad[i]);
        ck_assert_ptr_null(pin);
    }
}
END_TEST

static int under_taskset(void *user)
{
    cpu_set_t one;
    char list[16];
    (void)user;
    CPU_ZERO(&one);
    CPU_SET((size_t)allowed[0], &one);
    if (sched_setaffinity(0, sizeof one, &one) || pin_cpus_allowed() != 1)
        return 1;
    if (pin_create(&pin, "scatter", 8, &error) || atoi(pin_cpus(pin, 7)) != allowed[0])
        return 2;
    pin_destroy(pin);
    snprintf(list, sizeof list, "%d", allowed[1]);
    if (pin_create(&pin, list, 2, &error) != -1 || error.status != STATUS_ENVIRONMENT)
        return 3;
    return 0;
}

START_TEST(only_the_cpus_that_the_process_was_left_are_used)
{
    find_allowed();
    if (allowed_count < 2) {
        fprintf(stderr, "skipped: there is only one CPU\n");
        return;
    }
    ck_assert_int_eq(testing_wait(testing_fork(under_taskset, NULL)), 0);
}
END_TEST

START_TEST(the_number_of_cpus_is_the_systems)
{
    find_allowed();
    ck_assert_uint_eq(pin_cpus_allowed(), (unsigned)allowed_count);
}
END_TEST

/* Machines as hwloc makes them up, with as many CPUs as are there, and what each has of the policies' CPUs. */
static const struct machine {
    const char *description;
    bool core, llc, numa;
} machines[] = {
    {"core:1 pu:2", true, false, false},
    {"l3:1 core:2 pu:1", false, true, false},
    {"l3:2 core:1 pu:1", false, false, false},
    {"core:2 pu:1", false, false, false},
    {"pack:2 numa:1 core:1 pu:1", false, false, true},
};

static void look_at(const char *policy, bool there)
{
    ck_assert_msg((pin_absent(policy) == NULL) == there, "%s: %s", policy, there ? pin_absent(policy) : "found");
    if (!there) {
        testing_has(pin_absent(policy), policy);
        ck_assert_int_eq(pin_create(&pin, policy, 2, &error), -1);
        ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
        return;
    }
    testing_ok(pin_create(&pin, policy, 4, &error));
    ck_assert_str_ne(pin_cpus(pin, 0), pin_cpus(pin, 1));
    ck_assert_str_eq(pin_cpus(pin, 0), pin_cpus(pin, 2));
    ck_assert_uint_eq(pin_cpus_of_crew(pin, 4), 2);
    pin_destroy(pin);
}

static int on_machine(void *user)
{
    const struct machine *machine = user;
    setenv("HWLOC_SYNTHETIC", machine->description, 1);
    look_at("same-core", machine->core);
    look_at("same-llc", machine->llc);
    look_at("other-numa", machine->numa);
    ck_assert_ptr_null(pin_absent("scatter"));
    return 0;
}

START_TEST(how_workers_lie_to_each_other_is_the_machines)
{
    find_allowed();
    if (allowed_count < 2 || allowed[0] != 0 || allowed[1] != 1) {
        fprintf(stderr, "skipped: CPUs 0 and 1 are not both to be had\n");
        return;
    }
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++)
        ck_assert_msg(testing_wait(testing_fork(on_machine, (void *)&machines[i])) == 0, "%s", machines[i].description);
}
END_TEST

int main(void)
{
    return testing_run("pin", (const TTest *[]){
                                  policies_and_lists_are_told_from_what_is_neither,
                                  without_a_policy_nobody_is_bound,
                                  every_worker_is_bound_to_the_one_cpu_that_is_told,
                                  as_many_workers_as_cpus_have_one_each,
                                  more_workers_than_cpus_take_turns,
                                  the_cpus_of_a_list_are_used_in_turn,
                                  a_cpu_that_is_not_there_is_told_with_those_that_are,
                                  a_list_that_makes_no_sense_is_refused,
                                  only_the_cpus_that_the_process_was_left_are_used,
                                  the_number_of_cpus_is_the_systems,
                                  how_workers_lie_to_each_other_is_the_machines,
                                  NULL,
                              });
}
