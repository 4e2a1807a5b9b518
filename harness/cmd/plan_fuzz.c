/* A fuzz target of the plan: job files, command lines, faults, units, lists and names, from bytes that anybody may give.
 *
 * The first byte chooses what the rest is. What is taken must come out again as it went in: a plan is written, read back and
 * compared, and a trial's replay line makes that trial.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/units.h"
#include "cmd/fault_text.h"
#include "cmd/jobfile.h"
#include "cmd/places.h"
#include "cmd/plan.h"

enum { INPUT_MAX = 2048, WORDS_MAX = 64 };
static char program[] = "run";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process where libFuzzer sees it, and keeps the input. */
#define expect(condition)                                                                                             \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            fprintf(stderr, "plan_fuzz: line %d: not so: %s\n", __LINE__, #condition);                                \
            abort();                                                                                                  \
        }                                                                                                             \
    } while (0)

/* A refusal has words and a status of its own; what is taken has neither. */
static void judge(int rc, const struct error *error)
{
    expect(rc == 0 || rc == -1);
    expect(rc == 0 || (error->text[0] && error->status != STATUS_AS_EXPECTED));
}

/* The path of a file in memory with these contents; one file for each slot. */
static const char *file_of(int slot, const char *text, size_t size)
{
    static int fds[2];
    static char paths[2][32];
    if (!fds[slot])
        fds[slot] = memfd_create("job", MFD_CLOEXEC);
    expect(ftruncate(fds[slot], 0) == 0 && pwrite(fds[slot], text, size, 0) == (ssize_t)size);
    snprintf(paths[slot], sizeof paths[slot], "/proc/self/fd/%d", fds[slot]);
    return paths[slot];
}

static void same_trial(const struct trial_spec *a, const struct trial_spec *b)
{
    expect(a->load == b->load && a->sync == b->sync && a->fault == b->fault);
    expect(a->fault_parameter == b->fault_parameter);
    expect(memcmp(a->fault_choices, b->fault_choices, sizeof a->fault_choices) == 0);
    expect(a->shape.writers == b->shape.writers && a->shape.readers == b->shape.readers && a->shape.size == b->shape.size);
    expect(a->shape.hold_ns == b->shape.hold_ns && a->shape.think_ns == b->shape.think_ns && a->shape.rate == b->shape.rate);
    expect(a->shape.ops_limit == b->shape.ops_limit && a->shape.sampling == b->shape.sampling);
    expect(a->shape.history == b->shape.history && a->duration_ns == b->duration_ns && a->enough == b->enough);
    expect(a->expect == b->expect && a->shape.seed == b->shape.seed && strcmp(a->pin, b->pin) == 0);
}

