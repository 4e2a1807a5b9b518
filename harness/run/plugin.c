/* Plugins: what the harness knows of them, and how a process comes to call them. */
#define _GNU_SOURCE
#include "run/plugin.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run/isolate.h"
#include "run/plugin_object.h"
#include "run/stray.h"

#define PLUGINS_MAX 64

static struct plugin plugins[PLUGINS_MAX];
static size_t plugin_count;

/* What a child reads of a plugin for the harness. */
struct reading {
    const char *path;
    uint32_t count;
    char why[600];
    struct {
        struct sync_ops row;
        char name[PLUGIN_NAME_MAX], summary[PLUGIN_SUMMARY_MAX];
    } rows[SHMOO_PLUGIN_ROWS_MAX];
};

static int64_t read_object(void *user)
{
    struct reading *reading = user;
    const struct shmoo_plugin *object;
    isolate_doing("loading it: a constructor's work");
    int64_t wrong = plugin_object_open(reading->path, &object, reading->why, sizeof reading->why);
    isolate_doing("reading its table of rows");
    for (uint32_t i = 0; !wrong && i < object->count; i++) {
        struct sync_ops *row = &reading->rows[i].row;
        wrong = plugin_object_row(object, i, row, reading->why, sizeof reading->why);
        if (wrong)
            break;
        snprintf(reading->rows[i].name, PLUGIN_NAME_MAX, "%s", row->name);
        snprintf(reading->rows[i].summary, PLUGIN_SUMMARY_MAX, "%s", row->summary);
        reading->count = i + 1;
    }
    return wrong;
}

/* Stands where a row has a function: it is there, and not to be called here. */
static void elsewhere(void)
{
    abort();
}

#define MARK(slot) ((slot) = (slot) ? (__typeof__(slot))(uintptr_t)elsewhere : NULL)

static void mark_functions(struct sync_ops *row)
{
    MARK(row->state_size);
    MARK(row->create);
    MARK(row->attach);
    MARK(row->detach);
    MARK(row->destroy);
    MARK(row->here);
    MARK(row->describe);
    switch (row->family) {
    case SYNC_LOCK:
        MARK(row->lock.acquire);
        MARK(row->lock.release);
        MARK(row->lock.acquire_shared);
        MARK(row->lock.release_shared);
        MARK(row->lock.try_acquire);
        MARK(row->lock.recover);
        break;
    case SYNC_CELL:
        MARK(row->cell.write);
        MARK(row->cell.read);
        break;
    case SYNC_QUEUE:
        MARK(row->queue.push);
        MARK(row->queue.pop);
        break;
    case SYNC_COUNTER:
        MARK(row->counter.add);
        break;
    case SYNC_POOL:
        MARK(row->pool.take);
        MARK(row->pool.give);
        break;
    case SYNC_BARRIER:
    case SYNC_FAMILIES:
        MARK(row->barrier.arrive);
        break;
    }
}

static int out_of_memory(struct error *error)
{
    return error_set(error, STATUS_ENVIRONMENT, ENOMEM, "out of memory for a plugin");
}

static int add_row(struct plugin *plugin, const struct sync_ops *data, const char *name, const char *summary, struct error *error)
{
    const struct sync_ops *other = contents_sync(name);
    struct sync_ops *row = &plugin->rows[plugin->count];
    if (other)
        return error_set(error, STATUS_USAGE, 0, "plugin %s: there is a sync %s already, %s%s: give the row another name",
                         plugin->path, name, other->origin ? "of " : "built in", other->origin ? other->origin : "");
    *row = *data;
    row->name = strdup(name);
    row->summary = strdup(summary);
    row->origin = plugin->path;
    mark_functions(row);
    if (!row->name || !row->summary || contents_add_sync(row))
        return out_of_memory(error);
    plugin->count++;
    return 0;
}

/* The row that stands for those of a plugin which did not survive its loading. It loads again in every trial, in create(). */
static int add_stand_in(struct plugin *plugin, struct error *error)
{
    struct sync_ops row = {.family = SYNC_LOCK, .create = (int (*)(void *, const struct sync_setup *))(uintptr_t)elsewhere};
    char name[PLUGIN_NAME_MAX];
    const char *base = strrchr(plugin->path, '/') + 1;
    size_t used = 0;
    for (; base[used] && base[used] != '.' && used + 1 < sizeof name; used++)
        name[used] = strchr(",!*?[] \t", base[used]) ? '_' : base[used];
    name[used] = '\0';
    row.lock.acquire = row.lock.release = (int (*)(struct sync_self *))(uintptr_t)elsewhere;
    return add_row(plugin, &row, used ? name : "plugin", "a plugin that could not name its rows", error);
}

static int add_rows(struct plugin *plugin, const struct reading *reading, struct error *error)
{
    uint32_t count = reading->count < SHMOO_PLUGIN_ROWS_MAX ? reading->count : SHMOO_PLUGIN_ROWS_MAX;
    plugin->rows = calloc(count + 1, sizeof *plugin->rows);
    if (!plugin->rows)
        return out_of_memory(error);
    if (plugin->unreadable)
        return add_stand_in(plugin, error);
    for (uint32_t i = 0; i < count; i++) {
        char name[PLUGIN_NAME_MAX], summary[PLUGIN_SUMMARY_MAX];
        snprintf(name, sizeof name, "%.*s", PLUGIN_NAME_MAX - 1, reading->rows[i].name);
        snprintf(summary, sizeof summary, "%.*s", PLUGIN_SUMMARY_MAX - 1, reading->rows[i].summary);
        if (add_row(plugin, &reading->rows[i].row, name, summary, error))
            return -1;
    }
    return 0;
}

