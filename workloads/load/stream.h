/* The stream's area: who is still producing, what has gone in and come out, a buffer for everybody, and a ring for locks.
 *
 *     area:   struct stream_area | who has ended | accounts | buffers | ring, if the sync is a lock | histories
 */
#ifndef WORKLOADS_LOAD_STREAM_H
#define WORKLOADS_LOAD_STREAM_H

#include "contract/worker.h"
#include "shm/payload.h"
#include "shm/ring.h"
#include "workloads/load/account.h"

#define STREAM_LINE 128
#define STREAM_SIZE_MIN 8
#define STREAM_GUARD 64
#define STREAM_END ((1ULL << PAYLOAD_VERSION_BITS) - 1) /* the number of a marker: no trial comes that far */

struct stream_area {
    _Alignas(STREAM_LINE) uint32_t closing; /* somebody has seen that all producers have ended, and closes the stream */
    _Alignas(STREAM_LINE) uint32_t closed;  /* what is not inside now never will be */
};

/* One worker's view of the area. */
struct stream {
    struct stream_area *area;
    unsigned char *ended; /* of each producer: it pushes no more elements */
    struct account_book book;
    struct ring *ring; /* NULL: the sync is a queue */
    void *histories;
    unsigned char *buffer; /* this worker's, with a guard behind it */
    const unsigned char *element; /* the one that was popped: in the buffer, or where it lies in the queue */
    uint64_t filled;       /* the stamp that the buffer was filled with, for a push; 0: none */
    uint32_t producers;    /* workers from 0 on that push */
    bool fixed;            /* all elements have the same length */
    uint64_t before;       /* the stamp of the element that this consumer took before; 0: none */
};

size_t stream_bytes(const struct shape *shape);
uint32_t stream_capacity(const struct shape *shape);
struct stream stream_open(const struct shape *shape, void *area, uint32_t worker);

static inline uint32_t stream_tag(const struct shape *shape)
{
    return (uint32_t)(seed_scramble(shape->seed ^ 0x73747265616d) & ((1u << PAYLOAD_TAG_BITS) - 1));
}

static inline uint64_t stream_stamp(const struct shape *shape, uint32_t producer, uint64_t number)
{
    return payload_stamp(number, producer, stream_tag(shape));
}

/* Every eighth element is shorter than the others, by its number. */
static inline size_t stream_length(const struct shape *shape, uint64_t number)
{
    size_t room = shape->size - STREAM_SIZE_MIN;
    if (number % 8 != 7 || room == 0)
        return shape->size;
    return STREAM_SIZE_MIN + seed_scramble(number) % room;
}

/* What this worker's buffer takes, with its guard, in whole lines; and the guard written. */
size_t stream_buffer_bytes(const struct shape *shape);
void stream_buffer_prepare(const struct shape *shape, unsigned char *buffer);

/* Is the guard behind the buffer what it was? */
static inline bool stream_guarded(const struct shape *shape, const struct stream *stream)
{
    return *(const uint64_t *)(const void *)(stream->buffer + (shape->size + 7) / 8 * 8) == STREAM_END;
}

/* Judges the bytes that a pop has put into the buffer. True: they are those of one element, and *stamp is its stamp. */
bool stream_read(struct worker *w, const struct stream *s, size_t got, uint64_t *stamp);

/* Fills and pushes an element of that stamp. False: full, or refused for good (w->leave). */
bool stream_push(struct worker *w, struct stream *s, uint64_t stamp, size_t bytes);

/* Takes the next one: s->element, until stream_release(). False: empty, or refused for good; so is the release. */
bool stream_pop(struct worker *w, struct stream *s, size_t *got);

bool stream_release(struct worker *w, struct stream *s);

enum stream_taken {
    STREAM_ELEMENT,
    STREAM_MARKER,
    STREAM_SPOILT, /* reported; it counts for nobody */
};

/* Judges what a pop has put into the buffer, and books it. */
enum stream_taken stream_judge(struct worker *w, struct stream *s, size_t got);

#endif
