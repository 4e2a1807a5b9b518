/* shmoo gc --own: finds what killed runs of shmoo have left in /dev/shm, and removes what is proven unused. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/option.h"
#include "base/units.h"
#include "cmd/command.h"
#include "run/leftover.h"

enum gc_option { GC_OWN, GC_APPLY, GC_HELP, GC_OPTIONS };

static const struct option_row gc_options[GC_OPTIONS] = {
    [GC_OWN] = {.name = "own", .type = OPTION_FLAG, .help = "looks at objects that shmoo itself has made; required"},
    [GC_APPLY] = {.name = "apply", .type = OPTION_FLAG, .help = "removes what is proven unused; without it nothing is touched"},
    [GC_HELP] = {.name = "help", .letter = 'h', .type = OPTION_FLAG, .help = "prints this"},
};

struct totals {
    unsigned found, unused, removed, failed;
    uint64_t bytes;
    bool apply;
};

static void show(const struct leftover *leftover, void *user)
{
    struct totals *totals = user;
    char bytes[UNITS_TEXT];
    const char *outcome = leftover->unused ? "unused" : "kept";
    totals->found++;
    if (leftover->unused) {
        struct error error;
        totals->unused++;
        totals->bytes += leftover->allocated_bytes;
        if (totals->apply && leftover_remove(leftover, &error) == 0) {
            totals->removed++;
            outcome = "removed";
        } else if (totals->apply) {
            totals->failed++;
            outcome = "kept";
            error_print(&error);
        }
    }
    printf("%-8s %10s  /dev/shm/%s  %s\n", outcome, units_print(&units_size, (double)leftover->allocated_bytes, bytes),
           leftover->name, leftover->why);
}

static int gc_main(int argc, char **argv)
{
    struct option_list lists[GC_OPTIONS];
    struct error error;
    char **operands, bytes[UNITS_TEXT];
    int operand_count, status = STATUS_USAGE;
    options_init(gc_options, GC_OPTIONS, lists);
    int bad = options_parse(gc_options, GC_OPTIONS, lists, argc, argv, &operands, &operand_count, &error);
    struct totals totals = {.apply = lists[GC_APPLY].count};
    if (bad) {
        error_print(&error);
    } else if (lists[GC_HELP].count) {
        printf("Usage: shmoo gc --own [--apply]\n\nShows what killed runs of shmoo have left in /dev/shm.\n\n");
        options_help(gc_options, GC_OPTIONS, stdout);
        status = stdout_settle(STATUS_AS_EXPECTED);
    } else if (operand_count) {
        notice("gc: \"%s\" is superfluous: gc takes options only", operands[0]);
    } else if (!lists[GC_OWN].count) {
        notice("gc: say --own: only objects that shmoo itself has made are looked at");
    } else if (leftover_each(show, &totals, &error)) {
        error_print(&error);
        status = STATUS_ENVIRONMENT;
    } else {
        printf("%u found, %u unused (%s), %u removed%s\n", totals.found, totals.unused,
               units_print(&units_size, (double)totals.bytes, bytes), totals.removed,
               totals.unused && !totals.apply ? "; remove them with: shmoo gc --own --apply" : "");
        status = stdout_settle(totals.failed ? STATUS_ENVIRONMENT : STATUS_AS_EXPECTED);
    }
    options_free(lists, GC_OPTIONS);
    return status;
}

const struct command command_gc = {
    .name = "gc",
    .usage = "gc --own [--apply]",
    .summary = "objects that killed runs left behind, and whether they may go",
    .run = gc_main,
};
