/* shmoo report: hands a run to the analysis, which draws the charts and the page. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cmd/command.h"
#include "cmd/places.h"

/* Debian's own python3 has the modules that Debian packages; another one in front of it on PATH has not. */
#define SYSTEM_PYTHON "/usr/bin/python3"
#define ARGUMENTS_MAX 64

static void print_help(void)
{
    puts("Usage: shmoo report RUN [--out FILE]\n\n"
         "Draws the charts of a run (a folder, or its run.jsonl) and one self-contained HTML page, and prints the page's path.\n"
         "Needs gnuplot, and python3 with numpy, scipy and jinja2.");
}

static int report_main(int argc, char **argv)
{
    char script[4200];
    char *arguments[ARGUMENTS_MAX + 3];
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help();
        return stdout_settle(STATUS_AS_EXPECTED);
    }
    if (argc < 2 || argc > ARGUMENTS_MAX) {
        notice("report: which run? Give its folder: shmoo report results/latest");
        return STATUS_USAGE;
    }
    if (places_file("analysis", "report.py", script, sizeof script)) {
        notice("report: analysis/report.py is neither beside the program nor installed; run it from its source tree, or `make "
               "install`");
        return STATUS_ENVIRONMENT;
    }
    char python[] = SYSTEM_PYTHON, fallback[] = "python3", no_bytecode[] = "-B";
    arguments[0] = python;
    arguments[1] = no_bytecode;
    arguments[2] = script;
    memcpy(&arguments[3], argv + 1, (size_t)argc * sizeof *argv); /* with the NULL at its end */
    fflush(NULL);
    execv(python, arguments);
    arguments[0] = fallback;
    execvp(fallback, arguments);
    notice("report: python3: exec: %s; install it: apt-get install python3", error_name(errno));
    return STATUS_ENVIRONMENT;
}

const struct command command_report = {
    .name = "report",
    .usage = "report RUN",
    .summary = "charts and one self-contained page of a run",
    .run = report_main,
};
