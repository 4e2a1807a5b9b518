/* shmoo-check: the checks alone, without a library, for other C libraries and other processors. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cmd/command.h"
#include "report/checks.h"
#include "report/run_info.h"
#include "run/interrupt.h"

const struct check_format *const check_formats[] = {&check_human, &check_tap, &check_junit, NULL};

int main(int argc, char **argv)
{
    interrupt_forget_inherited();
    signal(SIGXFSZ, SIG_IGN);
    command_line_keep(argc, argv);
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("shmoo-check %s\n", SHMOO_VERSION);
        return stdout_settle(STATUS_AS_EXPECTED);
    }
    return command_check.run(argc, argv);
}
