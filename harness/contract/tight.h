/* Tight loops: a record of one line, written or read under a lock, by code that is made for that one lock.
 *
 * What a trial is slowed down by being watched is the meter's own cost. Calls through a table, steps that nobody asked for, and
 * a pattern computed word by word make it larger than many a lock; so a lock of this program, with a row sync_mutex, has by
 *
 *     TIGHT_LOCK(mutex, mutex_acquire, mutex_release);        behind these functions
 *
 * loops of its own, tight_mutex, in which its operations are called directly, for each instruction set; contents_tights lists
 * them. Any other lock, and whatever a plugin brings, runs through the same loops by way of its row. The state of a lock with
 * loops of its own lies in self->state alone: acquire and release change nothing in `self`.
 *
 * What a loop does: it asks for the primitive; checks that the line is, byte for byte, what this worker left there or saw last,
 * and hands it to the load to judge if it is neither that nor another worker's next write; replaces it; and gives the primitive
 * back. Phase, count and version stay as true in the worker's slot as in any other loop, in four stores: where one operation ends
 * the next one asks. A timed operation also looks at one word of what it has written once more: whoever came in too early shows
 * there as he does in what the next one finds. There is no place for a fault's hooks, a pause or a recorded history in it.
 */
#ifndef CONTRACT_TIGHT_H
#define CONTRACT_TIGHT_H

#include "contract/worker.h"
#include "shm/payload_line.h"

/* What a load hands to a loop, and what the loop keeps. */
struct tight {
    void *line;   /* the record */
    uint64_t own; /* what this worker's stamps are, but for the version */
    uint64_t marks; /* 2^k - 1: one release in 2^k is marked for the timing of a hand-off, and after many one in 2^(k + 3) */
    /* The oldest version that may be seen: asked for before a timed operation asks for the primitive. */
    uint64_t (*floor)(struct worker *w);
    /* A whole write was found, this worker's own or another's: is it in order? */
    void (*found)(struct worker *w, uint64_t stamp, uint64_t floor, bool other);
    /* What was found was no whole write; these are the words as they were read. */
    void (*broken)(struct worker *w, const uint64_t read[PAYLOAD_LINE_WORDS]);
    /* That word of the line is not any more what this worker has just written as that version. */
    void (*overwritten)(struct worker *w, uint64_t version, unsigned word);

    uint64_t taken; /* when the primitive was taken over from a marked release, in ticks; 0: that one was not marked */
    unsigned timed; /* of the sampled operation: enum tight_timed */
};

#define TIGHT_VERSIONS ((1ULL << PAYLOAD_VERSION_BITS) - 1)

/* May this worker's loop be a tight one? In a hunt it may not: a longer critical section is more easily entered by somebody who
 * should be outside. */
static inline bool worker_tight(const struct worker *w)
{
    const struct fault_ops *f = w->fault;
    return !w->probing && !w->paced && w->shape->hold_ns == 0 && w->shape->history == 0 && w->shape->size == PAYLOAD_LINE &&
           !f->before && !f->inside && !f->calling && !f->called;
}

/* The loops of this worker's lock, as writer or reader. The worker's counters are up to date afterwards. */
void tight_write(struct worker *w, struct tight *t);
void tight_read(struct worker *w, struct tight *t);

/* ---- What follows is for the loops alone. ---- */

typedef int tight_call(struct sync_self *self);
typedef bool tight_replace(void *line, uint64_t stamp, uint64_t next, uint64_t read[PAYLOAD_LINE_WORDS]);
typedef void tight_loop(struct worker *w, struct tight *t);

struct tight_loops {
    const struct sync_ops *sync; /* whose they are; NULL: anybody's */
    tight_loop *write[PAYLOAD_ISAS], *read;
};

/* What a loop is made for: constants, so that the calls become the functions' own code. */
struct tight_calls {
    tight_call *acquire, *release; /* NULL: by the lock's table */
    bool shared;
    tight_replace *replace;
};

/* What changes with each operation: in registers, and never given away. */
struct tight_state {
    struct sync_self self;
    struct slot *slot;
    void *line;
    uint64_t own; /* that of struct tight */
    uint64_t mark; /* the next stamp of its own whose release it is to mark, if nobody else comes in between */
    uint32_t workers;
    uint64_t seen; /* the stamp that this worker has left, or seen last; 0: none yet */
    uint64_t ops;
};

/* What is timed of an operation: with a reading of the clock at its beginning and one at its end. */
enum tight_timed {
    TIGHT_ACQUIRE = 1,
    TIGHT_HOLD = 2,
};

