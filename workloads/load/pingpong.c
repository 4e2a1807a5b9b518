/* pingpong: each writer sends a message to the reader of its number and waits for the answer, which must be the right one and whole.
 *
 * Each pair has two queues of its own, one for each way. Times are taken from before a message is filled until it has been
 * verified: by the one who asked, of the way there and back, and by who receives, of one way. No round is timed as both, and no
 * single call within one: so every time holds one reading of the clock and no more. What is timed is announced in the round before,
 * and when a message departed is told when it is under way: neither costs the message itself a way between two caches.
 */
#include <errno.h>
#include <string.h>

#include "contract/fault.h"
#include "shm/payload.h"
#include "workloads/load/rows.h"
#include "workloads/load/stream.h"

enum { PING, PONG, WAYS };
enum { ROUND_TRIP = HISTOGRAM_OWN, ONE_WAY };
#define INLINE static inline __attribute__((always_inline))
#define NONE UINT64_MAX
#define TRIES 200 /* at an empty queue in a row, before anything else is looked at: some microseconds */

/* What one side tells about a message that is timed, in two lines, and when it tells so. */
struct departure {
    _Alignas(STREAM_LINE) uint64_t announced; /* its number, one message earlier */
    uint64_t whole;                           /* the same of a round that is timed as a whole */
    _Alignas(STREAM_LINE) uint64_t at;        /* by ticks_now(); when it is under way, and before its number here */
    uint64_t departed;
};

struct pair {
    struct departure departures[WAYS];
    _Alignas(STREAM_LINE) uint64_t sent; /* pings, by the writer */
    _Alignas(STREAM_LINE) uint64_t answered; /* by the reader */
};

static size_t pingpong_bytes(const struct shape *shape)
{
    return shape->writers * (sizeof(struct pair) + WAYS * stream_buffer_bytes(shape));
}

static struct pair *pair_of(const struct shape *shape, void *area, uint32_t worker)
{
    uint32_t pair = worker < shape->writers ? worker : worker - shape->writers;
    return (struct pair *)area + pair;
}

static struct stream stream_of(const struct shape *shape, void *area, uint32_t worker)
{
    unsigned char *buffers = (unsigned char *)((struct pair *)area + shape->writers);
    unsigned char *buffer = buffers + worker * stream_buffer_bytes(shape);
    return (struct stream){.buffer = buffer, .element = buffer, .producers = shape_workers(shape), .fixed = true};
}

static int pingpong_prepare(void *area, const struct shape *shape)
{
    memset(area, 0, pingpong_bytes(shape));
    for (uint32_t i = 0; i < shape_workers(shape); i++)
        stream_buffer_prepare(shape, stream_of(shape, area, i).buffer);
    return 0;
}

/* One side of a pair; what each round needs is looked up once. */
struct side {
    struct worker *w;
    struct pair *pair;
    struct stream stream;
    struct sync_self *out, *in;
    const struct sync_queue *queue;
    size_t bytes;
    uint64_t own, others; /* stamps of message 0: this side's, and the partner's */
    uint32_t partner;
    struct departure *departs, *arrives;
    bool plain;        /* no fault and nothing else wants to come in between: the short way */
    bool sampled;      /* the round under way */
    uint64_t one_way;  /* the number of the message that is timed, or was last; NONE */
    uint64_t whole;    /* the same of the round that is timed as a whole */
    uint64_t began;    /* of that round, by ticks_now(); 0: this one is not */
    size_t owed;       /* bytes of a message that came well and is not booked yet */
};

static bool is_plain(const struct worker *w)
{
    const struct fault_ops *fault = w->fault;
    return !fault->calling && !fault->called && !fault->inside && w->shape->hold_ns == 0 && w->polls > TRIES;
}

