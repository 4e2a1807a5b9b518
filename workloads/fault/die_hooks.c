/* Deaths from inside: who is condemned looks in each hook whether it has come to the place, and ends there. */
#define _GNU_SOURCE
#include "workloads/fault/die.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workloads/fault/trap.h"
#include "workloads/fault/within.h"

#if !TRAP_POSSIBLE
#define TRAP_CODE
#define trap_caller() 0
#endif

const char *const die_places[] = {"inside", "before", "waiting", "releasing", "after", "within", "writing", NULL};
const char *const die_manners[] = {"kill", "segv", "abort", "exit", "_exit", "exec", "unmap", "stop", NULL};
const char *const die_whom[] = {"one", "writers", "all-but-one", "reader", NULL};

static struct die_plan *plan_of(const struct worker *w)
{
    return w->fault_own;
}

/* Who is asked to end is pardoned: those who would cope with its death may have ended before. */
static bool pardoned(const struct worker *w)
{
    return worker_stopping(w) && plan_of(w)->manner != DIE_STOP;
}

static void strike_within(void *user)
{
    if (!pardoned(user))
        die_now(user);
}

int die_prepare(struct worker *w, bool counts)
{
    w->fault_own = calloc(1, sizeof(struct die_plan));
    if (!w->fault_own)
        return ENOMEM;
    return counts ? within_begin(w->region, w->region_bytes, w->slot, strike_within, w) : 0;
}

void die_condemn(struct worker *w, enum die_place place, enum die_manner manner, uint64_t operation, uint64_t number)
{
    struct die_plan *plan = plan_of(w);
    plan->place = place;
    plan->manner = manner;
    plan->operation = operation;
    plan->number = number;
    plan->doomed = true;
    plan->armed = false;
    if (place == DIE_INSIDE)
        w->inside_at = number;
}

/* The first death starts the clock of the trial; each one that the others have not yet got over starts that of a recovery. */
static void note_death(struct worker *w)
{
    struct die_commons *commons = w->crew.fault_commons;
    struct fault_mortality *m = &commons->mortality;
    uint64_t never = 0, closed = 0;
    slot_store(&w->slot->doomed, 1);
    __atomic_fetch_add(&m->deaths, 1, __ATOMIC_RELAXED);
    if (__atomic_compare_exchange_n(&m->death_ns, &never, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        m->victim = w->index;
        m->phase = slot_load(&w->slot->phase);
        m->ops = w->ops;
        m->made = within_made();
        __atomic_store_n(&m->death_ns, clock_ns(), __ATOMIC_RELEASE);
    }
    __atomic_compare_exchange_n(&m->open_ns, &closed, clock_ns(), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void stop_oneself(struct worker *w)
{
    struct die_commons *commons = w->crew.fault_commons;
    plan_of(w)->doomed = false; /* once is enough */
    __atomic_store_n(&commons->stopped, w->index + 1, __ATOMIC_RELEASE);
    raise(SIGSTOP);
}

void die_now(struct worker *w)
{
    if (plan_of(w)->manner == DIE_STOP) {
        stop_oneself(w);
        return;
    }
    note_death(w);
    switch (plan_of(w)->manner) {
    case DIE_SEGV:
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        break;
    case DIE_ABORT:
        abort();
    case DIE_EXIT:
        exit(0);
    case DIE_QUICK_EXIT:
        _exit(0);
    case DIE_EXEC:
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    case DIE_UNMAP:
        munmap(w->region, w->region_bytes);
        _exit(0);
    case DIE_KILL:
    case DIE_STOP:
        break;
    }
    kill(getpid(), SIGKILL);
}

static bool due(const struct worker *w, enum die_place where)
{
    const struct die_plan *plan = plan_of(w);
    const struct die_commons *commons = w->crew.fault_commons;
    bool its_turn = plan->doomed && plan->place == where && (w->ops >= plan->operation || (w->ops && slot_load(&commons->hurry)));
    return its_turn && !pardoned(w);
}

/* Somebody else has the primitive: that stops the clock of the first death, and of the last one. */
static void note_next(struct fault_mortality *m)
{
    uint64_t never = 0, open = slot_load(&m->open_ns), now = clock_ns();
    __atomic_compare_exchange_n(&m->next_ns, &never, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    if (!open || !__atomic_compare_exchange_n(&m->open_ns, &open, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return;
    uint32_t place = __atomic_fetch_add(&m->recoveries, 1, __ATOMIC_RELAXED);
    if (place < FAULT_RECOVERIES)
        m->recovery_ns[place] = now > open ? now - open : 1;
}

void die_before(struct worker *w, double parameter)
{
    (void)parameter;
    if (due(w, DIE_BEFORE))
        die_now(w);
    bool within = due(w, DIE_WITHIN);
    if (plan_of(w)->armed || (!within && !due(w, DIE_WRITING)))
        return;
    plan_of(w)->armed = true;
    within_arm(within ? WITHIN_INSTRUCTIONS : WITHIN_STORES, plan_of(w)->number);
}

void die_inside(struct worker *w, double parameter)
{
    (void)parameter;
    if (due(w, DIE_INSIDE))
        die_now(w);
}

TRAP_CODE void die_calling(struct worker *w, double parameter)
{
    uintptr_t caller = trap_caller(); /* here, where no compiler can take it for another function's */
    const struct fault_mortality *m = w->crew.fault_commons;
    (void)parameter;
    plan_of(w)->deaths = slot_load(&m->deaths);
    if (due(w, DIE_RELEASING) && slot_load(&w->slot->phase) == PHASE_RELEASING)
        die_now(w);
    if (due(w, DIE_WITHIN) || due(w, DIE_WRITING))
        within_calling(caller); /* last: what follows is taken for the primitive's code */
}

/* The operation is over, for good: a lock's with its release. */
static bool is_over(const struct worker *w)
{
    uint32_t phase = slot_load(&w->slot->phase);
    return phase == PHASE_RELEASING || phase == PHASE_CALLING;
}

/* Has somebody got something of the primitive since a death? A lock is acquired; of the others a call came back that was begun
 * after it, with whatever it has to say. */
static bool went_on(const struct worker *w, const struct fault_mortality *m)
{
    if (slot_load(&w->slot->phase) == PHASE_ACQUIRING)
        return true;
    return slot_load(&w->slot->phase) == PHASE_CALLING && plan_of(w)->deaths == slot_load(&m->deaths);
}

/* Who was to die at a store that its operation had no need of dies behind it. */
TRAP_CODE void die_called(struct worker *w, double parameter)
{
    struct fault_mortality *m = w->crew.fault_commons;
    (void)parameter;
    within_called(); /* first, for the same reason */
    if ((due(w, DIE_AFTER) && slot_load(&w->slot->phase) == PHASE_RELEASING) || (due(w, DIE_WRITING) && is_over(w))) {
        within_disarm();
        die_now(w);
    }
    if (slot_load(&m->open_ns) && went_on(w, m))
        note_next(m);
}
