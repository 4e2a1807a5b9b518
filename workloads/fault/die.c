/* die: a worker ends at a chosen place of its operation, in a chosen manner, and the others must cope. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "contract/worker.h"
#include "workloads/fault/rows.h"
#include "workloads/fault/trap.h"
#include "workloads/fault/within.h"

#if !TRAP_POSSIBLE
#define TRAP_CODE
#define trap_caller() 0
#endif

enum place { INSIDE, BEFORE, WAITING, RELEASING, AFTER, WITHIN };
enum manner { KILL, SEGV, ABORT, EXIT, QUICK_EXIT, EXEC, UNMAP, STOP };
enum who { ONE, WRITERS, ALL_BUT_ONE };

static const char *const places[] = {"inside", "before", "waiting", "releasing", "after", "within", NULL};
static const char *const manners[] = {"kill", "segv", "abort", "exit", "_exit", "exec", "unmap", "stop", NULL};
static const char *const whom[] = {"one", "writers", "all-but-one", NULL};

/* How long a worker that was stopped stays so. */
#define STOPPED_NS (300 * NS_PER_MS)
/* A worker dies after so many operations at the soonest, and so many more by lot: the others are under way by then. */
#define OPERATIONS_MIN 20
#define OPERATIONS_SPREAD 200
/* Whoever is to die at a random instruction of the primitive does so within so many. */
#define INSTRUCTIONS_SPREAD 200

/* In the memory that the crew shares. */
struct commons {
    struct fault_mortality mortality;
    uint32_t stopped; /* index + 1 of a worker that is stopped and has not been noticed yet */
    /* the nemesis's own */
    uint32_t seen, to_continue; /* index + 1 of who was seen waiting, or is to go on */
    uint64_t seen_ops, until_ns;
    bool struck;
};

/* In each worker. */
struct plan {
    bool doomed;
    uint64_t operation; /* that it dies in */
    uint64_t survived;  /* operations that were done when the first death was seen, and one more; 0: none was */
};

static enum place place(const uint8_t *choices)
{
    return (enum place)choices[0];
}

static enum manner manner(const uint8_t *choices)
{
    return (enum manner)choices[1];
}

static bool chosen(const struct worker *w)
{
    uint64_t state = w->shape->seed ^ 0x646965;
    uint32_t victim = (uint32_t)seed_below(&state, w->shape->writers);
    switch ((enum who)w->fault_choices[2]) {
    case WRITERS:
        return w->writer;
    case ALL_BUT_ONE:
        return w->index != victim;
    case ONE:
        break;
    }
    return w->index == victim;
}

static const char *die_refuses(const struct shape *shape, const uint8_t *choices, double word)
{
    (void)word;
    enum manner how = manner(choices);
    if (place(choices) == WAITING && how != KILL && how != SEGV && how != ABORT && how != STOP)
        return "who waits can be ended by a signal only: die:waiting:kill, segv, abort or stop";
    if (shape->writers + shape->readers < 2)
        return "with one process there is nobody to see what becomes of its death";
    if (shape->family != SYNC_LOCK && place(choices) != BEFORE && place(choices) != WITHIN)
        return "what is no lock has no critical section to die in: die:before or die:within";
    return place(choices) == WITHIN ? within_refuses() : NULL;
}

static void end_oneself(struct worker *w);

static void strike_within(void *user)
{
    end_oneself(user);
}

static int begin_within(struct worker *w, double instructions)
{
    uint64_t after = (uint64_t)instructions;
    return within_begin(after ? after : 1 + seed_below(&w->random, INSTRUCTIONS_SPREAD), strike_within, w);
}

static int die_begin(struct worker *w, double word)
{
    struct plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return ENOMEM;
    plan->doomed = chosen(w);
    plan->operation = OPERATIONS_MIN + seed_below(&w->random, OPERATIONS_SPREAD);
    w->fault_own = plan;
    if (plan->doomed && place(w->fault_choices) == INSIDE)
        w->inside_at = (uint64_t)word;
    if (plan->doomed && place(w->fault_choices) == WITHIN)
        return begin_within(w, word);
    return 0;
}

