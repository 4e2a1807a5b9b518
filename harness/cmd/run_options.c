/* The options of `shmoo run`: one row each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/seed.h"
#include "base/suggest.h"
#include "cmd/against.h"
#include "cmd/fault_text.h"
#include "cmd/plan.h"
#include "cmd/plugin_option.h"
#include "report/formats.h"
#include "run/pin.h"
#include "run/plugin.h"
#include "shm/payload.h"

#define NAMES_MAX 64
#define SYNC_NAMES_MAX 2048

/* Checks a name against a contents list; `rows` begin with their name. */
#define VALID_NAME(list, find, what)                                                                                        \
    if (find(text))                                                                                                         \
        return 0;                                                                                                           \
    const char *names[NAMES_MAX + 1];                                                                                       \
    size_t n = 0;                                                                                                           \
    for (size_t i = 0; (list)[i] && n < NAMES_MAX; i++)                                                                     \
        names[n++] = (list)[i]->name;                                                                                       \
    names[n] = NULL;                                                                                                        \
    return suggest_fail(error, what, text, names)

static int valid_load(const char *text, struct error *error)
{
    VALID_NAME(contents_loads, contents_load, "load");
}

static const char *sync_name(size_t i)
{
    const struct sync_ops *row = contents_sync_at(i);
    return row ? row->name : NULL;
}

static int valid_sync(const char *text, struct error *error)
{
    static const char *names[SYNC_NAMES_MAX + 1];
    size_t n = 0;
    const struct plugin *dark = plugin_unreadable();
    if (contents_sync(text))
        return 0;
    if (dark)
        return error_set(error, STATUS_UNEXPECTED, 0, "sync \"%s\" cannot be had: plugin %s, which may bring it, %s", text,
                         dark->path, dark->ending);
    for (; n < SYNC_NAMES_MAX && sync_name(n); n++)
        names[n] = sync_name(n);
    names[n] = NULL;
    return suggest_fail(error, "sync", text, names);
}

static const char *load_name(size_t i)
{
    return contents_loads[i] ? contents_loads[i]->name : NULL;
}

static int valid_fault(const char *text, struct error *error)
{
    struct fault_choice choice;
    return fault_parse(text, &choice, error);
}

static int valid_prefault(const char *text, struct error *error)
{
    return layout_find(LAYOUT_PREFAULT, text, error) < 0 ? -1 : 0;
}

static int valid_pages(const char *text, struct error *error)
{
    return layout_find(LAYOUT_PAGES, text, error) < 0 ? -1 : 0;
}

static int valid_address(const char *text, struct error *error)
{
    return layout_find(LAYOUT_ADDRESS, text, error) < 0 ? -1 : 0;
}

static int valid_packing(const char *text, struct error *error)
{
    return layout_find(LAYOUT_PACKING, text, error) < 0 ? -1 : 0;
}

static int valid_regions(const char *text, struct error *error)
{
    return layout_find(LAYOUT_REGIONS, text, error) < 0 ? -1 : 0;
}

static int valid_expect(const char *text, struct error *error)
{
    return verdict_find(text) >= 0 ? 0 : suggest_fail(error, "verdict", text, verdict_names);
}

static int valid_format(const char *text, struct error *error)
{
    return format_find(text) ? 0 : suggest_fail(error, "format", text, format_names());
}

#define AXIS (OPTION_LIST | OPTION_KEY)

