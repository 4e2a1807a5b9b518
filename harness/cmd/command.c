/* The subcommands: the table. */
#include "cmd/command.h"

#include <stddef.h>

const struct command *const commands[] = {
    &command_run, &command_check, &command_doctor, &command_ls, &command_gc, &command_list, &command_report, &command_compare,
    &command_merge, NULL,
};