static struct side side_of(struct worker *w)
{
    uint32_t first = worker_first_instance(w), writers = w->shape->writers;
    uint32_t partner = w->writer ? w->index + writers : w->index - writers;
    struct pair *pair = pair_of(w->shape, w->area, w->index);
    return (struct side){
        .w = w,
        .pair = pair,
        .stream = stream_of(w->shape, w->area, w->index),
        .out = &w->instances[first + (w->writer ? PING : PONG)],
        .in = &w->instances[first + (w->writer ? PONG : PING)],
        .queue = &w->sync->queue,
        .bytes = w->shape->size,
        .own = stream_stamp(w->shape, w->index, 0),
        .others = stream_stamp(w->shape, partner, 0),
        .partner = partner,
        .departs = &pair->departures[w->writer ? PING : PONG],
        .arrives = &pair->departures[w->writer ? PONG : PING],
        .plain = is_plain(w),
        .one_way = NONE,
        .whole = NONE,
    };
}

/* Sends, however long the queue is full. False: it was refused for good. */
static __attribute__((noinline)) bool send_patiently(struct side *side, uint64_t number)
{
    struct worker *w = side->w;
    w->self = *side->out;
    side->stream.filled = 0;
    for (uint32_t polls = 0; !w->leave; worker_poll(w, &polls))
        if (stream_push(w, &side->stream, side->own | number, side->bytes))
            return true;
    return false;
}

/* The first word of a record is its stamp; a short one needs no call. */
INLINE void fill(void *place, size_t bytes, uint64_t stamp)
{
    if (bytes == sizeof stamp)
        *(uint64_t *)place = stamp;
    else
        payload_fill(place, bytes, stamp);
}

/* Once, by way of no other function. Whatever does not go well at once, is tried again in the long way. */
INLINE bool send_plainly(struct side *side, uint64_t number)
{
    const struct sync_queue *queue = side->queue;
    void *place = side->stream.buffer;
    if (queue->claim && queue->claim(side->out, &place) != 0)
        return false;
    fill(place, side->bytes, side->own | number);
    int rc = queue->claim ? queue->publish(side->out, side->bytes) : queue->push(side->out, place, side->bytes);
    return rc == 0;
}

INLINE bool send(struct side *side, uint64_t number)
{
    uint64_t at = __builtin_expect(number == side->one_way, 0) ? ticks_now() : 0;
    slot_store(&side->w->slot->phase, PHASE_CALLING);
    bool sent = (side->plain && send_plainly(side, number)) || send_patiently(side, number);
    if (__builtin_expect(at != 0, 0)) {
        side->departs->at = at;
        __atomic_store_n(&side->departs->departed, number, __ATOMIC_RELEASE);
    }
    return sent;
}

static __attribute__((noinline)) bool receive_patiently(struct side *side, size_t *got)
{
    struct worker *w = side->w;
    w->self = *side->in;
    for (uint32_t polls = 0; !w->leave; worker_poll(w, &polls))
        if (stream_pop(w, &side->stream, got))
            return true;
    return false;
}

INLINE int take(struct side *side, size_t *got)
{
    const void *place = side->stream.buffer;
    int rc = side->queue->claim ? side->queue->front(side->in, &place, got)
                                : side->queue->pop(side->in, side->stream.buffer, side->bytes, got);
    side->stream.element = place;
    return rc;
}

/* What is waited for will come soon: it is asked for again at once. A queue that waits does that itself. */
INLINE bool receive_plainly(struct side *side, size_t *got)
{
    int rc = take(side, got);
    for (uint32_t tries = TRIES; rc == EAGAIN && tries; tries--) {
        cpu_relax();
        rc = take(side, got);
    }
    return rc == 0;
}

INLINE bool receive(struct side *side, size_t *got)
{
    return (side->plain && receive_plainly(side, got)) || receive_patiently(side, got);
}

/* It was whole; is it the one that is waited for? */
static void judge_order(struct side *side, uint64_t stamp, uint64_t number)
{
    struct worker *w = side->w;
    uint64_t found = payload_version(stamp);
    if (payload_writer(stamp) != side->partner)
        worker_violation_values(w, VIOLATION_FOREIGN, number, found,
                                "worker %u waited for message %llu of worker %u, and got %llu of worker %u", w->index,
                                (unsigned long long)number, side->partner, (unsigned long long)found, payload_writer(stamp));
    else
        worker_violation_values(w, found < number ? VIOLATION_DUPLICATED : VIOLATION_LOST, number, found,
                                "worker %u waited for message %llu of worker %u, and got %llu", w->index, (unsigned long long)number,
                                side->partner, (unsigned long long)found);
}

enum came { CAME_WELL, CAME_WRONG, CAME_MARKER, CAME_REFUSED };

