/* Tests of the distance: two that meet have one, and nobody waits for ever. */
#include "run/distance.h"

#include <sys/mman.h>

#include "base/testing.h"
#include "base/ticks.h"

enum { TRIES = 200 };

static struct distance *distances;

static void map(void)
{
    distances = mmap(NULL, TRIES * sizeof *distances, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(distances, MAP_FAILED);
    ticks_begin();
}

static int be_there(void *user)
{
    for (int i = 0; i < TRIES; i++)
        if (distance_measure(&((struct distance *)user)[i], 1) != 0)
            return 1;
    return 0;
}

START_TEST(two_that_meet_have_a_distance)
{
    map();
    uint64_t least = UINT64_MAX;
    pid_t pid = testing_fork(be_there, distances);
    for (int i = 0; i < TRIES; i++) {
        uint64_t ns = distance_measure(&distances[i], 0);
        if (ns != 0 && ns < least)
            least = ns;
    }
    ck_assert_int_eq(testing_wait(pid), 0);
    if (least == UINT64_MAX)
        return; /* they were never let run at one time */
    ck_assert_uint_ge(least, 2);
    ck_assert_uint_lt(least, DISTANCE_PATIENCE_NS);
}
END_TEST

START_TEST(who_is_alone_gives_up)
{
    map();
    ck_assert_uint_eq(distance_measure(&distances[0], 0), 0);
    ck_assert_uint_eq(distance_measure(&distances[1], 1), 0);
}
END_TEST

START_TEST(who_was_left_in_the_middle_gives_up)
{
    map();
    distances->turns[1].value = 17; /* it has answered so often, and has gone */
    ck_assert_uint_eq(distance_measure(distances, 0), 0);
    distances->turns[0].value = 17;
    ck_assert_uint_eq(distance_measure(distances, 1), 0);
    ck_assert_uint_eq(distances->turns[1].value, 17);
}
END_TEST

int main(void)
{
    return testing_run("distance", (const TTest *[]){
        two_that_meet_have_a_distance,
        who_is_alone_gives_up,
        who_was_left_in_the_middle_gives_up,
        NULL,
    });
}
