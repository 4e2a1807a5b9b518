/* A plugin's shared object, in the process that loads it. */
#ifndef RUN_PLUGIN_OBJECT_H
#define RUN_PLUGIN_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "contract/sync.h"

#define PLUGIN_NAME_MAX 48
#define PLUGIN_SUMMARY_MAX 200

/* What is wrong with an object. */
enum plugin_wrong {
    PLUGIN_RIGHT,
    PLUGIN_UNLOADABLE, /* the dynamic linker refuses it */
    PLUGIN_DEFECTIVE,  /* it is no plugin, of another version, or one of its rows cannot be run */
};

/* Loads the object, which runs its constructors, and looks at what it says of itself. *why has `size` bytes. */
enum plugin_wrong plugin_object_open(const char *path, const struct shmoo_plugin **object, char *why, size_t size);

/* Copies row `i`, checked. */
enum plugin_wrong plugin_object_row(const struct shmoo_plugin *object, uint32_t i, struct sync_ops *row, char *why, size_t size);

#endif
