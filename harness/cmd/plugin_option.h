/* The option --plugin: files that bring rows, as they are named on a command line or in a job file. */
#ifndef CMD_PLUGIN_OPTION_H
#define CMD_PLUGIN_OPTION_H

#include "base/error.h"
#include "base/option.h"

/* Where relative names are looked up from now on; NULL: in the working folder. */
void plugin_option_folder(const char *folder);

/* Loads the plugin of that name: the row's valid(). */
int plugin_option_valid(const char *text, struct error *error);

/* Puts the absolute paths in the place of the names. */
int plugin_option_settle(struct option_list *plugins, struct error *error);

/* Adds all rows of these plugins to a list of syncs. */
int plugin_option_rows(const struct option_list *plugins, const struct option_row *row, struct option_list *syncs,
                       struct error *error);

#endif
