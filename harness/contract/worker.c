/* A worker: the slow halves of the timed path, and the evidence it leaves. */
#include "contract/worker.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/error.h"

/* A sampled hold beyond this is long enough that being switched out is the likely reason: only then is the kernel asked. */
#define SUSPICIOUS_HOLD_NS (20 * NS_PER_US)
/* And how old its last answer may be. */
#define SWITCHES_STALE_NS (200 * NS_PER_US)

static uint64_t involuntary_switches(struct worker *w)
{
    struct rusage usage;
    uint8_t before = worker_off_watch(w);
    uint64_t count = getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_nivcsw : 0;
    worker_watch(w, before);
    return count;
}

/* How many operations until the next one is timed: as many as asked for in the mean, and not always the same number, which would
 * always meet the same slot of a ring, or every wrap of a counter. */
static uint32_t until_next(struct worker *w)
{
    uint32_t mean = w->shape->sampling, most = mean < UINT32_MAX / 2 ? 2 * mean - 1 : UINT32_MAX;
    return mean > 1 ? 1 + (uint32_t)seed_below(&w->random, most) : 1;
}

/* Chooses this operation for timing. */
void worker_sample(struct worker *w)
{
    w->timed = true;
    w->until_sample = until_next(w);
    slot_store(&w->slot->sampled, w->slot->sampled + 1);
    if (w->period_ns)
        w->begun_ns = clock_ns();
}

/* Looks at one other worker before asking: if that one is asking for or holding the primitive, this operation meets it. One
 * that has not moved since it was met is not met again: a process that was switched out inside would otherwise count for a
 * whole time slice. */
void worker_looks(struct worker *w)
{
    if (w->crew.workers < 2)
        return;
    uint32_t other = (w->index + 1 + (uint32_t)seed_below(&w->random, w->crew.workers - 1)) % w->crew.workers;
    const struct slot *slot = &w->crew.slots[other];
    uint32_t phase = slot_load(&slot->phase);
    uint64_t *met = &w->met[other % WORKER_MET];
    uint64_t mark = (uint64_t)(other + 1) << 48 | (slot_load(&slot->ops) & 0xffffffffffff);
    if ((phase >= PHASE_ACQUIRING && phase <= PHASE_CALLING) && mark != *met) {
        *met = mark;
        slot_store(&w->slot->contended, w->slot->contended + 1);
    }
}

void worker_asks(struct worker *w)
{
    worker_looks(w);
    w->asked = ticks_now();
}

#define NAP_NS (100 * NS_PER_US)

void worker_yield(const struct worker *w)
{
    if (w->silent)
        cpu_relax();
    else
        sched_yield();
}

void worker_give_way(struct worker *w)
{
    const struct timespec nap = {.tv_nsec = (long)NAP_NS};
    if (worker_stopping(w))
        nanosleep(&nap, NULL);
    else
        worker_yield(w);
}

/* Waits, in stretches short enough that the end of the trial is seen. */
static void wait_or_stop(const struct worker *w, uint64_t until_ns)
{
    for (uint64_t now; (now = clock_ns()) < until_ns && !(w->ops && worker_stopping(w));) {
        uint64_t soon = now + 50 * NS_PER_MS;
        clock_wait_until(soon < until_ns ? soon : until_ns);
    }
}

/* Open loop: the intended start of an operation does not move when the one before was late. */
void worker_pace(struct worker *w)
{
    uint8_t before = worker_off_watch(w);
    if (w->shape->think_ns && w->ops)
        wait_or_stop(w, clock_ns() + w->shape->think_ns);
    if (w->period_ns) {
        w->intended_ns += w->period_ns;
        wait_or_stop(w, w->intended_ns);
    }
    worker_watch(w, before);
}

/* Into one of the worker's own histograms; only a new maximum is worth a look at the clock. */
static void note(struct worker *w, enum histogram_kind kind, uint64_t ns)
{
    struct histogram *h = &w->histograms[kind];
    if (histogram_add(h, ns)) {
        h->max_at_ns = clock_ns();
        h->max_worker = w->index;
    }
}

static void note_acquired(struct worker *w)
{
    uint64_t ns = ticks_ns(w->granted - w->asked);
    note(w, HISTOGRAM_ACQUIRE, ns);
    course_note(&w->course, HISTOGRAM_ACQUIRE, w->granted, ns);
}

void worker_granted(struct worker *w)
{
    w->granted = ticks_now();
    note_acquired(w);
}

/* Was the worker switched out during a hold of that length? What it has had of switches before is not this hold's doing, so the
 * kernel is asked in between, too, but not often: that takes longer than many a hold. */
static void look_for_switches(struct worker *w, uint64_t now, uint64_t held_ns)
{
    bool suspicious = held_ns > SUSPICIOUS_HOLD_NS + w->shape->hold_ns;
    if (!suspicious && ticks_ns(now - w->switches_asked) < SWITCHES_STALE_NS)
        return;
    uint64_t switches = involuntary_switches(w);
    if (suspicious && switches > w->switches_seen)
        slot_store(&w->slot->preempted, w->slot->preempted + 1);
    w->switches_seen = switches;
    w->switches_asked = now;
}