/* The rare halves. */
uint64_t tight_sample(struct worker *w, struct tight *t);
bool tight_refused(struct worker *w, int errnum, const char *call);
void tight_judge(struct worker *w, const struct tight *t, uint64_t stamp, uint64_t floor, uint64_t seen, uint64_t ops);
uint64_t tight_judge_read(struct worker *w, const struct tight *t, const uint64_t read[PAYLOAD_LINE_WORDS], uint64_t floor,
                          uint64_t seen);
void tight_mark(struct worker *w, uint64_t stamp);

#define TIGHT_INLINE static inline __attribute__((always_inline, unused))
#define TIGHT_LIKELY(condition) __builtin_expect((condition), 1)
#define TIGHT_RARE(condition) __builtin_expect((condition), 0)

/* So many versions have their releases marked as often as asked for; later on fewer will do, since a mark costs whoever waits
 * the way of a cache line. */
#define TIGHT_MARKS_MANY (1ULL << 14)

/* The next version, or this one, whose release is marked: one in each block, somewhere in it. What comes back regularly, as a lock's
 * batches do, is neither always met nor never. */
TIGHT_INLINE uint64_t tight_next_mark(const struct tight *t, uint64_t version)
{
    uint64_t most = version < TIGHT_MARKS_MANY || t->marks == 0 ? t->marks : t->marks << 3 | 7;
    for (uint64_t block = version & ~most;; block += most + 1) {
        uint64_t mark = block + (uint64_t)((unsigned __int128)(block * PAYLOAD_STRIDE) * (most + 1) >> 64);
        if (mark >= version)
            return mark;
    }
}

/* The same as a stamp of this worker's. Alone there is nobody to hand anything to. */
TIGHT_INLINE uint64_t tight_own_mark(const struct tight *t, const struct tight_state *s, uint64_t version)
{
    return s->own | (s->workers > 1 ? tight_next_mark(t, version) & TIGHT_VERSIONS : TIGHT_VERSIONS);
}

/* Another worker's line was found: when, if it came with the release that was the next one to be marked. Where a mark has been passed
 * by, the one after it is not looked for: that would take time here, inside. */
TIGHT_INLINE void tight_take_over(struct tight *t, const struct tight_state *s, uint64_t stamp)
{
    t->taken = TIGHT_RARE(payload_version(stamp ^ s->mark) == 0) ? ticks_now() : 0;
}

/* Did a worker of this trial leave that, after all that this one has seen? */
TIGHT_INLINE bool tight_follows(const struct tight_state *s, uint64_t stamp)
{
    return payload_writer(stamp) < s->workers && payload_tag(stamp ^ s->own) == 0 &&
           payload_version(stamp) > payload_version(s->seen);
}

/* What tight_judge() does with such a one. */
TIGHT_INLINE void tight_handoff(const struct tight_state *s, uint64_t stamp)
{
    slot_store(&s->slot->version_ahead, payload_version(stamp) - s->ops + 1);
    slot_store(&s->slot->handoffs, s->slot->handoffs + 1);
}

/* Enters the critical section. False: the primitive refused for good. */
TIGHT_INLINE bool tight_enter(struct worker *w, struct tight_state *s, const struct tight_calls *call, bool timed)
{
    int rc;
    do
        if (call->acquire)
            rc = call->acquire(&s->self);
        else
            rc = call->shared ? w->lock.acquire_shared(&w->self) : w->lock.acquire(&w->self);
    while (TIGHT_RARE(rc != 0) && worker_asks_again(w, rc));
    if (TIGHT_RARE(rc != 0) && !tight_refused(w, rc, "acquire"))
        return false;
    if (timed)
        w->granted = ticks_now();
    slot_store(&s->slot->phase, PHASE_INSIDE);
    return true;
}

/* Leaves it. False: the primitive refused. */
TIGHT_INLINE bool tight_leave(struct worker *w, struct tight_state *s, const struct tight_calls *call)
{
    int rc;
    slot_store(&s->slot->phase, PHASE_RELEASING);
    if (call->release)
        rc = call->release(&s->self);
    else
        rc = call->shared ? w->lock.release_shared(&w->self) : w->lock.release(&w->self);
    return TIGHT_LIKELY(rc == 0) || tight_refused(w, rc, "release");
}