/* Exactly one worker is the first to die, and the clock of the recovery runs from there. */
static void note_death(struct worker *w)
{
    struct commons *commons = w->crew.fault_commons;
    uint64_t never = 0;
    slot_store(&w->slot->doomed, 1);
    if (__atomic_compare_exchange_n(&commons->mortality.death_ns, &never, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        commons->mortality.victim = w->index;
        __atomic_store_n(&commons->mortality.death_ns, clock_ns(), __ATOMIC_RELEASE);
    }
}

static void stop_oneself(struct worker *w)
{
    struct commons *commons = w->crew.fault_commons;
    ((struct plan *)w->fault_own)->doomed = false; /* once is enough */
    __atomic_store_n(&commons->stopped, w->index + 1, __ATOMIC_RELEASE);
    raise(SIGSTOP);
}

static void end_oneself(struct worker *w)
{
    if (manner(w->fault_choices) == STOP) {
        stop_oneself(w);
        return;
    }
    note_death(w);
    switch (manner(w->fault_choices)) {
    case SEGV:
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        break;
    case ABORT:
        abort();
    case EXIT:
        exit(0);
    case QUICK_EXIT:
        _exit(0);
    case EXEC:
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    case UNMAP:
        munmap(w->region, w->region_bytes);
        _exit(0);
    case KILL:
    case STOP:
        break;
    }
    kill(getpid(), SIGKILL);
}

static bool due(const struct worker *w, enum place where)
{
    const struct plan *plan = w->fault_own;
    return plan->doomed && place(w->fault_choices) == where && w->ops >= plan->operation;
}

static void note_next(struct fault_mortality *mortality)
{
    uint64_t never = 0;
    __atomic_compare_exchange_n(&mortality->next_ns, &never, clock_ns(), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Of a primitive that is not acquired: the first whole operation that was begun after a death stops the clock. */
static void note_survival(struct worker *w)
{
    struct fault_mortality *mortality = w->crew.fault_commons;
    struct plan *plan = w->fault_own;
    if (w->shape->family == SYNC_LOCK || slot_load(&mortality->death_ns) <= 1 || slot_load(&mortality->next_ns))
        return;
    if (plan->survived && w->ops >= plan->survived)
        note_next(mortality);
    else if (!plan->survived)
        plan->survived = w->ops + 1;
}

static void die_before(struct worker *w, double word)
{
    (void)word;
    if (due(w, BEFORE))
        end_oneself(w);
    note_survival(w);
}

static void die_inside(struct worker *w, double word)
{
    (void)word;
    if (due(w, INSIDE) && !w->shared)
        end_oneself(w);
}

TRAP_CODE static void die_calling(struct worker *w, double word)
{
    uintptr_t caller = trap_caller(); /* here, where no compiler can take it for another function's */
    (void)word;
    if (due(w, RELEASING) && slot_load(&w->slot->phase) == PHASE_RELEASING)
        end_oneself(w);
    if (due(w, WITHIN))
        within_calling(caller); /* last: what follows is taken for the primitive's code */
}

/* The first acquisition after a death stops the clock. */
TRAP_CODE static void die_called(struct worker *w, double word)
{
    struct fault_mortality *mortality = w->crew.fault_commons;
    (void)word;
    within_called(); /* first, for the same reason */
    if (due(w, AFTER) && slot_load(&w->slot->phase) == PHASE_RELEASING)
        end_oneself(w);
    if (slot_load(&mortality->death_ns) > 1 && slot_load(&mortality->next_ns) == 0 &&
        slot_load(&w->slot->phase) == PHASE_ACQUIRING)
        note_next(mortality);
}

static void continue_stopped(struct nemesis *nemesis, struct commons *commons)
{
    uint32_t stopped = __atomic_exchange_n(&commons->stopped, 0, __ATOMIC_ACQUIRE);
    if (stopped && stopped <= nemesis->workers) {
        nemesis->note(nemesis, stopped - 1, "stopped");
        commons->to_continue = stopped;
        commons->until_ns = nemesis->now_ns + STOPPED_NS;
    }
    if (commons->to_continue && nemesis->now_ns >= commons->until_ns) {
        nemesis->signal(nemesis, commons->to_continue - 1, SIGCONT, "continued");
        commons->to_continue = 0;
    }
}

static void strike(struct nemesis *nemesis, struct commons *commons, uint32_t victim)
{
    static const int signals[] = {[KILL] = SIGKILL, [SEGV] = SIGSEGV, [ABORT] = SIGABRT, [STOP] = SIGSTOP};
    enum manner how = manner(nemesis->choices);
    commons->struck = true;
    if (how == STOP) {
        commons->stopped = victim + 1;
    } else {
        slot_store(&nemesis->slots[victim].doomed, 1);
        commons->mortality.victim = victim;
        slot_store(&commons->mortality.death_ns, clock_ns());
    }
    nemesis->signal(nemesis, victim, signals[how], how == STOP ? "stopped while it waited" : "ended while it waited");
}

/* Who is seen waiting twice in the same operation is struck there. */
static void look_for_waiter(struct nemesis *nemesis, struct commons *commons)
{
    uint64_t state = nemesis->shape->seed ^ 0x646965;
    uint32_t victim = (uint32_t)seed_below(&state, nemesis->shape->writers);
    const struct slot *slot = &nemesis->slots[victim];
    uint64_t ops = slot_load(&slot->ops);
    bool waits = slot_load(&slot->phase) == PHASE_ACQUIRING && ops >= OPERATIONS_MIN;
    if (waits && commons->seen == victim + 1 && ops == commons->seen_ops)
        strike(nemesis, commons, victim);
    commons->seen = waits ? victim + 1 : 0;
    commons->seen_ops = ops;
}

static uint64_t die_act(struct nemesis *nemesis)
{
    struct commons *commons = nemesis->commons;
    bool strikes = place(nemesis->choices) == WAITING && !commons->struck;
    if (strikes)
        look_for_waiter(nemesis, commons);
    if (manner(nemesis->choices) == STOP)
        continue_stopped(nemesis, commons);
    else if (!strikes)
        return UINT64_MAX;
    return nemesis->now_ns + NS_PER_MS / 2;
}

static enum death die_at(const uint8_t *choices)
{
    if (manner(choices) == STOP)
        return DEATH_NONE;
    switch (place(choices)) {
    case INSIDE:
        return manner(choices) == UNMAP ? DEATH_UNMAPPED : DEATH_INSIDE;
    case RELEASING:
        return DEATH_HOLDING;
    case WAITING:
        return DEATH_WAITING;
    case WITHIN:
        return DEATH_WITHIN;
    case BEFORE:
    case AFTER:
        break;
    }
    return DEATH_OUTSIDE;
}

const struct fault_ops fault_die = {
    .name = "die",
    .summary = "ends a worker at a place of its operation: die:inside:kill:4 kills it when it has written four words of the record; "
               "the others go on, and are judged; die:within:kill:30 kills it behind the thirtieth instruction of the primitive's code "
               "(0: at random)",
    .choices = {places, manners, whom},
    .parameter = "words",
    .fallback = 4,
    .min = 0,
    .max = 1e9,
    .expect = -1,
    .deadly = true,
    .dies_at = die_at,
    .refuses_choices = die_refuses,
    .begin = die_begin,
    .before = die_before,
    .inside = die_inside,
    .calling = die_calling,
    .called = die_called,
    .act = die_act,
};
