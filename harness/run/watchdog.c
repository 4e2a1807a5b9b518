/* The watchdog: progress, suspicion, and the proof that nobody can go on. */
#define _GNU_SOURCE
#include "run/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/kin.h"
#include "run/process.h"
#include "run/wedge.h"

/* Without any progress for this long the processes are looked at. */
#define SUSPICION_NS (30 * NS_PER_MS)
#define SUSPICION_EACH_NS NS_PER_MS
/* So many rounds in which all could have gone on, each after so long at the least, are the proof. One round would not do: who
 * spins may wait for the step of another whose turn came after its own. */
#define ROUNDS 3
#define ROUND_NS (8 * NS_PER_MS)
#define ROUND_EACH_NS (20 * NS_PER_US) /* what looking at a process costs, many times over */
/* And the standstill must have lasted for so long. The rounds prove what can be seen; this leaves time for what cannot, and
 * costs nobody a second. In a slice of a hunt the rounds do: there a wedge is sought, and ends the hunt. */
#define SETTLED_NS (250 * NS_PER_MS)
/* CPU time after which a spinning worker has seen that there is nothing to be had; more under a fault that slows its code. */
#define TURN_NS (2 * NS_PER_MS)
#define TURN_SLOWED_NS (100 * NS_PER_MS)
/* Who gives the CPU away whenever it finds nothing has little time on it and many turns: so many, and this part of the time, will do. */
#define TURNS_MANY 50
#define TURN_PART 16
/* The same of a process whose other threads spin, in clock ticks. */
#define THREAD_TICKS 3
/* A primitive may copy a value several times; a nanosecond a byte is slow. */
#define COPY_NS 4
/* So many times must a worker that sleeps for a time have come back from it, and one that was on a CPU at all have been there. */
#define RETURNS 3
/* Where it cannot be seen what a process sleeps in, a longer standstill is asked for; and without /proc, a long one. */
#define UNKNOWN_NS (800 * NS_PER_MS)
/* A process of several threads may wait for one of its own, which sleeps for a time, or waits for a CPU; and a crew for a process
 * that the primitive has started beside it. */
#define THREADS_NS (3 * NS_PER_S)
#define BLIND_NS (5 * NS_PER_S)
/* Whatever the processes look like, so long a standstill is the end of the trial: a wedge, unless somebody waits for a CPU or is in the kernel's
 * hands. */
#define STANDSTILL_NS (10 * NS_PER_S)
/* How long the others are waited for once a worker has died. */
#define BEREFT_NS (400 * NS_PER_MS)
/* How long a crew with a stopped worker is waited for, once it was asked to end. */
#define STOPPED_NS (3 * NS_PER_S)
#define INTERRUPTED_NS (700 * NS_PER_MS)
/* A crew that still moves is given this long to end: several turns on a CPU for everybody. */
#define GRACE_NS (10 * NS_PER_S)
#define GRACE_EACH_NS (10 * NS_PER_MS)

/* What the live workers look like together. */
struct crew_look {
    uint32_t seen, stopped, inside;
    uint32_t asleep;  /* until somebody does something */
    uint32_t timed;   /* asleep, and will come back by themselves */
    uint32_t unknown; /* asleep, nobody knows in what */
    uint32_t manifold; /* asleep, with other threads */
    uint32_t kin;      /* processes beside the workers */
    uint32_t owed;    /* not asleep, and had no turn on a CPU since the round began */
    uint32_t starved; /* of these, who could have used one */
    uint32_t served;  /* ending, or in the kernel where no signal reaches: no step of another worker is what they wait for */
};

/* Has it been put on a CPU so often since the round began? */
static bool has_returned(const struct watchdog *watchdog, uint32_t worker, pid_t pid, uint32_t times)
{
    return watchdog->marks && process_turns(pid) >= watchdog->marks[worker].turns + times;
}

static bool had_turn(const struct watchdog *watchdog, uint32_t worker, pid_t pid)
{
    if (!watchdog->marks)
        return false;
    uint64_t ns = process_cpu_ns(pid), before_ns = watchdog->marks[worker].cpu_ns;
    bool slowed = watchdog->turn_ns >= TURN_SLOWED_NS; /* it is made to give the CPU away, and not its own way of waiting */
    return ns > before_ns + watchdog->turn_ns ||
           (!slowed && ns > before_ns + watchdog->turn_ns / TURN_PART && has_returned(watchdog, worker, pid, TURNS_MANY));
}

static void look_asleep(const struct watchdog *watchdog, struct crew_look *look, uint32_t worker, pid_t pid)
{
    enum process_wait wait = process_call(pid).wait;
    look->asleep += wait == PROCESS_WAITS;
    look->timed += wait == PROCESS_WAITS_A_TIME && !has_returned(watchdog, worker, pid, RETURNS);
    look->unknown += wait == PROCESS_WAITS_UNKNOWN;
    look->owed += wait == PROCESS_RUNS; /* just woken up */
}

