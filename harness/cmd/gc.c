/* shmoo gc: shows what is proven unused in /dev/shm, and removes it when told to. */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/option.h"
#include "base/suggest.h"
#include "base/text.h"
#include "base/units.h"
#include "cmd/command.h"
#include "report/objects.h"
#include "report/records.h"
#include "run/emulate.h"
#include "run/leftover.h"
#include "shm/region.h"

enum gc_option { GC_OWN, GC_NAME, GC_PROTECT, GC_MIN_AGE, GC_APPLY, GC_FORMAT, GC_HELP, GC_OPTIONS };

#define FOREIGN_AGE_S 3600

static const char *const formats[] = {"human", "jsonl", NULL};

static int valid_format(const char *text, struct error *error)
{
    for (int i = 0; formats[i]; i++)
        if (strcmp(text, formats[i]) == 0)
            return 0;
    return suggest_fail(error, "format", text, formats);
}

static const struct option_row gc_options[GC_OPTIONS] = {
    [GC_OWN] = {.name = "own", .type = OPTION_FLAG, .help = "looks at objects that shmoo itself has made"},
    [GC_NAME] = {.name = "name",
                 .argument = "GLOB",
                 .type = OPTION_TEXT,
                 .flags = OPTION_GATHER,
                 .help = "looks at objects with such a name, whoever made them; may be given several times"},
    [GC_PROTECT] = {.name = "protect",
                    .argument = "GLOB",
                    .type = OPTION_TEXT,
                    .flags = OPTION_GATHER,
                    .help = "keeps objects with such a name in any case; may be given several times"},
    [GC_MIN_AGE] = {.name = "min-age",
                    .argument = "AGE",
                    .type = OPTION_DURATION,
                    .help = "keeps what has been created, sized or written by a call within this time: 90s, 2h (default: "
                            "1h; with --own, of what "
                            "shmoo has made, 0)"},
    [GC_APPLY] = {.name = "apply",
                  .type = OPTION_FLAG,
                  .help = "removes what is proven unused; without it nothing is touched"},
    [GC_FORMAT] = {.name = "format",
                   .argument = "FORMAT",
                   .type = OPTION_NAME,
                   .fallback = "human",
                   .valid = valid_format,
                   .help = "of standard output: human or jsonl"},
    [GC_HELP] = {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "prints this"},
};

struct totals {
    unsigned found, unused, removed, failed;
    uint64_t unused_bytes, freed_bytes;
    uint64_t started_ns;
    bool apply, jsonl;
};

static void put_record(json_t *record)
{
    json_dumpf(record, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(record);
}

static void tell_one(const struct totals *totals, const struct leftover *leftover, const char *outcome, const char *why)
{
    char bytes[UNITS_TEXT];
    if (totals->jsonl) {
        json_t *record = json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:b, s:o}", "type", "reclaim", "name",
                                   record_text(leftover->name), "outcome", outcome, "allocated_bytes",
                                   (json_int_t)leftover->allocated_bytes, "freed_bytes", (json_int_t)leftover->freed_bytes,
                                   "age_s", (json_int_t)leftover->age_s, "own", leftover->own, "why", record_text(why));
        put_record(record);
        return;
    }
    printf("%-8s %10s  /dev/shm/", outcome, units_print(&units_size, (double)leftover->allocated_bytes, bytes));
    text_put(stdout, leftover->name);
    fputs("  ", stdout);
    text_put(stdout, why);
    putchar('\n');
}

static void show(struct leftover *leftover, void *user)
{
    struct totals *totals = user;
    struct error error;
    const char *outcome = leftover->unused ? "unused" : "kept", *why = leftover->why;
    totals->found++;
    if (leftover->unused && !totals->apply) {
        totals->unused++;
        totals->unused_bytes += leftover->allocated_bytes;
    } else if (leftover->unused && leftover_remove(leftover, &error) == 0) {
        totals->unused++;
        totals->unused_bytes += leftover->allocated_bytes;
        totals->removed++;
        totals->freed_bytes += leftover->freed_bytes;
        outcome = "removed";
    } else if (leftover->unused) {
        outcome = "kept";
        why = error.text;
        totals->failed += error.status == STATUS_ENVIRONMENT;
    }
    tell_one(totals, leftover, outcome, why);
}

