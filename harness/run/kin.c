/* Processes beside the workers: counting them, from what was adopted and from /proc. */
#include "run/kin.h"

#include <stdio.h>

#include "run/process.h"
#include "run/stray.h"

#define HELPERS_MAX 256

static void add(struct kin *kin, pid_t pid)
{
    struct process_look p = process_look(pid);
    if (p.state == 0 || p.state == 'Z')
        return;
    kin->seen++;
    kin->running += p.state != 'S' || (p.threads > 1 && process_any_runs(pid));
    kin->cpu_ns += process_cpu_ns(pid);
}

/* Without CONFIG_PROC_CHILDREN there is no such file, and none are seen. */
static void add_children(struct kin *kin, pid_t pid)
{
    char path[64];
    int child;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fscanf(file, "%d", &child) == 1)
        add(kin, child);
    if (file)
        fclose(file);
}

struct kin kin_look(const struct crew *crew)
{
    struct kin kin = {0};
    pid_t helpers[HELPERS_MAX];
    uint32_t count = stray_helpers(helpers, HELPERS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        add(&kin, helpers[i]);
        add_children(&kin, helpers[i]);
    }
    for (uint32_t i = 0; i < crew->count; i++)
        if (crew->members[i].exit == EXIT_NOT_YET)
            add_children(&kin, crew->members[i].pid);
    return kin;
}
