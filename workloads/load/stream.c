/* stream: producers push numbered elements, consumers pop them; each must come out once, whole, and in its producer's order.
 *
 * A lock is given a ring of the load's own to guard. The end: nobody may wait for ever, and nothing may stay inside. Producers
 * stop when they are told to; the last one closes the stream. Consumers of a queue that blocks get a marker each, behind all
 * elements; the others find the stream closed and then empty.
 *
 * Who dies by a fault's hand has ended, too. A dead producer's last element may be inside or not; what a dead consumer had in its
 * hands is gone. Everything else must come out: what does not is waited for, until the watchdog says that nobody moves.
 */
#include <string.h>
#include <time.h>

#include "shm/payload.h"
#include "workloads/load/history.h"
#include "workloads/load/rows.h"
#include "workloads/load/stream.h"

#define CAPACITY 64
#define RING_BYTES (256 * 1024) /* larger elements: fewer of them */
#define STAND_BACK_NS (10 * NS_PER_MS)
#define ASK_AGAIN_NS (50 * NS_PER_MS)

uint32_t stream_capacity(const struct shape *shape)
{
    uint64_t fit = RING_BYTES / shape->size;
    return fit >= CAPACITY ? CAPACITY : fit > 4 ? (uint32_t)fit : 4;
}

static size_t lines(size_t bytes)
{
    return (bytes + STREAM_LINE - 1) / STREAM_LINE * STREAM_LINE;
}

size_t stream_buffer_bytes(const struct shape *shape)
{
    return lines(shape->size + 8 + STREAM_GUARD);
}

void stream_buffer_prepare(const struct shape *shape, unsigned char *buffer)
{
    *(uint64_t *)(void *)(buffer + (shape->size + 7) / 8 * 8) = STREAM_END;
}

static size_t own_ring_bytes(const struct shape *shape)
{
    return shape->family == SYNC_LOCK ? lines(ring_bytes(stream_capacity(shape), shape->size)) : 0;
}

size_t stream_bytes(const struct shape *shape)
{
    return sizeof(struct stream_area) + lines(shape->writers) + lines(account_book_bytes(shape)) +
           shape_workers(shape) * stream_buffer_bytes(shape) +
           own_ring_bytes(shape) + history_bytes(shape);
}

struct stream stream_open(const struct shape *shape, void *area, uint32_t worker)
{
    unsigned char *at = (unsigned char *)area + sizeof(struct stream_area);
    struct stream s = {
        .area = area, .ended = at, .book = account_book_open(shape, at + lines(shape->writers)), .producers = shape->writers};
    at += lines(shape->writers) + lines(account_book_bytes(shape));
    s.element = s.buffer = at + worker * stream_buffer_bytes(shape);
    at += shape_workers(shape) * stream_buffer_bytes(shape);
    s.ring = shape->family == SYNC_LOCK ? (struct ring *)(void *)at : NULL;
    s.histories = at + own_ring_bytes(shape);
    return s;
}

static int stream_prepare(void *area, const struct shape *shape)
{
    memset(area, 0, stream_bytes(shape));
    for (uint32_t i = 0; i < shape_workers(shape); i++) {
        struct stream s = stream_open(shape, area, i);
        stream_buffer_prepare(shape, s.buffer);
        if (i == 0 && s.ring)
            ring_init(s.ring, stream_capacity(shape), shape->size);
    }
    return 0;
}

static bool is_closed(const struct stream *s)
{
    return __atomic_load_n(&s->area->closed, __ATOMIC_ACQUIRE) != 0;
}

/* Fills a slot of the load's own ring, inside the lock. */
static bool push_guarded(struct worker *w, struct stream *s, uint64_t stamp, size_t bytes)
{
    size_t half = bytes / 16 * 8;
    if (!worker_enter(w))
        return false;
    unsigned char *slot = ring_back(s->ring);
    if (slot) {
        payload_fill(slot, half, stamp);
        worker_inside(w);
        payload_fill(slot + half, bytes - half, stamp + half / 8 * PAYLOAD_STRIDE);
        ring_push(s->ring, bytes);
    }
    worker_leave(w);
    if (!slot)
        worker_missed(w);
    return slot != NULL;
}

static bool pop_guarded(struct worker *w, struct stream *s, size_t *got)
{
    if (!worker_enter(w))
        return false;
    const unsigned char *slot = ring_front(s->ring, got);
    if (slot) {
        size_t half = *got / 2;
        memcpy(s->buffer, slot, half);
        worker_inside(w);
        memcpy(s->buffer + half, slot + half, *got - half);
        ring_pop(s->ring);
    }
    worker_leave(w);
    if (!slot)
        worker_missed(w);
    return slot != NULL;
}

