/* shmoo doctor: what is wrong with the shared memory of this machine, or of one process. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/option.h"
#include "base/suggest.h"
#include "base/units.h"
#include "cmd/command.h"
#include "cmd/outdir.h"
#include "cmd/plan.h"
#include "contract/contents.h"
#include "report/findings.h"
#include "report/terminal.h"
#include "run/diagnose.h"
#include "run/preflight.h"

enum doctor_option { DOCTOR_FOR, DOCTOR_RUNTIME, DOCTOR_FORMAT, DOCTOR_QUIET, DOCTOR_HELP, DOCTOR_OPTIONS };

static int valid_format(const char *text, struct error *error)
{
    return finding_format_find(text) ? 0 : suggest_fail(error, "format", text, finding_format_names());
}

static int valid_runtime(const char *text, struct error *error)
{
    return runtime_find(text) >= 0 ? 0 : suggest_fail(error, "runtime", text, runtime_names);
}

static const struct option_row doctor_options[DOCTOR_OPTIONS] = {
    [DOCTOR_FOR] = {.name = "for", .argument = "PLAN", .type = OPTION_TEXT, .flags = OPTION_GATHER,
                    .help = "a job file or a job's name: says whether that plan would fit; may be given several times"},
    [DOCTOR_RUNTIME] = {.name = "runtime", .argument = "NAME", .type = OPTION_NAME, .valid = valid_runtime,
                        .help = "gives the fixes for host, docker, podman, kubernetes or systemd (default: what this is)"},
    [DOCTOR_FORMAT] = {.name = "format", .argument = "FORMAT", .type = OPTION_NAME, .fallback = "human", .valid = valid_format,
                       .help = "of standard output: human or jsonl"},
    [DOCTOR_QUIET] = {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .help = "findings only, not what was seen besides"},
    [DOCTOR_HELP] = {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "prints this"},
};

static void print_help(void)
{
    printf("Usage: shmoo doctor [OPTION ...]\n\n"
           "Looks at this machine, this container and this /dev/shm, and says what is wrong: the evidence, what follows from it, and\n"
           "what to paste. It needs no rights, and changes nothing.\n\n");
    options_help(doctor_options, DOCTOR_OPTIONS, stdout);
    printf("\nExit status: 0 nothing but notes, 1 a warning or worse, 2 usage.\n");
}

/* ---- --for ---- */

static const struct finding_ops plan_row = {
    .id = "plan", .area = "plan", .title = "plan",
    .consequence = "shmoo run would refuse it with exit status 3, before it starts",
    .fix = {[RUNTIME_HOST] = "the way out is named above"},
};

static int look_plan(struct diagnosis *d, const struct option_list *plans, struct error *error)
{
    struct option_list options[RUN_OPTIONS];
    struct plan plan = {0};
    char **jobs = calloc(plans->count + 1, sizeof *jobs);
    char shm[UNITS_TEXT], memory[UNITS_TEXT];
    if (!jobs)
        return error_set(error, STATUS_ENVIRONMENT, 0, "out of memory");
    for (size_t i = 0; i < plans->count; i++)
        jobs[i] = plans->values[i].text;
    options_init(run_options, RUN_OPTIONS, options);
    int rc = plan_build(&plan, jobs, (int)plans->count, options, error);
    if (rc == 0) {
        struct need need = need_of(plan.trials, plan.trial_count);
        struct error refusal;
        d->row = &plan_row;
        diagnosis_fact(d, "%zu trials need up to %s in /dev/shm, %s of memory in all, %u processes", plan.trial_count,
                       units_print(&units_size, (double)need.shm_bytes, shm), units_print(&units_size, (double)need.memory_bytes, memory),
                       need.processes);
        if (preflight_pins(plan.trials, plan.trial_count, &refusal) || preflight(&need, &refusal))
            diagnosis_finding(d, SEVERITY_SERIOUS, "%s", refusal.text);
    }
    plan_free(&plan);
    options_free(options, RUN_OPTIONS);
    free(jobs);
    return rc;
}

/* ---- the whole ---- */

static int tell_all(const struct option_list *lists, const struct diagnosis *d, struct run_info *run)
{
    struct finding_sink sink = {
        .out = stdout,
        .run = run,
        .seconds = (double)(clock_ns() - run->started_ns) / 1e9,
        .exit_status = diagnosis_worst(d) >= SEVERITY_WARNING ? STATUS_UNEXPECTED : STATUS_AS_EXPECTED,
        .colour = terminal_colour(STDOUT_FILENO),
        .quiet = lists[DOCTOR_QUIET].count,
    };
    finding_format_find(lists[DOCTOR_FORMAT].values[0].text)->write(&sink, d);
    return stdout_settle(sink.exit_status);
}

static int diagnose(const struct option_list *lists, struct error *error)
{
    static struct diagnosis d;
    struct run_info run = {.started_ns = clock_ns()};
    int failed = 0;
    outdir_name(&run);
    run.command = command_line(&run.command_count);
    run.clock = clock_measure();
    diagnosis_begin(&d);
    if (lists[DOCTOR_RUNTIME].count)
        d.runtime = (enum runtime)runtime_find(lists[DOCTOR_RUNTIME].values[0].text);
    diagnosis_run(&d, contents_findings);
    if (lists[DOCTOR_FOR].count)
        failed = look_plan(&d, &lists[DOCTOR_FOR], error);
    int status = failed ? (int)error->status : tell_all(lists, &d, &run);
    diagnosis_free(&d);
    if (failed)
        error_print(error);
    return status;
}

static int doctor_main(int argc, char **argv)
{
    struct option_list lists[DOCTOR_OPTIONS];
    struct error error;
    char **operands;
    int operand_count, status;
    options_init(doctor_options, DOCTOR_OPTIONS, lists);
    if (options_parse(doctor_options, DOCTOR_OPTIONS, lists, argc, argv, &operands, &operand_count, &error)) {
        error_print(&error);
        status = STATUS_USAGE;
    } else if (lists[DOCTOR_HELP].count) {
        print_help();
        status = stdout_settle(STATUS_AS_EXPECTED);
    } else if (operand_count > 0) {
        notice("doctor: \"%s\" is superfluous: doctor takes options only", operands[0]);
        status = STATUS_USAGE;
    } else {
        status = diagnose(lists, &error);
    }
    options_free(lists, DOCTOR_OPTIONS);
    return status;
}

const struct command command_doctor = {
    .name = "doctor",
    .usage = "doctor [--for PLAN]",
    .summary = "what is wrong with shared memory here, and what helps",
    .run = doctor_main,
};
