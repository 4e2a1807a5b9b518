/* Priority: nice values, and one level of a real-time class where the program was started in one.
 *
 * Of its own accord the harness enters no such class, whose throttling would show in the figures.
 */
#define _GNU_SOURCE
#include "run/priority.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
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
