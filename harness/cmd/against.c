/* Two builds measured against each other: the order of the trials, and the comparison at the end. */
#define _GNU_SOURCE
#include "cmd/against.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/seed.h"
#include "cmd/against_side.h"
#include "cmd/analysis.h"
#include "cmd/command.h"
#include "cmd/outdir.h"
#include "report/progress.h"
#include "run/interrupt.h"

#define PROGRAM_ITSELF "/proc/self/exe"
#define OWN_NAME_MAX 4096
/* Salt, so that the lots do not follow the trials' own seeds. */
#define LOTS 0x6c6f7473

struct pair {
    struct side sides[2];
    struct run_info run;
    char folder[4096], own_name[OWN_NAME_MAX], plugin[PATH_MAX];
    struct progress progress;
    uint64_t lots;
};

int against_threshold_valid(const char *text, struct error *error)
{
    char *end;
    double value = strtod(text, &end);
    bool percent = *end == '%';
    if (percent || value >= 1)
        value /= 100;
    if (end == text || end[percent] != '\0' || !(value > 0 && value < 1))
        return error_set(error, STATUS_USAGE, 0, "\"%s\" is no share between 0 and 100 %%; write 5%% or 0.05", text);
    return 0;
}

static int check_plan(const struct plan *plan, struct error *error)
{
    for (size_t i = 0; i < plan->trial_count; i++)
        if (plan->trials[i].control)
            return error_set(error, STATUS_USAGE, 0, "--control and --against exclude each other: a control belongs to trials "
                                                     "of the same process; compare without it");
    return 0;
}

/* Is there an earlier trial of the same load, sync and fault? */
static bool seen_before(const struct plan *plan, size_t i)
{
    const struct trial_spec *spec = &plan->trials[i];
    for (size_t k = i; k-- > 0;)
        if (plan->trials[k].load == spec->load && plan->trials[k].sync == spec->sync && plan->trials[k].fault == spec->fault)
            return true;
    return false;
}

/* Said before hours of work: a build that lacks a name is found out now. */
static int check_builds(struct pair *pair, const struct plan *plan, struct error *error)
{
    for (size_t i = 0; i < plan->trial_count && plan->trials[i].repeat == 1; i++)
        for (int s = 0; s < 2 && !seen_before(plan, i); s++)
            if (side_takes(&pair->sides[s], &plan->trials[i], error))
                return -1;
    return 0;
}

static double planned_seconds(const struct plan *plan)
{
    double sum = 0;
    for (size_t i = 0; i < plan->trial_count; i++)
        sum += (double)plan->trials[i].duration_ns / 1e9 + 0.05;
    return sum;
}

static int begin(struct pair *pair, const struct plan *plan, const struct against *against, struct error *error)
{
    pair->run.seed = plan->seed;
    pair->run.trials = (uint32_t)plan->trial_count;
    pair->run.clock = clock_measure();
    pair->run.command = command_line(&pair->run.command_count);
    outdir_name(&pair->run);
    if (outdir_make(&pair->run, against->out, pair->folder, sizeof pair->folder, error))
        return -1;
    pair->run.folder = pair->folder;
    pair->run.started_ns = clock_ns();
    pair->lots = seed_scramble(plan->seed ^ LOTS);
    for (int s = 0; s < 2; s++)
        if (side_begin(&pair->sides[s], &pair->run, plan, error))
            return -1;
    progress_begin(&pair->progress, pair->run.trials, planned_seconds(plan), against->quiet, false);
    return 0;
}

/* Both builds, in the order of the lot. */
static int run_pair(struct pair *pair, const struct trial_spec *spec, struct error *error)
{
    unsigned first = (unsigned)seed_below(&pair->lots, 2);
    struct trial_result told = {.as_expected = true};
    progress_trial(&pair->progress, spec);
    for (unsigned turn = 1; turn <= 2; turn++)
        if (side_trial(&pair->sides[turn == 1 ? first : !first], spec, turn, error) || interrupt_pending())
            return -1;
    told.verdict = pair->sides[1].verdict;
    progress_trial_done(&pair->progress, spec, &told);
    return 0;
}

