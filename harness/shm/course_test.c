/* Tests of the course: which interval a sample belongs to, what doubling keeps, what several courses add up to. */
#include "shm/course.h"

#include <string.h>

#include "base/seed.h"
#include "base/testing.h"

#define WIDTH 1000u
#define ORIGIN 5000000u

static struct course course, other;
static struct course_cursor cursor;

static void begin(void)
{
    memset(&course, 0, sizeof course);
    memset(&other, 0, sizeof other);
    course_begin(&cursor, &course, 3, ORIGIN, WIDTH, WIDTH);
}

static struct course_sum sum_of(const struct course *from, uint32_t place, uint32_t folds)
{
    struct course_sum sum = {0};
    course_add(&sum, from, place, folds);
    return sum;
}

START_TEST(a_sample_belongs_to_the_interval_in_which_it_ended)
{
    begin();
    course_note(&cursor, 3, ORIGIN, 10);
    course_note(&cursor, 3, ORIGIN + WIDTH - 1, 70);
    course_note(&cursor, 3, ORIGIN + WIDTH, 20);
    course_note(&cursor, 3, ORIGIN + 5 * WIDTH + 1, 30);
    course_note(&cursor, 3, ORIGIN + 5 * WIDTH - 1, 40); /* a stamp that is a little older is no reason to go back */
    course_note(&cursor, 2, ORIGIN + 6 * WIDTH, 99);     /* of another kind */
    ck_assert_uint_eq(course.intervals[0].count, 2);
    ck_assert_uint_eq(course.intervals[0].max, 70);
    ck_assert_uint_eq(course.intervals[0].steps[histogram_step_of(10, COURSE_SUB_BITS)], 1);
    ck_assert_uint_eq(course.intervals[1].count, 1);
    ck_assert_uint_eq(course.intervals[4].count, 0);
    ck_assert_uint_eq(course.intervals[5].count, 2);
    ck_assert_uint_eq(course.intervals[6].count, 0);
    ck_assert_uint_eq(course.folds, 0);
    ck_assert(course_whole(&course, 0));
}
END_TEST

START_TEST(a_stamp_before_the_beginning_and_any_value_find_a_place)
{
    begin();
    course_note(&cursor, 3, ORIGIN - 1, UINT64_MAX >> 1);
    course_note(&cursor, 3, ORIGIN, HISTOGRAM_LIMIT - 1);
    course_note(&cursor, 3, ORIGIN, 0);
    ck_assert_uint_eq(course.intervals[0].count, 3);
    ck_assert_uint_eq(course.intervals[0].steps[COURSE_STEPS - 1], 2);
    ck_assert_uint_eq(course.intervals[0].steps[0], 1);
    ck_assert_uint_eq(course.intervals[0].max, UINT64_MAX >> 1);
}
END_TEST

START_TEST(doubling_keeps_every_sample_in_its_time)
{
    uint64_t random = 7, counts[COURSE_INTERVALS] = {0}, longest[COURSE_INTERVALS] = {0};
    const uint64_t most = 37 * COURSE_INTERVALS * WIDTH;
    begin();
    for (uint64_t at = 0; at < most; at += seed_next(&random) % 3000) {
        uint64_t ns = seed_next(&random) % 100000, place = at / (64 * WIDTH);
        course_note(&cursor, 3, ORIGIN + at, ns);
        counts[place]++;
        longest[place] = ns > longest[place] ? ns : longest[place];
    }
    ck_assert_uint_eq(course.folds, 6); /* 37 times too long */
    for (uint32_t i = 0; i < COURSE_INTERVALS; i++) {
        ck_assert_uint_eq(course.intervals[i].count, counts[i]);
        ck_assert_uint_eq(course.intervals[i].max, longest[i]);
    }
    ck_assert(course_whole(&course, 0));
}
END_TEST

START_TEST(a_pause_of_any_length_is_survived)
{
    begin();
    course_note(&cursor, 3, ORIGIN + 10 * WIDTH, 5);
    course_note(&cursor, 3, ORIGIN + ((uint64_t)WIDTH << 30), 6);
    course_note(&cursor, 3, UINT64_MAX - 1, 7);
    uint64_t all = 0;
    for (uint32_t i = 0; i < COURSE_INTERVALS; i++)
        all += course.intervals[i].count;
    ck_assert_uint_eq(all, 3);
    ck_assert_uint_eq(course.intervals[0].count, 2);
    ck_assert_uint_le(course.folds, COURSE_FOLDS_MAX);
}
END_TEST

START_TEST(courses_of_unlike_widths_add_up_at_the_coarser_one)
{
    struct course_cursor second;
    begin();
    course_begin(&second, &other, 3, ORIGIN, WIDTH, WIDTH);
    for (uint64_t i = 0; i < COURSE_INTERVALS; i++)
        course_note(&cursor, 3, ORIGIN + i * WIDTH, i);
    course_note(&second, 3, ORIGIN + 4 * WIDTH, 1);
    course_note(&second, 3, ORIGIN + 130 * WIDTH, 500);
    ck_assert_uint_eq(other.folds, 2);
    struct course_sum sum = sum_of(&course, 1, 2);
    ck_assert_uint_eq(sum.count, 4);
    ck_assert_uint_eq(sum.max, 7);
    course_add(&sum, &other, 1, 2);
    ck_assert_uint_eq(sum.count, 5);
    ck_assert_uint_eq(sum_of(&course, 0, 20).count, COURSE_INTERVALS);
    ck_assert_uint_eq(sum_of(&course, 1, 20).count, 0);
    ck_assert_uint_eq(sum_of(&course, COURSE_INTERVALS - 1, 2).count, 0);
}
END_TEST

START_TEST(who_comes_after_somebody_dead_goes_on_where_he_was)
{
    struct course_cursor next;
    begin();
    course_note(&cursor, 3, ORIGIN + 100 * WIDTH, 1);
    course_begin(&next, &course, 3, ORIGIN, WIDTH, WIDTH);
    course_note(&next, 3, ORIGIN + 101 * WIDTH, 2);
    ck_assert_uint_eq(course.intervals[50].count, 2);
    course.folding = 1; /* killed in the middle of doubling */
    ck_assert(!course_whole(&course, 9));
    course_begin(&next, &course, 3, ORIGIN, WIDTH, WIDTH);
    course_note(&next, 3, ORIGIN + 2 * WIDTH, 2);
    ck_assert(course_whole(&course, 0));
    ck_assert_uint_eq(course.intervals[2].count, 1);
    ck_assert_uint_eq(course.intervals[50].count, 0);
}
END_TEST

START_TEST(what_does_not_add_up_is_seen)
{
    begin();
    course_note(&cursor, 3, ORIGIN, 5);
    course.intervals[0].count++;
    ck_assert(course_whole(&course, 1)); /* killed between two additions */
    course.intervals[9].steps[4] = 1;
    ck_assert(!course_whole(&course, 1));
    course.intervals[9].steps[4] = 0;
    course.folds = COURSE_FOLDS_MAX + 1;
    ck_assert(!course_whole(&course, 1));
}
END_TEST

int main(void)
{
    return testing_run("course", (const TTest *[]){
                                     a_sample_belongs_to_the_interval_in_which_it_ended,
                                     a_stamp_before_the_beginning_and_any_value_find_a_place,
                                     doubling_keeps_every_sample_in_its_time,
                                     a_pause_of_any_length_is_survived,
                                     courses_of_unlike_widths_add_up_at_the_coarser_one,
                                     who_comes_after_somebody_dead_goes_on_where_he_was,
                                     what_does_not_add_up_is_seen,
                                     NULL,
                                 });
}
