/* The course of a latency: from one interval to the next, and what several courses add up to. */
#include "shm/course.h"

#include <stddef.h>
#include <string.h>

#define PAGE 4096u

void course_touch(struct course *course)
{
    volatile unsigned char *bytes = (volatile unsigned char *)course;
    for (size_t at = 0; at < sizeof *course; at += PAGE)
        bytes[at] = bytes[at];
}

void course_begin(struct course_cursor *cursor, struct course *course, uint32_t kind, uint64_t origin, uint64_t width,
                  uint64_t width_ns)
{
    bool fresh = course->width_ns != width_ns || course->folding;
    if (fresh)
        memset(course, 0, sizeof *course);
    course->width_ns = width_ns;
    *cursor = (struct course_cursor){.course = course, .kind = kind, .origin = origin, .width = (width ? width : 1) << course->folds};
}

static void add_interval(struct course_interval *into, const struct course_interval *from)
{
    if (from->max > into->max)
        into->max = from->max;
    into->count += from->count;
    for (uint32_t i = 0; i < COURSE_STEPS; i++)
        into->steps[i] += from->steps[i];
}

/* Makes one of each two intervals. */
static void fold(struct course *course)
{
    __atomic_store_n(&course->folding, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < COURSE_INTERVALS; i++) {
        struct course_interval *into = &course->intervals[i / 2], *from = &course->intervals[i];
        if (into == from)
            continue;
        if (i % 2 == 0)
            memset(into, 0, sizeof *into);
        add_interval(into, from);
    }
    memset(&course->intervals[COURSE_INTERVALS / 2], 0, sizeof course->intervals / 2);
    course->folds++;
    __atomic_store_n(&course->folding, 0, __ATOMIC_RELEASE);
}

void course_advance(struct course_cursor *cursor, uint64_t stamp)
{
    uint64_t since = stamp > cursor->origin ? stamp - cursor->origin : 0;
    while (since / cursor->width >= COURSE_INTERVALS && cursor->course->folds < COURSE_FOLDS_MAX) {
        fold(cursor->course);
        cursor->width *= 2;
    }
    uint64_t place = since / cursor->width;
    cursor->place = place < COURSE_INTERVALS ? (uint32_t)place : COURSE_INTERVALS - 1;
    cursor->until = cursor->origin + cursor->width * (place + 1);
}

void course_add(struct course_sum *sum, const struct course *course, uint32_t place, uint32_t folds)
{
    uint32_t each = folds - course->folds < 6 ? 1u << (folds - course->folds) : COURSE_INTERVALS;
    for (uint32_t i = place * each; i < (place + 1) * each && i < COURSE_INTERVALS; i++) {
        const struct course_interval *from = &course->intervals[i];
        sum->count += from->count;
        sum->max = from->max > sum->max ? from->max : sum->max;
        for (uint32_t k = 0; from->count && k < COURSE_STEPS; k++)
            sum->steps[k] += from->steps[k];
    }
}

bool course_whole(const struct course *course, uint32_t deaths)
{
    uint64_t missing = 0;
    if (course->folds > COURSE_FOLDS_MAX || course->folding)
        return false;
    for (uint32_t i = 0; i < COURSE_INTERVALS; i++) {
        const struct course_interval *interval = &course->intervals[i];
        uint64_t sum = 0;
        for (uint32_t k = 0; k < COURSE_STEPS; k++)
            sum += interval->steps[k];
        if (interval->max > INT64_MAX)
            return false;
        missing += sum > interval->count ? sum - interval->count : interval->count - sum;
    }
    return missing <= deaths;
}
