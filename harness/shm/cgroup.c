/* Control groups: /proc/PID/cgroup, the mounts at their usual places, and the small files in them. */
#define _GNU_SOURCE
#include "shm/cgroup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct upward {
    bool (*visit)(const char *folder, enum cgroup_version version, void *user);
    void *user;
    bool over;
};

static void climb(struct upward *up, const char *mount, const char *group, enum cgroup_version version)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s%s", mount, strcmp(group, "/") == 0 ? "" : group);
    while (!up->over && strlen(folder) > strlen(mount)) {
        up->over = !up->visit(folder, version, up->user);
        *strrchr(folder, '/') = '\0';
    }
    if (!up->over)
        up->over = !up->visit(mount, version, up->user);
}

/* Is the word in a list with commas? */
static bool listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
        if ((at == list || at[-1] == ',') && (at[length] == '\0' || at[length] == ','))
            return true;
    return false;
}

void cgroup_upward(pid_t pid, const char *controller,
                   bool (*visit)(const char *folder, enum cgroup_version version, void *user), void *user)
{
    struct upward up = {.visit = visit, .user = user};
    char path[64], mount[64], *line = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, pid ? "/proc/%d/cgroup" : "/proc/self/cgroup", (int)pid);
    snprintf(mount, sizeof mount, "/sys/fs/cgroup/%.32s", controller);
    FILE *file = fopen(path, "re");
    while (file && !up.over && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        controllers++;
        if (listed(controllers, controller)) {
            climb(&up, mount, group, CGROUP_V1);
        } else if (*controllers == '\0') {
            climb(&up, "/sys/fs/cgroup", group, CGROUP_V2);
            climb(&up, "/sys/fs/cgroup/unified", group, CGROUP_V2);
        }
    }
    free(line);
    if (file)
        fclose(file);
}

static FILE *open_file(const char *folder, const char *name)
{
    char path[640];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "re");
}

bool cgroup_number(const char *folder, const char *name, uint64_t *value)
{
    char text[64] = "";
    FILE *file = open_file(folder, name);
    if (!file)
        return false;
    bool got = fgets(text, sizeof text, file) != NULL;
    fclose(file);
    if (got)
        *value = strncmp(text, "max", 3) == 0 ? UINT64_MAX : strtoull(text, NULL, 10);
    return got;
}

bool cgroup_keyed(const char *folder, const char *name, const char *key, uint64_t *value)
{
    char word[64];
    uint64_t number;
    bool found = false;
    FILE *file = open_file(folder, name);
    while (file && !found && fscanf(file, "%63s %" SCNu64, word, &number) == 2)
        found = strcmp(word, key) == 0;
    if (found)
        *value = number;
    if (file)
        fclose(file);
    return found;
}