/* False: full, or refused for good (w->leave). */
static bool push(struct worker *w, struct stream *s, uint64_t number, size_t bytes)
{
    uint64_t stamp = stream_stamp(w->shape, w->index, number);
    return s->ring ? push_guarded(w, s, stamp, bytes) : stream_push(w, s, stamp, bytes);
}

static bool pop(struct worker *w, struct stream *s, size_t *got)
{
    return s->ring ? pop_guarded(w, s, got) : stream_pop(w, s, got);
}

/* Have all the other producers ended, or died? */
static bool others_ended(const struct worker *w, const struct stream *s)
{
    for (uint32_t i = 0; i < w->shape->writers; i++)
        if (i != w->index && !__atomic_load_n(&s->ended[i], __ATOMIC_SEQ_CST) && !worker_is_dead(w, i))
            return false;
    return true;
}

/* Closes the stream, if nobody else does: behind everything that was pushed, a marker for each consumer that waits inside the
 * queue. */
static void close_stream(struct worker *w, struct stream *s)
{
    bool waits = !s->ring && w->sync->traits & SYNC_BLOCKING;
    uint32_t nobody = 0;
    if (!__atomic_compare_exchange_n(&s->area->closing, &nobody, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return;
    for (uint32_t i = 0; waits && i < w->shape->readers && !w->leave; i++) {
        worker_turn(w);
        push(w, s, STREAM_END, w->shape->size);
    }
    __atomic_store_n(&s->area->closed, 1, __ATOMIC_RELEASE);
}

/* The last producer out closes the stream. Where producers die, the living ones wait for each other: one that went before might
 * have been the last one alive. */
static void finish(struct worker *w, struct stream *s)
{
    const struct timespec nap = {.tv_nsec = 100 * NS_PER_US}; /* asleep, as the watchdog is to see */
    __atomic_store_n(&s->ended[w->index], 1, __ATOMIC_SEQ_CST);
    bool last = others_ended(w, s);
    while (!last && w->fault->deadly && !slot_load(&s->area->closing)) {
        nanosleep(&nap, NULL);
        last = others_ended(w, s);
    }
    if (last)
        close_stream(w, s);
}

static void produce(struct worker *w)
{
    struct stream s = stream_open(w->shape, w->area, w->index);
    struct history history = history_open(w, s.histories);
    struct account *account = account_of(&s.book, w->index, w->index);
    uint32_t misses = 0;
    for (uint64_t number = 1; worker_next(w);) {
        history_begin(&history);
        if (!push(w, &s, number, stream_length(w->shape, number))) {
            worker_poll(w, &misses);
            continue;
        }
        history_end(&history, HISTORY_WRITE, stream_stamp(w->shape, w->index, number));
        misses = 0;
        account->newest = number;
        account_add(&s.book, account, number++);
        worker_done(w);
    }
    finish(w, &s);
}

/* A short while after its first element a consumer lets the others have theirs: one that is quicker to start could take them all,
 * and a consumer that did nothing proves nothing. */
static bool stands_back(const struct worker *w, const struct stream *s, uint64_t *until)
{
    const struct shape *shape = w->shape;
    if (w->ops != 1 || *until == 1)
        return false;
    if (*until == 0)
        *until = clock_ns() + STAND_BACK_NS * (shape->ops_limit ? 10 : 1);
    bool all = true;
    for (uint32_t i = shape->writers; i < shape_workers(shape) && all; i++)
        all = slot_load(&w->crew.slots[i].ops) != 0;
    if (all || is_closed(s) || clock_ns() > *until)
        *until = 1;
    return *until != 1;
}

/* Nobody is left to close the stream: that is the same as a closed one, to who does not wait inside the queue. */
static bool ends(const struct worker *w, const struct stream *s)
{
    return is_closed(s) || (w->fault->deadly && worker_stopping(w) && others_ended(w, s) && !slot_load(&s->area->closing));
}

/* Asked to end, with nothing inside, and not all have finished: entering and leaving a lock would look like progress. */
static bool idles(const struct worker *w, const struct stream *s)
{
    return s->ring && worker_stopping(w) && ring_is_empty(s->ring) && !ends(w, s);
}

/* What dead producers may have pushed, and dead consumers popped, without having said so. */
static int64_t pushed_by_dead(const struct worker *w)
{
    return worker_deaths(w, 0, w->shape->writers);
}

static int64_t popped_by_dead(const struct worker *w)
{
    return worker_deaths(w, w->shape->writers, w->crew.workers);
}

/* Once the stream is closed: how many elements have not come out. Less than none: a broken queue that never gets empty must
 * not keep its consumers for ever. */
static int64_t left_inside(const struct worker *w, const struct stream *s)
{
    const struct shape *shape = w->shape;
    uint64_t pushed = 0, popped = 0;
    for (uint32_t i = 0; i < shape->writers; i++)
        pushed += account_of(&s->book, i, i)->newest;
    for (uint32_t i = shape->writers; i < shape_workers(shape); i++)
        popped += slot_load(&w->crew.slots[i].ops);
    return (int64_t)(pushed - popped);
}

/* The stream is closed and the queue said empty: is that so? If elements are missing, another consumer may just be taking them,
 * or the answer meant "not now": for a while it is asked again. Where somebody has died there is no end to that: elements that a dead
 * one keeps from coming out are a wedge, and that is the watchdog's to tell. */
static bool nothing_comes(const struct worker *w, const struct stream *s, uint64_t *given_up_ns)
{
    int64_t left = left_inside(w, s);
    if (left <= 0)
        return true;
    if (w->fault->deadly && left > popped_by_dead(w))
        return false;
    if (*given_up_ns == 0)
        *given_up_ns = clock_ns() + ASK_AGAIN_NS;
    return clock_ns() > *given_up_ns;
}

/* A consumer does not ask whether the trial is over: it ends when nothing more can come. */
static void consume(struct worker *w)
{
    struct stream s = stream_open(w->shape, w->area, w->index);
    struct history history = history_open(w, s.histories);
    uint64_t until = 0, given_up_ns = 0;
    uint32_t misses = 0;
    while (!w->leave) {
        size_t got = 0;
        worker_turn(w);
        if (stands_back(w, &s, &until) || idles(w, &s)) {
            worker_poll(w, &misses);
            continue;
        }
        bool closed = ends(w, &s);
        if (closed && left_inside(w, &s) < -pushed_by_dead(w))
            return;
        history_begin(&history);
        if (!pop(w, &s, &got)) {
            history_end(&history, HISTORY_EMPTY, 0);
            if (closed && nothing_comes(w, &s, &given_up_ns))
                return;
            worker_poll(w, &misses);
            continue;
        }
        uint64_t stamp = payload_peek(s.element, STREAM_SIZE_MIN);
        if (payload_version(stamp) != STREAM_END)
            history_end(&history, HISTORY_READ, stamp);
        misses = 0;
        enum stream_taken taken = stream_judge(w, &s, got);
        if (!stream_release(w, &s) || taken == STREAM_MARKER)
            return;
        worker_handoff(w);
        if (__builtin_expect(taken == STREAM_ELEMENT, 1)) /* of what is spoilt nothing was transferred */
            worker_received(w, got);
        worker_done(w);
    }
}

/* What is left of the accounts when somebody has died. */
static void stream_inspect(struct worker *auditor)
{
    struct stream s = stream_open(auditor->shape, auditor->area, 0);
    for (uint32_t i = 0; i < auditor->shape->writers; i++)
        if (worker_is_dead(auditor, i))
            account_settle(&s.book, i);
    account_audit(auditor, &s.book, (uint32_t)popped_by_dead(auditor));
}

static void stream_audit(struct worker *auditor)
{
    struct stream s = stream_open(auditor->shape, auditor->area, 0);
    account_audit(auditor, &s.book, 0);
    history_check_queue(auditor, s.histories, s.ring || !auditor->sync->queue.not_now);
}

static bool stream_breakable(const struct shape *shape)
{
    return shape->readers > 0;
}

static const char *stream_refuses(const struct shape *shape, const struct sync_ops *sync, const struct fault_ops *fault)
{
    bool waits = sync->family == SYNC_QUEUE && sync->traits & SYNC_BLOCKING;
    if (shape->readers == 0)
        return "load stream: without a consumer (--readers) nothing comes out";
    if (fault->deadly && shape->history)
        return "load stream: no history can be checked of operations that somebody died in (--history)";
    if (fault->in_step && waits && shape->writers != shape->readers)
        return "load stream: in step, as many must push as pop, or a queue that waits is full or empty for ever";
    return NULL;
}

const struct load_ops load_stream = {
    .name = "stream",
    .summary = "producers push numbered elements, consumers check that each comes out once, whole and in order",
    .families = 1u << SYNC_QUEUE | 1u << SYNC_LOCK,
    .default_size = 64,
    .min_size = STREAM_SIZE_MIN,
    .max_size = UINT32_MAX / 2,
    .size_means = "an element (some are shorter)",
    .min_writers = 1,
    .exclusive = true,
    .recorded = true,
    .enough = 30,
    .refuses = stream_refuses,
    .capacity = stream_capacity,
    .area_bytes = stream_bytes,
    .prepare = stream_prepare,
    .write = produce,
    .read = consume,
    .audit = stream_audit,
    .survivable = true,
    .inspect = stream_inspect,
    .breakable = stream_breakable,
};
