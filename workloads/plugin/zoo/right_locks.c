/* Locks of unusual make that are right: whatever is done to them, they must come out CLEAN. */
#include "zoo.h"

#include <pthread.h>
#include <signal.h>

/* Two levels: each half of the crew has a ticket lock of its own, and its winner the common one, which it may pass on within its
 * half a few times. */
struct cohort {
    struct half {
        LINE uint32_t next, serving;
        LINE uint32_t owned, passed; /* the half holds the common lock; so often it was passed on */
    } half[2];
    LINE uint32_t next, serving;
};

static void take_ticket(uint32_t *next, uint32_t *serving)
{
    uint32_t mine = add(next, 1);
    for (unsigned turn = 0; get(serving) != mine;)
        wait_turn(&turn);
}

static int cohort_acquire(struct sync_self *self)
{
    struct cohort *c = self->state;
    struct half *half = &c->half[self->index % 2];
    take_ticket(&half->next, &half->serving);
    if (!half->owned)
        take_ticket(&c->next, &c->serving);
    half->owned = 1;
    return 0;
}

static int cohort_release(struct sync_self *self)
{
    struct cohort *c = self->state;
    struct half *half = &c->half[self->index % 2];
    bool awaited = get(&half->next) != half->serving + 1;
    if (!awaited || ++half->passed > 8) {
        half->owned = half->passed = 0;
        put(&c->serving, c->serving + 1);
    }
    put(&half->serving, half->serving + 1);
    return 0;
}

static const struct sync_ops cohort = {.name = "zoo-cohort", .summary = "tickets on two levels, passed on within a half",
    .family = SYNC_LOCK, .state_bytes = sizeof(struct cohort), .lock = {.acquire = cohort_acquire, .release = cohort_release}};

/* The same with pointers: everybody must have it at the same address. */
struct knot {
    LINE struct knot *next;
    uint32_t wait;
};
struct rope {
    LINE struct knot *tail;
    struct knot knots[HANDS];
};

static int rope_acquire(struct sync_self *self)
{
    struct rope *r = self->state;
    struct knot *own = &r->knots[self->index];
    own->next = NULL;
    own->wait = 1;
    struct knot *before = swap(&r->tail, own);
    if (before) {
        put(&before->next, own);
        for (unsigned turn = 0; get(&own->wait);)
            wait_turn(&turn);
    }
    return 0;
}

static int rope_release(struct sync_self *self)
{
    struct rope *r = self->state;
    struct knot *own = &r->knots[self->index], *last = own;
    if (!get(&own->next) && cas(&r->tail, &last, NULL))
        return 0;
    for (unsigned turn = 0; !get(&own->next);)
        wait_turn(&turn);
    put(&own->next->wait, 0);
    return 0;
}

static const struct sync_ops rope = {.name = "zoo-rope", .summary = "a queue lock of pointers", .family = SYNC_LOCK,
    .traits = SYNC_SAME_ADDRESS | SYNC_QUEUED, .state_bytes = sizeof(struct rope), .max_workers = HANDS,
    .lock = {.acquire = rope_acquire, .release = rope_release}};

/* Readers announce themselves in places of their own; a writer waits for each of them. */
struct scattered {
    LINE uint32_t writer;
    struct {
        LINE uint32_t inside;
    } reader[HANDS];
};

static int scattered_read(struct sync_self *self)
{
    struct scattered *s = self->state;
    uint32_t *own = &s->reader[self->index % HANDS].inside;
    for (unsigned turn = 0;;) {
        add(own, 1);
        if (!get(&s->writer))
            return 0;
        add(own, -1u);
        while (get(&s->writer))
            wait_turn(&turn);
    }
}

static int scattered_read_end(struct sync_self *self)
{
    add(&((struct scattered *)self->state)->reader[self->index % HANDS].inside, -1u);
    return 0;
}

static int scattered_write(struct sync_self *self)
{
    struct scattered *s = self->state;
    unsigned turn = 0;
    guard(&s->writer);
    fence();
    for (int i = 0; i < HANDS; i++)
        while (get(&s->reader[i].inside))
            wait_turn(&turn);
    return 0;
}

