/* Plugins: rows from shared objects, through contract/plugin.h.
 *
 *     plugin_load("mine.so", NULL, &plugin, &error)     its rows are among the contents from now on
 *     plugin_bind(row)                                  in a process that is about to call them
 *
 * The harness never loads a plugin. A child does, reads its rows, and ends; what the harness keeps of a row is its data, with
 * functions that nobody may call. Whoever calls them (creator, worker, auditor) loads the plugin for itself, as a program would
 * that is linked with it. So whatever a plugin does happens to the process that does it.
 *
 * One that does not even survive its loading is judged like the others: it has a single row, by the name of its file, which every
 * trial finds to crash or to hang.
 */
#ifndef RUN_PLUGIN_H
#define RUN_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "contract/contents.h"

struct plugin {
    char *path; /* absolute */
    struct sync_ops *rows;
    size_t count;
    bool unreadable; /* it crashed or hung when it was loaded: the only row stands for those that nobody knows */
    char ending[400]; /* how */
};

/* Loads the file (a relative name is looked up in `folder`, or in the working folder if that is NULL), once; a second time finds
 * the first one. A plugin that crashes or hangs is loaded all the same. */
int plugin_load(const char *file, const char *folder, const struct plugin **plugin, struct error *error);

/* The first plugin that is unreadable, or NULL: a row that nobody knows may be one of its. */
const struct plugin *plugin_unreadable(void);

/* The row with functions that this process can call: `row` itself, unless it is a plugin's. NULL: it cannot be loaded (any more),
 * and *why says so, in `size` bytes. To be called by children only. */
const struct sync_ops *plugin_bind(const struct sync_ops *row, char *why, size_t size);

/* The same in an isolated call; where it cannot be loaded, the end of the child, which tells why. */
const struct sync_ops *plugin_bind_or_end(const struct sync_ops *row);

#endif
