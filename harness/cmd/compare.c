/* shmoo compare: hands two runs to the analysis, which judges what changed from one to the other. */
#include <string.h>

#include "base/error.h"
#include "cmd/analysis.h"
#include "cmd/command.h"

static void print_help(void)
{
    puts("Usage: shmoo compare RUN_A RUN_B [OPTION ...]\n"
         "       shmoo compare RUN              the two sides of a run that was made with --against\n\n"
         "Compares run B against run A, condition by condition: whose verdicts got worse, and which figures changed, with an\n"
         "interval, a rank test and the size of the effect. What cannot be told is called undecided, never the same.\n\n"
         "      --threshold SHARE      what counts as a change (default 5%)\n"
         "      --confidence SHARE     how sure it must be that none of all judgements is a false alarm (default 99%)\n"
         "      --metric NAME,..       what is compared: throughput, cpu (CPU time an operation), p50, p99, p999 (of the latency);\n"
         "                             default throughput,cpu\n"
         "      --format FORMAT        of standard output: human, jsonl, markdown, junit, tap or csv\n"
         "      --out FILE             writes a page with charts of B against A as well\n"
         "      --all                  shows every judgement, however many there are\n"
         "      --any-host             compares runs of unlike machines all the same\n\n"
         "Exit status: 0 nothing got worse, 1 a verdict got worse, 2 usage, or runs that cannot be compared, 3 the environment\n"
         "lacks something, 4 nothing could be compared, 5 a figure got worse.");
}

static int compare_main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help();
        return stdout_settle(STATUS_AS_EXPECTED);
    }
    if (argc < 2) {
        notice("compare: which runs? Give two folders: shmoo compare results/runs/A results/runs/B");
        return STATUS_USAGE;
    }
    return analysis_become("compare", "compare.py", argc, argv);
}

const struct command command_compare = {
    .name = "compare",
    .usage = "compare RUN_A RUN_B",
    .summary = "what changed from one run to another, and how sure that is",
    .run = compare_main,
};