static const struct sync_ops scattered = {.name = "zoo-scattered", .summary = "readers in places of their own", .family = SYNC_LOCK,
    .traits = SYNC_SHARED, .state_bytes = sizeof(struct scattered),
    .lock = {.acquire = scattered_write, .release = word_release, .acquire_shared = scattered_read,
             .release_shared = scattered_read_end}};

/* The word is the holder's process number; whoever finds that process gone takes over, and says so. */
static int pid_acquire(struct sync_self *self)
{
    uint32_t *word = self->state, own = (uint32_t)getpid();
    for (unsigned turn = 0;; wait_turn(&turn)) {
        uint32_t holder = 0;
        if (cas(word, &holder, own))
            return 0;
        if (turn % 64 == 63 && kill((pid_t)(holder & INT_MAX), 0) && errno == ESRCH && cas(word, &holder, own))
            return EOWNERDEAD;
    }
}

/* It may say that it is held when it is not, and leaves succession to those who wait. */
static int pid_try(struct sync_self *self)
{
    uint32_t nobody = 0;
    return __atomic_compare_exchange_n((uint32_t *)self->state, &nobody, (uint32_t)getpid(), true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
               ? 0 : EBUSY;
}

/* Nothing is to be done when the data are whole again: no recover(). */
static const struct sync_ops pid_word = {.name = "zoo-pid", .summary = "the holder's process number; the dead are succeeded",
    .family = SYNC_LOCK, .traits = SYNC_ROBUST, .state_bytes = 4,
    .lock = {.acquire = pid_acquire, .release = word_release, .try_acquire = pid_try}};

/* A thread of each process looks after something; the lock is taken by the process's own. */
static void *look_after(void *stop)
{
    while (!get((int *)stop))
        nap(200000);
    return NULL;
}

struct helped {
    pthread_t thread;
    int stop;
};

static int helped_attach(struct sync_self *self)
{
    struct helped *h = calloc(1, sizeof *h);
    self->local = h;
    return h ? pthread_create(&h->thread, NULL, look_after, &h->stop) : ENOMEM;
}

static int helped_detach(struct sync_self *self)
{
    struct helped *h = self->local;
    put(&h->stop, 1);
    pthread_join(h->thread, NULL);
    free(h);
    return 0;
}

static const struct sync_ops helped = {.name = "zoo-threads", .summary = "each process has a second thread meanwhile", .family = SYNC_LOCK,
    .state_bytes = 4, .attach = helped_attach, .detach = helped_detach, .lock = {.acquire = word_acquire, .release = word_release}};

/* A tournament of two-process locks, from loads and stores alone. */
#define LEAVES 64
struct arena {
    struct {
        LINE uint32_t wants[2], turn;
    } match[LEAVES];
};

static int arena_acquire(struct sync_self *self)
{
    struct arena *a = self->state;
    for (uint32_t node = self->index + LEAVES; node > 1; node /= 2) {
        uint32_t side = node & 1, at = node / 2;
        set(&a->match[at].wants[side], 1);
        set(&a->match[at].turn, side);
        fence();
        for (unsigned turn = 0; get(&a->match[at].wants[!side]) && get(&a->match[at].turn) == side;)
            wait_turn(&turn);
    }
    return 0;
}

static int arena_release(struct sync_self *self)
{
    struct arena *a = self->state;
    for (uint32_t depth = 6; depth-- > 0;) {
        uint32_t node = (self->index + LEAVES) >> depth;
        put(&a->match[node / 2].wants[node & 1], 0);
    }
    return 0;
}

static const struct sync_ops arena = {.name = "zoo-tournament", .summary = "a tree of Peterson's locks", .family = SYNC_LOCK,
    .state_bytes = sizeof(struct arena), .max_workers = LEAVES, .lock = {.acquire = arena_acquire, .release = arena_release}};

SHMOO_PLUGIN(&cohort, &rope, &scattered, &pid_word, &helped, &arena);
