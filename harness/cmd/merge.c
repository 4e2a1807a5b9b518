/* shmoo merge: hands runs to the analysis, which makes one of them. */
#include <string.h>

#include "base/error.h"
#include "cmd/analysis.h"
#include "cmd/command.h"

static void print_help(void)
{
    puts("Usage: shmoo merge RUN ... [--out DIR] [--any-hostname]\n\n"
         "Makes one run of several: shards of a plan, repeats from several machines, what was merged before. Each trial counts once,\n"
         "however often it is named; counters and histograms add up, by host and conditions, and no percentile is averaged. The\n"
         "same trials make the same file, in whatever order they are merged. Prints the folder, which `shmoo report` and `shmoo\n"
         "compare` take.\n\n"
         "      --out DIR              the folder of the merged run (default results/runs/merge-HASH)\n"
         "      --any-hostname         takes hosts that differ only in their names for one: containers of one machine\n\n"
         "Exit status: 0 the run is written, 2 usage, or runs that cannot be merged, 3 the environment lacks something.");
}

static int merge_main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help();
        return stdout_settle(STATUS_AS_EXPECTED);
    }
    if (argc < 2) {
        notice("merge: which runs? Give their folders: shmoo merge results/runs/A results/runs/B --out DIR");
        return STATUS_USAGE;
    }
    return analysis_become("merge", "merge.py", argc, argv);
}

const struct command command_merge = {
    .name = "merge",
    .usage = "merge RUN ...",
    .summary = "one run of several: shards, repeats, other machines",
    .run = merge_main,
};
