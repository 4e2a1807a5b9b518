/* Queues of unusual make that are wrong, each in one way: a hunt must find every one of them. */
#include "zoo.h"

#include <sys/socket.h>

/* A ring under a lock, with a mistake in one place each. */
struct ring {
    LINE uint32_t lock, head, tail;
    uint64_t lost;
    unsigned char places[];
};
#define PLACES 32

static size_t ring_stride(const struct sync_setup *setup)
{
    return 8 + (setup->size + 7) / 8 * 8;
}

static uint32_t ring_places(const struct sync_setup *setup)
{
    return setup->capacity ? setup->capacity : PLACES;
}

static size_t ring_size(const struct sync_setup *setup)
{
    return sizeof(struct ring) + ring_places(setup) * ring_stride(setup);
}

static unsigned char *ring_place(struct sync_self *self, uint32_t i)
{
    struct ring *r = self->state;
    return r->places + i % ring_places(self->setup) * ring_stride(self->setup);
}

static void ring_put(unsigned char *place, const void *element, size_t bytes)
{
    memcpy(place, &bytes, 8);
    memcpy(place + 8, element, bytes);
}

static void ring_get(const unsigned char *place, void *element, size_t bytes, size_t *got)
{
    memcpy(got, place, 8);
    memcpy(element, place + 8, *got < bytes ? *got : bytes);
}

static int ring_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct ring *r = self->state;
    guard(&r->lock);
    bool full = r->head - r->tail == ring_places(self->setup);
    if (!full)
        ring_put(ring_place(self, r->head++), element, bytes);
    unguard(&r->lock);
    return full ? EAGAIN : 0;
}

static int ring_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct ring *r = self->state;
    guard(&r->lock);
    bool empty = r->head == r->tail;
    if (!empty)
        ring_get(ring_place(self, r->tail++), element, bytes, got);
    unguard(&r->lock);
    return empty ? EAGAIN : 0;
}

/* Last in, first out. */
static int stack_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct ring *r = self->state;
    guard(&r->lock);
    bool empty = r->head == r->tail;
    if (!empty)
        ring_get(ring_place(self, --r->head), element, bytes, got);
    unguard(&r->lock);
    return empty ? EAGAIN : 0;
}

ROW(stack, "wrong-stack-queue", "last in, first out", SYNC_QUEUE, CORRUPT, .traits = SYNC_BUSTED, .state_size = ring_size,
    .queue = {.push = ring_push, .pop = stack_pop});

/* Writes over the oldest when it is full, and says nothing. */
static int drop_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct ring *r = self->state;
    guard(&r->lock);
    if (r->head - r->tail == ring_places(self->setup))
        r->tail++;
    ring_put(ring_place(self, r->head++), element, bytes);
    unguard(&r->lock);
    return 0;
}

ROW(drop, "wrong-drop", "writes over the oldest element when it is full", SYNC_QUEUE, CORRUPT, .traits = SYNC_BUSTED, .state_size = ring_size,
    .queue = {.push = drop_push, .pop = ring_pop});

/* Says that it has taken what it had no room for. */
static int liar_push(struct sync_self *self, const void *element, size_t bytes)
{
    ring_push(self, element, bytes);
    return 0;
}

ROW(liar, "wrong-liar", "says of a full queue that it went well", SYNC_QUEUE, CORRUPT, .traits = SYNC_BUSTED, .state_size = ring_size,
    .queue = {.push = liar_push, .pop = ring_pop});

/* Keeps the length in seven bits. */
static int short_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct ring *r = self->state;
    guard(&r->lock);
    bool full = r->head - r->tail == ring_places(self->setup);
    if (!full) {
        unsigned char *place = ring_place(self, r->head++);
        ring_put(place, element, bytes);
        memcpy(place, &(size_t){bytes & 0x7f}, 8);
    }
    unguard(&r->lock);
    return full ? EAGAIN : 0;
}

ROW(shorter, "wrong-length", "keeps the length in seven bits", SYNC_QUEUE, CORRUPT, .traits = SYNC_BUSTED, .expect_size = 128,
    .state_size = ring_size, .queue = {.push = short_push, .pop = ring_pop});

