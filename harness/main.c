/* shmoo: finds the subcommand and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/suggest.h"
#include "cmd/command.h"
#include "contract/contents.h"
#include "report/run_info.h"
#include "run/emulate.h"
#include "run/interrupt.h"

/* These take --env, whatever their other options are. */
static const struct command *const emulating[] = {&command_run, &command_check, &command_doctor, &command_ls, NULL};

static bool may_emulate(const struct command *command)
{
    for (int i = 0; emulating[i]; i++)
        if (emulating[i] == command)
            return true;
    return false;
}

static void print_emulations(void)
{
    puts("\n      --env NAME          on a machine with a sick /dev/shm, emulated in namespaces of its own:");
    for (const char *const *name = emulation_names(); *name; name++)
        printf("                            %-16s %s\n", *name, emulation_find(*name)->summary);
}

/* Takes "--env NAME" or "--env=NAME" out of the arguments. 0, or -1 with the error; *name stays NULL where there is none. */
static int take_env(int *argc, char **argv, const char **name, struct error *error)
{
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        if (strncmp(argv[i], "--env=", 6) == 0) {
            *name = argv[i] + 6;
        } else if (strcmp(argv[i], "--env") == 0) {
            if (++i == *argc)
                return error_set(error, STATUS_USAGE, 0, "--env needs an argument");
            *name = argv[i];
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    if (*name && !emulation_find(*name))
        return suggest_fail(error, "environment", *name, emulation_names());
    return 0;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct error error;
    const char *env = NULL;
    bool emulates = may_emulate(command), helps = emulates && asks_for_help(argc, argv);
    if (emulates && take_env(&argc, argv, &env, &error) != 0) {
        error_print(&error);
        return STATUS_USAGE;
    }
    if (env && !helps && emulation_enter(emulation_find(env), &error) != 0) {
        error_print(&error);
        return (int)error.status;
    }
    int status = command->run(argc, argv);
    if (!helps || status != STATUS_AS_EXPECTED)
        return status;
    print_emulations();
    return stdout_settle(status);
}

static void print_help(FILE *out)
{
    fprintf(
        out,
        "Usage: shmoo COMMAND [ARGUMENT ...]\n\n"
        "Stress tests and diagnoses POSIX shared memory: forks writers and readers over real /dev/shm regions, runs them\n"
        "through a synchronisation primitive, and proves that the data stayed whole or shows how they broke.\n\n");
    for (int i = 0; commands[i]; i++)
        fprintf(out, "  shmoo %-30s %s\n", commands[i]->usage, commands[i]->summary);
    fprintf(out,
            "\n  shmoo COMMAND --help             the command's options\n"
            "  shmoo --version\n"
            "\nrun, check, doctor and ls take --env NAME: a machine with a sick /dev/shm, emulated; see their --help.\n");
}

static int unknown(const char *name)
{
    const char *names[16];
    struct error error;
    int n = 0;
    for (; commands[n] && n < 15; n++)
        names[n] = commands[n]->name;
    names[n] = NULL;
    if (name[0] == '-')
        error_set(&error, STATUS_USAGE, 0, "\"%s\": an option stands behind its command, as in shmoo run --help; shmoo --help lists "
                  "the commands", name);
    else
        suggest_fail(&error, "command", name, names);
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
    interrupt_forget_inherited();
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of a call, not a death that leaves things behind */
    contents_verify();
    command_line_keep(argc, argv);
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    static char help[] = "--help";
    if (strcmp(argv[1], "help") == 0 && argc > 2) { /* shmoo help COMMAND */
        argv[1] = argv[2];
        argv[2] = help;
        argc = 3;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return stdout_settle(STATUS_AS_EXPECTED);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "version") == 0) {
        printf("shmoo %s\n", SHMOO_VERSION);
        return stdout_settle(STATUS_AS_EXPECTED);
    }
    for (int i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, argv[1]) == 0)
            return run_command(commands[i], argc - 1, argv + 1);
    return unknown(argv[1]);
}
