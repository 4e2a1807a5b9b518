/* shmoo doctor: what is wrong with the shared memory of this machine, or of one process. */
#define _GNU_SOURCE
#include <fnmatch.h>
#include <limits.h>
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
#include "report/advice.h"
#include "report/findings.h"
#include "report/terminal.h"
#include "run/diagnose.h"
#include "run/patient.h"
#include "run/preflight.h"

enum doctor_option {
    DOCTOR_FOR,
    DOCTOR_CORE,
    DOCTOR_EXPLAIN,
    DOCTOR_OLDER,
    DOCTOR_RUNTIME,
    DOCTOR_FORMAT,
    DOCTOR_QUIET,
    DOCTOR_HELP,
    DOCTOR_OPTIONS,
};

/* Of the two seconds that all has, so much is for the owners of locks. */
#define PATIENT_NS (1500 * NS_PER_MS)

static int valid_format(const char *text, struct error *error)
{
    return finding_format_find(text) ? 0 : suggest_fail(error, "format", text, finding_format_names());
}

static int valid_runtime(const char *text, struct error *error)
{
    return runtime_find(text) >= 0 ? 0 : suggest_fail(error, "runtime", text, runtime_names);
}

static const struct option_row doctor_options[DOCTOR_OPTIONS] = {
    [DOCTOR_FOR] = {.name = "for",
                    .argument = "PLAN",
                    .type = OPTION_TEXT,
                    .flags = OPTION_GATHER,
                    .help = "a job file or a job's name: says whether that plan would fit; may be given several times"},
    [DOCTOR_CORE] = {.name = "core",
                     .argument = "MESSAGE",
                     .type = OPTION_TEXT,
                     .help = "explains how a program ended: \"Bus error\", \"exit status 137\", a line of its log"},
    [DOCTOR_EXPLAIN] = {.name = "explain",
                        .argument = "ID",
                        .type = OPTION_TEXT,
                        .flags = OPTION_GATHER,
                        .help = "says what a finding means and what helps on each runtime, and looks at nothing; GLOB too"},
    [DOCTOR_OLDER] = {.name = "older",
                      .argument = "AGE",
                      .type = OPTION_DURATION,
                      .help = "counts an unused object as left behind from this age on: 90s, 2d (default: 1h)"},
    [DOCTOR_RUNTIME] = {.name = "runtime",
                        .argument = "NAME",
                        .type = OPTION_NAME,
                        .valid = valid_runtime,
                        .help = "gives the fixes for host, docker, podman, kubernetes or systemd (default: what this is)"},
    [DOCTOR_FORMAT] = {.name = "format",
                       .argument = "FORMAT",
                       .type = OPTION_NAME,
                       .fallback = "human",
                       .valid = valid_format,
                       .help = "of standard output: human or jsonl"},
    [DOCTOR_QUIET] = {.name = "quiet",
                      .letter = 'q',
                      .type = OPTION_FLAG,
                      .help = "findings only, not what was seen besides"},
    [DOCTOR_HELP] = {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "prints this"},
};

static void print_help(void)
{
    printf("Usage: shmoo doctor [PID] [OPTION ...]\n\n"
           "Looks at this machine, this container and this /dev/shm, or at what one process maps of shared memory, and says\n"
           "what is wrong: the evidence, what follows from it, and what to paste. It needs no rights, and changes nothing.\n\n");
    options_help(doctor_options, DOCTOR_OPTIONS, stdout);
    printf("\nExit status: 0 nothing but notes, 1 a warning or worse, 2 usage, 3 the process cannot be looked into.\n");
}

/* ---- --explain ---- */

static bool chosen(const struct option_list *globs, const char *id)
{
    for (size_t i = 0; i < globs->count; i++)
        if (fnmatch(globs->values[i].text, id, 0) == 0)
            return true;
    return false;
}

/* An id that is none is an error that names the nearest. */
static int fail_unknown(const char *typed, struct error *error)
{
    const char *names[256];
    size_t count = 0;
    for (size_t i = 0; contents_findings[i]; i++)
        for (const struct finding_ops *row = contents_findings[i]; row->id && count < 255; row++)
            names[count++] = row->id;
    names[count] = NULL;
    return suggest_fail(error, "finding", typed, names);
}

