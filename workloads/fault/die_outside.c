/* Deaths from outside: who waits is struck by a signal, who was stopped goes on, who died is replaced. */
#define _GNU_SOURCE
#include <signal.h>

#include "workloads/fault/die.h"

/* How long a worker that was stopped stays so. */
#define STOPPED_NS (300 * NS_PER_MS)
/* Nobody is struck before so many operations: the others are under way by then. */
#define OPERATIONS_MIN 20

void die_continue_stopped(struct nemesis *nemesis)
{
    struct die_commons *commons = nemesis->commons;
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

static void note_death(struct die_commons *commons, const struct slot *slot, uint32_t victim)
{
    struct fault_mortality *m = &commons->mortality;
    uint64_t never = 0, closed = 0, now = clock_ns();
    slot_store((uint32_t *)(uintptr_t)&slot->doomed, 1);
    __atomic_fetch_add(&m->deaths, 1, __ATOMIC_RELAXED);
    if (__atomic_compare_exchange_n(&m->death_ns, &never, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        m->victim = victim;
        m->phase = slot_load(&slot->phase);
        m->ops = slot_load(&slot->ops);
        __atomic_store_n(&m->death_ns, now, __ATOMIC_RELEASE);
    }
    __atomic_compare_exchange_n(&m->open_ns, &closed, now, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void strike(struct nemesis *nemesis, struct die_commons *commons, uint32_t victim, enum die_manner manner)
{
    static const int signals[] = {[DIE_KILL] = SIGKILL, [DIE_SEGV] = SIGSEGV, [DIE_ABORT] = SIGABRT, [DIE_STOP] = SIGSTOP};
    commons->hunted = 0;
    if (manner == DIE_STOP)
        commons->stopped = victim + 1;
    else
        note_death(commons, &nemesis->slots[victim], victim);
    nemesis->signal(nemesis, victim, signals[manner],
                    manner == DIE_STOP ? "stopped while it waited" : "ended while it waited");
}

/* Who is seen waiting twice in the same operation is struck there. */
void die_strike_waiting(struct nemesis *nemesis, enum die_manner manner)
{
    struct die_commons *commons = nemesis->commons;
    if (!commons->hunted)
        return;
    uint32_t victim = commons->hunted - 1;
    const struct slot *slot = &nemesis->slots[victim];
    uint64_t ops = slot_load(&slot->ops);
    uint32_t phase = slot_load(&slot->phase);
    bool under_way = ops >= OPERATIONS_MIN || (ops && commons->hurry);
    bool waits = (phase == PHASE_ACQUIRING || phase == PHASE_CALLING) && under_way;
    if (waits && commons->seen == victim + 1 && ops == commons->seen_ops)
        strike(nemesis, commons, victim, manner);
    commons->seen = waits ? victim + 1 : 0;
    commons->seen_ops = ops;
}

void die_respawn(struct nemesis *nemesis)
{
    nemesis->pending = false;
    for (uint32_t i = 0; i < nemesis->workers; i++) {
        struct slot *slot = &nemesis->slots[i];
        if (slot_load(&slot->doomed) != 1)
            continue;
        if (nemesis->process(nemesis, i)) /* about to die */
            nemesis->pending = true;
        else
            nemesis->respawn(nemesis, i);
    }
}
