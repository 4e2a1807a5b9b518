/* What all subcommands share: the command line as it was given, and the end of standard output. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cmd/command.h"

static int kept_count;
static char **kept;

/* A copy of the pointers: getopt permutes the original. */
void command_line_keep(int argc, char **argv)
{
    kept = calloc((size_t)argc + 1, sizeof *kept);
    kept_count = kept ? argc : 0;
    if (kept)
        memcpy(kept, argv, (size_t)argc * sizeof *kept);
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