/* Gives the length of the place, and not of the element. */
static int long_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    int rc = ring_pop(self, element, bytes, got);
    *got = rc ? *got : (*got + 7) / 8 * 8;
    return rc;
}

ROW(longer, "wrong-rounded", "rounds lengths up to whole words", SYNC_QUEUE, CORRUPT, .traits = SYNC_BUSTED, .state_size = ring_size,
    .queue = {.push = ring_push, .pop = long_pop});

/* Loses one element each time that its numbers go round. */
static int lap_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct ring *r = self->state;
    guard(&r->lock);
    bool full = r->head - r->tail == ring_places(self->setup);
    if (!full && ++r->lost % 50000)
        ring_put(ring_place(self, r->head++), element, bytes);
    unguard(&r->lock);
    return full ? EAGAIN : 0;
}

ROW(lap, "wrong-lap", "loses every 50,000th element", SYNC_QUEUE, CORRUPT, .traits = SYNC_BUSTED, .state_size = ring_size,
    .queue = {.push = lap_push, .pop = ring_pop});

/* Consumers take a number first, and their elements afterwards without a lock. */
static int late_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct ring *r = self->state;
    guard(&r->lock);
    bool empty = r->head == r->tail;
    uint32_t mine = empty ? 0 : r->tail++;
    unguard(&r->lock);
    if (!empty)
        ring_get(ring_place(self, mine), element, bytes, got);
    return empty ? EAGAIN : 0;
}

ROW(late, "wrong-late", "frees the place before it has copied the element", SYNC_QUEUE, CORRUPT, .traits = SYNC_BUSTED, .state_size = ring_size,
    .queue = {.push = ring_push, .pop = late_pop});

/* Wakes somebody when the queue was empty before, and nobody else when a second element comes before the first is taken. */
struct waiting {
    LINE uint32_t elements;
};

static struct waiting *waiting_of(struct sync_self *self)
{
    return (struct waiting *)(void *)((char *)self->state + (ring_size(self->setup) + 63) / 64 * 64);
}

static size_t waiting_size(const struct sync_setup *setup)
{
    return (ring_size(setup) + 63) / 64 * 64 + sizeof(struct waiting);
}

static int waiting_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct waiting *w = waiting_of(self);
    unsigned turn = 0;
    while (ring_push(self, element, bytes))
        wait_turn(&turn);
    if (add(&w->elements, 1) == 0)
        futex(&w->elements, FUTEX_WAKE, 1, 0);
    return 0;
}

static int waiting_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct waiting *w = waiting_of(self);
    while (ring_pop(self, element, bytes, got))
        futex(&w->elements, FUTEX_WAIT, 0, 0);
    add(&w->elements, -1u);
    return 0;
}

ROW(waiting, "wrong-waiting", "wakes one consumer when it gets its first element, and none for the second", SYNC_QUEUE, WEDGED, .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .state_size = waiting_size, .queue = {.push = waiting_push, .pop = waiting_pop});

/* A stream where packets were meant: two elements may come as one. */
static int stream_create(void *state, const struct sync_setup *setup UNUSED)
{
    return socketpair(AF_UNIX, SOCK_STREAM, 0, state) ? errno : 0;
}

static int stream_push(struct sync_self *self, const void *element, size_t bytes)
{
    while (send(((int *)self->state)[0], element, bytes, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int stream_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    ssize_t n;
    while ((n = recv(((int *)self->state)[1], element, bytes, 0)) < 0)
        if (errno != EINTR)
            return errno;
    *got = (size_t)n;
    return 0;
}

ROW(streamed, "wrong-stream", "a stream of bytes where packets were meant", SYNC_QUEUE, CORRUPT,
    .traits = SYNC_BUSTED | SYNC_BLOCKING | SYNC_INHERITED, .state_bytes = 8, .create = stream_create,
    .queue = {.push = stream_push, .pop = stream_pop});

SHMOO_PLUGIN(&stack, &drop, &liar, &shorter, &longer, &lap, &late, &waiting, &streamed);
