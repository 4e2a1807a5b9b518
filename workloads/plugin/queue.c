/* An example plugin: a bounded queue for any number of producers and consumers. Each place has a number of its own that says whose
 * turn it is: place i is for the i-th push when it shows i, and for the i-th pop when it shows i + 1.
 *
 *     cc -O2 -shared -fPIC -o queue.so queue.c
 *
 * With -DBROKEN a producer says that its element is there before it is.
 */
#include <shmoo/plugin.h>

#include <errno.h>
#include <string.h>

#define PLACES 64 /* where the load does not ask for a number of its own */
#define LINE 64

struct place {
    uint64_t turn;
    size_t bytes;
    unsigned char element[];
};

struct my_queue {
    uint64_t head; /* the next to be pushed */
    char padding[LINE - sizeof(uint64_t)];
    uint64_t tail; /* the next to be popped */
    char more_padding[LINE - sizeof(uint64_t)];
    unsigned char places[];
};

static uint64_t places_of(const struct sync_setup *setup)
{
    return setup->capacity ? setup->capacity : PLACES;
}

static size_t stride_of(const struct sync_setup *setup)
{
    return (sizeof(struct place) + setup->size + LINE - 1) / LINE * LINE;
}

static size_t my_size(const struct sync_setup *setup)
{
    return sizeof(struct my_queue) + places_of(setup) * stride_of(setup);
}

static struct place *place_of(struct my_queue *queue, const struct sync_setup *setup, uint64_t i)
{
    return (struct place *)(void *)(queue->places + i % places_of(setup) * stride_of(setup));
}

static int my_create(void *state, const struct sync_setup *setup)
{
    for (uint64_t i = 0; i < places_of(setup); i++)
        place_of(state, setup, i)->turn = i;
    return 0;
}

/* Takes the next place whose number shows `ahead` more than its own; NULL: it is not that far. */
static struct place *take(struct sync_self *self, uint64_t *next, uint64_t ahead, uint64_t *i)
{
    *i = __atomic_load_n(next, __ATOMIC_RELAXED);
    for (;;) {
        struct place *place = place_of(self->state, self->setup, *i);
        int64_t late = (int64_t)(__atomic_load_n(&place->turn, __ATOMIC_ACQUIRE) - (*i + ahead));
        if (late < 0)
            return NULL;
        if (late > 0)
            *i = __atomic_load_n(next, __ATOMIC_RELAXED);
        else if (__atomic_compare_exchange_n(next, i, *i + 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return place;
    }
}

static int my_push(struct sync_self *self, const void *element, size_t bytes)
{
    uint64_t i;
    struct place *place = take(self, &((struct my_queue *)self->state)->head, 0, &i);
    if (!place)
        return EAGAIN;
#ifdef BROKEN
    __atomic_store_n(&place->turn, i + 1, __ATOMIC_RELEASE);
#endif
    place->bytes = bytes;
    memcpy(place->element, element, bytes);
#ifndef BROKEN
    __atomic_store_n(&place->turn, i + 1, __ATOMIC_RELEASE);
#endif
    return 0;
}

static int my_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    uint64_t i;
    struct place *place = take(self, &((struct my_queue *)self->state)->tail, 1, &i);
    if (!place)
        return EAGAIN;
    *got = place->bytes;
    memcpy(element, place->element, place->bytes < bytes ? place->bytes : bytes);
    __atomic_store_n(&place->turn, i + places_of(self->setup), __ATOMIC_RELEASE);
    return 0;
}

static const struct sync_ops my_queue = {
    .name = "my-queue",
    .summary = "a ring with a turn number in each place",
    .family = SYNC_QUEUE,
    .state_size = my_size,
    .create = my_create,
    .queue = {.push = my_push, .pop = my_pop, .not_now = true}, /* full or empty only because another is at work on that place */
};

SHMOO_PLUGIN(&my_queue);
