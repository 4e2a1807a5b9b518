/* How loads push and pop elements: by copies into and out of a buffer, or in place where the queue can. */
#include <errno.h>

#include "shm/payload.h"
#include "workloads/load/stream.h"

/* EAGAIN is no answer of a queue that waits. */
static bool ended(struct worker *w, int rc, const char *call)
{
    bool done = worker_end(w, rc, call);
    if (__builtin_expect(rc == EAGAIN, 0) && w->sync->traits & SYNC_BLOCKING)
        worker_refused(w, rc, call);
    return done;
}

static bool push_in_place(struct worker *w, uint64_t stamp, size_t bytes)
{
    void *place;
    worker_begin(w);
    if (!ended(w, w->sync->queue.claim(&w->self, &place), "claim"))
        return false;
    payload_fill(place, bytes, stamp);
    worker_inside(w);
    worker_continue(w);
    return worker_continued(w, w->sync->queue.publish(&w->self, bytes), "publish");
}

bool stream_push(struct worker *w, struct stream *s, uint64_t stamp, size_t bytes)
{
    if (w->sync->queue.claim)
        return push_in_place(w, stamp, bytes);
    if (s->filled != stamp) { /* not so if the queue was full before */
        payload_fill(s->buffer, bytes, stamp);
        s->filled = stamp;
    }
    worker_inside(w);
    worker_begin(w);
    return ended(w, w->sync->queue.push(&w->self, s->buffer, bytes), "push");
}

static int take(struct worker *w, struct stream *s, size_t *got)
{
    const void *place = s->buffer;
    int rc = w->sync->queue.claim ? w->sync->queue.front(&w->self, &place, got)
                                  : w->sync->queue.pop(&w->self, s->buffer, w->shape->size, got);
    s->element = place;
    return rc;
}

bool stream_pop(struct worker *w, struct stream *s, size_t *got)
{
    s->filled = 0;
    worker_begin(w);
    bool done = ended(w, take(w, s, got), w->sync->queue.claim ? "front" : "pop");
    if (done)
        worker_inside(w);
    return done;
}

bool stream_release(struct worker *w, struct stream *s)
{
    if (s->element == s->buffer)
        return true;
    s->element = s->buffer;
    worker_continue(w);
    return worker_continued(w, w->sync->queue.consume(&w->self), "consume");
}
