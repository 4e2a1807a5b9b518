/* What waits for a while only, and then takes what it waited for as come: a hunt must find every one of them. */
#include "zoo.h"

#include <semaphore.h>

/* A read-write lock whose writer does not wait for readers for ever. */
struct shared {
    LINE uint32_t writer;
    LINE uint32_t readers;
    LINE uint64_t since;
};

static int shared_read(struct sync_self *self)
{
    struct shared *s = self->state;
    for (unsigned turn = 0;;) {
        put(&s->since, clock_now());
        add(&s->readers, 1);
        if (!get(&s->writer))
            return 0;
        add(&s->readers, -1u);
        while (get(&s->writer))
            wait_turn(&turn);
    }
}

static int shared_read_end(struct sync_self *self)
{
    add(&((struct shared *)self->state)->readers, -1u);
    return 0;
}

static int impatient_write(struct sync_self *self)
{
    struct shared *s = self->state;
    unsigned turn = 0;
    guard(&s->writer);
    for (uint64_t end = clock_now() + MS; get(&s->readers) && clock_now() < end;)
        wait_turn(&turn);
    return 0;
}

/* Readers who have been there for long are taken for dead. */
static int mourning_write(struct sync_self *self)
{
    struct shared *s = self->state;
    unsigned turn = 0;
    guard(&s->writer);
    while (get(&s->readers) && clock_now() < get(&s->since) + 30 * MS)
        wait_turn(&turn);
    return 0;
}

#define SHARED(variable, title, diagnosis, write)                                                                        \
    static const struct sync_ops variable = {.name = title, .summary = diagnosis, .family = SYNC_LOCK,                   \
        .traits = SYNC_BUSTED | SYNC_SHARED, .expect = CORRUPT, .expect_readers = 1, .state_bytes = sizeof(struct shared), \
        .lock = {.acquire = write, .release = word_release, .acquire_shared = shared_read, .release_shared = shared_read_end}}
SHARED(impatient, "wrong-impatient", "a writer goes in after a millisecond, readers or not", impatient_write);
SHARED(mourning, "wrong-mourning", "takes readers for dead of whom none has come for 30 ms", mourning_write);

/* The word is the end of the holder's lease, which nobody renews. */
static int lease_take(struct sync_self *self, uint64_t ns)
{
    uint64_t *word = self->state, end = get(word);
    for (unsigned turn = 0; end > clock_now() || !cas(word, &end, clock_now() + ns); end = get(word))
        wait_turn(&turn);
    return 0;
}

static int lease_release(struct sync_self *self)
{
    put((uint64_t *)self->state, 0);
    return 0;
}

static int lease_acquire(struct sync_self *self)
{
    return lease_take(self, 10 * MS);
}

static int long_lease_acquire(struct sync_self *self)
{
    return lease_take(self, 100 * MS);
}

LOCK(lease, "wrong-lease", "a lease of 10 ms that its holder does not renew", CORRUPT, 8,
     .lock = {.acquire = lease_acquire, .release = lease_release});
LOCK(long_lease, "wrong-long-lease", "a lease of 100 ms that its holder does not renew", CORRUPT, 8,
     .lock = {.acquire = long_lease_acquire, .release = lease_release});

/* Waits in line with short sleeps; after twenty of them it believes to be forgotten. */
struct line {
    LINE uint32_t next;
    LINE uint32_t serving;
};

static int forgotten_acquire(struct sync_self *self)
{
    struct line *l = self->state;
    uint32_t mine = add(&l->next, 1);
    for (int i = 0; get(&l->serving) != mine && i < 2020; i++)
        if (i < 2000)
            relax();
        else
            nap(MS);
    put(&l->serving, mine);
    return 0;
}

static int forgotten_release(struct sync_self *self)
{
    add(&((struct line *)self->state)->serving, 1);
    return 0;
}

LOCK(forgotten, "wrong-forgotten", "spins, naps twenty times, and then takes its turn", CORRUPT, sizeof(struct line),
     .lock = {.acquire = forgotten_acquire, .release = forgotten_release});

/* A semaphore waited for with a time limit, whose end is not looked at. */
static int limit_create(void *state, const struct sync_setup *setup UNUSED)
{
    return sem_init(state, 1, 1) ? errno : 0;
}

static int limit_acquire(struct sync_self *self)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += 5 * (long)MS;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    while (sem_timedwait(self->state, &end) && errno == EINTR)
        ;
    return 0;
}

static int limit_release(struct sync_self *self)
{
    return sem_post(self->state) ? errno : 0;
}

LOCK(limit, "wrong-timedwait", "goes in when sem_timedwait() has run out of time", CORRUPT, sizeof(sem_t), .create = limit_create,
     .lock = {.acquire = limit_acquire, .release = limit_release});

/* A meeting that those who wait leave after 20 ms. */
struct meeting {
    LINE uint32_t arrived, phase;
};

static int late_arrive(struct sync_self *self)
{
    struct meeting *m = self->state;
    uint32_t phase = get(&m->phase);
    if (add(&m->arrived, 1) + 1 == self->setup->writers + self->setup->readers) {
        set(&m->arrived, 0);
        add(&m->phase, 1);
        futex(&m->phase, FUTEX_WAKE, INT_MAX, 0);
        return 0;
    }
    while (get(&m->phase) == phase)
        if (futex_for(&m->phase, phase, 20 * MS))
            return 0;
    return 0;
}

