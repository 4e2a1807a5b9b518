/* Locks of unusual make that are wrong, each in one way that nothing built in resembles: a hunt must find every one of them. */
#include "zoo.h"

static void take_ticket(uint32_t *next, uint32_t *serving)
{
    uint32_t mine = add(next, 1);
    for (unsigned turn = 0; get(serving) != mine;)
        wait_turn(&turn);
}

/* Two levels: the common lock is given back, but the half goes on believing that it has it. */
struct cohort {
    struct half {
        LINE uint32_t next, serving;
        LINE uint32_t owned, passed;
    } half[2];
    LINE uint32_t next, serving;
};

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
    if (++half->passed > 8) {
        half->passed = 0; /* owned should be, too */
        put(&c->serving, c->serving + 1);
    } else if (get(&half->next) == half->serving + 1) {
        half->owned = half->passed = 0;
        put(&c->serving, c->serving + 1);
    }
    put(&half->serving, half->serving + 1);
    return 0;
}

LOCK(cohort, "wrong-cohort", "keeps the common lock after passing it on", CORRUPT, sizeof(struct cohort),
     .lock = {.acquire = cohort_acquire, .release = cohort_release});

/* A queue lock of pointers in memory that is mapped elsewhere in each process. */
struct knot {
    LINE struct knot *next;
    uint32_t wait;
};
struct rope {
    LINE struct knot *tail;
    struct knot knots[64];
};

static int rope_acquire(struct sync_self *self)
{
    struct rope *r = self->state;
    struct knot *own = &r->knots[self->index % 64];
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
    struct knot *own = &r->knots[self->index % 64], *last = own;
    if (!get(&own->next) && cas(&r->tail, &last, NULL))
        return 0;
    for (unsigned turn = 0; !get(&own->next);)
        wait_turn(&turn);
    put(&own->next->wait, 0);
    return 0;
}

LOCK(rope, "wrong-rope", "pointers, and no word of their needing one address", VERDICT_CRASHED, sizeof(struct rope),
     .lock = {.acquire = rope_acquire, .release = rope_release});

/* A queue lock with places for eight; the ninth shares one. */
struct few {
    LINE uint32_t next;
    struct {
        LINE uint32_t granted;
    } place[8];
};

static int few_create(void *state, const struct sync_setup *setup UNUSED)
{
    ((struct few *)state)->place[0].granted = 1;
    return 0;
}

static int few_acquire(struct sync_self *self)
{
    struct few *f = self->state;
    uint32_t mine = add(&f->next, 1) % 8;
    for (unsigned turn = 0; !get(&f->place[mine].granted);)
        wait_turn(&turn);
    self->local = (void *)(uintptr_t)mine;
    return 0;
}

static int few_release(struct sync_self *self)
{
    struct few *f = self->state;
    uint32_t mine = (uint32_t)(uintptr_t)self->local;
    put(&f->place[mine].granted, 0);
    put(&f->place[(mine + 1) % 8].granted, 1);
    return 0;
}

LOCK(few, "wrong-few", "an array lock with eight places for any number of waiters", CORRUPT, sizeof(struct few), .create = few_create,
     .lock = {.acquire = few_acquire, .release = few_release});

/* Right for all but the fourth worker. */
static int but_one_acquire(struct sync_self *self)
{
    return self->index == 3 ? 0 : word_acquire(self);
}

static int but_one_release(struct sync_self *self)
{
    return self->index == 3 ? 0 : word_release(self);
}

LOCK(but_one, "wrong-but-one", "one worker goes in as it likes", CORRUPT, 4,
     .lock = {.acquire = but_one_acquire, .release = but_one_release});

/* Each process has a number of its own from the first state that it attaches to; in others the numbers are not registered. */
struct enrolled {
    LINE uint32_t members;
    LINE uint32_t wants[64], turn;
};
static uint32_t own_number;
static bool enrolled_once;

static int enrolled_attach(struct sync_self *self)
{
    struct enrolled *e = self->state;
    if (!enrolled_once)
        own_number = add(&e->members, 1);
    enrolled_once = true;
    return 0;
}

static int enrolled_acquire(struct sync_self *self)
{
    struct enrolled *e = self->state;
    if (!get(&e->members))
        return 0; /* alone, it thinks */
    return word_acquire(&(struct sync_self){.state = &e->turn});
}

static int enrolled_release(struct sync_self *self)
{
    put(&((struct enrolled *)self->state)->turn, 0);
    return 0;
}

