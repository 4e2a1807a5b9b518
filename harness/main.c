/* shmoo: finds the subcommand and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/suggest.h"
#include "cmd/command.h"
#include "contract/contents.h"
#include "report/run_info.h"

static void print_help(FILE *out)
{
    fprintf(out, "Usage: shmoo COMMAND [ARGUMENT ...]\n\n"
                 "Stress tests and diagnoses POSIX shared memory: forks writers and readers over real /dev/shm regions, runs them\n"
                 "through a synchronisation primitive, and proves that the data stayed whole or shows how they broke.\n\n");
    for (int i = 0; commands[i]; i++)
        fprintf(out, "  shmoo %-30s %s\n", commands[i]->usage, commands[i]->summary);
    fprintf(out, "\n  shmoo COMMAND --help             the command's options\n"
                 "  shmoo --version\n");
}

static int unknown(const char *name)
{
    const char *names[16];
    struct error error;
    int n = 0;
    for (; commands[n] && n < 15; n++)
        names[n] = commands[n]->name;
    names[n] = NULL;
    suggest_fail(&error, name[0] == '-' ? "option" : "command", name, names);
    error_print(&error);
    return STATUS_USAGE;
}

/* A stream that was closed must not be replaced by the first file that is opened: results would be mixed with messages. What
 * is opened here cannot be written, so that a closed output is an error of its own. */
static void fill_closed_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDONLY) < 0)
            return;
}

int main(int argc, char **argv)
{
    fill_closed_streams();
    contents_verify();
    command_line_keep(argc, argv);
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return stdout_settle(STATUS_AS_EXPECTED);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("shmoo %s\n", SHMOO_VERSION);
        return stdout_settle(STATUS_AS_EXPECTED);
    }
    for (int i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, argv[1]) == 0)
            return commands[i]->run(argc - 1, argv + 1);
    return unknown(argv[1]);
}
