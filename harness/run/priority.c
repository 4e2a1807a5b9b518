/* Priority: nice values, and one level of a real-time class where the program was started in one.
 *
 * Of its own accord the harness enters no such class, whose throttling would show in the figures.
 */
#define _GNU_SOURCE
#include "run/priority.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>

#define RAISED (-15)

/* What children go back to. */
static int original_nice, original_class;
static struct sched_param original_level;
static bool nicer, higher;

static bool real_time(int class)
{
    return class == SCHED_FIFO || class == SCHED_RR;
}

/* Among equals of that class who spins is never interrupted for whoever would end it: the harness has to stand above its crew. It
 * goes up a step; where it may not, or there is none, the crew goes down one; and where that is none either, the crew takes turns.
 */
static void raise_level(void)
{
    struct sched_param above = {.sched_priority = original_level.sched_priority + 1};
    higher = true;
    if (above.sched_priority <= sched_get_priority_max(original_class) && sched_setscheduler(0, original_class, &above) == 0)
        return;
    if (original_level.sched_priority > sched_get_priority_min(original_class))
        original_level.sched_priority--;
    else
        original_class = SCHED_RR;
}

void priority_raise(void)
{
    errno = 0;
    original_nice = getpriority(PRIO_PROCESS, 0);
    if (errno == 0 && original_nice > RAISED)
        nicer = setpriority(PRIO_PROCESS, 0, RAISED) == 0;
    original_class = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    if (real_time(original_class) && sched_getparam(0, &original_level) == 0)
        raise_level();
}

void priority_restore(void)
{
    if (nicer)
        setpriority(PRIO_PROCESS, 0, original_nice);
    if (higher)
        sched_setscheduler(0, original_class, &original_level);
}

static long read_setting(const char *path)
{
    long value = -1;
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%ld", &value) != 1)
        value = -1;
    if (file)
        fclose(file);
    return value;
}

bool priority_realtime(char *text, size_t size)
{
    if (!higher)
        return false;
    long period_us = read_setting("/proc/sys/kernel/sched_rt_period_us"), runtime_us = read_setting("/proc/sys/kernel/sched_rt_runtime_us");
    int n = snprintf(text, size, "the crew is in real-time class %s at priority %d: ", original_class == SCHED_RR ? "SCHED_RR" : "SCHED_FIFO",
                     original_level.sched_priority);
    if (n < 0 || (size_t)n >= size)
        return true;
    if (runtime_us >= 0 && runtime_us < period_us)
        snprintf(text + n, size - (size_t)n,
                 "where others want its CPUs it loses them for %ld ms in each %ld ms (kernel.sched_rt_runtime_us), so that the largest "
                 "times may be that gap, and no long time of this primitive",
                 (period_us - runtime_us) / 1000, period_us / 1000);
    else
        snprintf(text + n, size - (size_t)n, "no others have its CPUs while it runs, not even the kernel's own work");
    return true;
}
