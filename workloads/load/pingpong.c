/* pingpong: each writer sends a message to the reader of its number and waits for the answer, which must be the right one and whole.
 *
 * Each pair has two queues of its own, one for each way. Times are taken from before a message is filled until it has been
 * verified: by the one who asked, of the way there and back, and by who receives, of one way. No round is timed as both, and no
 * single call within one: so every time holds one reading of the clock and no more.
 */
#include <stdio.h>
#include <string.h>

#include "shm/payload.h"
#include "workloads/load/rows.h"
#include "workloads/load/stream.h"

enum { PING, PONG, WAYS };
enum { ROUND_TRIP = HISTOGRAM_OWN, ONE_WAY };
#define CAPACITY 4 /* of a queue: one message at a time is under way, and the end's marker */

/* What one side tells about a message under way that is timed. */
struct departure {
    _Alignas(STREAM_LINE) uint64_t number;
    uint64_t at_ns; /* written before the number */
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
    return (struct stream){
        .buffer = buffers + worker * stream_buffer_bytes(shape), .producers = shape_workers(shape), .fixed = true};
}

static int pingpong_prepare(void *area, const struct shape *shape)
{
    memset(area, 0, pingpong_bytes(shape));
    for (uint32_t i = 0; i < shape_workers(shape); i++)
        stream_buffer_prepare(shape, stream_of(shape, area, i).buffer);
    return 0;
}

static uint32_t pingpong_capacity(const struct shape *shape)
{
    (void)shape;
    return CAPACITY;
}

/* One side of a pair. */
struct side {
    struct worker *w;
    struct pair *pair;
    struct stream stream;
    uint32_t out, in; /* instances */
    uint32_t partner;
    struct departure *departs, *arrives;
    bool sampled;      /* the round under way */
    bool one_way;      /* the message under way is timed */
    uint64_t began_ns; /* of a round that is timed as a whole; 0: this one is not */
};

static struct side side_of(struct worker *w)
{
    uint32_t first = worker_first_instance(w), writers = w->shape->writers;
    struct pair *pair = pair_of(w->shape, w->area, w->index);
    return (struct side){
        .w = w,
        .pair = pair,
        .stream = stream_of(w->shape, w->area, w->index),
        .out = first + (w->writer ? PING : PONG),
        .in = first + (w->writer ? PONG : PING),
        .partner = w->writer ? w->index + writers : w->index - writers,
        .departs = &pair->departures[w->writer ? PING : PONG],
        .arrives = &pair->departures[w->writer ? PONG : PING],
    };
}

/* Sends, however long the queue is full. False: it was refused for good. */
static bool send(struct side *side, uint64_t number)
{
    struct worker *w = side->w;
    size_t bytes = w->shape->size;
    if (side->one_way) {
        side->departs->at_ns = clock_ns();
        __atomic_store_n(&side->departs->number, number, __ATOMIC_RELEASE);
    }
    payload_fill(side->stream.buffer, bytes, stream_stamp(w->shape, w->index, number));
    worker_inside(w);
    worker_select(w, side->out);
    for (uint32_t polls = 0; !w->leave; worker_poll(w, &polls)) {
        worker_begin(w);
        if (worker_end(w, w->sync->queue.push(&w->self, side->stream.buffer, bytes), "push"))
            return true;
    }
    return false;
}

static bool receive(struct side *side, size_t *got)
{
    struct worker *w = side->w;
    worker_select(w, side->in);
    for (uint32_t polls = 0; !w->leave; worker_poll(w, &polls)) {
        worker_begin(w);
        if (worker_end(w, w->sync->queue.pop(&w->self, side->stream.buffer, w->shape->size, got), "pop"))
            return true;
    }
    return false;
}

/* It was whole; is it the one that is waited for? */
static void judge_order(struct side *side, uint64_t stamp, uint64_t number)
{
    struct worker *w = side->w;
    uint64_t found = payload_version(stamp);
    if (payload_writer(stamp) != side->partner)
        worker_violation_values(w, VIOLATION_FOREIGN, number, found, "worker %u waited for message %llu of worker %u, and got %llu of worker %u",
                                w->index, (unsigned long long)number, side->partner, (unsigned long long)found,
                                payload_writer(stamp));
    else
        worker_violation_values(w, found < number ? VIOLATION_DUPLICATED : VIOLATION_LOST, number, found,
                                "worker %u waited for message %llu of worker %u, and got %llu", w->index, (unsigned long long)number,
                                side->partner, (unsigned long long)found);
}

/* Verifies what has come, and notes how long it was under way. False: it is the marker of the end. */
static bool accept(struct side *side, size_t got, uint64_t number)
{
    struct worker *w = side->w;
    uint64_t stamp;
    if (!stream_read(w, &side->stream, got, &stamp))
        return true; /* reported; the other side goes on as well */
    if (payload_version(stamp) == STREAM_END && payload_writer(stamp) == side->partner)
        return false;
    if (__builtin_expect(payload_version(stamp) != number || payload_writer(stamp) != side->partner, 0))
        judge_order(side, stamp, number);
    side->one_way = __atomic_load_n(&side->arrives->number, __ATOMIC_ACQUIRE) == number;
    if (side->one_way) { /* and so is the answer */
        uint64_t now = clock_ns();
        worker_record(w, ONE_WAY, now - side->arrives->at_ns, now);
    }
    worker_handoff(w);
    worker_received(w, got);
    return true;
}

/* A sampled round is timed as a whole, or one way, by turns; and never are its single calls. */
static void begin_round(struct side *side)
{
    struct worker *w = side->w;
    side->began_ns = 0;
    side->one_way = false;
    if (!w->timed)
        return;
    worker_asks(w);
    w->timed = false;
    if (slot_load(&w->slot->sampled) % 2)
        side->began_ns = clock_ns();
    else
        side->one_way = true;
}

static void end_round(struct side *side)
{
    struct worker *w = side->w;
    if (side->began_ns) {
        uint64_t now = clock_ns();
        worker_record(w, ROUND_TRIP, now - side->began_ns, now);
    }
    w->timed = side->sampled;
}

static void ask(struct worker *w)
{
    struct side side = side_of(w);
    size_t got = 0;
    for (uint64_t number = 1; worker_next(w); number++) {
        side.sampled = w->timed;
        begin_round(&side);
        if (!send(&side, number) || !receive(&side, &got))
            return;
        side.pair->sent = number;
        if (!accept(&side, got, number)) {
            worker_violation_text(w, VIOLATION_FOREIGN, "worker %u got the end's marker as an answer to message %llu", w->index,
                                  (unsigned long long)number);
            return;
        }
        end_round(&side);
        worker_done(w);
    }
    side.one_way = false;
    send(&side, STREAM_END);
}

/* It has no pace and no end of its own: it answers until the marker comes. What it samples is who it meets; those rounds are others
 * than those that are timed. */
static void answer(struct worker *w)
{
    struct side side = side_of(w);
    size_t got = 0;
    w->paced = false;
    w->period_ns = 0;
    w->until_sample = w->shape->sampling / 2 + 1;
    for (uint64_t number = 1; !w->leave; number++) {
        worker_turn(w);
        if (w->timed)
            worker_asks(w);
        w->timed = false;
        if (!receive(&side, &got) || !accept(&side, got, number) || !send(&side, number))
            return;
        side.pair->answered = number;
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
    .capacity = pingpong_capacity,
    .area_bytes = pingpong_bytes,
    .prepare = pingpong_prepare,
    .write = ask,
    .read = answer,
    .audit = pingpong_audit,
    .breakable = pingpong_breakable,
};