static void tell_totals(const struct totals *totals, int status)
{
    char unused[UNITS_TEXT], freed[UNITS_TEXT];
    if (totals->jsonl) {
        struct run_summary run = {.seconds = (double)(clock_ns() - totals->started_ns) / 1e9, .exit_status = status};
        json_t *record = record_end(&run);
        json_object_update_new(record, json_pack("{s:i, s:i, s:i, s:I, s:I, s:b}", "found", (int)totals->found, "unused",
                                                 (int)totals->unused, "removed", (int)totals->removed, "unused_bytes",
                                                 (json_int_t)totals->unused_bytes, "freed_bytes",
                                                 (json_int_t)totals->freed_bytes, "applied", totals->apply));
        put_record(record);
        return;
    }
    printf("%u found, %u unused (%s), %u removed", totals->found, totals->unused,
           units_print(&units_size, (double)totals->unused_bytes, unused), totals->removed);
    if (totals->removed)
        printf(": %s had back", units_print(&units_size, (double)totals->freed_bytes, freed));
    puts(totals->unused && !totals->apply ? "; nothing was touched: --apply removes what is unused" : "");
}

/* The values as a NULL-ended list; the caller frees it. */
static const char **texts_of(const struct option_list *list)
{
    const char **texts = calloc(list->count + 1, sizeof *texts);
    for (size_t i = 0; texts && i < list->count; i++)
        texts[i] = list->values[i].text;
    return texts;
}

static int collect(const struct option_list *lists, struct error *error)
{
    const struct option_list *age = &lists[GC_MIN_AGE];
    uint64_t age_s = age->count ? (age->values[0].number + NS_PER_S - 1) / NS_PER_S : 0;
    const char **globs = texts_of(&lists[GC_NAME]), **protect = texts_of(&lists[GC_PROTECT]);
    struct leftover_rules rules = {
        .own = lists[GC_OWN].count,
        .globs = globs,
        .protect = protect,
        .own_age_s = age_s,
        .foreign_age_s = age->count ? age_s : FOREIGN_AGE_S,
    };
    struct totals totals = {
        .started_ns = clock_ns(),
        .apply = lists[GC_APPLY].count,
        .jsonl = strcmp(lists[GC_FORMAT].values[0].text, "jsonl") == 0,
    };
    int status = STATUS_ENVIRONMENT;
    if (!globs || !protect) /* without the list of what is protected nothing may be touched */
        error_set(error, STATUS_ENVIRONMENT, 0, "out of memory");
    if (!globs || !protect || leftover_scan(&rules, show, &totals, error)) {
        error_print(error);
    } else {
        if (rules.own && totals.apply)
            emulation_sweep();
        status = totals.failed ? STATUS_ENVIRONMENT : STATUS_AS_EXPECTED;
        tell_totals(&totals, status);
        status = stdout_settle(status);
    }
    free(globs);
    free(protect);
    return status;
}

static void print_help(void)
{
    printf("Usage: shmoo gc --own|--name GLOB [OPTION ...]\n\n"
           "Shows which objects of /dev/shm are proven unused, and what that would give back; --apply removes them. The\n"
           "proof is a lease, which the kernel refuses while any process, in any namespace, has the object open or mapped.\n\n");
    options_help(gc_options, GC_OPTIONS, stdout);
    printf("\nExit status: 0, also when something was kept; 2 usage; 3 there is no /dev/shm, or a removal failed.\n");
}

static int gc_main(int argc, char **argv)
{
    struct option_list lists[GC_OPTIONS];
    struct error error;
    char **operands;
    int operand_count, status = STATUS_USAGE;
    options_init(gc_options, GC_OPTIONS, lists);
    int bad = options_parse(gc_options, GC_OPTIONS, lists, argc, argv, &operands, &operand_count, &error);
    if (bad) {
        error_print(&error);
    } else if (lists[GC_HELP].count) {
        print_help();
        status = stdout_settle(STATUS_AS_EXPECTED);
    } else if (operand_count) {
        notice("gc: \"%s\" is superfluous: gc takes options only", operands[0]);
    } else if (!lists[GC_OWN].count && !lists[GC_NAME].count) {
        notice("gc: say which objects: --own for what shmoo itself has made, or --name GLOB");
    } else {
        status = collect(lists, &error);
    }
    options_free(lists, GC_OPTIONS);
    return status;
}

const struct command command_gc = {
    .name = "gc",
    .usage = "gc --own|--name GLOB [--apply]",
    .summary = "objects that nobody uses any more, and whether they may go",
    .run = gc_main,
};
