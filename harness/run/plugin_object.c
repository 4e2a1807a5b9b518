/* A plugin's shared object: loading it, and what must be true of it and of its rows. */
#include "run/plugin_object.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SYMBOL "shmoo_plugin"
/* More than any state has; keeps the sums of a layout from running over. */
#define STATE_MAX ((size_t)1 << 46)

__attribute__((format(printf, 3, 4))) static enum plugin_wrong defective(char *why, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, size, format, args);
    va_end(args);
    return PLUGIN_DEFECTIVE;
}

/* Only what stands at the same place in every version may be looked at before the version is known. */
static enum plugin_wrong check_object(const struct shmoo_plugin *object, char *why, size_t size)
{
    if (object->magic != SHMOO_PLUGIN_MAGIC)
        return defective(why, size, "its symbol " SYMBOL " is not what SHMOO_PLUGIN() of <shmoo/plugin.h> makes (the mark is 0x%llx)",
                         (unsigned long long)object->magic);
    if (object->version != SHMOO_PLUGIN_VERSION)
        return defective(why, size, "it was built for version %u of the plugin interface, and this shmoo has version %d: build it again "
                         "with this one's <shmoo/plugin.h>", object->version, SHMOO_PLUGIN_VERSION);
    if (object->plugin_bytes != sizeof *object || object->row_bytes != sizeof(struct sync_ops) ||
        object->setup_bytes != sizeof(struct sync_setup) || object->self_bytes != sizeof(struct sync_self))
        return defective(why, size, "its rows have %u bytes where this shmoo's have %zu: build it again with this one's "
                         "<shmoo/plugin.h>, and without options that change the layout of structures", object->row_bytes,
                         sizeof(struct sync_ops));
    if (object->count == 0 || object->count > SHMOO_PLUGIN_ROWS_MAX || !object->rows)
        return defective(why, size, "it says that it has %u rows; 1 to %d are possible", object->count, SHMOO_PLUGIN_ROWS_MAX);
    return PLUGIN_RIGHT;
}

enum plugin_wrong plugin_object_open(const char *path, const struct shmoo_plugin **object, char *why, size_t size)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        snprintf(why, size, "the dynamic linker does not load it: %s; it takes a shared object, made with cc -shared -fPIC", dlerror());
        return PLUGIN_UNLOADABLE;
    }
    *object = dlsym(handle, SYMBOL);
    if (!*object)
        return defective(why, size, "it has no symbol " SYMBOL ": its file must end with SHMOO_PLUGIN(&row, ...) of <shmoo/plugin.h>");
    return check_object(*object, why, size);
}

/* The first mandatory slot that is empty; NULL: none. */
static const char *missing(const struct sync_ops *row)
{
    switch (row->family) {
    case SYNC_LOCK:
        return !row->lock.acquire                                 ? "lock.acquire"
               : !row->lock.release                               ? "lock.release"
               : !row->lock.acquire_shared && row->lock.release_shared ? "lock.acquire_shared"
               : row->lock.acquire_shared && !row->lock.release_shared ? "lock.release_shared"
                                                                  : NULL;
    case SYNC_CELL:
        return !row->cell.write ? "cell.write" : !row->cell.read ? "cell.read" : NULL;
    case SYNC_QUEUE:
        return !row->queue.push ? "queue.push" : !row->queue.pop ? "queue.pop" : NULL;
    case SYNC_COUNTER:
        return !row->counter.add ? "counter.add" : NULL;
    case SYNC_POOL:
        return !row->pool.take ? "pool.take" : !row->pool.give ? "pool.give" : NULL;
    case SYNC_BARRIER:
        return !row->barrier.arrive ? "barrier.arrive" : NULL;
    case SYNC_FAMILIES:
        break;
    }
    return NULL;
}

/* A name is typed in lists, stands in records, and must not look like an option or a pattern. */
static bool good_name(const char *name)
{
    size_t length = strnlen(name, PLUGIN_NAME_MAX);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && (i == 0 || !strchr("-_.+", name[i])))
            return false;
    return length > 0 && length < PLUGIN_NAME_MAX;
}

enum plugin_wrong plugin_object_row(const struct shmoo_plugin *object, uint32_t i, struct sync_ops *row, char *why, size_t size)
{
    if (!object->rows[i])
        return defective(why, size, "row %u is a null pointer", i);
    memcpy(row, object->rows[i], sizeof *row);
    if (!row->name || !good_name(row->name))
        return defective(why, size, "row %u has no good name: letters, digits and - _ . + after the first, %d at the most", i,
                         PLUGIN_NAME_MAX - 1);
    if (!row->summary || strnlen(row->summary, PLUGIN_SUMMARY_MAX) == PLUGIN_SUMMARY_MAX || strchr(row->summary, '\n'))
        return defective(why, size, "row %s has no summary of one line, shorter than %d characters", row->name, PLUGIN_SUMMARY_MAX);
    if ((unsigned)row->family >= SYNC_FAMILIES)
        return defective(why, size, "row %s is of family %u, which does not exist", row->name, (unsigned)row->family);
    if (missing(row))
        return defective(why, size, "row %s of family %s lacks %s", row->name, sync_family_name(row->family), missing(row));
    if (row->traits & ~SYNC_TRAITS_ALL)
        return defective(why, size, "row %s has traits 0x%x, which are none that this shmoo knows", row->name,
                         row->traits & ~SYNC_TRAITS_ALL);
    if ((unsigned)row->expect > VERDICT_CRASHED)
        return defective(why, size, "row %s expects verdict %u: VERDICT_CLEAN, _CORRUPT, _WEDGED and _CRASHED are possible", row->name,
                         (unsigned)row->expect);
    if (row->state_bytes > STATE_MAX)
        return defective(why, size, "row %s wants %zu bytes of state, more than any region can have", row->name, row->state_bytes);
    return PLUGIN_RIGHT;
}
