/* shmoo run: trials, one after the other, each judged and recorded. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cmd/command.h"
#include "cmd/against.h"
#include "cmd/outdir.h"
#include "cmd/plan.h"
#include "cmd/summary.h"
#include "report/formats.h"
#include "report/host.h"
#include "report/progress.h"
#include "report/terminal.h"
#include "run/hunt.h"
#include "run/interrupt.h"
#include "run/oom.h"
#include "run/preflight.h"
#include "run/priority.h"
#include "run/pages.h"
#include "run/room.h"
#include "run/trial.h"

/* Everything that one invocation holds. */
struct session {
    struct option_list options[RUN_OPTIONS];
    struct plan plan;
    struct run_info info;
    struct run_summary summary;
    struct sink file, output;
    struct progress progress;
    char folder[4096];
    char file_name[4200];
    bool *caught; /* by the number of the trial: it was broken, and that was seen */
};

static void print_help(void)
{
    printf("Usage: shmoo run [JOB.ini|JOB ...] [OPTION ...]\n\n"
           "Runs trials: forks writers and readers over a shared memory region, lets them meet through a primitive, and\n"
           "judges the data. Every option marked with \",..\" takes a list, and lists make a grid. Job files hold the same\n"
           "words as keys; what is given here wins over a job file.\n\n"
           "The one line for a lock of your own, in CI:   shmoo run --plugin mine.so --for 30s\n\n");
    options_help(run_options, RUN_OPTIONS, stdout);
    printf("\nExit status: 0 all as expected, 1 an unexpected verdict, 2 usage, 3 the environment cannot run it, 4 nothing ran or\n"
           "only INCONCLUSIVE, 128+N ended by signal N. With --against: that of `shmoo compare`, 5 for a figure that got worse.\n");
}

static bool flag(const struct session *s, enum run_option option)
{
    return s->options[option].count && s->options[option].values[0].number;
}

static const char *text(const struct session *s, enum run_option option)
{
    return s->options[option].count ? s->options[option].values[0].text : NULL;
}

/* What a trial takes at the least; a trial by operations counts nothing. */
static double planned_seconds(const struct plan *plan)
{
    double sum = 0;
    for (size_t i = 0; i < plan->trial_count; i++)
        sum += (double)plan->trials[i].duration_ns / 1e9 + 0.05;
    return sum;
}

static int dry_run(const struct session *s, const struct need *need)
{
    char bytes[UNITS_TEXT], memory[UNITS_TEXT];
    for (size_t i = 0; i < s->plan.trial_count; i++) {
        char *replay = plan_replay(&s->plan.trials[i]);
        printf("%s\n", replay ? replay : "");
        free(replay);
    }
    notice("%zu trial%s, about %.0f s; needs up to %s in /dev/shm, %s of memory in all, %u processes", s->plan.trial_count,
           s->plan.trial_count == 1 ? "" : "s", planned_seconds(&s->plan), units_print(&units_size, (double)need->shm_bytes, bytes),
           units_print(&units_size, (double)need->memory_bytes, memory), need->processes);
    return stdout_settle(STATUS_AS_EXPECTED);
}

static int open_outputs(struct session *s, struct error *error)
{
    char plan_file[4200];
    outdir_name(&s->info);
    if (outdir_make(&s->info, text(s, RUN_OUT), s->folder, sizeof s->folder, error))
        return -1;
    s->info.folder = s->folder;
    snprintf(plan_file, sizeof plan_file, "%s/plan.ini", s->folder);
    if (plan_write(&s->plan, plan_file, error))
        return -1;
    snprintf(s->file_name, sizeof s->file_name, "%s/run.jsonl", s->folder);
    FILE *file = fopen(s->file_name, "wxe");
    if (!file)
        return error_set(error, STATUS_ENVIRONMENT, errno, "%s: open: %s; choose another folder with --out", s->file_name,
                         error_name(errno));
    s->file = (struct sink){.format = &format_jsonl, .out = file, .name = s->file_name, .run = &s->info, .durable = true};
    s->output = (struct sink){
        .format = format_find(text(s, RUN_FORMAT)),
        .out = stdout,
        .name = "standard output",
        .run = &s->info,
        .colour = terminal_colour(STDOUT_FILENO),
    };
    return 0;
}

