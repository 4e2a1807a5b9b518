/* The watchdog: progress, suspicion, and the explanation. */
#define _GNU_SOURCE
#include "run/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/process.h"

/* Without any progress for this long the processes are looked at; a second look as long after the first decides. */
#define SUSPICION_NS (400 * NS_PER_MS)
/* CPU time after which a spinning worker has seen that there is nothing to be had. */
#define TURN_NS (2 * NS_PER_MS)
/* Without /proc nothing can be looked at; then only a longer standstill counts. */
#define BLIND_NS (5 * NS_PER_S)
/* Whatever the processes look like, so long a standstill is the end of the trial. */
#define STANDSTILL_NS (10 * NS_PER_S)
/* How long a crew with a stopped worker is waited for, once it was asked to end. */
#define STOPPED_NS (3 * NS_PER_S)
#define INTERRUPTED_NS (700 * NS_PER_MS)
/* A crew that still moves is given this long to end: several turns on a CPU for everybody. */
#define GRACE_NS (10 * NS_PER_S)
#define GRACE_EACH_NS (10 * NS_PER_MS)

/* What the live workers look like together. */
struct crew_look {
    uint32_t seen, stopped, inside;
    uint32_t owed; /* neither asleep nor had a turn on a CPU since the first look */
};

static bool had_turn(const struct watchdog *watchdog, uint32_t worker, pid_t pid)
{
    return watchdog->cpu_ns && process_cpu_ns(pid) > watchdog->cpu_ns[worker] + TURN_NS;
}

static struct crew_look crew_look(const struct watchdog *watchdog, const struct crew *crew, const struct ledger *ledger)
{
    struct crew_look look = {0};
    for (uint32_t i = 0; i < crew->count; i++) {
        if (crew->members[i].exit != EXIT_NOT_YET)
            continue;
        struct process_look p = process_look(crew->members[i].pid);
        uint32_t phase = slot_load(&ledger->slots[i].phase);
        look.seen += p.state != 0;
        look.stopped += p.state == 'T' || p.state == 't';
        look.inside += phase == PHASE_INSIDE || phase == PHASE_RELEASING;
        look.owed += p.state != 'S' && !had_turn(watchdog, i, crew->members[i].pid);
    }
    return look;
}

/* Notes what everybody has used of the CPUs, for the second look to compare. */
static void first_look(struct watchdog *watchdog, const struct crew *crew, uint64_t now)
{
    if (!watchdog->cpu_ns)
        watchdog->cpu_ns = calloc(crew->count, sizeof *watchdog->cpu_ns);
    if (!watchdog->cpu_ns)
        return;
    for (uint32_t i = 0; i < crew->count; i++)
        if (crew->members[i].exit == EXIT_NOT_YET)
            watchdog->cpu_ns[i] = process_cpu_ns(crew->members[i].pid);
    watchdog->suspected_ns = now;
}

void watchdog_start(struct watchdog *watchdog, const struct trial_spec *spec, uint64_t now)
{
    uint64_t own = spec->shape.hold_ns + spec->shape.think_ns;
    uint32_t workers = shape_workers(&spec->shape);
    *watchdog = (struct watchdog){.started_ns = now, .progress_ns = now, .population = workers};
    if (spec->shape.rate > 0)
        own += (uint64_t)(workers / spec->shape.rate * 1e9);
    watchdog->allowance_ns = own;
    watchdog->end_ns = UINT64_MAX;
}

/* After the stop everybody has one operation left, and needs one turn on a CPU for it. */
void watchdog_stopping(struct watchdog *watchdog, uint64_t now)
{
    watchdog->stopped_ns = now;
    watchdog->progress_ns = now;
    watchdog->end_ns = now + GRACE_NS + watchdog->population * (GRACE_EACH_NS + watchdog->allowance_ns);
}