const struct option_row run_options[RUN_OPTIONS] = {
    [RUN_PLUGIN] = {.name = "plugin", .letter = 'p', .argument = "FILE.so", .type = OPTION_NAME,
                    .flags = AXIS | OPTION_GATHER | OPTION_FIRST, .valid = plugin_option_valid,
                    .help = "brings primitives of your own, from a shared object made with <shmoo/plugin.h>; may be given several "
                            "times. Without --sync all its rows are run, without --load they are hunted through (load verify), "
                            "each family with its control"},
    [RUN_LOAD] = {.name = "load", .letter = 'l', .argument = "NAME", .type = OPTION_NAME, .flags = AXIS,
                  .fallback = contents_default_load, .valid = valid_load,
                  .names = load_name, .help = "what the crew does; `shmoo list load` names them"},
    [RUN_SYNC] = {.name = "sync", .letter = 's', .argument = "NAME", .type = OPTION_NAME, .flags = AXIS,
                  .fallback = contents_default_syncs, .valid = valid_sync,
                  .names = sync_name,
                  .help = "the primitive under test; `shmoo list sync` names them; a pattern ('ring-*') stands for all that match, "
                          "'!busted-*' takes out what matches"},
    [RUN_WRITERS] = {.name = "writers", .letter = 'w', .argument = "N", .type = OPTION_COUNT, .flags = AXIS,
                     .fallback = "2", .min = 1, .max = PAYLOAD_WRITERS_MAX - 1,
                     .bounds = "; without a writer nothing happens",
                     .help = "writer processes"},
    [RUN_READERS] = {.name = "readers", .letter = 'r', .argument = "N", .type = OPTION_COUNT, .flags = AXIS,
                     .fallback = "2", .max = 100000, .help = "reader processes"},
    [RUN_SIZE] = {.name = "size", .letter = 'b', .argument = "BYTES", .type = OPTION_SIZE, .flags = AXIS, .min = 1,
                  .max = 1ULL << 60, .help = "size of the record, with a unit: 64, 4k, 1MiB (default: the load's own)"},
    [RUN_FAULT] = {.name = "fault", .letter = 'f', .argument = "NAME[:PARAM]", .type = OPTION_NAME, .flags = AXIS,
                   .fallback = "none", .valid = valid_fault,
                   .help = "what disturbs the crew; `shmoo list fault` names them"},
    [RUN_DURATION] = {.name = "duration", .also = "for", .letter = 't', .argument = "TIME", .type = OPTION_DURATION, .flags = OPTION_KEY,
                      .fallback = "1s", .min = 1, .max = 366ULL * 24 * 3600 * 1000000000,
                      .bounds = "; a trial takes some time",
                      .help = "how long each trial runs: 250ms, 5s, 2min; up to four times as long, a short one up to ten times, by 6 s at "
                              "the most, while its processes have not met often enough for a verdict"},
    [RUN_OPS] = {.name = "ops", .letter = 'n', .argument = "N", .type = OPTION_COUNT, .flags = OPTION_KEY, .min = 1,
                 .help = "operations of each worker; the trial then ends when all are done, not after a time"},
    [RUN_REPEAT] = {.name = "repeat", .letter = 'R', .argument = "N", .type = OPTION_COUNT, .flags = OPTION_KEY,
                    .fallback = "1", .min = 1, .max = 100000,
                    .help = "runs every point of the grid so often, interleaved"},
    [RUN_HOLD] = {.name = "hold", .argument = "TIME", .type = OPTION_DURATION, .flags = AXIS, .fallback = "0",
                  .max = 60ULL * 1000000000, .help = "extra time spent inside the critical section, busy"},
    [RUN_THINK] = {.name = "think", .argument = "TIME", .type = OPTION_DURATION, .flags = AXIS, .fallback = "0",
                   .max = 3600ULL * 1000000000, .help = "time between two operations of a worker"},
    [RUN_RATE] = {.name = "rate", .argument = "OPS", .type = OPTION_COUNT, .flags = AXIS, .fallback = "0",
                  .max = 1000000000, .help = "open loop: operations per second that the whole crew is to start, on schedule; 0 "
                                             "is a closed loop, each worker as fast as it can"},
    [RUN_PIN] = {.name = "pin", .argument = "POLICY", .type = OPTION_NAME, .flags = AXIS, .fallback = "scatter",
                 .valid = pin_valid, .joins = pin_joins, .help = "none, compact, scatter (far apart: workers that share a CPU hardly ever meet), "
                                             "same-core, same-llc (the last-level cache), other-numa (UNSUPPORTED where the machine "
                                             "has no such CPUs), or a list of CPUs used in turn: 0,2-3; as one of several policies 0+2-3"},
    [RUN_PREFAULT] = {.name = "prefault", .argument = "HOW", .type = OPTION_NAME, .flags = AXIS, .fallback = "fallocate",
                      .valid = valid_prefault,
                      .help = "when the pages of the region come to be: fallocate (the object's when it is made, so that it has them; a "
                              "process's when it first touches them), none (both when first touched), populate (both when it is "
                              "mapped, MAP_POPULATE)"},
    [RUN_PAGES] = {.name = "pages", .argument = "SIZE", .type = OPTION_NAME, .flags = AXIS, .fallback = "system",
                   .valid = valid_pages,
                   .help = "of the region: system (as it gives them), base, thp (transparent huge pages, in a /dev/shm of the run's own), "
                           "huge-2m, huge-1g (of the pool of huge pages). What was not really had is UNSUPPORTED"},
    [RUN_ADDRESS] = {.name = "address", .argument = "WHERE", .type = OPTION_NAME, .flags = AXIS, .fallback = "free",
                     .valid = valid_address,
                     .help = "where each process has the region: same (one address in all), different (another one in each; UNSUPPORTED "
                             "for primitives that need the same), free (mostly different, as the primitive needs it)"},
    [RUN_PACKING] = {.name = "packing", .argument = "HOW", .type = OPTION_NAME, .flags = AXIS, .fallback = "usual",
                     .valid = valid_packing,
                     .help = "of cells that belong to different workers: padded (lines of its own to each), packed (side by side, so that they "
                             "share lines), usual (as the load has it); for the loads neighbours and cells"},
    [RUN_REGIONS] = {.name = "regions", .argument = "HOW", .type = OPTION_NAME, .flags = AXIS, .fallback = "one",
                     .valid = valid_regions,
                     .help = "one (a single shared memory object holds the primitive's states and the load's data), many (each state has an "
                             "object of its own, made, mapped and unlinked by itself, and the data have one)"},
    [RUN_SAMPLE] = {.name = "sample", .argument = "N", .type = OPTION_COUNT, .flags = OPTION_KEY, .fallback = "64", .min = 1,
                    .max = 1000000, .help = "times one operation in N; 1 times all, which slows fast ones down, and is the default for operations "
                            "that --hold, --think or --rate keep at least 10 us apart"},
    [RUN_HISTORY] = {.name = "history", .argument = "N", .type = OPTION_COUNT, .flags = OPTION_KEY, .fallback = "0",
                     .max = 1u << 24, .help = "records the first N operations of each worker whole, and checks at the end whether any "
                             "order explains them; for loads that can"},
    [RUN_EXPOSURE] = {.name = "min-exposure", .argument = "N", .type = OPTION_COUNT, .flags = OPTION_KEY, .max = 1u << 30,
                      .help = "hand-offs between processes below which a clean trial is INCONCLUSIVE (default: the load's)"},
    [RUN_EXPECT] = {.name = "expect", .argument = "VERDICT", .type = OPTION_NAME, .flags = OPTION_KEY, .valid = valid_expect,
                    .help = "the verdict that counts as expected (default: CORRUPT for what is broken, CLEAN for the rest)"},
    [RUN_CONTROL] = {.name = "control", .type = OPTION_FLAG, .flags = OPTION_KEY,
                     .help = "carries a positive control along: before each group of trials that differ in their sync only, one without "
                             "protection; if that is not caught, nothing in the group is CLEAN"},
    [RUN_PROVE] = {.name = "prove-no-syscalls", .type = OPTION_FLAG, .flags = OPTION_KEY,
                   .help = "catches every system call that a worker makes between gate and end, and names it: each is a violation. "
                           "Loads that wait spin, so it takes a CPU for each worker to be quick"},
    [RUN_COUNT] = {.name = "count-syscalls", .argument = "TIME", .type = OPTION_DURATION, .flags = OPTION_KEY, .fallback = "20ms",
                   .max = 60ULL * 1000000000,
                   .help = "after the first repeat of each point the same crew runs so long again, with its system calls counted; 0: not"},
    [RUN_SEED] = {.name = "seed", .argument = "N", .type = OPTION_COUNT, .flags = OPTION_KEY, .max = SEED_MAX,
                  .help = "the run's seed; each trial's own derives from it (default: a fresh one)"},
    [RUN_AGAINST] = {.name = "against", .argument = "BINARY", .type = OPTION_TEXT,
                     .help = "measures this build against another one: each trial by both, in an order drawn by lot, then what `shmoo "
                             "compare` says of the two; 20 repeats unless --repeat says otherwise. A plugin (FILE.so): measures that of --plugin "
                             "against this one"},
    [RUN_THRESHOLD] = {.name = "threshold", .argument = "SHARE", .type = OPTION_NAME, .valid = against_threshold_valid,
                       .help = "with --against: what counts as a change (default 5%)"},
    [RUN_OUT] = {.name = "out", .letter = 'o', .argument = "DIR", .type = OPTION_TEXT,
                 .help = "folder for the records (default: results/runs/ID, with results/latest pointing at it)"},
    [RUN_FORMAT] = {.name = "format", .argument = "FORMAT", .type = OPTION_NAME, .fallback = "human", .valid = valid_format,
                    .help = "of standard output: human, jsonl, tap, junit or csv"},
    [RUN_DRY_RUN] = {.name = "dry-run", .type = OPTION_FLAG, .help = "prints the trials and what they need, and runs nothing"},
    [RUN_QUIET] = {.name = "quiet", .letter = 'q', .type = OPTION_FLAG, .help = "no progress on standard error"},
    [RUN_HELP] = {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "prints this"},
};