/* The operation is complete, and the next one begins. */
TIGHT_INLINE void tight_done(struct worker *w, const struct tight *t, struct tight_state *s, bool timed)
{
    s->ops++;
    __asm__("" : "+r"(s->ops)); /* one count in a register: the compiler would keep the last one as well, by a store */
    if (timed)
        worker_timed(w, t->timed & TIGHT_ACQUIRE, t->timed & TIGHT_HOLD);
    __atomic_store_n(&s->slot->ops, s->ops, __ATOMIC_RELEASE);
    slot_store(&s->slot->phase, PHASE_ACQUIRING);
}

/* The rest of a writer's operation, once the line is replaced. `read`: what was found there, if that was no whole write. */
TIGHT_INLINE bool tight_write_rest(struct worker *w, struct tight *t, struct tight_state *s, const struct tight_calls *call, bool timed,
                                   bool other, uint64_t old, uint64_t next, uint64_t floor, const uint64_t *read)
{
    if (timed) {
        unsigned at = next % PAYLOAD_LINE_WORDS;
        if (TIGHT_RARE(payload_line_word(s->line, at) != next + at * PAYLOAD_STRIDE))
            t->overwritten(w, next & TIGHT_VERSIONS, at);
    }
    if (timed && t->timed & TIGHT_HOLD)
        w->held = ticks_now();
    bool marked = TIGHT_RARE(next == s->mark);
    if (marked)
        tight_mark(w, next);
    bool left = tight_leave(w, s, call);
    if (marked || (other && payload_version(next) > payload_version(s->mark)))
        s->mark = tight_own_mark(t, s, payload_version(next) + 1);
    if (read)
        t->broken(w, read);
    if (other && !timed && t->taken == 0 && TIGHT_LIKELY(tight_follows(s, old)))
        tight_handoff(s, old);
    else if (timed || other)
        tight_judge(w, t, old, floor, s->seen, s->ops);
    s->seen = next;
    tight_done(w, t, s, timed);
    return TIGHT_LIKELY(left);
}

/* One operation of a writer. False: it cannot go on. The usual case has code of its own, in which nothing but what the loop keeps
 * lives beyond the release: what is put by on the stack is a store as well, and the next acquisition waits for all stores. */
TIGHT_INLINE bool tight_write_one(struct worker *w, struct tight *t, struct tight_state *s, const struct tight_calls *call,
                                  bool timed)
{
    uint64_t read[PAYLOAD_LINE_WORDS], floor = timed ? tight_sample(w, t) : 0, old = s->seen;
    if (!tight_enter(w, s, call, timed))
        return false;
    uint64_t stamp = payload_line_word(s->line, 0);
    if (TIGHT_RARE(stamp != old)) {
        tight_take_over(t, s, stamp);
        uint64_t next = s->own | ((stamp + 1) & TIGHT_VERSIONS);
        bool whole = call->replace(s->line, stamp, next, read);
        return tight_write_rest(w, t, s, call, timed, true, stamp, next, floor, whole ? NULL : read);
    }
    __asm__("" : "+r"(old)); /* what comes next waits for the branch, which is foreseen, and not for the load */
    uint64_t next = s->own | ((old + 1) & TIGHT_VERSIONS);
    if (TIGHT_RARE(!call->replace(s->line, old, next, read)))
        return tight_write_rest(w, t, s, call, timed, false, old, next, floor, read);
    return tight_write_rest(w, t, s, call, timed, false, old, next, floor, NULL);
}

/* The rest of a reader's operation, the same way. `read`: what was found, if it was not what this worker saw last. */
TIGHT_INLINE bool tight_read_rest(struct worker *w, struct tight *t, struct tight_state *s, const struct tight_calls *call, bool timed,
                                  uint64_t floor, const uint64_t *read)
{
    if (timed && t->timed & TIGHT_HOLD)
        w->held = ticks_now();
    bool left = tight_leave(w, s, call);
    if (read) {
        s->seen = tight_judge_read(w, t, read, floor, s->seen);
        if (payload_version(s->seen) >= payload_version(s->mark))
            s->mark = tight_own_mark(t, s, payload_version(s->seen) + 1);
    } else if (timed) {
        tight_judge(w, t, s->seen, floor, s->seen, s->ops);
    }
    tight_done(w, t, s, timed);
    return TIGHT_LIKELY(left);
}

/* One operation of a reader. */
TIGHT_INLINE bool tight_read_one(struct worker *w, struct tight *t, struct tight_state *s, const struct tight_calls *call, bool timed)
{
    uint64_t read[PAYLOAD_LINE_WORDS], floor = timed ? tight_sample(w, t) : 0;
    if (!tight_enter(w, s, call, timed))
        return false;
    if (TIGHT_LIKELY(payload_line_same(s->line, s->seen, read)))
        return tight_read_rest(w, t, s, call, timed, floor, NULL);
    tight_take_over(t, s, read[0]);
    return tight_read_rest(w, t, s, call, timed, floor, read);
}