static int finish(struct pair *pair, const struct against *against, int failed, struct error *error)
{
    struct error later;
    int status = interrupt_pending() ? 128 + interrupt_pending() : failed ? (int)error->status : STATUS_AS_EXPECTED;
    progress_clear(&pair->progress);
    if (failed && !interrupt_pending())
        error_print(error);
    for (int s = 0; s < 2; s++) {
        if (side_end(&pair->sides[s], failed ? status : 0, &later) == 0)
            continue;
        error_print(&later);
        status = status ? status : STATUS_ENVIRONMENT;
    }
    if (!against->out)
        outdir_publish(&pair->run);
    return status;
}

/* The comparison takes this process's place. */
static int compare(const struct pair *pair, const struct against *against)
{
    char name[] = "compare", format[] = "--format", threshold[] = "--threshold";
    char *argv[8] = {name, (char *)pair->folder, format, (char *)against->format};
    int argc = 4;
    if (against->threshold) {
        argv[argc++] = threshold;
        argv[argc++] = (char *)against->threshold;
    }
    if (!against->quiet)
        notice("records in %s; again, with charts: shmoo compare %s --out FILE", pair->folder, pair->folder);
    interrupt_reset();
    return analysis_become("compare", "compare.py", argc, argv);
}

static int run_and_compare(struct pair *pair, const struct plan *plan, const struct against *against, struct error *error)
{
    if (begin(pair, plan, against, error))
        return error_print(error), (int)error->status;
    int failed = 0;
    for (size_t i = 0; i < plan->trial_count && !failed; i++)
        failed = run_pair(pair, &plan->trials[i], error);
    int status = finish(pair, against, failed, error);
    return status ? status : compare(pair, against);
}

static bool is_plugin(const char *path)
{
    size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".so") == 0;
}

/* Two plugins in one program: the baseline's takes the place of the plan's. */
static int open_plugins(struct pair *pair, const struct plan *plan, const char *path, struct error *error)
{
    const char *own = NULL;
    for (size_t i = 0; i < plan->trial_count && !own; i++)
        own = plan->trials[i].sync->origin;
    if (!own)
        return error_set(error, STATUS_USAGE, 0, "--against %s: no trial of the plan is of a plugin, whose place this one could "
                                                 "take; name yours with --plugin", path);
    if (!realpath(path, pair->plugin))
        return error_set(error, STATUS_USAGE, errno, "--against %s: %s", path, error_name(errno));
    if (side_open(&pair->sides[0], "baseline", pair->plugin, PROGRAM_ITSELF, error))
        return -1;
    pair->sides[0].plugin = pair->plugin;
    return side_open(&pair->sides[1], "candidate", own, PROGRAM_ITSELF, error);
}

static int open_builds(struct pair *pair, const struct plan *plan, const char *binary, struct error *error)
{
    if (is_plugin(binary))
        return open_plugins(pair, plan, binary, error);
    ssize_t n = readlink(PROGRAM_ITSELF, pair->own_name, sizeof pair->own_name - 1);
    pair->own_name[n > 0 ? n : 0] = '\0';
    if (side_open(&pair->sides[0], "baseline", binary, binary, error))
        return -1;
    return side_open(&pair->sides[1], "candidate", n > 0 ? pair->own_name : PROGRAM_ITSELF, PROGRAM_ITSELF, error);
}

int against_run(const struct plan *plan, const struct against *against)
{
    struct error error;
    struct pair *pair = calloc(1, sizeof *pair);
    int status = STATUS_ENVIRONMENT;
    if (!pair)
        return status;
    pair->sides[0].fd = pair->sides[1].fd = -1;
    if (analysis_there("compare", "compare.py"))
        status = STATUS_ENVIRONMENT;
    else if (check_plan(plan, &error) || interrupt_setup(&error) || open_builds(pair, plan, against->binary, &error) ||
             check_builds(pair, plan, &error)) {
        error_print(&error);
        status = (int)error.status;
    } else if (interrupt_pending())
        status = 128 + interrupt_pending();
    else
        status = run_and_compare(pair, plan, against, &error);
    side_close(&pair->sides[0]);
    side_close(&pair->sides[1]);
    free(pair);
    return status;
}