static int explain(const struct option_list *globs, bool jsonl, struct error *error)
{
    unsigned told = 0;
    for (size_t i = 0; contents_findings[i]; i++)
        for (const struct finding_ops *row = contents_findings[i]; row->id; row++)
            if (chosen(globs, row->id)) {
                told++;
                (jsonl ? advice_jsonl : advice_human)(stdout, row);
            }
    return told ? 0 : fail_unknown(globs->values[0].text, error);
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
                       units_print(&units_size, (double)need.shm_bytes, shm),
                       units_print(&units_size, (double)need.memory_bytes, memory), need.processes);
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

/* "1234": a process. */
static int parse_pid(const char *text, pid_t *pid, struct error *error)
{
    uint64_t number;
    if (units_parse(&units_count, text, &number, error) || number == 0 || number > INT_MAX ||
        strspn(text, "0123456789") != strlen(text))
        return error_set(error, STATUS_USAGE, 0, "doctor: \"%.100s\" is no number of a process", text);
    *pid = (pid_t)number;
    return 0;
}

/* Lets the rows look that the command line asks for. */
static int look(struct diagnosis *d, const struct option_list *lists, struct patient *patient, const char *process,
                struct error *error)
{
    pid_t pid = 0;
    if (process && (parse_pid(process, &pid, error) || patient_read(patient, pid, clock_ns() + PATIENT_NS, error)))
        return -1;
    diagnosis_begin(d, process == NULL);
    if (lists[DOCTOR_OLDER].count)
        d->left_s = (lists[DOCTOR_OLDER].values[0].number + NS_PER_S - 1) / NS_PER_S;
    if (lists[DOCTOR_RUNTIME].count)
        d->runtime = (enum runtime)runtime_find(lists[DOCTOR_RUNTIME].values[0].text);
    if (lists[DOCTOR_CORE].count) {
        d->message = lists[DOCTOR_CORE].values[0].text;
        diagnosis_run(d, contents_findings, SUBJECT_MESSAGE);
        if (d->found_count == 0)
            notice("doctor: no cause is known for \"%.200s\": give the message of the system or of the shell, such as \"Bus error\", "
                   "\"exit status 137\" or \"No space left on device\"; shmoo doctor --explain 'message-*' names all", d->message);
    }
    if (process) {
        d->patient = patient;
        diagnosis_run(d, contents_findings, SUBJECT_PROCESS);
    } else {
        diagnosis_run(d, contents_findings, SUBJECT_MACHINE);
    }
    return lists[DOCTOR_FOR].count ? look_plan(d, &lists[DOCTOR_FOR], error) : 0;
}

static int diagnose(const struct option_list *lists, const char *process, struct error *error)
{
    static struct diagnosis d;
    static struct patient patient;
    struct run_info run = {.started_ns = clock_ns()};
    outdir_name(&run);
    run.command = command_line(&run.command_count);
    run.clock = clock_measure();
    int failed = look(&d, lists, &patient, process, error);
    int status = failed ? (int)error->status : tell_all(lists, &d, &run);
    diagnosis_free(&d);
    patient_free(&patient);
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
    } else if (lists[DOCTOR_EXPLAIN].count) {
        bool jsonl = strcmp(lists[DOCTOR_FORMAT].values[0].text, "jsonl") == 0;
        status = explain(&lists[DOCTOR_EXPLAIN], jsonl, &error) ? STATUS_USAGE : stdout_settle(STATUS_AS_EXPECTED);
        if (status == STATUS_USAGE)
            error_print(&error);
    } else if (operand_count > 1) {
        notice("doctor: \"%s\" is superfluous: one process at a time", operands[1]);
        status = STATUS_USAGE;
    } else {
        status = diagnose(lists, operand_count ? operands[0] : NULL, &error);
    }
    options_free(lists, DOCTOR_OPTIONS);
    return status;
}

const struct command command_doctor = {
    .name = "doctor",
    .usage = "doctor [PID] [--for PLAN]",
    .summary = "what is wrong with shared memory here, and what helps",
    .run = doctor_main,
};
