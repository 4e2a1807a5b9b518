/* The option --plugin: loading what it names, and what follows for the list of syncs. */
#include "cmd/plugin_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/plugin.h"

static const char *base_folder;

void plugin_option_folder(const char *folder)
{
    base_folder = folder;
}

int plugin_option_valid(const char *text, struct error *error)
{
    const struct plugin *plugin;
    return plugin_load(text, base_folder, &plugin, error);
}

int plugin_option_settle(struct option_list *plugins, struct error *error)
{
    for (size_t i = 0; i < plugins->count; i++) {
        const struct plugin *plugin;
        char *path;
        if (plugin_load(plugins->values[i].text, base_folder, &plugin, error))
            return -1;
        path = strdup(plugin->path);
        if (!path)
            return error_set(error, STATUS_ENVIRONMENT, 0, "out of memory");
        free(plugins->values[i].text);
        plugins->values[i].text = path;
    }
    return 0;
}

int plugin_option_rows(const struct option_list *plugins, const struct option_row *row, struct option_list *syncs,
                       struct error *error)
{
    struct option_row gathering = *row;
    gathering.flags |= OPTION_GATHER;
    for (size_t i = 0; i < plugins->count; i++) {
        const struct plugin *plugin;
        if (plugin_load(plugins->values[i].text, NULL, &plugin, error))
            return -1;
        for (size_t k = 0; k < plugin->count; k++)
            if (option_assign(&gathering, syncs, plugin->rows[k].name, "--plugin", OPTION_FROM_FILE, error))
                return -1;
    }
    return 0;
}