LOCK(enrolled, "wrong-second", "works in the first instance only", CORRUPT, sizeof(struct enrolled), .attach = enrolled_attach,
     .lock = {.acquire = enrolled_acquire, .release = enrolled_release});

/* Numbers of fifteen bits in a comparison that forgets that they go round. */
struct narrow {
    LINE uint32_t next, serving;
};

static int narrow_acquire(struct sync_self *self)
{
    struct narrow *n = self->state;
    uint32_t mine = add(&n->next, 1) & 0x7fff;
    for (unsigned turn = 0; (get(&n->serving) & 0x7fff) < mine;)
        wait_turn(&turn);
    return 0;
}

static int narrow_release(struct sync_self *self)
{
    add(&((struct narrow *)self->state)->serving, 1);
    return 0;
}

LOCK(narrow, "wrong-round", "goes wrong where its numbers go round, after 32,768 turns", CORRUPT, sizeof(struct narrow),
     .lock = {.acquire = narrow_acquire, .release = narrow_release});

/* Tidies up when its process ends, whoever holds it. */
static int tidy_detach(struct sync_self *self)
{
    put((uint32_t *)self->state, 0);
    return 0;
}

LOCK(tidy, "wrong-tidy", "a process that ends frees the lock, whoever holds it", CORRUPT, 4, .detach = tidy_detach,
     .lock = {.acquire = word_acquire, .release = word_release});

/* A process that ends takes the rest of the crew's wake-ups with it. */
struct count {
    LINE uint32_t word, present;
};

static int count_attach(struct sync_self *self)
{
    add(&((struct count *)self->state)->present, 1);
    return 0;
}

static int count_detach(struct sync_self *self)
{
    set(&((struct count *)self->state)->present, 0);
    return 0;
}

static int count_acquire(struct sync_self *self)
{
    struct count *c = self->state;
    if (get(&c->present) < 2)
        return 0; /* nobody else there */
    guard(&c->word);
    return 0;
}

LOCK(count, "wrong-farewell", "believes that all are gone when one is", CORRUPT, sizeof(struct count), .attach = count_attach,
     .detach = count_detach, .lock = {.acquire = count_acquire, .release = word_release});

/* Gives up after a while, and says that it has it. */
static int patient_acquire(struct sync_self *self)
{
    for (unsigned i = 0; swap((uint32_t *)self->state, 1); i++)
        if (i > 3000)
            return 0;
    return 0;
}

LOCK(patient, "wrong-patience", "has it after three thousand tries, held or not", CORRUPT, 4,
     .lock = {.acquire = patient_acquire, .release = word_release});

/* A writer looks at the readers before it shuts them out. */
struct early {
    LINE uint32_t writer;
    LINE uint32_t readers;
};

static int early_write(struct sync_self *self)
{
    struct early *e = self->state;
    for (unsigned turn = 0; get(&e->readers);)
        wait_turn(&turn);
    guard(&e->writer);
    return 0;
}

static int early_read(struct sync_self *self)
{
    struct early *e = self->state;
    for (unsigned turn = 0;;) {
        add(&e->readers, 1);
        if (!get(&e->writer))
            return 0;
        add(&e->readers, -1u);
        while (get(&e->writer))
            wait_turn(&turn);
    }
}

static int early_read_end(struct sync_self *self)
{
    add(&((struct early *)self->state)->readers, -1u);
    return 0;
}

static const struct sync_ops early = {.name = "wrong-early", .summary = "a writer looks for readers before it shuts them out",
    .family = SYNC_LOCK, .traits = SYNC_BUSTED | SYNC_SHARED, .expect = CORRUPT, .expect_readers = 1, .state_bytes = sizeof(struct early),
    .lock = {.acquire = early_write, .release = word_release, .acquire_shared = early_read, .release_shared = early_read_end}};

/* Readers in sixteen places, which several share; the place is cleared instead of counted down. */
struct scattered {
    LINE uint32_t writer;
    struct {
        LINE uint32_t inside;
    } reader[2];
};

static int scattered_read(struct sync_self *self)
{
    struct scattered *s = self->state;
    for (unsigned turn = 0;;) {
        add(&s->reader[self->index % 2].inside, 1);
        if (!get(&s->writer))
            return 0;
        add(&s->reader[self->index % 2].inside, -1u);
        while (get(&s->writer))
            wait_turn(&turn);
    }
}

static int scattered_read_end(struct sync_self *self)
{
    put(&((struct scattered *)self->state)->reader[self->index % 2].inside, 0);
    return 0;
}