static int begin(struct session *s, struct error *error)
{
    s->info.started_ns = clock_ns();
    s->info.seed = s->plan.seed;
    s->info.trials = (uint32_t)s->plan.trial_count;
    s->info.clock = clock_measure();
    s->info.command = command_line(&s->info.command_count);
    s->summary.planned = s->info.trials;
    s->caught = calloc(s->plan.trial_count + 1, sizeof *s->caught);
    if (!s->caught)
        return error_set(error, STATUS_ENVIRONMENT, 0, "out of memory");
    if (open_outputs(s, error))
        return -1;
    json_t *host = host_record();
    int rc = sink_begin(&s->file, host, error) || sink_begin(&s->output, host, error) ? -1 : 0;
    json_decref(host);
    bool table = s->output.format == &format_human;
    progress_begin(&s->progress, s->info.trials, planned_seconds(&s->plan), flag(s, RUN_QUIET), table);
    return rc;
}

/* A trial whose control got away is not CLEAN, whatever it looked like. */
static void weigh_control(struct session *s, const struct trial_spec *spec, struct trial_result *result)
{
    s->caught[spec->number] = result->verdict == VERDICT_CORRUPT || result->verdict == VERDICT_WEDGED;
    if (result->verdict != VERDICT_CLEAN || spec->control_trial == 0 || s->caught[spec->control_trial])
        return;
    result->verdict = VERDICT_INCONCLUSIVE;
    result->as_expected = spec_as_expected(spec, result->verdict);
    snprintf(result->reason, sizeof result->reason,
             "its control, trial %u, was not caught under the same conditions: that nothing broke here proves nothing; run it longer",
             spec->control_trial);
}

/* Runs one trial. -1: the run cannot go on. */
static int run_one(struct session *s, const struct trial_spec *spec, struct error *error)
{
    struct trial_result result;
    char *replay = plan_replay(spec);
    struct trial_event event = {.spec = spec, .replay = replay ? replay : "", .started_ns = clock_ns()};
    progress_trial(&s->progress, spec);
    int rc = sink_trial_begin(&s->file, &event, error) || sink_trial_begin(&s->output, &event, error) ? -1 : 0;
    if (rc == 0) {
        (hunt_is(spec) ? hunt_run : trial_run)(spec, &result);
        weigh_control(s, spec, &result);
        event.result = &result;
        summary_count(&s->summary, result.verdict, result.as_expected, spec->control);
        summary_distance(&s->summary, spec->pin, result.ledger.slots ? result.ledger.slots[0].line_ns : 0);
        progress_trial_done(&s->progress, spec, &result);
        if (sink_trial_end(&s->file, &event, error) || sink_trial_end(&s->output, &event, error))
            rc = -1;
        if (result.verdict == VERDICT_ERROR && result.error_status == STATUS_ENVIRONMENT && !interrupt_pending()) {
            s->summary.environment_failed = true;
            rc = error_set(error, STATUS_ENVIRONMENT, 0, "trial %u: %s", spec->number, result.reason);
        }
        trial_result_free(&result);
    }
    free(replay);
    return rc;
}

/* Returns the status, which a failure to write may change. */
static int end_sink(struct sink *sink, const struct run_summary *summary, bool told, int status)
{
    struct error error;
    if (sink_end(sink, summary, &error) == 0)
        return status;
    if (!told)
        error_print(&error);
    return status == STATUS_AS_EXPECTED ? STATUS_ENVIRONMENT : status;
}

