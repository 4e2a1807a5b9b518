/* Priority, by nice values: no real-time class, whose throttling would show in the figures. */
#include "run/priority.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>

#define RAISED (-15)

static int original;
static bool raised;

void priority_raise(void)
{
    errno = 0;
    original = getpriority(PRIO_PROCESS, 0);
    if (errno == 0 && original > RAISED)
        raised = setpriority(PRIO_PROCESS, 0, RAISED) == 0;
}

void priority_restore(void)
{
    if (raised)
        setpriority(PRIO_PROCESS, 0, original);
}
