/* A worker: what a load's functions see of the trial, and the calls they make on the timed path.
 *
 *     while (worker_next(w)) {
 *         if (!worker_enter(w))          exclusive; worker_enter_shared() for readers
 *             return;
 *         ... touch w->area ...
 *         worker_inside(w);              somewhere in the middle: hold time and faults act here
 *         worker_leave(w);
 *         worker_done(w);
 *     }
 *
 * Nothing here writes memory that another process writes; one operation in `sampling` is timed.
 */
#ifndef CONTRACT_WORKER_H
#define CONTRACT_WORKER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/seed.h"
#include "base/ticks.h"
#include "contract/fault.h"
#include "contract/load.h"
#include "contract/shape.h"
#include "contract/slot.h"
#include "contract/sync.h"
#include "shm/course.h"
#include "shm/histogram.h"

/* What all workers of a trial share about looking around: slot i is worker i's. */
struct crew_view {
    struct slot *slots;
    uint32_t workers;
    const uint32_t *stop; /* not 0: leave the loop after the operation under way */
    void *fault_commons;  /* FAULT_COMMONS_BYTES that belong to the fault */
};

#define WORKER_MET 16

struct worker {
    const struct shape *shape;
    const struct load_ops *load;
    const struct sync_ops *sync;
    struct sync_lock lock;/* of a lock, with shared calls filled in */
    struct sync_self self;
    void *area; /* the load's data, in this process's mapping */
    struct slot *slot;
    struct crew_view crew;
    struct histogram *histograms; /* this worker's own, one of each kind */
    struct course_cursor course;  /* one of these latencies over time */
    uint32_t index;
    bool writer;

    volatile uint8_t *watch; /* where system calls are watched (run/syscalls.h): the byte that says whether; otherwise NULL */
    bool silent; /* there is to be no system call: waiting is spinning */

    bool timed; /* the operation under way is a sampled one */
    bool paced; /* think time or a rate is set */
    bool shared; /* entered by worker_enter_shared() */
    bool leave;  /* the operation failed for good: stop at once */
    bool probing; /* looking for bugs rather than measuring: see worker_tight() */
    uint32_t until_sample;
    uint32_t polls; /* what was not to be had is asked for so often in a row before the CPU is given away */
    uint64_t ops, ops_limit;
    uint64_t asked, granted, held; /* of the sampled operation, in ticks; granted is 0 until then */
    uint64_t intended_ns, begun_ns, period_ns; /* open loop: when the operation was to begin and when it did */
    uint64_t switches_seen, switches_asked; /* involuntary ones, and when the kernel was last asked for them, in ticks */
    uint64_t met[WORKER_MET]; /* who was met last, and after how many of its operations; by index modulo WORKER_MET */
    uint64_t random; /* for seed_next() */
    const struct fault_ops *fault;
    double fault_parameter;
    const uint8_t *fault_choices; /* FAULT_CHOICES of them */
    uint64_t inside_at; /* the word of the record before which worker_inside() is called; UINT64_MAX: the middle */
    void *region;       /* this process's mapping */
    size_t region_bytes;
    void *fault_own; /* the fault's, in this process alone */
    struct sync_self *instances; /* one for each instance of the sync's state; self is a copy of one of them */
};

/* With a CPU for everybody, waiting by polling is over long before this many pauses; without, the others need the CPU. */
#define WORKER_POLLS_MANY 1000
#define WORKER_POLLS_FEW 8

/* The slow halves of the inline functions below. */
void worker_give_way(struct worker *w);

/* Gives the CPU away for a moment; where there are to be no system calls, it is a pause. */
void worker_yield(const struct worker *w);
void worker_sample(struct worker *w);
void worker_asks(struct worker *w);
void worker_looks(struct worker *w);
void worker_pace(struct worker *w);
void worker_granted(struct worker *w);
void worker_held(struct worker *w);
void worker_released(struct worker *w);
/* All three at the end, for a loop that has stamped what it has timed itself: noting takes time, which is then no part of a hold. */
void worker_timed(struct worker *w, bool acquired, bool held);
void worker_hold(struct worker *w);
bool worker_refused(struct worker *w, int errnum, const char *call);
bool worker_asks_again(const struct worker *w, int errnum);
int (*worker_way_in(struct worker *w))(struct sync_self *self);
bool worker_was_a_try(const struct worker *w, int errnum, int (**acquire)(struct sync_self *self));

/* Counts a violation and gives a place for its evidence, zeroed but for kind and moment; NULL when this worker's places are
 * used up (the violation is counted all the same). */
struct evidence *worker_violation(struct worker *w, enum violation kind);

