/* A fuzz target of plugins: paths that anybody may type, rows that anybody may write, and files that are none.
 *
 * The first byte chooses. What is refused has words; a row that is taken can be run.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/plugin.h"
#include "run/plugin_object.h"

enum { TEXT_MAX = 600, LOADS_EVERY = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define expect(condition)                                                                                             \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            fprintf(stderr, "plugin_fuzz: line %d: not so: %s\n", __LINE__, #condition);                              \
            abort();                                                                                                  \
        }                                                                                                             \
    } while (0)

/* One input in so many, always the same ones: a process each costs a thousand times what the rest does. */
static bool chosen(const uint8_t *data, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 16777619u;
    return hash % LOADS_EVERY == 0;
}

static void fuzz_path(const uint8_t *data, size_t size)
{
    char *path = strndup((const char *)data, size);
    const struct plugin *plugin;
    struct error error = {0};
    if (access(path, F_OK) != 0 || chosen(data, size)) {
        int rc = plugin_load(path, size % 2 ? "/tmp" : NULL, &plugin, &error);
        expect(rc == 0 || (rc == -1 && error.text[0] && error.status != STATUS_AS_EXPECTED));
    }
    free(path);
}

/* The bytes as a row, with texts behind it where it points. */
static void fuzz_row(const uint8_t *data, size_t size)
{
    struct sync_ops made = {.name = NULL}, row;
    const struct sync_ops *rows[1] = {&made};
    struct shmoo_plugin object = {.count = 1, .rows = rows};
    char why[TEXT_MAX] = "", *name, *summary;
    size_t head = size < sizeof made ? size : sizeof made;
    memcpy(&made, data, head);
    name = strndup((const char *)data + head, size - head);
    summary = strdup(strlen(name) > 1 ? name + strlen(name) / 2 : "");
    made.name = made.name ? name : NULL;
    made.summary = made.summary ? summary : NULL;
    made.expect_alone = *(const unsigned char *)&made.expect_alone & 1;
    enum plugin_wrong wrong = plugin_object_row(&object, 0, &row, why, sizeof why);
    expect(wrong == PLUGIN_RIGHT || (wrong == PLUGIN_DEFECTIVE && why[0] && strlen(why) < sizeof why));
    if (wrong == PLUGIN_RIGHT)
        expect(row.name[0] && row.name[0] != '-' && !strchr(row.name, ',') && (unsigned)row.family < SYNC_FAMILIES);
    free(name);
    free(summary);
}

static void fuzz_file(const uint8_t *data, size_t size)
{
    char path[] = "/tmp/shmoo-fuzz-XXXXXX";
    const struct plugin *plugin;
    struct error error = {0};
    int fd = mkstemp(path);
    expect(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    int rc = plugin_load(path, NULL, &plugin, &error);
    expect(rc == -1 && error.text[0]); /* nothing so small is a shared object */
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    switch (data[0] % 8) {
    case 0:
        if (chosen(data, size))
            fuzz_file(data + 1, size - 1);
        break;
    case 1:
    case 2:
    case 3:
        fuzz_path(data + 1, size - 1);
        break;
    default:
        fuzz_row(data + 1, size - 1);
    }
    return 0;
}
