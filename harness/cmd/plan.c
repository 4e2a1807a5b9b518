/* The plan: laying sources over each other, and expanding grids into trials. */
#include "cmd/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/seed.h"
#include "base/units.h"
#include "cmd/fault_text.h"
#include "cmd/jobfile.h"
#include "cmd/plugin_option.h"
#include "run/hunt_slice.h"
#include "shm/payload.h"

/* The axes, outermost first: what is compared, the syncs, lies next to each other in time. */
static const enum run_option axes[] = {RUN_LOAD,  RUN_SIZE, RUN_WRITERS, RUN_READERS, RUN_HOLD,
                                       RUN_THINK, RUN_RATE, RUN_FAULT,   RUN_PIN,     RUN_PREFAULT,
                                       RUN_PAGES, RUN_ADDRESS, RUN_PACKING, RUN_REGIONS, RUN_SYNC};
enum { AXES = sizeof axes / sizeof axes[0] };

/* A point of a grid: which value of each option. */
struct point {
    const struct option_value *values[RUN_OPTIONS]; /* NULL: the list is empty */
};

static uint64_t number(const struct point *point, enum run_option option)
{
    return point->values[option] ? point->values[option]->number : 0;
}

static bool given(const struct grid *grid, enum run_option option)
{
    return grid->options[option].source != OPTION_FROM_DEFAULT;
}

static int overlay_command_line(struct grid *grid, const struct option_list *command_line)
{
    for (size_t i = 0; i < RUN_OPTIONS; i++) {
        if (command_line[i].source != OPTION_FROM_COMMAND)
            continue;
        options_free(&grid->options[i], 1);
        options_copy(&grid->options[i], &command_line[i], 1);
    }
    return 0;
}

/* --duration and --ops exclude each other: the command line's word counts before a file's, and of a file's both, ops. */
static int settle_length(struct grid *grid, struct error *error)
{
    struct option_list *duration = &grid->options[RUN_DURATION], *ops = &grid->options[RUN_OPS];
    if (ops->count == 0)
        return 0;
    if (ops->source == OPTION_FROM_COMMAND && duration->source == OPTION_FROM_COMMAND)
        return error_set(error, STATUS_USAGE, 0, "--duration and --ops exclude each other: a trial ends after a time or after a "
                                                 "number of operations");
    options_free(duration->source > ops->source ? ops : duration, 1);
    return 0;
}

/* A comparison of two builds needs more repeats than a look at one. */
static int settle_repeats(struct grid *grid, struct error *error)
{
    if (grid->options[RUN_AGAINST].count == 0 || given(grid, RUN_REPEAT))
        return 0;
    return option_assign(&run_options[RUN_REPEAT], &grid->options[RUN_REPEAT], PLAN_REPEATS_AGAINST, "--repeat", OPTION_FROM_DEFAULT,
                         error);
}

static bool only_hunts(const struct option_list *loads)
{
    bool hunts = true;
    for (size_t i = 0; i < loads->count; i++)
        hunts &= contents_load(loads->values[i].text)->loads != NULL;
    return hunts;
}

static int settle_as(struct grid *grid, enum run_option option, const char *text, struct error *error)
{
    return option_assign(&run_options[option], &grid->options[option], text, "--plugin", OPTION_FROM_FILE, error);
}

/* Who brings a plugin and says no more means: all that it has, hunted through, with the proof that the hunt would have caught it. */
static int settle_plugins(struct grid *grid, struct error *error)
{
    struct option_list *plugins = &grid->options[RUN_PLUGIN], *syncs = &grid->options[RUN_SYNC];
    if (plugins->count == 0)
        return 0;
    if (plugin_option_settle(plugins, error))
        return -1;
    if (!given(grid, RUN_LOAD) && settle_as(grid, RUN_LOAD, contents_default_hunt, error))
        return -1;
    if (given(grid, RUN_SYNC))
        return 0;
    if (only_hunts(&grid->options[RUN_LOAD]) && !given(grid, RUN_CONTROL) && settle_as(grid, RUN_CONTROL, "yes", error))
        return -1;
    options_free(syncs, 1);
    return plugin_option_rows(plugins, &run_options[RUN_SYNC], syncs, error);
}

static uint64_t grid_points(const struct grid *grid)
{
    uint64_t points = 1;
    for (int i = 0; i < AXES && points <= PLAN_TRIALS_MAX; i++)
        if (grid->options[axes[i]].count)
            points *= grid->options[axes[i]].count;
    return points;
}

static void grid_point(const struct grid *grid, uint64_t index, struct point *point)
{
    for (int i = 0; i < RUN_OPTIONS; i++)
        point->values[i] = grid->options[i].count ? &grid->options[i].values[0] : NULL;
    for (int i = AXES - 1; i >= 0; i--) {
        const struct option_list *list = &grid->options[axes[i]];
        if (list->count == 0)
            continue;
        point->values[axes[i]] = &list->values[index % list->count];
        index /= list->count;
    }
}

