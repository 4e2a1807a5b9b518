/* The diagnosis: the facts that rows share, and the rows one after the other. */
#define _GNU_SOURCE
#include "run/diagnose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/emulate.h"
#include "run/runtime.h"
#include "shm/region.h"

/* Of the two seconds that all has, so much is for objects and holders. */
#define LOOK_NS (1200 * NS_PER_MS)
/* Young objects may be on their way from one process to the next. */
#define LEFT_BEHIND_S 3600

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

void diagnosis_begin(struct diagnosis *d, bool objects)
{
    memset(d, 0, sizeof *d);
    d->left_s = LEFT_BEHIND_S;
    d->runtime = runtime_detect("", d->unit, &d->unit_of_user);
    const struct emulation *emulation = emulation_current();
    if (emulation && emulation->runtime >= 0)
        d->runtime = (enum runtime)emulation->runtime;
    d->shm_there = stat(REGION_FOLDER, &d->folder) == 0 && capacity_read(REGION_FOLDER, &d->shm, NULL) == 0;
    d->memory = memory_limit_read();
    if (!d->shm_there)
        return;
    read_options(d->options, sizeof d->options);
    if (objects && objects_read(&d->objects, clock_ns() + LOOK_NS, NULL) == 0)
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
