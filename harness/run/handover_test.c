/* Tests of handing descriptors over: they come under their numbers, all of them, and nothing else stays open in a worker. */
#define _GNU_SOURCE
#include "run/handover.h"

#include <sys/eventfd.h>

#include "base/testing.h"
#include "run/isolate.h"

static struct error error;
static struct handover handover;

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static uint64_t count_of(int fd)
{
    uint64_t value = 0;
    return read(fd, &value, sizeof value) == sizeof value ? value : 0;
}

/* An eventfd of each number, which counts to it. */
static int64_t open_numbers(void *user)
{
    handover_mark(&handover);
    for (const int *number = user; *number; number++) {
        int fd = eventfd((unsigned)*number, 0);
        if (dup2(fd, *number) != *number)
            return errno;
        if (fd != *number)
            close(fd);
    }
    return handover_send(&handover);
}

static int receive(int *numbers)
{
    testing_ok(handover_begin(&handover, &error));
    ck_assert(handover_is_under_way(&handover));
    struct isolate_outcome outcome = isolate_call(open_numbers, numbers, 10 * NS_PER_S);
    ck_assert_int_eq(outcome.end, ISOLATE_RETURNED);
    ck_assert_int_eq(outcome.value, 0);
    int rc = handover_receive(&handover, &error);
    ck_assert(!handover_is_under_way(&handover));
    return rc;
}

START_TEST(descriptors_come_under_the_numbers_that_they_had)
{
    static int numbers[] = {77, 12, 200, 13, 11, 30, 0};
    ck_assert_msg(receive(numbers) == 0, "%s", error.text);
    ck_assert_uint_eq(handover.count, 6);
    for (const int *number = numbers; *number; number++)
        ck_assert_uint_eq(count_of(*number), (uint64_t)*number);
    handover_end(&handover);
    for (const int *number = numbers; *number; number++)
        ck_assert(!is_open(*number));
}
END_TEST

/* Those that are received take the lowest numbers, which are others' own. Whoever started the test may have left some open. */
START_TEST(any_order_of_numbers_is_settled)
{
    int numbers[301] = {0}, count = 0;
    for (int i = 0; i < 300; i++)
        if (!is_open(20 + (i * 7 + 5) % 300)) /* each once */
            numbers[count++] = 20 + (i * 7 + 5) % 300;
    ck_assert_msg(receive(numbers) == 0, "%s", error.text);
    ck_assert_uint_eq(handover.count, (unsigned)count);
    for (int i = 0; i < count; i++)
        ck_assert_msg(count_of(numbers[i]) == (uint64_t)numbers[i], "%d", numbers[i]);
    handover_end(&handover);
    for (int i = 0; i < count; i++)
        ck_assert(!is_open(numbers[i]));
}
END_TEST

START_TEST(nothing_may_be_handed_over_too)
{
    static int none[] = {0};
    ck_assert_msg(receive(none) == 0, "%s", error.text);
    ck_assert_uint_eq(handover.count, 0);
    handover_end(&handover);
    handover_end(&handover);
}
END_TEST

/* The creator closes a number that the harness has in use, and gives it another meaning: nothing is lost here. */
static int64_t take_over(void *user)
{
    handover_mark(&handover);
    close(*(int *)user);
    int numbers[] = {*(int *)user, 0};
    handover.count = 0; /* as if the number had not been in use */
    for (uint32_t i = 0; i < 1; i++)
        if (dup2(eventfd(1, 0), numbers[i]) < 0)
            return errno;
    return handover_send(&handover);
}

START_TEST(a_number_that_the_harness_uses_is_not_given_away)
{
    int own = dup(STDERR_FILENO);
    testing_ok(handover_begin(&handover, &error));
    isolate_call(take_over, &own, 10 * NS_PER_S);
    ck_assert_int_eq(handover_receive(&handover, &error), -1);
    testing_has(error.text, "EBUSY");
    ck_assert(is_open(own));
    handover_end(&handover);
    close(own);
}
END_TEST

static int shed(void *spared)
{
    const int *fds = spared;
    handover.spared = fds;
    handover.spared_count = fds[0] == 0 ? 0 : fds[1] == 0 ? 1 : 2;
    handover_shed(&handover);
    for (int fd = 3; fd < 300; fd++)
        if (is_open(fd) != (fd == 12 || fd == 77 || (fd == fds[0] || fd == fds[1])))
            return 1;
    return is_open(STDERR_FILENO) ? 0 : 2;
}

START_TEST(a_worker_has_these_and_no_others)
{
    static int numbers[] = {77, 12, 0}, others[] = {9, 40, 41, 90};
    static int spared[][2] = {{0, 0}, {9, 0}, {40, 0}, {77, 0}, {90, 0}, {9, 40}, {40, 41}, {9, 90}, {12, 77}, {77, 90}, {1, 40}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_int_ge(dup2(STDERR_FILENO, others[i]), 0);
    ck_assert_msg(receive(numbers) == 0, "%s", error.text);
    for (size_t i = 0; i < sizeof spared / sizeof spared[0]; i++)
        ck_assert_int_eq(testing_wait(testing_fork(shed, spared[i])), 0);
    ck_assert(is_open(40));
    handover_end(&handover);
}
END_TEST

int main(void)
{
    return testing_run("handover", (const TTest *[]){
                                       descriptors_come_under_the_numbers_that_they_had,
                                       any_order_of_numbers_is_settled,
                                       nothing_may_be_handed_over_too,
                                       a_number_that_the_harness_uses_is_not_given_away,
                                       a_worker_has_these_and_no_others,
                                       NULL,
                                   });
}