/* Untimed operations up to the next one that is timed, that one, and so on until the end. */
#define TIGHT_LOOP(one)                                                                                                     \
    const uint32_t *stop = w->crew.stop;                                                                                    \
    struct tight_state s = {.self = w->self, .slot = w->slot, .line = t->line, .own = t->own, .ops = w->ops,                \
                            .workers = w->crew.workers};                                                                    \
    s.mark = tight_own_mark(t, &s, 0);                                                                                      \
    uint64_t limit = w->ops_limit;                                                                                          \
    bool going = true;                                                                                                      \
    slot_store(&w->slot->phase, PHASE_ACQUIRING);                                                                           \
    while (going) {                                                                                                         \
        uint64_t untimed = w->until_sample - 1, left = limit - s.ops, batch = untimed < left ? untimed : left;              \
        for (uint64_t end = s.ops + batch; s.ops != end && TIGHT_LIKELY(going);)                                            \
            going = TIGHT_LIKELY(!slot_load(stop)) && one(w, t, &s, call, false);                                           \
        w->until_sample -= (uint32_t)batch;                                                                                 \
        if (!going || s.ops == limit || (s.ops && slot_load(stop)))                                                         \
            break;                                                                                                          \
        going = one(w, t, &s, call, true);                                                                                  \
    }                                                                                                                       \
    w->ops = s.ops;                                                                                                         \
    slot_store(&w->slot->phase, PHASE_IDLE)

TIGHT_INLINE void tight_write_loop(struct worker *w, struct tight *t, const struct tight_calls *call)
{
    TIGHT_LOOP(tight_write_one);
}

TIGHT_INLINE void tight_read_loop(struct worker *w, struct tight *t, const struct tight_calls *call)
{
    TIGHT_LOOP(tight_read_one);
}

/* The writer's loop of a lock for one instruction set. */
#define TIGHT_WRITER(name, set, target, acquire_, release_)                                                                 \
    target static void name##_write_##set(struct worker *w, struct tight *t)                                                \
    {                                                                                                                       \
        static const struct tight_calls call = {acquire_, release_, false, payload_line_replace_##set};                     \
        tight_write_loop(w, t, &call);                                                                                      \
    }

#define TIGHT_READER(name, acquire_, release_)                                                                              \
    static void name##_read(struct worker *w, struct tight *t)                                                              \
    {                                                                                                                       \
        static const struct tight_calls call = {acquire_, release_, true, NULL};                                            \
        tight_read_loop(w, t, &call);                                                                                       \
    }

#ifdef __x86_64__
#define TIGHT_WRITERS(name, acquire, release)                                                                               \
    TIGHT_WRITER(name, base, , acquire, release)                                                                            \
    TIGHT_WRITER(name, avx2, PAYLOAD_TARGET_AVX2, acquire, release)                                                         \
    TIGHT_WRITER(name, avx512, PAYLOAD_TARGET_AVX512, acquire, release)
#define TIGHT_WRITE(name)                                                                                                   \
    {[PAYLOAD_BASE] = name##_write_base, [PAYLOAD_AVX2] = name##_write_avx2, [PAYLOAD_AVX512] = name##_write_avx512}
#else
#define TIGHT_WRITERS(name, acquire, release) TIGHT_WRITER(name, base, , acquire, release)
#define TIGHT_WRITE(name)                     {[PAYLOAD_BASE] = name##_write_base}
#endif

/* Loops with these calls, as `loops`. */
#define TIGHT_LOOPS(loops, name, row, acquire, release, acquire_shared, release_shared)                                     \
    TIGHT_WRITERS(name, acquire, release)                                                                                   \
    TIGHT_READER(name, acquire_shared, release_shared)                                                                      \
    loops = {.sync = (row), .write = TIGHT_WRITE(name), .read = name##_read}

/* Those of the lock sync_name, as tight_name. */
#define TIGHT_LOCK_SHARED(name, acquire, release, acquire_shared, release_shared)                                           \
    TIGHT_LOOPS(const struct tight_loops tight_##name, name, &sync_##name, acquire, release, acquire_shared, release_shared)
#define TIGHT_LOCK(name, acquire, release) TIGHT_LOCK_SHARED(name, acquire, release, acquire, release)

#endif