static __attribute__((noinline)) enum came accept_carefully(struct side *side, size_t got, uint64_t number)
{
    struct worker *w = side->w;
    uint64_t stamp;
    w->self = *side->in; /* the short way has not said so */
    bool whole = stream_read(w, &side->stream, got, &stamp);
    if (!stream_release(w, &side->stream))
        return CAME_REFUSED;
    if (!whole)
        return CAME_WRONG; /* reported; the other side goes on as well */
    if (payload_version(stamp) == STREAM_END && payload_writer(stamp) == side->partner)
        return CAME_MARKER;
    if (payload_version(stamp) != number || payload_writer(stamp) != side->partner)
        judge_order(side, stamp, number);
    return CAME_WELL;
}

/* Verifies what has come: a short one, as it should be, at once. */
INLINE enum came accept(struct side *side, size_t got, uint64_t number)
{
    bool short_one = side->plain && side->bytes == sizeof(uint64_t) && got == side->bytes && stream_guarded(side->w->shape, &side->stream);
    if (__builtin_expect(!short_one || payload_peek(side->stream.element, sizeof(uint64_t)) != (side->others | number), 0))
        return accept_carefully(side, got, number);
    return !side->queue->claim || side->queue->consume(side->in) == 0 ? CAME_WELL : CAME_REFUSED;
}

/* From now on the next message this way is to be timed. */
static __attribute__((noinline)) void announce(struct side *side, uint64_t number)
{
    side->one_way = number;
    __atomic_store_n(&side->departs->announced, number, __ATOMIC_RELEASE);
}

/* Of the rounds that are timed one is timed as a whole, and the next one way. */
static __attribute__((noinline)) void announce_round(struct side *side, uint64_t number)
{
    bool was_whole = side->whole != NONE && (side->one_way == NONE || side->whole > side->one_way);
    if (was_whole) {
        announce(side, number);
        return;
    }
    side->whole = number;
    __atomic_store_n(&side->departs->whole, number, __ATOMIC_RELEASE);
}

/* Its departure is told a moment after it has departed. */
static __attribute__((noinline)) void time_one_way(struct side *side, uint64_t number, uint64_t now)
{
    const struct departure *there = side->arrives;
    for (uint32_t tries = TRIES; __atomic_load_n(&there->departed, __ATOMIC_ACQUIRE) != number; tries--) {
        if (tries == 0)
            return;
        cpu_relax();
    }
    worker_record(side->w, ONE_WAY, ticks_ns(now - there->at), clock_ns());
}

/* Is it timed one way? Then the answer is, too. */
INLINE void arrive(struct side *side, uint64_t number)
{
    uint64_t announced = __atomic_load_n(&side->arrives->announced, __ATOMIC_RELAXED);
    if (__builtin_expect(announced < number, 1))
        return;
    if (announced == number)
        time_one_way(side, number, ticks_now());
    else if (announced == number + 1 && side->one_way != announced)
        announce(side, announced);
}

/* The stamp is the last thing before the message is filled. */
INLINE void begin_round(struct side *side, uint64_t number)
{
    side->sampled = side->w->timed;
    side->w->timed = false; /* single calls are not */
    side->began = __builtin_expect(number == side->whole, 0) ? ticks_now() : 0;
}

/* What is sampled gives the sign for what is timed; and it looks at the others' slots, which costs each of them a miss. */
INLINE void end_round(struct side *side, uint64_t number)
{
    struct worker *w = side->w;
    if (__builtin_expect(side->began != 0, 0))
        worker_record(w, ROUND_TRIP, ticks_ns(ticks_now() - side->began), clock_ns());
    if (__builtin_expect(side->sampled, 0)) {
        worker_asks(w);
        announce_round(side, number + 2);
    }
    w->timed = side->sampled;
}

/* Books a message that came well; nothing waits for that. */
INLINE void book(struct side *side)
{
    if (side->owed == 0)
        return;
    worker_handoff(side->w);
    worker_received(side->w, side->owed);
    side->owed = 0;
}