static int check_spec(const struct trial_spec *spec, struct error *error)
{
    const struct load_ops *load = spec->load;
    const struct shape *shape = &spec->shape;
    char size[UNITS_TEXT], bound[UNITS_TEXT];
    units_exact(&units_size, shape->size, size);
    if (shape->size < load->min_size || (load->max_size && shape->size > load->max_size))
        return error_set(error, STATUS_USAGE, 0, "--size %s: load %s takes %s %s bytes (the size is of %s)", size, load->name,
                         shape->size < load->min_size ? "at least" : "at most",
                         units_exact(&units_size, shape->size < load->min_size ? load->min_size : load->max_size, bound),
                         load->size_means);
    if (hunt_is(spec) && spec->duration_ns == 0)
        return error_set(error, STATUS_USAGE, 0, "--ops: load %s with fault %s goes by time: use --duration", load->name,
                         spec->fault->name);
    if (shape->writers < load->min_writers)
        return error_set(error, STATUS_USAGE, 0, "--writers %u: load %s needs at least %u", shape->writers, load->name,
                         load->min_writers);
    if (shape->history && !load->recorded)
        return error_set(error, STATUS_USAGE, 0, "--history %u: load %s records no history; `shmoo list load` says which do",
                         shape->history, load->name);
    if ((uint64_t)shape->writers + shape->readers >= PAYLOAD_WRITERS_MAX)
        return error_set(error, STATUS_USAGE, 0, "--writers %u --readers %u: a crew has at most %u processes", shape->writers,
                         shape->readers, PAYLOAD_WRITERS_MAX - 1);
    return 0;
}

/* Operations that are far apart can all be timed: the timestamps disturb nothing then. */
static void settle_sampling(const struct grid *grid, struct shape *shape)
{
    const uint64_t apart_ns = 10000;
    double period_ns = shape->rate > 0 ? shape_workers(shape) / shape->rate * 1e9 : 0;
    bool far = shape->hold_ns >= apart_ns || shape->think_ns >= apart_ns || period_ns >= (double)apart_ns;
    if (far && !given(grid, RUN_SAMPLE))
        shape->sampling = 1;
}

/* The words were checked when they were read. */
static struct layout layout_of(const struct point *point)
{
    struct layout layout = {{0}};
    struct error ignored;
    for (int i = 0; i < LAYOUT_AXES; i++)
        layout.choice[i] = (uint8_t)layout_find((enum layout_axis)i, point->values[RUN_LAYOUT + i]->text, &ignored);
    return layout;
}

static void fill_expect(const struct point *point, struct trial_spec *spec)
{
    const struct option_value *expect = point->values[RUN_EXPECT];
    spec->expect_given = expect != NULL;
    spec->expect = expect ? (enum verdict)verdict_find(expect->text) : spec_expected(spec);
}

static void default_fault(struct trial_spec *spec)
{
    spec->fault = contents_fault(spec->load->default_fault);
    spec->fault_parameter = spec->fault->fallback;
    spec->fault_text = spec->fault->name;
}

/* A hunt that was given no crew has the largest that it needs for this sync; what another sync needs has no part in it. */
static void settle_crew(const struct point *point, struct trial_spec *spec)
{
    spec->shape.writers = (uint32_t)number(point, RUN_WRITERS);
    spec->shape.readers = (uint32_t)number(point, RUN_READERS);
    if (hunt_is(spec) && !spec->crew_given)
        hunt_crew(spec, &spec->shape.writers, &spec->shape.readers);
}

static int fill_spec(const struct grid *grid, const struct point *point, struct trial_spec *spec, struct error *error)
{
    struct fault_choice fault;
    if (fault_parse(point->values[RUN_FAULT]->text, &fault, error))
        return -1;
    *spec = (struct trial_spec){
        .job = grid->job,
        .load = contents_load(point->values[RUN_LOAD]->text),
        .sync = contents_sync(point->values[RUN_SYNC]->text),
        .fault = fault.fault,
        .fault_parameter = fault.parameter,
        .fault_text = point->values[RUN_FAULT]->text,
        .shape = {.size = number(point, RUN_SIZE),
                  .hold_ns = number(point, RUN_HOLD),
                  .think_ns = number(point, RUN_THINK),
                  .rate = (double)number(point, RUN_RATE),
                  .ops_limit = number(point, RUN_OPS),
                  .sampling = (uint32_t)number(point, RUN_SAMPLE),
                  .history = (uint32_t)number(point, RUN_HISTORY),
                  .layout = layout_of(point)},
        .duration_ns = number(point, RUN_DURATION),
        .count_ns = number(point, RUN_COUNT),
        .silent = number(point, RUN_PROVE),
        .pin = point->values[RUN_PIN]->text,
        .crew_given = given(grid, RUN_WRITERS) || given(grid, RUN_READERS),
        .size_given = given(grid, RUN_SIZE),
        .pin_given = given(grid, RUN_PIN),
    };
    memcpy(spec->fault_choices, fault.choices, sizeof spec->fault_choices);
    if (spec->load->default_fault && !given(grid, RUN_FAULT))
        default_fault(spec);
    if (spec->load->default_ns && !given(grid, RUN_DURATION) && spec->duration_ns)
        spec->duration_ns = spec->load->default_ns;
    settle_crew(point, spec);
    if (spec->shape.size == 0)
        spec->shape.size = spec->load->default_size;
    settle_sampling(grid, &spec->shape);
    spec->enough = point->values[RUN_EXPOSURE] ? (uint32_t)number(point, RUN_EXPOSURE) : spec->load->enough;
    fill_expect(point, spec);
    return check_spec(spec, error);
}

