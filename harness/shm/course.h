/* The course of a latency: coarse histograms of one interval after the other, in shared memory, with no pointer in them.
 *
 *     course_touch(course);                                                before anything is timed: its pages are there then
 *     course_begin(&cursor, course, kind, origin, width, width_ns);        once all begin
 *     course_note(&cursor, kind, stamp, ns);                               for each sample, with a time stamp that is there already
 *
 * A sample belongs to the interval in which it ended. The intervals are COURSE_INTERVALS at the most: when time runs out of
 * them, each two are made one and the width doubles, so that however long it takes all workers' intervals begin at the same moments,
 * or every second, fourth ... of them. One writer; all zero is the empty course.
 */
#ifndef SHM_COURSE_H
#define SHM_COURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/histogram.h"

#define COURSE_SUB_BITS 2
#define COURSE_RELATIVE_ERROR (0.5 / (1u << COURSE_SUB_BITS))
#define COURSE_STEPS ((HISTOGRAM_LIMIT_BITS - COURSE_SUB_BITS + 1) << COURSE_SUB_BITS)
#define COURSE_INTERVALS 64
#define COURSE_FOLDS_MAX 40

struct course_interval {
    uint64_t max;
    uint32_t count;
    uint32_t steps[COURSE_STEPS];
};

struct course {
    uint64_t width_ns; /* of an interval before it was doubled `folds` times; 0: nothing was recorded */
    uint32_t folds;
    uint32_t folding;  /* not 0: being doubled; whoever died then has left nothing that can be used */
    struct course_interval intervals[COURSE_INTERVALS];
};

/* Where a worker is in its own course; in its own memory. Moments and widths are in the unit of its time stamps. */
struct course_cursor {
    struct course *course; /* NULL: it keeps none */
    uint32_t kind, place;
    uint64_t origin, width, until;
};

/* Has the course's pages, so that no sample pays for one. */
void course_touch(struct course *course);

/* From now on samples of that kind are noted. `origin`: when the first interval began; `width` of one, `width_ns` the same in
 * nanoseconds. Goes on where a process that had this course before has stopped. */
void course_begin(struct course_cursor *cursor, struct course *course, uint32_t kind, uint64_t origin, uint64_t width,
                  uint64_t width_ns);

/* The slow half of course_note(): the sample is the first one of another interval. */
void course_advance(struct course_cursor *cursor, uint64_t stamp);

static inline void course_note(struct course_cursor *cursor, uint32_t kind, uint64_t stamp, uint64_t ns)
{
    if (!cursor->course || cursor->kind != kind)
        return;
    if (__builtin_expect(stamp >= cursor->until, 0))
        course_advance(cursor, stamp);
    struct course_interval *interval = &cursor->course->intervals[cursor->place];
    if (ns > interval->max)
        interval->max = ns;
    interval->steps[ns >= HISTOGRAM_LIMIT ? COURSE_STEPS - 1 : histogram_step_of(ns, COURSE_SUB_BITS)]++;
    interval->count++;
}

/* Interval `place` of several courses added up, at the width of those that were doubled `folds` times. */
struct course_sum {
    uint64_t count, max;
    uint64_t steps[COURSE_STEPS];
};
void course_add(struct course_sum *sum, const struct course *course, uint32_t place, uint32_t folds);

/* Can its one writer have left it so? `deaths`: so many times it may have been killed between two additions. */
bool course_whole(const struct course *course, uint32_t deaths);

#endif