/* One answer. False: there will be no further one. */
INLINE bool await_answer(struct side *side, uint64_t number)
{
    size_t got = 0;
    if (!receive(side, &got))
        return false;
    enum came came = accept(side, got, number);
    if (came == CAME_MARKER)
        worker_violation_text(side->w, VIOLATION_FOREIGN, "worker %u got the end's marker as an answer to message %llu", side->w->index,
                              (unsigned long long)number);
    side->owed = came == CAME_WELL ? got : 0;
    return came == CAME_WELL || came == CAME_WRONG;
}

/* So many rounds are over. */
INLINE void tell(struct side *side, uint64_t rounds)
{
    side->pair->sent = rounds;
    worker_tell(side->w);
    book(side);
}

/* What one round leaves to be told is told when the next message is under way: each store before that would delay it. */
static void ask(struct worker *w)
{
    struct side side = side_of(w);
    uint64_t number = 1;
    for (; worker_next(w); number++) {
        begin_round(&side, number);
        bool sent = send(&side, number);
        tell(&side, number - 1);
        if (!sent || !await_answer(&side, number))
            return;
        arrive(&side, number);
        end_round(&side, number);
        worker_count(w);
    }
    tell(&side, number - 1);
    side.one_way = NONE;
    send(&side, STREAM_END);
}

/* Does the other side time this round, or its messages? */
static bool is_timed(const struct side *side, uint64_t number)
{
    return number == __atomic_load_n(&side->arrives->whole, __ATOMIC_RELAXED) ||
           number == __atomic_load_n(&side->arrives->announced, __ATOMIC_RELAXED);
}

/* It has no pace and no end of its own: it answers until the marker comes. What it samples is who it meets, in no round that is
 * timed. */
static void answer(struct worker *w)
{
    struct side side = side_of(w);
    size_t got = 0;
    w->paced = false;
    w->period_ns = 0;
    for (uint64_t number = 1; !w->leave; number++) {
        worker_turn(w);
        if (__builtin_expect(w->timed, 0) && !is_timed(&side, number))
            worker_asks(w);
        w->timed = false;
        if (!receive(&side, &got))
            return;
        enum came came = accept(&side, got, number);
        if (came == CAME_MARKER || came == CAME_REFUSED)
            return;
        arrive(&side, number);
        if (!send(&side, number))
            return;
        side.owed = came == CAME_WELL ? got : 0;
        side.pair->answered = number;
        book(&side);
        worker_done(w);
    }
}

static void pingpong_audit(struct worker *auditor)
{
    for (uint32_t i = 0; i < auditor->shape->writers; i++) {
        const struct pair *pair = pair_of(auditor->shape, auditor->area, i);
        if (pair->sent != pair->answered)
            worker_violation_values(auditor, VIOLATION_COUNT, pair->sent, pair->answered,
                                    "worker %u has had %llu answers, and worker %u has sent %llu", i, (unsigned long long)pair->sent,
                                    i + auditor->shape->writers, (unsigned long long)pair->answered);
    }
}

static bool pingpong_breakable(const struct shape *shape)
{
    (void)shape;
    return false; /* a queue of one producer and one consumer with one message in it: even a bad one may hold that */
}

static const char *pingpong_refuses(const struct shape *shape, const struct sync_ops *sync, const struct fault_ops *fault)
{
    (void)sync;
    if (shape->readers != shape->writers)
        return "load pingpong: writers and readers work in pairs: as many of both, please";
    if (fault->deadly)
        return "load pingpong: who waits for an answer of the dead waits for ever";
    return NULL;
}

const struct load_ops load_pingpong = {
    .name = "pingpong",
    .summary = "pairs send each other one message at a time and wait for it: round trips, and one way, each verified",
    .families = 1u << SYNC_QUEUE,
    .default_size = 64,
    .min_size = STREAM_SIZE_MIN,
    .max_size = UINT32_MAX / 2,
    .size_means = "a message",
    .min_writers = 1,
    .enough = 30,
    .histograms = {"round-trip", "one-way", NULL},
    .in_step = true,
    .instances = WAYS,
    .per_writer = true,
    .refuses = pingpong_refuses,
    .capacity = stream_capacity,
    .area_bytes = pingpong_bytes,
    .prepare = pingpong_prepare,
    .write = ask,
    .read = answer,
    .audit = pingpong_audit,
    .breakable = pingpong_breakable,
};