/* The trial that its replay line makes; the line's own rules of a shell are those of no word with a blank in it. */
static void replay(const struct trial_spec *spec)
{
    char *line = plan_replay(spec), *argv[WORDS_MAX + 1], **operands, *rest;
    struct option_list lists[RUN_OPTIONS];
    struct plan plan = {0};
    struct error error = {0};
    int argc = 0, operand_count;
    expect(line && strncmp(line, "shmoo run ", 10) == 0);
    for (char *word = strtok_r(line + 6, " ", &rest); word && argc < WORDS_MAX; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    argv[argc] = NULL;
    options_init(run_options, RUN_OPTIONS, lists);
    expect(options_parse(run_options, RUN_OPTIONS, lists, argc, argv, &operands, &operand_count, &error) == 0);
    expect(operand_count == 0 && plan_build(&plan, NULL, 0, lists, &error) == 0 && plan.trial_count >= 1);
    const struct trial_spec *again = &plan.trials[plan.trial_count - 1];
    struct trial_spec seeded = *again; /* the line names the trial's seed as the run's, and the first trial has the run's */
    seeded.shape.seed = plan.trial_count == 1 ? again->shape.seed : spec->shape.seed;
    same_trial(spec, &seeded);
    plan_free(&plan);
    options_free(lists, RUN_OPTIONS);
    free(line);
}

/* A few inputs in a hundred, always the same ones: files cost a hundred times what the rest does. */
static bool chosen(const char *text, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash % 32 == 0;
}

/* Plugins have a target of their own; here each that is there costs a process. */
static bool names_plugin(const uint8_t *data, size_t size)
{
    return memmem(data, size, "plugin", 6) && !chosen((const char *)data, size);
}

/* The plan as `shmoo run` writes it beside the records, read back. */
static void write_and_read(const struct plan *plan, const struct option_list *nothing)
{
    char path[64], text[65536];
    struct plan again;
    struct error error = {0};
    snprintf(path, sizeof path, "/tmp/shmoo-fuzz-%d.ini", (int)getpid());
    expect(plan_write(plan, path, &error) == 0);
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(text, 1, sizeof text, file) : 0;
    expect(file && size > 0 && unlink(path) == 0);
    fclose(file);
    if (size < sizeof text) {
        char *jobs[] = {(char *)(uintptr_t)file_of(1, text, size)};
        int rc = plan_build(&again, jobs, 1, nothing, &error);
        if (rc)
            fprintf(stderr, "%s\n%.*s", error.text, (int)size, text);
        expect(rc == 0 && again.trial_count == plan->trial_count);
        for (size_t i = 0; i < plan->trial_count; i++)
            same_trial(&plan->trials[i], &again.trials[i]);
        plan_free(&again);
    }
}

/* A plan from a command line, and a job file unless its text is NULL. `again`: what it takes is written and read back. */
static void fuzz_plan(int argc, char **argv, const char *job, size_t size, bool again)
{
    struct option_list lists[RUN_OPTIONS], nothing[RUN_OPTIONS] = {0};
    struct plan plan;
    struct error error = {0};
    char **operands, *jobs[1] = {NULL};
    int operand_count;
    options_init(run_options, RUN_OPTIONS, lists);
    int rc = options_parse(run_options, RUN_OPTIONS, lists, argc, argv, &operands, &operand_count, &error);
    judge(rc, &error);
    if (rc == 0) {
        if (job)
            jobs[0] = (char *)(uintptr_t)file_of(0, job, size);
        rc = plan_build(&plan, jobs, job != NULL, lists, &error);
        judge(rc, &error);
        expect(rc || (plan.trial_count && plan.trial_count <= 2 * PLAN_TRIALS_MAX));
        if (rc == 0 && again) {
            replay(&plan.trials[plan.trial_count / 2]);
            if (!job || chosen(job, size))
                write_and_read(&plan, nothing);
        }
        plan_free(&plan);
    }
    options_free(lists, RUN_OPTIONS);
}

/* Words, one a line, up to an empty line; a job file follows it. */
static void fuzz_command(char *text, size_t size, bool again)
{
    char *argv[WORDS_MAX + 1] = {program}, *job = memmem(text, size, "\n\n", 2), *rest;
    int argc = 1;
    size_t job_size = job ? size - (size_t)(job + 2 - text) : 0;
    if (job)
        *job = '\0';
    for (char *word = strtok_r(text, "\n", &rest); word && argc < WORDS_MAX; word = strtok_r(NULL, "\n", &rest))
        argv[argc++] = word;
    argv[argc] = NULL;
    fuzz_plan(argc, argv, job ? job + 2 : NULL, job_size, again);
}

static void fuzz_units(const char *text)
{
    static const struct unit_kind *const kinds[] = {&units_size, &units_duration, &units_count};
    for (int i = 0; i < 3; i++) {
        struct error error = {0};
        char written[UNITS_TEXT];
        uint64_t value = 0, again = 0;
        int rc = units_parse(kinds[i], text, &value, &error);
        judge(rc, &error);
        if (rc)
            continue;
        expect(value <= INT64_MAX && units_print(kinds[i], (double)value, written) == written);
        units_exact(kinds[i], value, written);
        expect(units_parse(kinds[i], written, &again, &error) == 0 && again == value);
    }
}

static void fuzz_fault(const char *text)
{
    struct fault_choice choice;
    struct error error = {0};
    int rc = fault_parse(text, &choice, &error);
    judge(rc, &error);
    if (rc == 0 && choice.fault->parameter)
        expect(choice.parameter >= choice.fault->min && choice.parameter <= choice.fault->max);
}

/* The first character is the option's letter in the alphabet of rows; the rest a value. */
static void fuzz_option(const char *text)
{
    const struct option_row *row = &run_options[(unsigned char)text[0] % RUN_OPTIONS];
    struct option_list list = {0};
    struct error error = {0};
    judge(text[0] ? option_assign(row, &list, text + 1, "here", OPTION_FROM_FILE, &error) : 0, &error);
    options_free(&list, 1);
}

static void fuzz_names(const char *text)
{
    char path[4096];
    const struct load_ops *load = contents_load(text);
    const struct sync_ops *sync = contents_sync(text);
    expect(!load || strcmp(load->name, text) == 0);
    expect(!sync || strcmp(sync->name, text) == 0);
    expect(places_job(text, path, sizeof path) != 0 || access(path, R_OK) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_MAX || names_plugin(data, size))
        return 0;
    char *argv[] = {program, NULL}, *text = malloc(size); /* of the exact size: whoever reads on is seen */
    expect(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 8) {
    case 0:
    case 1:
        fuzz_plan(1, argv, text, size - 1, data[0] % 2);
        break;
    case 2:
    case 3:
        fuzz_command(text, size - 1, data[0] % 2);
        break;
    case 4:
        fuzz_units(text);
        break;
    case 5:
        fuzz_fault(text);
        break;
    case 6:
        fuzz_option(text);
        break;
    default:
        fuzz_names(text);
    }
    free(text);
    return 0;
}
