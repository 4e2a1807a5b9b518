/* The subcommands: one row each, one file each. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include <stdio.h>

struct command {
    const char *name;
    const char *usage;   /* after "shmoo " */
    const char *summary; /* one line */
    /* argv[0] is the command's name. Returns the exit status. */
    int (*run)(int argc, char **argv);
};

extern const struct command command_run, command_check, command_list, command_report, command_compare, command_merge, command_ls, command_gc,
    command_doctor;

/* NULL-ended, in the order of the help text. */
extern const struct command *const commands[];

/* The whole command line, for the record of what ran. */
void command_line_keep(int argc, char **argv);
char **command_line(int *argc);

/* Flushes standard output; a failure is told, and turns `status` into STATUS_ENVIRONMENT. */
int stdout_settle(int status);

#endif
