/* The plan written back: the line that replays one trial, and the job file that repeats a run. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "cmd/fault_text.h"
#include "cmd/plan.h"
#include "run/emulate.h"
#include "run/hunt_slice.h"

/* A job file's line, with the key and " = ". */
#define LINE_MAX_LENGTH 196

/* Appends " --name value" for a number, unless it is the default. */
static void put_number(FILE *out, enum run_option option, const struct unit_kind *kind, uint64_t value, uint64_t unless)
{
    char text[UNITS_TEXT];
    if (value != unless)
        fprintf(out, " --%s %s", run_options[option].name, units_exact(kind, value, text));
}

/* A word of a shell's command line. */
static void put_word(FILE *out, const char *word)
{
    bool plain = word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-:@%=")] == '\0';
    fputs(plain ? "" : "'", out);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    fputs(plain ? "" : "'", out);
}

char *plan_replay(const struct trial_spec *spec)
{
    char *line = NULL, text[UNITS_TEXT];
    size_t size = 0;
    const struct shape *shape = &spec->shape;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        return NULL;
    fputs("shmoo run ", out);
    if (spec->sync->origin) {
        fputs("--plugin ", out);
        put_word(out, spec->sync->origin);
        fputc(' ', out);
    }
    fprintf(out, "--load %s --sync %s", spec->load->name, spec->sync->name);
    if (spec->crew_given || !hunt_is(spec)) /* what a hunt varies is not asked for */
        fprintf(out, " --writers %u --readers %u", shape->writers, shape->readers);
    if (spec->size_given || !hunt_is(spec))
        fprintf(out, " --size %s", units_exact(&units_size, shape->size, text));
    if (strcmp(spec->fault_text, spec->load->default_fault ? spec->load->default_fault : "none") != 0)
        fprintf(out, " --fault %s", spec->fault_text);
    put_number(out, RUN_DURATION, &units_duration, spec->duration_ns, 0);
    put_number(out, RUN_OPS, &units_count, shape->ops_limit, 0);
    put_number(out, RUN_HOLD, &units_duration, shape->hold_ns, 0);
    put_number(out, RUN_THINK, &units_duration, shape->think_ns, 0);
    put_number(out, RUN_RATE, &units_count, (uint64_t)shape->rate, 0);
    bool paced = shape->hold_ns || shape->think_ns || shape->rate > 0; /* then the default is not always the same */
    put_number(out, RUN_SAMPLE, &units_count, shape->sampling, paced ? 0 : 64);
    put_number(out, RUN_HISTORY, &units_count, shape->history, 0);
    put_number(out, RUN_EXPOSURE, &units_count, spec->enough, spec->load->enough);
    if ((!hunt_is(spec) || spec->pin_given) && strcmp(spec->pin, run_options[RUN_PIN].fallback) != 0)
        fprintf(out, " --pin %s", spec->pin);
    for (int i = 0; i < LAYOUT_AXES; i++)
        if (shape->layout.choice[i])
            fprintf(out, " --%s %s", layout_rows[i].name, layout_word(&shape->layout, (enum layout_axis)i));
    if (spec->silent)
        fprintf(out, " --%s", run_options[RUN_PROVE].name);
    if (spec->expect_given)
        fprintf(out, " --expect %s", verdict_name(spec->expect));
    fprintf(out, " --seed %llu", (unsigned long long)shape->seed);
    if (emulation_current())
        fprintf(out, " --env %s", emulation_current()->name);
    fclose(out);
    return line;
}

/* A path may be what no line of a job file can hold. */
static bool unwritable(const char *key, const struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->values[i].text;
        if (strlen(key) + 3 + strlen(text) > LINE_MAX_LENGTH || strstr(text, " ;") || strpbrk(text, "\n\r") || !text_is_utf8(text))
            return true;
    }
    return false;
}

/* "key = a,b,c"; long lists go on in indented lines, since job files have short ones. */
static void write_list(FILE *out, const char *key, const struct option_list *list)
{
    if (unwritable(key, list)) {
        fprintf(out, "; %s: too long or too strange for a line of a job file; add --%s to the command line\n", key, key);
        return;
    }
    int column = fprintf(out, "%s = ", key);
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->values[i].text;
        if (i && column + (int)strlen(text) > 150) {
            fprintf(out, ",\n    ");
            column = 4;
        } else if (i) {
            column += fprintf(out, ",");
        }
        column += fprintf(out, "%s", text);
    }
    fputc('\n', out);
}

static bool job_before(const struct plan *plan, size_t count, const char *job)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(plan->grids[i].job, job) == 0)
            return true;
    return false;
}

/* Two jobs may have a section of the same name; one file may not. The grid's number tells them apart, and no other section may
 * have that name by chance. */
static void write_section(FILE *out, const struct plan *plan, size_t g)
{
    char name[1000];
    snprintf(name, sizeof name, "%s", plan->grids[g].job);
    if (job_before(plan, g, name)) {
        do {
            size_t used = strlen(name);
            snprintf(name + used, sizeof name - used, "-%zu", g + 1);
        } while (job_before(plan, plan->grid_count, name));
    }
    fprintf(out, "\n[%s]\n", name);
}

/* A default that depends on the rest is not written: it would be read as asked for. */
static bool left_open(const struct grid *grid, int option)
{
    bool hunt = false;
    const struct option_list *loads = &grid->options[RUN_LOAD], *faults = &grid->options[RUN_FAULT];
    for (size_t i = 0; i < loads->count; i++)
        hunt |= contents_load(loads->values[i].text)->loads != NULL;
    for (size_t i = 0; i < faults->count; i++) {
        struct fault_choice choice;
        struct error error;
        hunt |= fault_parse(faults->values[i].text, &choice, &error) == 0 && choice.fault->disturbances;
    }
    bool varied = option == RUN_WRITERS || option == RUN_READERS || option == RUN_FAULT || option == RUN_PIN ||
                  option == RUN_DURATION;
    return grid->options[option].source == OPTION_FROM_DEFAULT && (option == RUN_SAMPLE || (hunt && varied));
}

int plan_write(const struct plan *plan, const char *path, struct error *error)
{
    FILE *out = fopen(path, "wxe");
    if (!out)
        return error_set(error, STATUS_ENVIRONMENT, errno, "%s: open: %s", path, error_name(errno));
    fprintf(out, "; the plan as it was resolved; `shmoo run plan.ini` runs it again\n[global]\nseed = %llu\n",
            (unsigned long long)plan->seed);
    for (size_t g = 0; g < plan->grid_count; g++) {
        const struct grid *grid = &plan->grids[g];
        write_section(out, plan, g);
        for (int i = 0; i < RUN_OPTIONS; i++)
            if ((run_options[i].flags & OPTION_KEY) && i != RUN_SEED && grid->options[i].count && !left_open(grid, i))
                write_list(out, run_options[i].name, &grid->options[i]);
    }
    if (ferror(out) | fclose(out))
        return error_set(error, STATUS_ENVIRONMENT, errno, "%s: write: %s", path, error_name(errno));
    return 0;
}
