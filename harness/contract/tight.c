/* Tight loops: their rare halves, and the loops of locks that have none of their own. */
#include "contract/tight.h"

#include "contract/contents.h"

/* By way of the row: what a lock costs whose functions come from elsewhere. */
TIGHT_LOOPS(static const struct tight_loops anybodys, row, NULL, NULL, NULL, NULL, NULL);

static const struct tight_loops *loops_of(const struct worker *w)
{
    for (size_t i = 0; contents_tights[i]; i++)
        if (contents_tights[i]->sync == w->sync)
            return contents_tights[i];
    return &anybodys;
}

void tight_write(struct worker *w, struct tight *t)
{
    loops_of(w)->write[payload_isa()](w, t);
}

void tight_read(struct worker *w, struct tight *t)
{
    loops_of(w)->read(w, t);
}

/* Chooses the operation for timing, and asks: the clock's reading is the last thing before the primitive's code. Where one in so
 * many is timed, acquiring and holding are by turns: the reading between them would be a third one. */
uint64_t tight_sample(struct worker *w, struct tight *t)
{
    if (w->shape->sampling == 1)
        t->timed = TIGHT_ACQUIRE | TIGHT_HOLD;
    else
        t->timed = t->timed == TIGHT_ACQUIRE ? TIGHT_HOLD : TIGHT_ACQUIRE;
    worker_sample(w);
    uint64_t floor = 0;
    if (w->crew.workers > 1) {
        floor = t->floor(w);
        worker_looks(w);
    }
    if (t->timed & TIGHT_ACQUIRE)
        w->asked = ticks_now();
    return floor;
}

bool tight_refused(struct worker *w, int errnum, const char *call)
{
    return worker_refused(w, errnum, call);
}

/* Marks a release for the timing of a hand-off, if the one that is looked at waits for it. */
void tight_mark(struct worker *w, uint64_t stamp)
{
    struct slot_left *left = &w->slot->left;
    uint32_t other = (w->index + 1 + (uint32_t)seed_below(&w->random, w->crew.workers - 1)) % w->crew.workers;
    const struct slot *slot = &w->crew.slots[other];
    slot_store(&left->number, 0);
    if (other == w->index || slot_load(&slot->phase) != PHASE_ACQUIRING)
        return;
    slot_store(&left->waiter, other);
    slot_store(&left->waiter_ops, slot_load(&slot->ops));
    slot_store(&left->number, payload_version(stamp));
    slot_store(&left->ticks, ticks_now());
}

/* Was the primitive handed over to this worker, by a release that was marked while it waited? */
static void note_handoff(struct worker *w, const struct tight *t, uint64_t stamp)
{
    uint32_t writer = payload_writer(stamp);
    if (t->taken == 0 || writer >= w->crew.workers)
        return;
    const struct slot_left *left = &w->crew.slots[writer].left;
    if (slot_load(&left->number) == payload_version(stamp) && slot_load(&left->waiter) == w->index &&
        slot_load(&left->waiter_ops) == slot_load(&w->slot->ops))
        worker_handed_over(w, ticks_ns(t->taken - slot_load(&left->ticks)));
}

/* What the worker has left itself counts as seen; and from what was found now on, its versions are counted by its operations. */
void tight_judge(struct worker *w, const struct tight *t, uint64_t stamp, uint64_t floor, uint64_t seen, uint64_t ops)
{
    bool other = stamp != seen;
    if (seen)
        __atomic_store_n(&w->slot->version, payload_version(seen), __ATOMIC_RELEASE);
    if (other)
        note_handoff(w, t, stamp);
    t->found(w, stamp, floor, other);
    if (w->writer)
        slot_store(&w->slot->version_ahead, payload_version(stamp) - ops + 1);
}

uint64_t tight_judge_read(struct worker *w, const struct tight *t, const uint64_t read[PAYLOAD_LINE_WORDS], uint64_t floor,
                          uint64_t seen)
{
    struct payload_view view;
    if (!payload_read(read, PAYLOAD_LINE, &view)) {
        t->broken(w, read);
        return seen;
    }
    note_handoff(w, t, view.stamp);
    t->found(w, view.stamp, floor, true);
    return view.stamp;
}
