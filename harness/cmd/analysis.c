/* The analysis: finding the scripts, and starting python on one. */
#include "cmd/analysis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cmd/command.h"
#include "cmd/places.h"

/* Debian's own python3 has the modules that Debian packages; another one in front of it on PATH has not. */
#define SYSTEM_PYTHON "/usr/bin/python3"

static int find_script(const char *command, const char *script, char *path, size_t size)
{
    if (places_file("analysis", script, path, size) == 0)
        return 0;
    notice("%s: analysis/%s is neither beside the program nor installed; run it from its source tree, or `make install`", command,
           script);
    return -1;
}

int analysis_there(const char *command, const char *script)
{
    char path[4200];
    return find_script(command, script, path, sizeof path);
}

int analysis_become(const char *command, const char *script, int argc, char **argv)
{
    char path[4200], python[] = SYSTEM_PYTHON, fallback[] = "python3", no_bytecode[] = "-B";
    char **arguments = calloc((size_t)argc + 4, sizeof *arguments);
    if (!arguments || find_script(command, script, path, sizeof path)) {
        free(arguments);
        return STATUS_ENVIRONMENT;
    }
    arguments[0] = python;
    arguments[1] = no_bytecode;
    arguments[2] = path;
    memcpy(&arguments[3], argv + 1, (size_t)argc * sizeof *argv); /* with the NULL at its end */
    fflush(NULL);
    execv(python, arguments);
    arguments[0] = fallback;
    execvp(fallback, arguments);
    notice("%s: python3: exec: %s; install it: apt-get install python3", command, error_name(errno));
    free(arguments);
    return STATUS_ENVIRONMENT;
}