static int scattered_write(struct sync_self *self)
{
    struct scattered *s = self->state;
    unsigned turn = 0;
    guard(&s->writer);
    for (int i = 0; i < 2; i++)
        while ((int32_t)get(&s->reader[i].inside) > 0)
            wait_turn(&turn);
    return 0;
}

static const struct sync_ops scattered = {.name = "wrong-scattered", .summary = "readers who share a place clear it for each other",
    .family = SYNC_LOCK, .traits = SYNC_BUSTED | SYNC_SHARED, .expect = CORRUPT, .expect_readers = 2,
    .state_bytes = sizeof(struct scattered),
    .lock = {.acquire = scattered_write, .release = word_release, .acquire_shared = scattered_read,
             .release_shared = scattered_read_end}};

/* A tournament of two-process locks without the fence that each of them needs. */
struct arena {
    struct {
        LINE uint32_t wants[2], turn;
    } match[64];
};

static int arena_acquire(struct sync_self *self)
{
    struct arena *a = self->state;
    for (uint32_t node = self->index % 64 + 64; node > 1; node /= 2) {
        uint32_t side = node & 1, at = node / 2;
        put(&a->match[at].wants[side], 1);
        put(&a->match[at].turn, side);
        for (unsigned turn = 0; get(&a->match[at].wants[!side]) && get(&a->match[at].turn) == side;)
            wait_turn(&turn);
    }
    return 0;
}

static int arena_release(struct sync_self *self)
{
    struct arena *a = self->state;
    for (uint32_t depth = 6; depth-- > 0;) {
        uint32_t node = (self->index % 64 + 64) >> depth;
        put(&a->match[node / 2].wants[node & 1], 0);
    }
    return 0;
}

LOCK(arena, "wrong-tournament", "a tree of Peterson's locks without their fences", CORRUPT, sizeof(struct arena),
     .lock = {.acquire = arena_acquire, .release = arena_release});

/* Last in, first out: right, but it says that it is fair. */
struct stack {
    LINE uint32_t word, held, count;
    uint32_t waiters[256];
    struct {
        LINE uint32_t go;
    } place[256];
};

static int stack_acquire(struct sync_self *self)
{
    struct stack *s = self->state;
    uint32_t own = self->index % 256;
    guard(&s->word);
    bool waits = s->held;
    s->held = 1;
    s->place[own].go = 0;
    if (waits)
        s->waiters[s->count++] = own;
    unguard(&s->word);
    for (unsigned turn = 0; waits && !get(&s->place[own].go);)
        wait_turn(&turn);
    return 0;
}

static int stack_release(struct sync_self *self)
{
    struct stack *s = self->state;
    guard(&s->word);
    if (s->count)
        put(&s->place[s->waiters[--s->count]].go, 1);
    else
        s->held = 0;
    unguard(&s->word);
    return 0;
}

static const struct sync_ops stack = {.name = "wrong-stack", .summary = "promises turns, and serves the last who came", .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_FAIR, .expect = CORRUPT, .state_bytes = sizeof(struct stack), .max_workers = 256,
    .lock = {.acquire = stack_acquire, .release = stack_release}};

/* Notes the holder in the word beside the state. */
static int beside_acquire(struct sync_self *self)
{
    guard(self->state);
    set((uint32_t *)self->state + 32, self->index + 1);
    return 0;
}

LOCK(beside, "wrong-beside", "notes the holder behind its state", CORRUPT, 4, .lock = {.acquire = beside_acquire, .release = word_release});

/* Recursive, by a depth that belongs to the process and not to the lock. */
static uint32_t depth;

static int deep_acquire(struct sync_self *self)
{
    if (depth++ % 4096 == 4095)
        return 0;
    return word_acquire(self);
}

LOCK(deep, "wrong-depth", "takes every 4,096th acquisition for a second one by the same process", CORRUPT, 4,
     .lock = {.acquire = deep_acquire, .release = word_release});

/* Frees the lock when it has freed it already: it may be somebody else's. */
static int twice_release(struct sync_self *self)
{
    put((uint32_t *)self->state, 0);
    if (self->index % 2)
        put((uint32_t *)self->state, 0);
    return 0;
}

LOCK(twice, "wrong-twice", "half of the workers free it twice", CORRUPT, 4, .lock = {.acquire = word_acquire, .release = twice_release});

SHMOO_PLUGIN(&cohort, &rope, &few, &but_one, &enrolled, &narrow, &tidy, &count, &patient, &early, &scattered, &arena,
             &stack, &beside, &deep, &twice);
