/* What waits for a while, and then looks again, asks again or says so: whatever is done to it, it must come out CLEAN. */
#include "zoo.h"

#include <semaphore.h>
#include <signal.h>

/* A semaphore with a time limit: what it has not got in time it says. */
static int limit_create(void *state, const struct sync_setup *setup UNUSED)
{
    return sem_init(state, 1, 1) ? errno : 0;
}

static int limit_acquire(struct sync_self *self)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += 200 * (long)US;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    while (sem_timedwait(self->state, &end))
        if (errno != EINTR)
            return errno;
    return 0;
}

static int limit_release(struct sync_self *self)
{
    return sem_post(self->state) ? errno : 0;
}

static const struct sync_ops limit = {.name = "zoo-timed", .summary = "a semaphore that gives up after 200 us, and says so", .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_TIMED | SYNC_PERMIT, .state_bytes = sizeof(sem_t), .create = limit_create,
    .lock = {.acquire = limit_acquire, .release = limit_release}};

/* A lease of a millisecond; who finds it over looks whether its holder is alive before it breaks it. */
struct lease {
    LINE uint32_t holder;
    LINE uint64_t end;
};

static bool is_gone(uint32_t holder)
{
    return holder && kill((pid_t)holder, 0) && errno == ESRCH;
}

static int lease_acquire(struct sync_self *self)
{
    struct lease *l = self->state;
    uint32_t own = (uint32_t)getpid(), free = 0;
    for (unsigned turn = 0; !cas(&l->holder, &free, own); free = 0) {
        uint32_t holder = get(&l->holder);
        if (clock_now() > get(&l->end) && is_gone(holder) && cas(&l->holder, &holder, own))
            break;
        wait_turn(&turn);
    }
    put(&l->end, clock_now() + MS);
    return 0;
}

static int lease_release(struct sync_self *self)
{
    put(&((struct lease *)self->state)->holder, 0);
    return 0;
}

static const struct sync_ops lease = {.name = "zoo-lease", .summary = "a lease of 1 ms that is broken only if its holder is gone",
    .family = SYNC_LOCK, .traits = SYNC_RELEASED, .state_bytes = sizeof(struct lease),
    .lock = {.acquire = lease_acquire, .release = lease_release}};

/* A fair line: who is far behind sleeps for longer. */
struct line {
    LINE uint32_t next;
    LINE uint32_t serving;
};

static int line_acquire(struct sync_self *self)
{
    struct line *l = self->state;
    uint32_t mine = add(&l->next, 1), before;
    for (unsigned turn = 0; (before = mine - get(&l->serving)) != 0;)
        if (before < 3)
            wait_turn(&turn);
        else
            nap(before * 20 * (long)US);
    return 0;
}

static int line_release(struct sync_self *self)
{
    add(&((struct line *)self->state)->serving, 1);
    return 0;
}

static const struct sync_ops line = {.name = "zoo-far-behind", .summary = "tickets; who is far behind sleeps for longer", .family = SYNC_LOCK,
    .traits = SYNC_FAIR | SYNC_QUEUED, .state_bytes = sizeof(struct line), .lock = {.acquire = line_acquire, .release = line_release}};

/* Sleeps twice as long after each try, up to eight milliseconds. */
static int backoff_acquire(struct sync_self *self)
{
    long rest = (long)US;
    for (int tries = 0; swap((uint32_t *)self->state, 1); tries++)
        if (tries < 1000) {
            relax();
        } else {
            nap(rest);
            rest = rest < 8 * (long)MS ? 2 * rest : rest;
        }
    return 0;
}

static const struct sync_ops backoff = {.name = "zoo-backoff", .summary = "sleeps for up to 8 ms between two tries", .family = SYNC_LOCK,
    .state_bytes = 4, .lock = {.acquire = backoff_acquire, .release = word_release}};

/* A writer that has waited for readers for 200 us lets more of them in before it tries again; at last it stays. */
struct retreat {
    LINE uint32_t writing; /* among writers */
    LINE uint32_t writer;
    LINE uint32_t readers;
};

