/* priority: workers of different weight to the scheduler. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <sys/resource.h>

#include "contract/worker.h"
#include "workloads/fault/rows.h"

#define LOWEST 19

static int policy(int class)
{
    struct sched_param zero = {0};
    return sched_setscheduler(0, class, &zero) == 0 ? 0 : errno;
}

/* Of four workers one stays as it is, one goes half the way down, two the whole way, of which one without preempting others.
 * Going down is permitted to everybody. Who is at the bottom already goes to the class below it. */
static int priority_begin(struct worker *w, double steps)
{
    uint32_t level = w->index % 4;
    if (level == 0)
        return 0;
    errno = 0;
    int now = getpriority(PRIO_PROCESS, 0);
    if (errno)
        return errno;
    if (now >= LOWEST)
        return policy(SCHED_IDLE);
    int goal = now + (level == 1 ? ((int)steps + 1) / 2 : (int)steps);
    if (setpriority(PRIO_PROCESS, 0, goal < LOWEST ? goal : LOWEST) != 0)
        return errno;
    return level == 3 ? policy(SCHED_BATCH) : 0;
}

const struct fault_ops fault_priority = {
    .name = "priority",
    .summary = "workers of different priorities: one of four as usual, the others up to so many nice steps lower, one of them "
               "in class SCHED_BATCH",
    .parameter = "nice steps",
    .fallback = 8,
    .min = 1,
    .max = 19,
    .expect = -1,
    .begin = priority_begin,
};