static int finish(struct session *s, int failed, struct error *error)
{
    progress_clear(&s->progress);
    s->summary.seconds = (double)(clock_ns() - s->info.started_ns) / 1e9;
    s->summary.interrupted = interrupt_pending();
    int status = summary_status(&s->summary, interrupt_pending());
    if (failed) {
        error_print(error);
        if (status == STATUS_AS_EXPECTED || status == STATUS_NOTHING)
            status = (int)error->status;
    }
    s->summary.exit_status = status;
    /* the file last: its record of the status is the true one */
    status = end_sink(&s->output, &s->summary, failed, status);
    s->summary.exit_status = status;
    status = end_sink(&s->file, &s->summary, failed, status);
    fclose(s->file.out);
    if (!text(s, RUN_OUT))
        outdir_publish(&s->info);
    if (status == STATUS_NOTHING)
        notice("no trial came to a verdict: run longer, or with more processes");
    if (!flag(s, RUN_QUIET))
        notice("records in %s; charts: shmoo report %s", s->folder, s->folder);
    return status;
}

static int run_plan(struct session *s, struct error *error)
{
    int failed = 0;
    oom_begin();
    if (begin(s, error))
        return error_print(error), (int)error->status;
    for (size_t i = 0; i < s->plan.trial_count && !failed && !interrupt_pending(); i++)
        failed = run_one(s, &s->plan.trials[i], error);
    return finish(s, failed, error);
}

static int run_against(const struct session *s)
{
    const struct against against = {
        .binary = text(s, RUN_AGAINST),
        .out = text(s, RUN_OUT),
        .format = text(s, RUN_FORMAT),
        .threshold = text(s, RUN_THRESHOLD),
        .quiet = flag(s, RUN_QUIET),
    };
    return against_run(&s->plan, &against);
}

/* What the faults of all trials need. */
static unsigned needs_of(const struct plan *plan)
{
    unsigned needs = 0;
    for (size_t i = 0; i < plan->trial_count; i++)
        needs |= plan->trials[i].fault->needs;
    return needs;
}

static bool chooses_pages(const struct plan *plan)
{
    bool any = false;
    for (size_t i = 0; i < plan->trial_count; i++) {
        uint8_t pages = plan->trials[i].shape.layout.choice[LAYOUT_PAGES];
        any |= pages == PAGES_BASE || pages == PAGES_THP;
    }
    return any;
}

static int prepare_and_run(struct session *s, char *const *jobs, int job_count, struct error *error)
{
    if (plan_build(&s->plan, jobs, job_count, s->options, error))
        return error_print(error), (int)error->status;
    struct need need = need_of(s->plan.trials, s->plan.trial_count);
    if (flag(s, RUN_DRY_RUN))
        return dry_run(s, &need);
    if (text(s, RUN_THRESHOLD) && !text(s, RUN_AGAINST))
        return notice("--threshold is for --against: two runs that are there already are compared by `shmoo compare`"), STATUS_USAGE;
    room_prepare(needs_of(&s->plan));
    if (chooses_pages(&s->plan))
        pages_prepare();
    if (preflight_pins(s->plan.trials, s->plan.trial_count, error) ||
        preflight_silence(s->plan.trials, s->plan.trial_count, error) || preflight(&need, error) || interrupt_setup(error))
        return error_print(error), (int)error->status;
    if (text(s, RUN_AGAINST))
        return run_against(s);
    char class[300];
    priority_raise();
    if (priority_realtime(class, sizeof class))
        notice("%s", class);
    return run_plan(s, error);
}

static int run_main(int argc, char **argv)
{
    struct session *s = calloc(1, sizeof *s);
    struct error error = {0};
    char **jobs;
    int job_count, status;
    if (!s)
        return STATUS_ENVIRONMENT;
    options_init(run_options, RUN_OPTIONS, s->options);
    if (options_parse(run_options, RUN_OPTIONS, s->options, argc, argv, &jobs, &job_count, &error)) {
        error_print(&error);
        status = (int)error.status;
    } else if (flag(s, RUN_HELP)) {
        print_help();
        status = stdout_settle(STATUS_AS_EXPECTED);
    } else {
        status = prepare_and_run(s, jobs, job_count, &error);
    }
    plan_free(&s->plan);
    free(s->caught);
    options_free(s->options, RUN_OPTIONS);
    free(s);
    return status;
}

const struct command command_run = {
    .name = "run",
    .usage = "run [JOB ...] [OPTION ...]",
    .summary = "trials; every list-valued option is an axis of the grid",
    .run = run_main,
};