static void note_held(struct worker *w)
{
    uint64_t held_ns = ticks_ns(w->held - w->granted);
    note(w, HISTOGRAM_HOLD, held_ns);
    look_for_switches(w, w->held, held_ns);
}

/* A sampled operation is about to give back what it holds. */
void worker_held(struct worker *w)
{
    w->held = ticks_now();
    note_held(w);
}

/* A sampled operation is complete. */
void worker_released(struct worker *w)
{
    if (w->period_ns) {
        uint64_t now = clock_ns();
        if (now >= w->intended_ns) { /* not so when the end of a trial has cut the wait for an operation short */
            note(w, HISTOGRAM_RESPONSE, now - w->intended_ns);
            course_note(&w->course, HISTOGRAM_RESPONSE, now, now - w->intended_ns);
        }
        note(w, HISTOGRAM_SERVICE, now - w->begun_ns);
    }
    w->timed = false;
    w->granted = 0;
}

void worker_timed(struct worker *w, bool acquired, bool held)
{
    if (acquired)
        note_acquired(w);
    if (held)
        note_held(w);
    worker_released(w);
}

void worker_handed_over(struct worker *w, uint64_t ns)
{
    note(w, HISTOGRAM_HANDOFF, ns);
}

void worker_hold(struct worker *w)
{
    if (w->fault->inside)
        w->fault->inside(w, w->fault_parameter);
    if (w->shape->hold_ns)
        clock_spin(w->shape->hold_ns);
}

/* A lock that may give up waiting says so, and is asked again for as long as it takes: no operation, and no sign of life either, so
 * that one that can never be had is a wedge. */
bool worker_asks_again(const struct worker *w, int errnum)
{
    return errnum == ETIMEDOUT && w->sync->traits & SYNC_TIMED;
}

#define TRY_ONE_IN 8

/* Who looks for bugs goes in by try_acquire now and then, where there is one: whom it lets in must be alone, and whom it does not
 * let in must leave no trace. */
int (*worker_way_in(struct worker *w))(struct sync_self *self)
{
    return w->lock.try_acquire && seed_below(&w->random, TRY_ONE_IN) == 0 ? w->lock.try_acquire : w->lock.acquire;
}

/* It was tried, and held by somebody: it is asked for in earnest. Where both are one function, it has been. */
bool worker_was_a_try(const struct worker *w, int errnum, int (**acquire)(struct sync_self *self))
{
    if (*acquire != w->lock.try_acquire || *acquire == w->lock.acquire || (errnum != EBUSY && errnum != EAGAIN))
        return false;
    *acquire = w->lock.acquire;
    return true;
}

/* The primitive returned an error. True: the worker holds it all the same (its last owner died, and recovery worked). */
bool worker_refused(struct worker *w, int errnum, const char *call)
{
    if (errnum == EOWNERDEAD && (w->lock.recover || w->sync->traits & SYNC_ROBUST)) {
        slot_store(&w->slot->recovered, w->slot->recovered + 1);
        if (w->load->repair && !(w->sync->traits & SYNC_UNREPAIRED))
            w->load->repair(w);
        errnum = w->lock.recover ? w->lock.recover(&w->self) : 0;
        call = "recover";
        if (errnum == 0)
            return true;
    }
    worker_violation_text(w, VIOLATION_SYNC_ERROR, "%s: %s returned %s; this worker cannot go on", w->sync->name, call,
                          error_name(errnum));
    w->leave = true;
    return false;
}

struct evidence *worker_violation(struct worker *w, enum violation kind)
{
    struct slot *slot = w->slot;
    slot_store(&slot->violations[kind], slot->violations[kind] + 1);
    if (slot->evidence_count >= SLOT_EVIDENCE)
        return NULL;
    struct evidence *evidence = &slot->evidence[slot->evidence_count];
    memset(evidence, 0, sizeof *evidence);
    evidence->kind = kind;
    evidence->at_ns = clock_ns();
    slot_store(&slot->evidence_count, slot->evidence_count + 1);
    return evidence;
}

void worker_violation_text(struct worker *w, enum violation kind, const char *format, ...)
{
    struct evidence *evidence = worker_violation(w, kind);
    if (!evidence)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(evidence->text, sizeof evidence->text, format, args);
    va_end(args);
}

void worker_violation_values(struct worker *w, enum violation kind, uint64_t expected, uint64_t found, const char *format, ...)
{
    struct evidence *evidence = worker_violation(w, kind);
    if (!evidence)
        return;
    evidence->form = EVIDENCE_VALUES;
    evidence->expected.version = expected;
    evidence->found.version = found;
    va_list args;
    va_start(args, format);
    vsnprintf(evidence->text, sizeof evidence->text, format, args);
    va_end(args);
}
