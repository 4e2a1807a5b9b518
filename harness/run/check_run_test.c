/* Tests of running checks: what each kind of end comes to, deadlines, order, and that nothing is left. */
#define _GNU_SOURCE
#include "run/check_run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/testing.h"

static void passes(struct check *c)
{
    expect_number(c, 1 + 1, 2, "one and one");
    expect_errno(c, (errno = ENOENT, -1), ENOENT);
}

static void fails(struct check *c)
{
    expect_number(c, 5, 2, "legs");
    expect_number(c, 7, 3, "a later one, not told");
}

static void deviates_then_passes(struct check *c)
{
    check_deviates(c, "black", "white", "it is the other one's turn");
    expect_number(c, 1, 1, "one");
}

static void deviates_then_fails(struct check *c)
{
    check_deviates(c, "black", "white", "it is the other one's turn");
    expect_number(c, 1, 2, "one");
}

static void lacks_something(struct check *c)
{
    check_unsupported(c, "needs %s", "the moon");
}

static void gives_up(struct check *c)
{
    check_error(c, "cannot tell");
}

static void looks_at_nothing(struct check *c)
{
    (void)c;
}

static void lacks_memory_in_setup(struct check *c)
{
    must(c, (errno = ENOMEM, -1));
    expect_number(c, 1, 1, "never reached");
}

static void is_refused_in_setup(struct check *c)
{
    must(c, (errno = EACCES, -1));
    expect_number(c, 1, 1, "never reached");
}

static void dies_of(struct check *c, int number)
{
    expect_number(c, 1, 1, "one");
    signal(number, SIG_DFL);
    raise(number);
}

static void meets_sigbus(struct check *c)
{
    dies_of(c, SIGBUS);
}

static void is_killed(struct check *c)
{
    dies_of(c, SIGKILL);
}

static void exits_early(struct check *c)
{
    (void)c;
    _exit(3);
}

static void hangs(struct check *c)
{
    expect_number(c, 1, 1, "one");
    for (;;)
        pause();
}

static void fail_in_peer(struct check *c, void *user)
{
    expect_number(c, *(int *)user, 2, "legs, seen by a peer");
}

static void peer_fails(struct check *c)
{
    int legs = 4;
    struct check_peer peer = check_start(c, fail_in_peer, &legs);
    expect_number(c, check_end_of(c, &peer), 0, "exit status of the peer");
}

static void sleep_on(struct check *c, void *user)
{
    (void)user;
    tell(c->channel, getpid());
    for (;;)
        pause();
}

static void leaves_things(struct check *c)
{
    char semaphore[CHECK_NAME + 8];
    check_object(c, check_name(c), 100);
    check_object(c, check_long_name(c, 200), 0);
    must(c, mkdir(check_path(check_name(c)), 0700));
    must(c, mkfifo(check_path(check_name(c)), 0600));
    snprintf(semaphore, sizeof semaphore, "/sem.%s", check_name(c) + 1);
    check_object(c, semaphore, 0);
    struct check_peer peer = check_start(c, sleep_on, NULL);
    check_fail(c, "nothing", "pid %d", (int)hear(peer.channel));
}

static void say_five(struct check *c, void *user)
{
    (void)user;
    tell(c->channel, 5);
    hear(c->channel);
}

static void listen_only(struct check *c, void *user)
{
    (void)user;
    hear(c->channel);
}

static void die(struct check *c, void *user)
{
    (void)c, (void)user;
    raise(SIGKILL);
}

static void peer_is_heard(struct check *c)
{
    struct check_peer loud = check_start(c, say_five, NULL), silent = check_start(c, listen_only, NULL);
    expect_heard(c, &loud, 5000, 5, "it");
    expect_waiting(c, &silent, "it");
    check_hang_up(&silent);
    tell(loud.channel, 1);
    expect_end(c, &loud);
    check_kill(c, &silent);
}

static void peer_is_silent(struct check *c)
{
    struct check_peer peer = check_start(c, listen_only, NULL);
    expect_heard(c, &peer, 30, 5, "it");
}

static void peer_does_not_wait(struct check *c)
{
    struct check_peer peer = check_start(c, say_five, NULL);
    expect_waiting(c, &peer, "it");
}

static void peer_dies(struct check *c)
{
    struct check_peer peer = check_start(c, die, NULL);
    expect_end(c, &peer);
}

#define ROW(function) {.id = "test/" #function, .interface = "i", .clause = "c", .summary = "s", .deadline_s = 20, .run = function}

static const struct check_ops all[] = {
    ROW(passes), ROW(fails), ROW(deviates_then_passes), ROW(deviates_then_fails), ROW(lacks_something), ROW(gives_up),
    ROW(looks_at_nothing), ROW(lacks_memory_in_setup), ROW(is_refused_in_setup), ROW(meets_sigbus), ROW(is_killed),
    ROW(exits_early), ROW(peer_fails), ROW(leaves_things),
};
enum { ALL = sizeof all / sizeof all[0] };

/* What came out, in the order in which it was handed out. */
static struct seen {
    uint32_t order[64], count, stop_after;
    struct check_result results[64];
} seen;

static int note(uint32_t index, const struct check_result *result, void *user)
{
    (void)user;
    seen.order[seen.count++] = index;
    seen.results[index] = *result;
    return seen.stop_after && seen.count >= seen.stop_after;
}

static uint32_t plan_deadline_s;

static void run_rows(const struct check_ops *rows, uint32_t count, uint32_t jobs)
{
    static const struct check_ops *list[64];
    struct error error;
    for (uint32_t i = 0; i < count; i++)
        list[i] = &rows[i];
    struct check_plan plan = {.rows = list, .count = count, .jobs = jobs, .deadline_s = plan_deadline_s, .done = note};
    testing_ok(check_run(&plan, &error));
}