/* The control that a trial leans on: made, once for each family, before the first trial of a group that differs in the sync
 * only. What is expected to break needs none, and is none. */
static int lean_on_control(struct plan *plan, size_t group_start, const struct point *point, struct trial_spec *spec)
{
    const struct sync_ops *row = contents_control(spec->sync->family);
    if (!row || row == spec->sync || spec->expect != VERDICT_CLEAN || spec->load->uses_system)
        return 0;
    for (size_t i = group_start; i < plan->trial_count; i++)
        if (plan->trials[i].control && plan->trials[i].sync == row) {
            spec->control_trial = plan->trials[i].number;
            return 0;
        }
    struct trial_spec control = *spec;
    control.sync = row;
    control.control = true;
    control.expect_given = false;
    settle_crew(point, &control);
    control.expect = spec_expected(&control);
    plan->trials[plan->trial_count] = control;
    return 1;
}

static void append(struct plan *plan, uint32_t repeat)
{
    struct trial_spec *spec = &plan->trials[plan->trial_count];
    spec->repeat = repeat;
    spec->number = (uint32_t)++plan->trial_count;
    spec->shape.seed = seed_part(plan->seed, plan->trial_count - 1);
}

static int expand_grid(struct plan *plan, const struct grid *grid, uint32_t repeat, struct error *error)
{
    uint64_t points = grid_points(grid), syncs = grid->options[RUN_SYNC].count;
    size_t group_start = plan->trial_count;
    bool with_control = number(&(struct point){.values = {[RUN_CONTROL] = grid->options[RUN_CONTROL].values}}, RUN_CONTROL);
    for (uint64_t i = 0; i < points; i++) {
        struct point point;
        struct trial_spec spec;
        grid_point(grid, i, &point);
        if (fill_spec(grid, &point, &spec, error))
            return -1;
        if (i % syncs == 0)
            group_start = plan->trial_count;
        if (with_control && lean_on_control(plan, group_start, &point, &spec)) {
            append(plan, repeat);
            spec.control_trial = (uint32_t)plan->trial_count;
        }
        plan->trials[plan->trial_count] = spec;
        append(plan, repeat);
    }
    return 0;
}

static uint64_t grid_repeats(const struct grid *grid)
{
    return grid->options[RUN_REPEAT].values[0].number;
}

/* Repeats are the outermost loop over all grids: the machine's drift meets every point alike. */
static int expand(struct plan *plan, struct error *error)
{
    uint64_t total = 0, repeats = 0;
    for (size_t g = 0; g < plan->grid_count; g++) {
        total += grid_points(&plan->grids[g]) * grid_repeats(&plan->grids[g]);
        if (total > PLAN_TRIALS_MAX)
            return error_set(error, STATUS_USAGE, 0, "the plan has more than %d trials: shorten a list, or use a smaller --repeat",
                             PLAN_TRIALS_MAX);
        if (grid_repeats(&plan->grids[g]) > repeats)
            repeats = grid_repeats(&plan->grids[g]);
    }
    plan->trials = calloc(2 * total, sizeof *plan->trials); /* a control for each, at the most */
    if (!plan->trials)
        return error_set(error, STATUS_ENVIRONMENT, 0, "out of memory for a plan of %llu trials", (unsigned long long)total);
    for (uint64_t r = 1; r <= repeats; r++)
        for (size_t g = 0; g < plan->grid_count; g++)
            if (r <= grid_repeats(&plan->grids[g]) && expand_grid(plan, &plan->grids[g], (uint32_t)r, error))
                return -1;
    return 0;
}

int plan_build(struct plan *plan, char *const *jobs, int job_count, const struct option_list *command_line, struct error *error)
{
    memset(plan, 0, sizeof *plan);
    for (int i = 0; i < job_count; i++)
        if (jobfile_read(plan, jobs[i], error))
            return -1;
    if (job_count == 0 && !plan_add_grid(plan, "command-line"))
        return error_set(error, STATUS_ENVIRONMENT, 0, "out of memory");
    for (size_t g = 0; g < plan->grid_count; g++) {
        overlay_command_line(&plan->grids[g], command_line);
        if (settle_length(&plan->grids[g], error) || settle_repeats(&plan->grids[g], error) ||
            settle_plugins(&plan->grids[g], error))
            return -1;
    }
    const struct grid *first = &plan->grids[0];
    plan->seed = given(first, RUN_SEED) ? first->options[RUN_SEED].values[0].number : seed_fresh();
    return expand(plan, error);
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->grid_count; i++) {
        free(plan->grids[i].job);
        options_free(plan->grids[i].options, RUN_OPTIONS);
    }
    free(plan->grids);
    free(plan->trials);
    memset(plan, 0, sizeof *plan);
}