/* A violation that a sentence tells whole. */
void worker_violation_text(struct worker *w, enum violation kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A violation of plain numbers. */
void worker_violation_values(struct worker *w, enum violation kind, uint64_t expected, uint64_t found, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Paces the operation that comes next, chooses whether it is timed, and lets the fault act in between. For loads that decide
 * by themselves when the last operation is done; the others call worker_next(). */
static inline void worker_turn(struct worker *w)
{
    if (__builtin_expect(w->paced, 0))
        worker_pace(w);
    if (__builtin_expect(w->fault->before != NULL, 0))
        w->fault->before(w, w->fault_parameter);
    if (__builtin_expect(--w->until_sample == 0, 0))
        worker_sample(w);
}

/* Is there another operation to do? The first one is done whatever the clock says: a worker that never worked proves
 * nothing. */
static inline bool worker_next(struct worker *w)
{
    if (w->ops != 0 && (slot_load(w->crew.stop) || w->ops == w->ops_limit))
        return false;
    if (__builtin_expect(w->leave, 0))
        return false;
    worker_turn(w);
    return true;
}

/* The first of the instances that this worker uses. */
static inline uint32_t worker_first_instance(const struct worker *w)
{
    uint32_t own = w->writer ? w->index : w->index - w->shape->writers;
    return w->load->per_writer ? own * w->load->instances : 0;
}

/* From now on the worker means that instance of the sync, of load->instances. Between operations only. */
static inline void worker_select(struct worker *w, uint32_t instance)
{
    w->self = w->instances[instance];
}

/* Has the harness asked for the end? For loops that wait inside an operation. */
static inline bool worker_stopping(const struct worker *w)
{
    return slot_load(w->crew.stop) != 0;
}

/* May a system call fail with that errno, through nobody's fault but the fault's? */
static inline bool worker_denied(const struct worker *w, int errnum)
{
    const int *denied = w->fault->denies;
    while (denied && *denied && *denied != errnum)
        denied++;
    return denied && *denied;
}

/* Has that worker died by a fault's hand, and not been replaced? */
static inline bool worker_is_dead(const struct worker *w, uint32_t other)
{
    return slot_load(&w->crew.slots[other].doomed) != 0;
}

/* How many processes of the workers from `first` up to, not including, `beyond` have died by a fault's hand. */
static inline uint32_t worker_deaths(const struct worker *w, uint32_t first, uint32_t beyond)
{
    uint32_t deaths = 0;
    for (uint32_t i = first; i < beyond; i++)
        deaths += slot_load(&w->crew.slots[i].lives) + worker_is_dead(w, i);
    return deaths;
}

/* Alive while waiting by polling. */
static inline void worker_beat(struct worker *w)
{
    slot_store(&w->slot->beats, w->slot->beats + 1);
}

/* Nothing was to be had (full, empty, none free): no operation, and what was timed of it is dropped. */
static inline void worker_missed(struct worker *w)
{
    w->timed = false;
    w->granted = 0;
}

#define WORKER_OFF_WATCH 0
#define WORKER_ON_WATCH 1

/* The harness's own system calls, which are nobody else's: uint8_t before = worker_off_watch(w); ... worker_watch(w, before); */
static inline uint8_t worker_off_watch(struct worker *w)
{
    uint8_t before = w->watch ? *w->watch : WORKER_OFF_WATCH;
    if (w->watch)
        *w->watch = WORKER_OFF_WATCH;
    return before;
}

static inline void worker_watch(struct worker *w, uint8_t before)
{
    if (w->watch)
        *w->watch = before;
}

/* What is waited for by polling is not there yet; `polls` counts from 0, and again after each success. Whoever was asked to end
 * sleeps in between, so that the watchdog sees that he waits. Where there are to be no system calls, it is pauses alone. */
static inline void worker_poll(struct worker *w, uint32_t *polls)
{
    if (__builtin_expect(++*polls < w->polls && !worker_stopping(w), 1)) {
        cpu_relax();
        return;
    }
    *polls = 0;
    worker_give_way(w);
}

/* A message has come out of a queue, whole and verified. */
static inline void worker_received(struct worker *w, uint64_t bytes)
{
    slot_store(&w->slot->messages, w->slot->messages + 1);
    slot_store(&w->slot->bytes, w->slot->bytes + bytes);
}

/* The operation is complete; that is told by worker_tell(), at the latest when there is no other one. */
static inline void worker_count(struct worker *w)
{
    w->ops++;
    if (__builtin_expect(w->timed, 0))
        worker_released(w);
}

static inline void worker_tell(struct worker *w)
{
    slot_store(&w->slot->ops, w->ops);
}

/* The operation is complete, and told. */
static inline void worker_done(struct worker *w)
{
    worker_count(w);
    worker_tell(w);
}

/* Around each call of the primitive's own code. Always inline: the hooks may tell the primitive's frames from their caller's. */
static inline __attribute__((always_inline)) void worker_calls(struct worker *w)
{
    if (__builtin_expect(w->fault->calling != NULL, 0))
        w->fault->calling(w, w->fault_parameter);
}

static inline __attribute__((always_inline)) void worker_call_ends(struct worker *w)
{
    if (__builtin_expect(w->fault->called != NULL, 0))
        w->fault->called(w, w->fault_parameter);
}

/* Brackets one operation of a primitive that is not a lock:
 *
 *     worker_begin(w);
 *     int rc = w->sync->queue.push(&w->self, element, bytes);
 *     if (worker_end(w, rc, "push")) ...
 */
static inline void worker_begin(struct worker *w)
{
    slot_store(&w->slot->phase, PHASE_CALLING);
    if (__builtin_expect(w->timed, 0))
        worker_asks(w);
    worker_calls(w);
}

/* True: it succeeded. False with rc EAGAIN: nothing was to be had, the caller decides; a sign of life, until all are asked to
 * end. False otherwise: evidence is written, and worker_next() will say false. */
static inline bool worker_end(struct worker *w, int rc, const char *call)
{
    worker_call_ends(w);
    slot_store(&w->slot->phase, PHASE_IDLE);
    if (rc == 0 || !worker_stopping(w))
        worker_beat(w);
    if (rc == EAGAIN)
        worker_missed(w);
    if (__builtin_expect(w->timed, 0) && rc == 0)
        worker_granted(w);
    if (__builtin_expect(rc != 0 && rc != EAGAIN, 0))
        worker_refused(w, rc, call);
    return rc == 0;
}

/* Brackets a further call of the same operation; its time is none of its own:
 *
 *     worker_continue(w);
 *     int rc = w->sync->queue.publish(&w->self, bytes);
 *     worker_continued(w, rc, "publish");
 */
static inline void worker_continue(struct worker *w)
{
    slot_store(&w->slot->phase, PHASE_CALLING);
    worker_calls(w);
}

static inline bool worker_continued(struct worker *w, int rc, const char *call)
{
    worker_call_ends(w);
    slot_store(&w->slot->phase, PHASE_IDLE);
    if (__builtin_expect(rc != 0, 0))
        worker_refused(w, rc, call);
    return rc == 0;
}

static inline bool worker_enter_by(struct worker *w, int (*acquire)(struct sync_self *), bool shared)
{
    slot_store(&w->slot->phase, PHASE_ACQUIRING);
    if (__builtin_expect(w->timed, 0))
        worker_asks(w);
    int rc;
    do {
        worker_calls(w);
        rc = acquire(&w->self);
        worker_call_ends(w);
    } while (__builtin_expect(rc != 0, 0) && (worker_asks_again(w, rc) || worker_was_a_try(w, rc, &acquire)));
    if (__builtin_expect(rc != 0, 0) && !worker_refused(w, rc, acquire == w->lock.try_acquire ? "try_acquire" : "acquire"))
        return false;
    if (__builtin_expect(w->timed, 0))
        worker_granted(w);
    w->shared = shared;
    slot_store(&w->slot->phase, PHASE_INSIDE);
    return true;
}

/* Enters the critical section. False: the primitive refused (evidence is written); the caller returns. */
static inline bool worker_enter(struct worker *w)
{
    return worker_enter_by(w, __builtin_expect(w->probing, 0) ? worker_way_in(w) : w->lock.acquire, false);
}

/* The same as a reader: others may be inside, if the primitive has a shared mode. */
static inline bool worker_enter_shared(struct worker *w)
{
    return worker_enter_by(w, w->lock.acquire_shared, true);
}

/* To be called in the middle of the critical section. */
static inline void worker_inside(struct worker *w)
{
    if (__builtin_expect(w->shape->hold_ns != 0 || w->fault->inside, 0))
        worker_hold(w);
}

static inline void worker_leave(struct worker *w)
{
    if (__builtin_expect(w->timed, 0))
        worker_held(w);
    slot_store(&w->slot->phase, PHASE_RELEASING);
    worker_calls(w);
    int rc = w->shared ? w->lock.release_shared(&w->self) : w->lock.release(&w->self);
    worker_call_ends(w);
    slot_store(&w->slot->phase, PHASE_IDLE);
    worker_beat(w); /* an operation may enter several times, and each time is progress */
    if (__builtin_expect(rc != 0, 0))
        worker_refused(w, rc, "release");
}

/* Another process's trace was found since this one's last operation. */
static inline void worker_handoff(struct worker *w)
{
    slot_store(&w->slot->handoffs, w->slot->handoffs + 1);
}

/* The primitive came to this worker out of another one's hands, and took so long. */
void worker_handed_over(struct worker *w, uint64_t ns);

/* Records into one of the load's own histograms (HISTOGRAM_OWN + i). */
static inline void worker_record(struct worker *w, unsigned kind, uint64_t ns, uint64_t at_ns)
{
    histogram_record(&w->histograms[kind], ns, at_ns, w->index);
    course_note(&w->course, kind, at_ns, ns);
}

#endif