/* The child's answer, as far as a child's that ran foreign code can be believed. */
static int take_reading(struct plugin *plugin, const struct isolate_outcome *outcome, struct reading *reading, struct error *error)
{
    reading->why[sizeof reading->why - 1] = '\0';
    if (outcome->end == ISOLATE_UNSTARTED)
        return error_set(error, STATUS_ENVIRONMENT, outcome->errnum, "plugin %s: a process to load it in %s", plugin->path, outcome->text);
    if (outcome->end != ISOLATE_RETURNED) {
        plugin->unreadable = true;
        snprintf(plugin->ending, sizeof plugin->ending, "%s", outcome->text);
        notice("plugin %s %s; a trial of it tells no more", plugin->path, outcome->text);
    } else if (outcome->value != PLUGIN_RIGHT) {
        return error_set(error, outcome->value == PLUGIN_UNLOADABLE ? STATUS_ENVIRONMENT : STATUS_USAGE, 0, "plugin %s: %s",
                         plugin->path, reading->why);
    }
    return add_rows(plugin, reading, error);
}

static int read_plugin(struct plugin *plugin, struct error *error)
{
    struct reading *reading = mmap(NULL, sizeof *reading, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reading == MAP_FAILED)
        return out_of_memory(error);
    reading->path = plugin->path;
    stray_begin();
    struct isolate_outcome outcome = isolate_call(read_object, reading, ISOLATE_PATIENCE_NS);
    stray_end();
    struct reading *copy = malloc(sizeof *copy); /* nobody can change this one any more */
    int rc = copy ? 0 : out_of_memory(error);
    if (copy) {
        memcpy(copy, reading, sizeof *copy);
        rc = take_reading(plugin, &outcome, copy, error);
    }
    free(copy);
    munmap(reading, sizeof *reading);
    return rc;
}

/* The absolute path; NULL with the error. */
static char *find_file(const char *file, const char *folder, struct error *error)
{
    char joined[PATH_MAX];
    bool join = folder && file[0] != '/';
    snprintf(joined, sizeof joined, join ? "%2$s/%1$s" : "%1$s", file, folder);
    char *path = realpath(joined, NULL);
    if (!path)
        error_set(error, errno == ENOENT ? STATUS_USAGE : STATUS_ENVIRONMENT, errno, "plugin %s: %s; give the path of a shared object",
                  joined, error_name(errno));
    else if (strchr(path, ',')) {
        error_set(error, STATUS_USAGE, 0, "plugin %s: there is a comma in its path, which lists are cut at; move it", path);
        free(path);
        path = NULL;
    }
    return path;
}

int plugin_load(const char *file, const char *folder, const struct plugin **plugin, struct error *error)
{
    char *path = find_file(file, folder, error);
    if (!path)
        return -1;
    for (size_t i = 0; i < plugin_count; i++) {
        if (strcmp(plugins[i].path, path) != 0)
            continue;
        free(path);
        *plugin = &plugins[i];
        return 0;
    }
    if (plugin_count == PLUGINS_MAX) {
        free(path);
        return error_set(error, STATUS_USAGE, 0, "more than %d plugins", PLUGINS_MAX);
    }
    struct plugin *fresh = &plugins[plugin_count];
    *fresh = (struct plugin){.path = path};
    if (read_plugin(fresh, error)) {
        if (fresh->count == 0) { /* else its rows are among the contents already */
            free(fresh->rows);
            free(path);
        }
        return -1;
    }
    plugin_count++;
    *plugin = fresh;
    return 0;
}

const struct plugin *plugin_unreadable(void)
{
    for (size_t i = 0; i < plugin_count; i++)
        if (plugins[i].unreadable)
            return &plugins[i];
    return NULL;
}

static const struct plugin *owner_of(const struct sync_ops *row)
{
    for (size_t i = 0; row->origin && i < plugin_count; i++)
        if (row >= plugins[i].rows && row < plugins[i].rows + plugins[i].count)
            return &plugins[i];
    return NULL;
}

const struct sync_ops *plugin_bind(const struct sync_ops *row, char *why, size_t size)
{
    static const struct sync_ops *bound_to;
    static struct sync_ops bound;
    const struct plugin *plugin = owner_of(row);
    const struct shmoo_plugin *object;
    if (!plugin)
        return row;
    if (bound_to == row)
        return &bound;
    uint32_t i = (uint32_t)(row - plugin->rows);
    if (plugin_object_open(plugin->path, &object, why, size) != PLUGIN_RIGHT)
        return NULL;
    if (plugin->unreadable || i >= object->count) {
        snprintf(why, size, "it is not what it was when the run began");
        return NULL;
    }
    if (plugin_object_row(object, i, &bound, why, size) != PLUGIN_RIGHT)
        return NULL;
    if (strcmp(bound.name, row->name) != 0) {
        snprintf(why, size, "its row %u is %s, and was %s when the run began", i, bound.name, row->name);
        return NULL;
    }
    bound.name = row->name;
    bound.summary = row->summary;
    bound.origin = row->origin;
    bound_to = row;
    return &bound;
}

const struct sync_ops *plugin_bind_or_end(const struct sync_ops *row)
{
    char why[250];
    isolate_doing("loading the plugin %.200s", row->origin ? row->origin : "");
    const struct sync_ops *bound = plugin_bind(row, why, sizeof why);
    isolate_doing(bound ? "%s" : "the plugin cannot be loaded: %s", bound ? "" : why);
    if (!bound)
        _exit(1);
    return bound;
}
