/* The records of latencies over time: the workers of a role added up, interval by interval. */
#include "report/records_course.h"

#include <string.h>

struct role {
    const struct ledger *ledger;
    uint32_t from, to; /* workers */
    uint32_t kept;     /* so many of them have a course */
    uint32_t folds;    /* of the one that was doubled most often */
    uint64_t width_ns;
};

/* NULL unless the worker has one. */
static const struct course *course_of(const struct role *role, uint32_t worker)
{
    const struct course *course = ledger_course(role->ledger, worker);
    return course && course->width_ns ? course : NULL;
}

static void survey(struct role *role)
{
    for (uint32_t i = role->from; i < role->to; i++) {
        const struct course *course = course_of(role, i);
        if (!course)
            continue;
        role->kept++;
        role->width_ns = course->width_ns;
        role->folds = course->folds > role->folds ? course->folds : role->folds;
    }
}

static void sum_up(const struct role *role, uint32_t place, struct course_sum *sum)
{
    memset(sum, 0, sizeof *sum);
    for (uint32_t i = role->from; i < role->to; i++) {
        const struct course *course = course_of(role, i);
        if (course)
            course_add(sum, course, place, role->folds);
    }
}

/* [place, max, [step, count, step, count, ...]] */
static json_t *interval(uint32_t place, const struct course_sum *sum)
{
    json_t *steps = json_array();
    for (uint32_t i = 0; i < COURSE_STEPS; i++) {
        if (sum->steps[i] == 0)
            continue;
        json_array_append_new(steps, json_integer((json_int_t)i));
        json_array_append_new(steps, json_integer((json_int_t)sum->steps[i]));
    }
    return json_pack("[i, I, o]", (int)place, (json_int_t)sum->max, steps);
}

static json_t *intervals_of(const struct role *role)
{
    static struct course_sum sum;
    json_t *intervals = json_array();
    for (uint32_t place = 0; place < COURSE_INTERVALS; place++) {
        sum_up(role, place, &sum);
        if (sum.count)
            json_array_append_new(intervals, interval(place, &sum));
    }
    return intervals;
}

bool records_put_course(json_t *record, const struct trial_spec *spec, const struct trial_result *result, bool reader)
{
    uint32_t writers = spec->shape.writers, kind = spec_course(spec);
    struct role role = {
        .ledger = &result->ledger,
        .from = reader ? writers : 0,
        .to = reader ? result->ledger.workers : writers,
    };
    if (kind == UINT32_MAX || !result->ledger.kinds)
        return false;
    survey(&role);
    json_t *intervals = role.kept ? intervals_of(&role) : NULL;
    if (!intervals || json_array_size(intervals) == 0) {
        json_decref(intervals);
        return false;
    }
    json_object_set_new(record, "name", json_string(spec_histogram_name(spec, kind)));
    json_object_set_new(record, "unit", json_string("ns"));
    json_object_set_new(record, "sub_bits", json_integer(COURSE_SUB_BITS));
    json_object_set_new(record, "relative_error", json_real(COURSE_RELATIVE_ERROR));
    json_object_set_new(record, "interval_s", json_real((double)role.width_ns * (double)(1ULL << role.folds) / 1e9));
    json_object_set_new(record, "workers", json_integer((json_int_t)role.kept));
    json_object_set_new(record, "intervals", intervals);
    return true;
}
