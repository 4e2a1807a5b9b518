/* The subcommands: the table, and what they share. */
#include "cmd/command.h"

#include <errno.h>
#include <stddef.h>

#include "base/error.h"

const struct command *const commands[] = {&command_run, &command_list, &command_report, &command_gc, NULL};

static int kept_count;
static char **kept;

void command_line_keep(int argc, char **argv)
{
    kept_count = argc;
    kept = argv;
}

char **command_line(int *argc)
{
    *argc = kept_count;
    return kept;
}

int stdout_settle(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    notice("standard output: write: %s", error_name(errno ? errno : EIO));
    return STATUS_ENVIRONMENT;
}
