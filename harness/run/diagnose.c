/* The diagnosis: the runtime, the facts that rows share, and the rows one after the other. */
#define _GNU_SOURCE
#include "run/diagnose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/emulate.h"
#include "shm/region.h"

/* Of the two seconds that all has, so much is for objects and holders. */
#define LOOK_NS (1200 * NS_PER_MS)
/* Young objects may be on their way from one process to the next. */
#define LEFT_BEHIND_S 3600

/* The service of the last path in /proc/self/cgroup: ".../NAME.service"; user@1000.service holds a session, no service. */
static bool service_of(const char *path, char *unit, size_t size)
{
    const char *last = strrchr(path, '/');
    if (!last)
        return false;
    last++;
    size_t length = strlen(last);
    if (length < 9 || strcmp(last + length - 8, ".service") != 0 || strncmp(last, "user@", 5) == 0)
        return false;
    snprintf(unit, size, "%s", last);
    return true;
}

/* What the paths of the cgroups tell; RUNTIME_HOST where they tell nothing. */
static enum runtime runtime_of_cgroup(char *unit, size_t size)
{
    static const struct {
        const char *part;
        enum runtime runtime;
    } marks[] = {
        {"kubepods", RUNTIME_KUBERNETES},
        {"/docker", RUNTIME_DOCKER},
        {"libpod", RUNTIME_PODMAN},
        {"cri-containerd", RUNTIME_KUBERNETES},
    };
    char line[512];
    bool service = false;
    enum runtime found = RUNTIME_HOST;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < sizeof marks / sizeof marks[0] && found == RUNTIME_HOST; i++)
            if (strstr(line, marks[i].part))
                found = marks[i].runtime;
        service = service || service_of(line, unit, size);
    }
    if (file)
        fclose(file);
    return found == RUNTIME_HOST && service ? RUNTIME_SYSTEMD : found;
}

enum runtime runtime_detect(char *unit, size_t size)
{
    const struct emulation *emulation = emulation_current();
    unit[0] = '\0';
    if (emulation && emulation->runtime >= 0)
        return (enum runtime)emulation->runtime;
    if (getenv("KUBERNETES_SERVICE_HOST") || access("/var/run/secrets/kubernetes.io", F_OK) == 0)
        return RUNTIME_KUBERNETES;
    if (access("/run/.containerenv", F_OK) == 0)
        return RUNTIME_PODMAN;
    if (access("/.dockerenv", F_OK) == 0)
        return RUNTIME_DOCKER;
    return runtime_of_cgroup(unit, size);
}

/* The options of the last mount on /dev/shm, the file system's own and those of the mount. */
static void read_options(char *text, size_t size)
{
    char *line = NULL;
    size_t room = 0;
    text[0] = '\0';
    FILE *file = fopen("/proc/self/mountinfo", "re");
    while (file && getline(&line, &room, file) > 0) {
        char place[512], mount[128], own[256];
        int at = 0;
        if (sscanf(line, "%*d %*d %*s %*s %511s %127s%n", place, mount, &at) != 2 || strcmp(place, REGION_FOLDER) != 0)
            continue;
        const char *rest = strstr(line + at, " - ");
        if (rest && sscanf(rest, " - %*s %*s %255s", own) == 1)
            snprintf(text, size, "%s,%s", mount, own);
    }
    free(line);
    if (file)
        fclose(file);
}

void diagnosis_begin(struct diagnosis *d)
{
    memset(d, 0, sizeof *d);
    d->left_s = LEFT_BEHIND_S;
    d->runtime = runtime_detect(d->unit, sizeof d->unit);
    d->shm_there = stat(REGION_FOLDER, &d->folder) == 0 && capacity_read(REGION_FOLDER, &d->shm, NULL) == 0;
    d->memory = memory_limit_read();
    if (!d->shm_there)
        return;
    read_options(d->options, sizeof d->options);
    if (objects_read(&d->objects, clock_ns() + LOOK_NS, NULL) == 0)
        objects_sort(&d->objects);
}

void diagnosis_run(struct diagnosis *d, const struct finding_ops *const *families, enum subject subject)
{
    for (; *families; families++)
        for (const struct finding_ops *row = *families; row->id; row++) {
            if (row->subject != subject || (row->needs_shm && !d->shm_there))
                continue;
            d->row = row;
            row->look(d);
        }
    d->row = NULL;
}

int diagnosis_worst(const struct diagnosis *d)
{
    int worst = -1;
    for (unsigned i = 0; i < d->found_count; i++)
        if ((int)d->found[i].severity > worst)
            worst = (int)d->found[i].severity;
    return worst;
}

void diagnosis_free(struct diagnosis *d)
{
    objects_free(&d->objects);
}