/* Somebody beside the workers who is at work may be what they wait for; who sleeps may do so for a time. */
static void look_beside(const struct watchdog *watchdog, const struct crew *crew, struct crew_look *look)
{
    struct kin kin = kin_look(crew);
    look->kin = kin.seen;
    if (kin.running && kin.cpu_ns < watchdog->kin_ns + kin.running * watchdog->turn_ns) {
        look->owed++;
        look->starved++;
    }
}

static struct crew_look crew_look(const struct watchdog *watchdog, const struct crew *crew, const struct ledger *ledger)
{
    struct crew_look look = {0};
    for (uint32_t i = 0; i < crew->count; i++) {
        if (crew->members[i].exit != EXIT_NOT_YET)
            continue;
        pid_t pid = crew->members[i].pid;
        struct process_look p = process_look(pid);
        look.seen += p.state != 0;
        uint32_t phase = slot_load(&ledger->slots[i].phase);
        bool stopped = p.state == 'T' || p.state == 't';
        if (p.dying || p.state == 'D' || (phase == PHASE_DONE && !stopped)) { /* and with its end what the kernel does for the others */
            look.owed++;
            look.served += p.state != 'Z' && p.state != 0;
            continue;
        }
        look.stopped += stopped;
        look.inside += phase == PHASE_INSIDE;
        if (p.state == 'R' && phase == PHASE_IDLE) /* it computes, and may come out of that with news for the others */
            look.inside++;
        else if (p.state == 'S' && p.threads > 1 && process_any_runs(pid)) {
            bool had = watchdog->marks && p.ticks >= watchdog->marks[i].ticks + THREAD_TICKS;
            look.manifold += had;
            look.owed += !had;
            look.starved += !had;
        } else if (p.state == 'S') {
            look.manifold += p.threads > 1;
            look_asleep(watchdog, &look, i, pid);
        }
        else if (!had_turn(watchdog, i, pid)) {
            look.owed++;
            look.starved += p.state == 'R' && !has_returned(watchdog, i, pid, RETURNS);
        }
    }
    look_beside(watchdog, crew, &look);
    return look;
}

/* Notes what everybody has used of the CPUs, for the next look to compare. */
static void begin_round(struct watchdog *watchdog, const struct crew *crew, uint64_t now)
{
    if (!watchdog->marks)
        watchdog->marks = calloc(crew->count, sizeof *watchdog->marks);
    if (!watchdog->marks)
        return;
    for (uint32_t i = 0; i < crew->count; i++)
        if (crew->members[i].exit == EXIT_NOT_YET)
            watchdog->marks[i] =
                (struct watchdog_mark){process_cpu_ns(crew->members[i].pid), process_turns(crew->members[i].pid),
                                       process_look(crew->members[i].pid).ticks};
    watchdog->kin_ns = kin_look(crew).cpu_ns;
    watchdog->round_ns = now;
}

/* Does the fault have the primitive's code gone through step by step? */
static bool steps(const struct trial_spec *spec)
{
    const struct fault_ops *fault = spec->fault;
    enum death death = fault->dies_at ? fault->dies_at(spec->fault_choices) : DEATH_NONE;
    return (fault->slows && !fault->shows_life) || death == DEATH_WITHIN || death == DEATH_ANYWHERE;
}

void watchdog_start(struct watchdog *watchdog, const struct trial_spec *spec, uint64_t now)
{
    uint64_t own = spec->shape.hold_ns + spec->shape.think_ns;
    uint32_t workers = shape_workers(&spec->shape);
    *watchdog = (struct watchdog){.started_ns = now, .progress_ns = now, .population = workers};
    if (spec->shape.rate > 0)
        own += (uint64_t)(workers / spec->shape.rate * 1e9);
    watchdog->allowance_ns = own;
    watchdog->turn_ns = (steps(spec) ? TURN_SLOWED_NS : TURN_NS) + spec->shape.size * COPY_NS;
    watchdog->settled_ns = spec->slice ? 0 : SETTLED_NS;
    watchdog->deaths_planned = spec->fault->deadly;
    watchdog->end_ns = UINT64_MAX;
    watchdog->since = calloc(workers, sizeof *watchdog->since);
}

/* After the stop everybody has one operation left, and needs one turn on a CPU for it. */
void watchdog_stopping(struct watchdog *watchdog, uint64_t now)
{
    watchdog->stopped_ns = now;
    watchdog->progress_ns = now;
    watchdog->end_ns = now + GRACE_NS + watchdog->population * (GRACE_EACH_NS + watchdog->allowance_ns);
}

