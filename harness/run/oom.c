/* The OOM killer: the counter of the process's own memory cgroup, now and at the start. */
#include "run/oom.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "shm/capacity.h"

static struct memory_group before;
static bool begun;

void oom_begin(void)
{
    before = memory_group_of(0);
    begun = before.folder[0] != '\0';
}

uint64_t oom_explain(char *text, size_t size)
{
    struct memory_group now = memory_group_of(0);
    char shmem[UNITS_TEXT];
    text[0] = '\0';
    if (!begun || strcmp(now.folder, before.folder) != 0 || now.oom_kills <= before.oom_kills)
        return 0;
    uint64_t count = now.oom_kills - before.oom_kills;
    snprintf(text, size,
             "the OOM killer has struck %" PRIu64
             " time%s in the memory cgroup since the run began, which is at its limit (%.200s; "
             "%s of shared memory are charged to it)",
             count, count == 1 ? "" : "s", now.folder, units_print(&units_size, (double)now.shmem_bytes, shmem));
    return count;
}
