/* stop, kill: a nemesis outside the crew that sends signals on schedule. */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/seed.h"
#include "workloads/fault/rows.h"

/* Stops one worker for `parameter` milliseconds, lets all run as long, and takes the next. Even steps stop, odd ones
 * continue; the victim of a step pair comes from the generator's state at its start. */
static uint64_t stop_act(struct nemesis *nemesis)
{
    uint64_t length = (uint64_t)(nemesis->parameter * NS_PER_MS);
    if (nemesis->step == 0)
        return nemesis->now_ns + length;
    uint64_t pair = (nemesis->step - 1) / 2, state = *nemesis->random + pair;
    uint32_t victim = (uint32_t)seed_below(&state, nemesis->workers);
    if (nemesis->step % 2)
        nemesis->signal(nemesis, victim, SIGSTOP, "stopped");
    else
        nemesis->signal(nemesis, victim, SIGCONT, "continued");
    return nemesis->now_ns + length;
}

const struct fault_ops fault_stop = {
    .name = "stop",
    .summary = "stops one worker after the other (SIGSTOP, SIGCONT) for so many milliseconds",
    .parameter = "milliseconds",
    .fallback = 5,
    .min = 0.1,
    .max = 5000,
    .expect = -1,
    .act = stop_act,
};

static uint64_t kill_act(struct nemesis *nemesis)
{
    if (nemesis->step == 0)
        return (uint64_t)(nemesis->parameter * NS_PER_MS);
    nemesis->signal(nemesis, (uint32_t)seed_below(nemesis->random, nemesis->workers), SIGKILL, "killed");
    return UINT64_MAX;
}

const struct fault_ops fault_kill = {
    .name = "kill",
    .summary = "kills one worker (SIGKILL) so many milliseconds after the start",
    .parameter = "milliseconds",
    .fallback = 100,
    .min = 0,
    .max = 3600e3,
    .expect = VERDICT_CRASHED,
    .act = kill_act,
};