static const struct check_report *run_one(void (*body)(struct check *), unsigned deadline_s)
{
    struct check_ops row = ROW(body);
    row.deadline_s = deadline_s;
    seen.count = 0;
    run_rows(&row, 1, 1);
    ck_assert_uint_eq(seen.count, 1);
    return &seen.results[0].report;
}

START_TEST(each_kind_of_end_has_its_outcome)
{
    static const enum check_outcome wanted[ALL] = {
        CHECK_PASS, CHECK_FAIL, CHECK_DEVIATES, CHECK_FAIL, CHECK_UNSUPPORTED, CHECK_ERROR, CHECK_ERROR,
        CHECK_ERROR, CHECK_FAIL, CHECK_FAIL, CHECK_ERROR, CHECK_ERROR, CHECK_FAIL, CHECK_FAIL,
    };
    run_rows(all, ALL, 3);
    ck_assert_uint_eq(seen.count, ALL);
    for (uint32_t i = 0; i < ALL; i++) {
        ck_assert_uint_eq(seen.order[i], i);
        ck_assert_msg(seen.results[i].report.outcome == wanted[i], "%s: %s", all[i].id,
                      check_outcome_name(seen.results[i].report.outcome));
    }
}
END_TEST

START_TEST(a_pass_says_nothing)
{
    const struct check_report *report = run_one(passes, 20);
    ck_assert_str_eq(report->expected, "");
    ck_assert_str_eq(report->observed, "");
    ck_assert_str_eq(report->reason, "");
    ck_assert_uint_gt(seen.results[0].ns, 0);
}
END_TEST

START_TEST(the_first_failure_is_told_with_both_sides)
{
    const struct check_report *report = run_one(fails, 20);
    ck_assert_str_eq(report->expected, "legs: 2");
    ck_assert_str_eq(report->observed, "legs: 5");
}
END_TEST

START_TEST(a_peers_failure_is_the_checks)
{
    const struct check_report *report = run_one(peer_fails, 20);
    ck_assert_str_eq(report->observed, "legs, seen by a peer: 4");
}
END_TEST

START_TEST(a_deviation_carries_its_reason)
{
    const struct check_report *report = run_one(deviates_then_passes, 20);
    ck_assert_str_eq(report->expected, "black");
    ck_assert_str_eq(report->observed, "white");
    testing_has(report->reason, "turn");
}
END_TEST

START_TEST(what_is_missing_is_told)
{
    ck_assert_str_eq(run_one(lacks_something, 20)->reason, "needs the moon");
}
END_TEST

START_TEST(a_check_that_hangs_is_ended_and_undecided)
{
    const struct check_report *report = run_one(hangs, 1);
    ck_assert_int_eq(report->outcome, CHECK_ERROR);
    testing_has(report->observed, "ended after 1 s");
}
END_TEST

START_TEST(the_plans_deadline_is_for_every_row)
{
    plan_deadline_s = 1;
    testing_has(run_one(hangs, 20)->observed, "ended after 1 s");
}
END_TEST

START_TEST(peers_are_heard_or_told_to_be_silent)
{
    ck_assert_int_eq(run_one(peer_is_heard, 20)->outcome, CHECK_PASS);
    testing_has(run_one(peer_is_silent, 20)->observed, "says nothing for 30 ms");
    testing_has(run_one(peer_does_not_wait, 20)->observed, "it does not wait: it says 5");
    testing_has(run_one(peer_dies, 20)->observed, "(below 0: the signal): -9");
}
END_TEST

START_TEST(a_death_is_named)
{
    testing_has(run_one(meets_sigbus, 20)->observed, "killed by signal 7");
}
END_TEST

START_TEST(neither_names_nor_processes_are_left)
{
    const struct check_report *report = run_one(leaves_things, 20);
    int pid = atoi(report->observed + 4);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(kill(pid, 0), -1);
    char mark[64];
    snprintf(mark, sizeof mark, "shmoo-check.%d.", (int)getpid());
    ck_assert_int_eq(testing_census(mark), 0);
}
END_TEST

START_TEST(a_consumer_that_has_enough_ends_it)
{
    seen.stop_after = 2;
    run_rows(all, ALL, 2);
    ck_assert_uint_eq(seen.count, 2);
}
END_TEST

static int run_a_hanging_one(void *user)
{
    (void)user;
    run_one(leaves_things, 20);
    run_one(hangs, 100);
    return 0;
}

START_TEST(the_harness_killed_leaves_neither)
{
    char mark[64];
    pid_t harness = testing_fork(run_a_hanging_one, NULL);
    snprintf(mark, sizeof mark, "shmoo-check.%d.", (int)harness);
    for (uint64_t end = clock_ns() + 300 * NS_PER_MS; clock_ns() < end;)
        usleep(1000);
    ck_assert_int_eq(kill(harness, SIGKILL), 0);
    ck_assert_int_eq(testing_wait(harness), -SIGKILL);
    for (int i = 0; i < 500 && testing_census(mark); i++)
        usleep(10000);
    ck_assert_int_eq(testing_census(mark), 0);
}
END_TEST

int main(void)
{
    return testing_run("check_run", (const TTest *[]){each_kind_of_end_has_its_outcome, a_pass_says_nothing,
                                                      the_first_failure_is_told_with_both_sides, a_peers_failure_is_the_checks,
                                                      a_deviation_carries_its_reason, what_is_missing_is_told,
                                                      a_check_that_hangs_is_ended_and_undecided,
                                                      the_plans_deadline_is_for_every_row, peers_are_heard_or_told_to_be_silent,
                                                      a_death_is_named,
                                                      neither_names_nor_processes_are_left,
                                                      a_consumer_that_has_enough_ends_it, the_harness_killed_leaves_neither, NULL});
}
