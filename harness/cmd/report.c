/* shmoo report: hands a run to the analysis, which draws the charts and the page. */
#include <string.h>

#include "base/error.h"
#include "cmd/analysis.h"
#include "cmd/command.h"

static void print_help(void)
{
    puts("Usage: shmoo report RUN [--format FORMAT] [--out FILE]\n\n"
         "Draws the charts of a run (a folder, or its run.jsonl) and one self-contained HTML page, and prints the page's path.\n"
         "With --format writes the run for other tools instead: markdown (the summary page of a CI job), junit, tap, csv, benchmark\n"
         "(github-action-benchmark: throughput), benchmark-latency, openmetrics, hdr (HdrHistogram percentile text, a file a\n"
         "distribution), recommendation (which primitive serves what best, as lines of JSON), crash (the crash matrix, as tables in\n"
         "markdown). To standard output, or to FILE.\n"
         "Needs gnuplot, and python3 with numpy, scipy and jinja2.");
}

static int report_main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help();
        return stdout_settle(STATUS_AS_EXPECTED);
    }
    if (argc < 2) {
        notice("report: which run? Give its folder: shmoo report results/latest");
        return STATUS_USAGE;
    }
    return analysis_become("report", "report.py", argc, argv);
}

const struct command command_report = {
    .name = "report",
    .usage = "report RUN",
    .summary = "charts and one self-contained page of a run",
    .run = report_main,
};