static size_t explain_worker(const struct crew *crew, const struct ledger *ledger, uint32_t i, char *text, size_t size)
{
    const struct slot *slot = &ledger->slots[i];
    struct process_look p = process_look(crew->members[i].pid);
    char wchan[48];
    process_wchan(crew->members[i].pid, wchan, sizeof wchan);
    const char *doing = p.state == 'R'                     ? "spins in user space"
                        : p.state == 'T' || p.state == 't' ? "is stopped by a signal"
                        : p.state == 0                     ? "cannot be seen in /proc"
                                                           : "sleeps in the kernel";
    int n = snprintf(text, size, "; worker %u (pid %d) %s%s%s%s, phase %s, after %llu operations", i, (int)crew->members[i].pid,
                     doing, wchan[0] ? " (" : "", wchan, wchan[0] ? ")" : "", phase_name(slot_load(&slot->phase)),
                     (unsigned long long)slot_load(&slot->ops));
    return n > 0 ? (size_t)n : 0;
}

static void explain(const struct watchdog *watchdog, const struct crew *crew, const struct ledger *ledger, uint64_t now,
                    bool slow, char *why, size_t size)
{
    uint32_t told = 0;
    bool asked = watchdog->stopped_ns && now > watchdog->stopped_ns;
    int n = snprintf(why, size, "no progress for %.1f s", (double)(now - watchdog->progress_ns) / 1e9);
    if (slow)
        n = snprintf(why, size, "%.1f s after they were asked to end", asked ? (double)(now - watchdog->stopped_ns) / 1e9 : 0.0);
    n += snprintf(why + n, size - (size_t)n, ", with %u of %u workers left", crew->alive, crew->count);
    size_t used = n > 0 ? (size_t)n : 0;
    for (uint32_t i = 0; i < crew->count && told < 4; i++) {
        if (crew->members[i].exit != EXIT_NOT_YET || used + 1 >= size)
            continue;
        used += explain_worker(crew, ledger, i, why + used, size - used);
        told++;
    }
    if (crew->alive > told && used + 1 < size)
        snprintf(why + used, size - used, "; and %u more", crew->alive - told);
}

/* The second look: could everybody have gone on, and has nobody a way to? */
static bool stuck(const struct watchdog *watchdog, const struct crew_look *look, uint64_t idle_ns)
{
    if (look->stopped) /* a nemesis continues whom it stopped before the crew is asked to end */
        return watchdog->stopped_ns && idle_ns > STOPPED_NS;
    return look->seen && look->inside == 0 && look->owed == 0;
}

static bool suspect(struct watchdog *watchdog, const struct crew *crew, const struct ledger *ledger, uint64_t now)
{
    uint64_t idle_ns = now - watchdog->progress_ns;
    uint64_t patience = SUSPICION_NS + 2 * watchdog->allowance_ns + crew->alive * 4 * NS_PER_MS;
    if (idle_ns < patience)
        return false;
    if (idle_ns > STANDSTILL_NS + patience)
        return true;
    if (watchdog->suspected_ns == 0) {
        first_look(watchdog, crew, now);
        return false;
    }
    if (now - watchdog->suspected_ns < SUSPICION_NS)
        return false;
    struct crew_look look = crew_look(watchdog, crew, ledger);
    return look.seen ? stuck(watchdog, &look, idle_ns) : idle_ns > BLIND_NS;
}

void watchdog_free(struct watchdog *watchdog)
{
    free(watchdog->cpu_ns);
    watchdog->cpu_ns = NULL;
}

enum watch watchdog_look(struct watchdog *watchdog, const struct crew *crew, const struct ledger *ledger,
                         const struct ledger_view *view, uint64_t now, bool hurry, char *why, size_t size)
{
    uint64_t progress = view->progress + (crew->count - crew->alive);
    if (progress != watchdog->progress) {
        watchdog->progress = progress;
        watchdog->progress_ns = now;
        watchdog->suspected_ns = 0;
    }
    /* what a dead worker held, nobody gives back: the others are not waited for as long */
    bool bereft = crew->failed && now > watchdog->progress_ns + SUSPICION_NS;
    bool slow = now > watchdog->end_ns || (hurry && now > watchdog->stopped_ns + INTERRUPTED_NS);
    bool still = slow && now > watchdog->progress_ns + STOPPED_NS;
    if (bereft || still || suspect(watchdog, crew, ledger, now)) {
        explain(watchdog, crew, ledger, now, false, why, size);
        return WATCH_WEDGED;
    }
    if (!slow)
        return WATCH_GO_ON;
    explain(watchdog, crew, ledger, now, true, why, size);
    return WATCH_SLOW;
}