static void explain(const struct watchdog *watchdog, const struct crew *crew, const struct ledger *ledger, uint64_t now,
                    bool slow, char *why, size_t size)
{
    struct crew_look look = crew_look(watchdog, crew, ledger);
    double still_s = (double)(now - watchdog->progress_ns) / 1e9;
    bool asked = watchdog->stopped_ns && now > watchdog->stopped_ns;
    const char *scene = !crew->alive || look.asleep < crew->alive ? ""
                        : look.kin ? ", all of them asleep, and what the primitive has started beside them wakes nobody"
                                   : ", all of them asleep and nobody left to wake them";
    if (slow && look.starved && still_s > 1)
        snprintf(why, size, "no progress for %.2f s, in which %u of %u workers left had no turn on a CPU: other processes take them", still_s,
                 look.starved, crew->alive);
    else if (slow && look.served && still_s > 1)
        snprintf(why, size, "no progress for %.2f s, in which %u of %u workers left are served by the kernel, or end there", still_s,
                 look.served, crew->alive);
    else if (slow)
        snprintf(why, size, "%.1f s after they were asked to end, with %u of %u workers left",
                 asked ? (double)(now - watchdog->stopped_ns) / 1e9 : 0.0, crew->alive, crew->count);
    else
        snprintf(why, size, "no progress for %.2f s, with %u of %u workers left%s", still_s, crew->alive, crew->count, scene);
    wedge_explain(crew, ledger, crew->count == watchdog->population ? watchdog->since : NULL, now, why, size);
}

/* Could everybody have gone on since the round began, and has nobody a way to? */
static bool stuck(const struct watchdog *watchdog, const struct crew_look *look, uint64_t idle_ns)
{
    if (look->stopped) /* a nemesis continues whom it stopped before the crew is asked to end */
        return watchdog->stopped_ns && idle_ns > STOPPED_NS;
    if ((look->unknown && idle_ns < UNKNOWN_NS) || ((look->manifold || look->kin) && idle_ns < THREADS_NS))
        return false;
    return look->seen && look->inside == 0 && look->timed == 0 && look->owed == 0;
}

/* A pause that is none yet. */
static uint64_t patience_of(const struct watchdog *watchdog, const struct crew *crew)
{
    return SUSPICION_NS + 2 * watchdog->allowance_ns + crew->alive * SUSPICION_EACH_NS;
}

static bool suspect(struct watchdog *watchdog, const struct crew *crew, const struct ledger *ledger, uint64_t now)
{
    uint64_t idle_ns = now - watchdog->progress_ns;
    if (idle_ns < patience_of(watchdog, crew))
        return false;
    if (watchdog->round_ns == 0) {
        begin_round(watchdog, crew, now);
        return false;
    }
    if (now - watchdog->round_ns < ROUND_NS + crew->alive * ROUND_EACH_NS)
        return false;
    struct crew_look look = crew_look(watchdog, crew, ledger);
    if (look.seen == 0)
        return idle_ns > BLIND_NS;
    if (!stuck(watchdog, &look, idle_ns))
        return false;
    begin_round(watchdog, crew, now);
    return ++watchdog->rounds >= ROUNDS && idle_ns >= watchdog->settled_ns;
}

bool watchdog_suspicious(const struct watchdog *watchdog)
{
    return watchdog->round_ns != 0;
}

void watchdog_free(struct watchdog *watchdog)
{
    free(watchdog->marks);
    free(watchdog->since);
    watchdog->since = NULL;
    watchdog->marks = NULL;
}

enum watch watchdog_look(struct watchdog *watchdog, const struct crew *crew, const struct ledger *ledger,
                         const struct ledger_view *view, uint64_t now, bool hurry, char *why, size_t size)
{
    if (watchdog->since && ledger->workers == watchdog->population)
        wedge_note(watchdog->since, ledger, now);
    uint64_t progress = view->progress + (crew->count - crew->alive);
    if (progress != watchdog->progress) {
        watchdog->progress = progress;
        watchdog->progress_ns = now;
        watchdog->round_ns = 0;
        watchdog->rounds = 0;
    }
    /* what a dead worker held, nobody gives back: the others are not waited for as long */
    bool bereft = crew->failed && !watchdog->deaths_planned && now > watchdog->progress_ns + BEREFT_NS;
    bool slow = now > watchdog->end_ns || (hurry && now > watchdog->stopped_ns + INTERRUPTED_NS);
    bool still = now > watchdog->progress_ns + (slow ? STOPPED_NS : STANDSTILL_NS + patience_of(watchdog, crew));
    /* without a proof, but nobody waits for a CPU or the kernel; before suspect(), which may begin a round */
    struct crew_look look = still ? crew_look(watchdog, crew, ledger) : (struct crew_look){0};
    bool over = still && look.starved == 0 && look.served == 0;
    bool wedged = suspect(watchdog, crew, ledger, now) || bereft || over;
    slow = slow || still;
    if (wedged) {
        explain(watchdog, crew, ledger, now, false, why, size);
        return WATCH_WEDGED;
    }
    if (!slow)
        return WATCH_GO_ON;
    explain(watchdog, crew, ledger, now, true, why, size);
    return WATCH_SLOW;
}
