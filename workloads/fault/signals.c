/* stop, stutter, kill: a nemesis outside the crew that sends signals on schedule. */
#include <signal.h>
#include <stdbool.h>
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

#define STUTTER_NOTES 400

/* Stops all of them, or lets all go on. Not by way of signal(): a record for each worker each time would be too many. */
static uint64_t stutter_act(struct nemesis *nemesis)
{
    bool stops = nemesis->step % 2, tells = nemesis->step * nemesis->workers <= STUTTER_NOTES || nemesis->step <= 2;
    for (uint32_t i = 0; i < nemesis->workers && nemesis->step; i++) {
        pid_t pid = nemesis->process(nemesis, i);
        if (pid && kill(pid, stops ? SIGSTOP : SIGCONT) == 0 && tells)
            nemesis->note(nemesis, i, stops ? "stopped" : "continued");
    }
    return nemesis->now_ns + (uint64_t)(nemesis->parameter * NS_PER_MS);
}

const struct fault_ops fault_stutter = {
    .name = "stutter",
    .summary = "stops all workers at once (SIGSTOP) for so many milliseconds, lets them go on as long, and so on",
    .parameter = "milliseconds",
    .fallback = 5,
    .min = 0.1,
    .max = 5000,
    .expect = -1,
    .act = stutter_act,
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