static int retreat_write(struct sync_self *self)
{
    struct retreat *r = self->state;
    unsigned turn = 0;
    guard(&r->writing);
    for (int tries = 0;; tries++) {
        swap(&r->writer, 1);
        for (uint64_t end = clock_now() + 200 * US; get(&r->readers) && (tries > 8 || clock_now() < end);)
            wait_turn(&turn);
        if (!get(&r->readers))
            return 0;
        put(&r->writer, 0);
        sched_yield();
    }
}

static int retreat_write_end(struct sync_self *self)
{
    struct retreat *r = self->state;
    put(&r->writer, 0);
    unguard(&r->writing);
    return 0;
}

static int retreat_read(struct sync_self *self)
{
    struct retreat *r = self->state;
    for (unsigned turn = 0;;) {
        add(&r->readers, 1);
        if (!get(&r->writer))
            return 0;
        add(&r->readers, -1u);
        while (get(&r->writer))
            wait_turn(&turn);
    }
}

static int retreat_read_end(struct sync_self *self)
{
    add(&((struct retreat *)self->state)->readers, -1u);
    return 0;
}

static const struct sync_ops retreat = {.name = "zoo-retreat", .summary = "a writer that waits in vain for readers lets others in first",
    .family = SYNC_LOCK, .traits = SYNC_SHARED, .state_bytes = sizeof(struct retreat),
    .lock = {.acquire = retreat_write, .release = retreat_write_end, .acquire_shared = retreat_read, .release_shared = retreat_read_end}};

/* A meeting that looks again every two milliseconds. */
struct meeting {
    LINE uint32_t arrived, phase;
};

static int meeting_arrive(struct sync_self *self)
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
        futex_for(&m->phase, phase, 2 * MS);
    return 0;
}

ROW(meeting, "zoo-meeting", "a barrier whose waiters look again every 2 ms", SYNC_BARRIER, VERDICT_CLEAN, .traits = SYNC_BLOCKING,
    .state_bytes = sizeof(struct meeting), .barrier = {.arrive = meeting_arrive});

/* A ring under a lock; who waits looks again every millisecond. */
#define PLACES 16
struct box {
    LINE uint32_t lock, head, tail;
    LINE uint32_t changes;
    unsigned char places[];
};

static size_t box_size(const struct sync_setup *setup)
{
    return sizeof(struct box) + PLACES * (64 + padded(setup));
}

static unsigned char *box_place(struct sync_self *self, uint32_t i)
{
    return ((struct box *)self->state)->places + i % PLACES * (64 + padded(self->setup));
}

static void box_changed(struct box *b)
{
    add(&b->changes, 1);
    unguard(&b->lock);
    futex(&b->changes, FUTEX_WAKE, 1, 0); /* who is forgotten looks again by himself */
}

static void box_wait(struct box *b)
{
    uint32_t changes = get(&b->changes);
    unguard(&b->lock);
    futex_for(&b->changes, changes, MS);
    guard(&b->lock);
}

static int box_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct box *b = self->state;
    guard(&b->lock);
    while (b->head - b->tail == PLACES)
        box_wait(b);
    memcpy(box_place(self, b->head), &bytes, sizeof bytes);
    memcpy(box_place(self, b->head) + 64, element, bytes);
    b->head++;
    box_changed(b);
    return 0;
}

static int box_pop(struct sync_self *self, void *element, size_t bytes UNUSED, size_t *got)
{
    struct box *b = self->state;
    guard(&b->lock);
    while (b->head == b->tail)
        box_wait(b);
    memcpy(got, box_place(self, b->tail), sizeof *got);
    memcpy(element, box_place(self, b->tail) + 64, *got);
    b->tail++;
    box_changed(b);
    return 0;
}

ROW(box, "zoo-box", "a ring whose waiters look again every millisecond", SYNC_QUEUE, VERDICT_CLEAN, .traits = SYNC_BLOCKING,
    .state_size = box_size, .queue = {.push = box_push, .pop = box_pop});

SHMOO_PLUGIN(&limit, &lease, &line, &backoff, &retreat, &meeting, &box);