ROW(late, "wrong-unmet", "leaves a barrier after 20 ms, as if all had come", SYNC_BARRIER, CORRUPT, .traits = SYNC_BUSTED | SYNC_BLOCKING,
    .state_bytes = sizeof(struct meeting), .barrier = {.arrive = late_arrive});

/* A consumer that has waited for three milliseconds takes what lies there. */
#define PLACES 16
struct box {
    LINE uint32_t lock, head, tail;
    LINE uint32_t filled, freed;
    unsigned char places[];
};

static size_t box_size(const struct sync_setup *setup)
{
    return sizeof(struct box) + PLACES * padded(setup);
}

static int box_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct box *b = self->state;
    guard(&b->lock);
    for (uint32_t freed; b->head - b->tail >= PLACES && (int32_t)(b->head - b->tail) > 0; guard(&b->lock)) {
        freed = get(&b->freed);
        unguard(&b->lock);
        futex(&b->freed, FUTEX_WAIT, freed, 0);
    }
    memcpy(b->places + b->head % PLACES * padded(self->setup), element, bytes);
    b->head++;
    add(&b->filled, 1);
    unguard(&b->lock);
    futex(&b->filled, FUTEX_WAKE, INT_MAX, 0);
    return 0;
}

static int box_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct box *b = self->state;
    bool waited = false;
    guard(&b->lock);
    for (uint32_t filled; b->head == b->tail && !waited; guard(&b->lock)) {
        filled = get(&b->filled);
        unguard(&b->lock);
        waited = futex_for(&b->filled, filled, 3 * MS);
    }
    memcpy(element, b->places + b->tail % PLACES * padded(self->setup), bytes);
    *got = bytes;
    b->tail++;
    add(&b->freed, 1);
    unguard(&b->lock);
    futex(&b->freed, FUTEX_WAKE, INT_MAX, 0);
    return 0;
}

ROW(box, "wrong-hungry", "takes an element that has not come after three milliseconds", SYNC_QUEUE, CORRUPT,
    .traits = SYNC_BUSTED | SYNC_BLOCKING, .state_size = box_size, .queue = {.push = box_push, .pop = box_pop});

/* Two buffers; a writer gives the readers of the older one half a millisecond. */
struct grace {
    LINE uint32_t now, writing;
    LINE uint32_t readers[2];
    unsigned char buffers[];
};

static size_t grace_size(const struct sync_setup *setup)
{
    return sizeof(struct grace) + 2 * padded(setup);
}

static int grace_write(struct sync_self *self, const void *value)
{
    struct grace *g = self->state;
    unsigned turn = 0;
    guard(&g->writing);
    uint32_t next = !g->now;
    for (uint64_t end = clock_now() + 500 * US; get(&g->readers[next]) && clock_now() < end;)
        wait_turn(&turn);
    copy(g->buffers + next * padded(self->setup), value, self->setup->size);
    swap(&g->now, next);
    unguard(&g->writing);
    return 0;
}

static int grace_read(struct sync_self *self, void *value)
{
    struct grace *g = self->state;
    uint32_t now;
    for (;; add(&g->readers[now], -1u)) {
        now = get(&g->now);
        add(&g->readers[now], 1);
        if (get(&g->now) == now)
            break;
    }
    copy(value, g->buffers + now * padded(self->setup), self->setup->size);
    add(&g->readers[now], -1u);
    return 0;
}

ROW(grace, "wrong-grace", "waits for readers of the older buffer for half a millisecond at the most", SYNC_CELL, CORRUPT,
    .traits = SYNC_BUSTED, .expect_size = 9, .state_size = grace_size, .cell = {.write = grace_write, .read = grace_read});

/* What has been out for more than ten milliseconds is taken for lost, and found again. */
struct lent {
    LINE uint64_t until[1];
};

static size_t lent_size(const struct sync_setup *setup)
{
    return setup->capacity * sizeof(uint64_t);
}

static int lent_take(struct sync_self *self, uint32_t *slot)
{
    uint64_t *until = ((struct lent *)self->state)->until, now = clock_now();
    for (uint32_t n = 0, i = self->index; n < self->setup->capacity; n++, i++) {
        uint32_t at = i % self->setup->capacity;
        uint64_t end = get(&until[at]);
        if (end < now && cas(&until[at], &end, now + 10 * MS)) {
            *slot = at;
            return 0;
        }
    }
    return EAGAIN;
}

static int lent_give(struct sync_self *self, uint32_t slot)
{
    put(&((struct lent *)self->state)->until[slot], 0);
    return 0;
}

ROW(lent, "wrong-lent", "hands a slot out again that has been out for ten milliseconds", SYNC_POOL, CORRUPT, .traits = SYNC_BUSTED,
    .state_size = lent_size, .pool = {.take = lent_take, .give = lent_give});

SHMOO_PLUGIN(&impatient, &mourning, &lease, &long_lease, &forgotten, &limit, &late, &box, &grace, &lent);
