/* Counters, pools and barriers of unusual make that are wrong, each in one way: a hunt must find every one of them. */
#include "zoo.h"

/* A part of the sum for each of four groups of workers; the value before is added up without stopping anybody. */
struct shards {
    struct {
        LINE uint64_t sum;
    } part[4];
};

static int shards_add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    struct shards *s = self->state;
    *before = __atomic_fetch_add(&s->part[self->index % 4].sum, amount, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < 4; i++)
        if (i != self->index % 4)
            *before += get(&s->part[i].sum);
    return 0;
}

ROW(shards, "wrong-shards", "adds its parts up while they change", SYNC_COUNTER, CORRUPT, .traits = SYNC_BUSTED, .state_bytes = sizeof(struct shards),
    .counter = {.add = shards_add});

/* Keeps small amounts back, and adds them when there are enough; says a number that it made up. */
struct saved {
    LINE uint64_t sum;
};

static int saved_add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    struct saved *s = self->state;
    static uint64_t kept, count;
    kept += amount;
    if (amount && ++count % 8) {
        *before = get(&s->sum) + kept - amount;
        return 0;
    }
    *before = __atomic_fetch_add(&s->sum, kept, __ATOMIC_SEQ_CST) + kept - amount;
    kept = 0;
    return 0;
}

ROW(saved, "wrong-saved", "keeps amounts back, and adds eight at once", SYNC_COUNTER, CORRUPT, .traits = SYNC_BUSTED,
    .state_bytes = sizeof(struct saved), .counter = {.add = saved_add});

struct stacked {
    LINE uint32_t lock, count;
    LINE uint32_t head;
    uint32_t slots[];
};

static size_t stacked_size(const struct sync_setup *setup)
{
    return sizeof(struct stacked) + 2 * setup->capacity * sizeof(uint32_t);
}

static int stacked_create(void *state, const struct sync_setup *setup)
{
    struct stacked *s = state;
    for (s->count = 0; s->count < setup->capacity; s->count++)
        s->slots[s->count] = s->count;
    return 0;
}

static int stacked_give(struct sync_self *self, uint32_t slot)
{
    struct stacked *s = self->state;
    guard(&s->lock);
    s->slots[s->count++ % (2 * self->setup->capacity)] = slot;
    unguard(&s->lock);
    return 0;
}

/* Looks at the count before it has the lock. */
static int peeking_take(struct sync_self *self, uint32_t *slot)
{
    struct stacked *s = self->state;
    uint32_t count = get(&s->count);
    if (!count)
        return EAGAIN;
    guard(&s->lock);
    s->count = count - 1;
    *slot = s->slots[count - 1];
    unguard(&s->lock);
    return 0;
}

ROW(peeking, "wrong-peeking", "looks at the count before it has the lock", SYNC_POOL, CORRUPT, .traits = SYNC_BUSTED, .state_size = stacked_size,
    .create = stacked_create, .pool = {.take = peeking_take, .give = stacked_give});

/* A free list whose head has a tag of two bits. */
static int tagged_create(void *state, const struct sync_setup *setup)
{
    struct stacked *s = state;
    for (uint32_t i = 0; i < setup->capacity; i++)
        s->slots[i] = i + 1 < setup->capacity ? i + 2 : 0;
    s->head = 1 << 2;
    return 0;
}

static int tagged_take(struct sync_self *self, uint32_t *slot)
{
    struct stacked *s = self->state;
    uint32_t head = get(&s->head);
    do {
        if (head >> 2 == 0)
            return EAGAIN;
        *slot = (head >> 2) - 1;
    } while (!cas(&s->head, &head, get(&s->slots[*slot]) << 2 | ((head + 1) & 3)));
    return 0;
}

static int tagged_give(struct sync_self *self, uint32_t slot)
{
    struct stacked *s = self->state;
    uint32_t head = get(&s->head);
    do
        put(&s->slots[slot], head >> 2);
    while (!cas(&s->head, &head, (slot + 1) << 2 | ((head + 1) & 3)));
    return 0;
}

ROW(tagged, "wrong-tag", "a free list whose tag goes round after four changes", SYNC_POOL, CORRUPT, .traits = SYNC_BUSTED, .state_size = stacked_size,
    .create = tagged_create, .pool = {.take = tagged_take, .give = tagged_give});

/* Slots that were given back lie in a pocket for the next taking by the same worker; who ends takes his along. */
static int pocket_attach(struct sync_self *self)
{
    self->local = NULL;
    return 0;
}

static int pocket_take(struct sync_self *self, uint32_t *slot)
{
    struct stacked *s = self->state;
    uint32_t kept = (uint32_t)(uintptr_t)self->local;
    self->local = NULL;
    if (!kept) {
        guard(&s->lock);
        kept = s->count ? s->slots[--s->count] + 1 : 0;
        unguard(&s->lock);
    }
    *slot = kept - 1;
    return kept ? 0 : EAGAIN;
}

static int pocket_give(struct sync_self *self, uint32_t slot)
{
    if (self->local)
        return stacked_give(self, slot);
    self->local = (void *)(uintptr_t)(slot + 1);
    return 0;
}

ROW(pocket, "wrong-pocket", "keeps a free slot where nobody else can find it", SYNC_POOL, CORRUPT, .traits = SYNC_BUSTED,
    .state_size = stacked_size, .create = stacked_create, .attach = pocket_attach, .pool = {.take = pocket_take, .give = pocket_give});

/* Everybody tells another one, twice as far away in each round; the last round is missing where the crew is no power of two. */
struct rounds {
    struct {
        LINE uint32_t told[16];
        uint32_t phase;
    } worker[HANDS];
};

static int rounds_arrive(struct sync_self *self)
{
    struct rounds *r = self->state;
    uint32_t workers = self->setup->writers + self->setup->readers, phase = ++r->worker[self->index].phase;
    for (uint32_t distance = 1, round = 0; 2 * distance <= workers; distance *= 2, round++) {
        add(&r->worker[(self->index + distance) % workers].told[round], 1);
        for (unsigned turn = 0; get(&r->worker[self->index].told[round]) < phase;)
            wait_turn(&turn);
    }
    return 0;
}

ROW(rounds, "wrong-rounds", "a round too few where the crew is no power of two", SYNC_BARRIER, CORRUPT, .traits = SYNC_BUSTED, .max_workers = HANDS,
    .state_bytes = sizeof(struct rounds), .barrier = {.arrive = rounds_arrive});

/* The one who comes last lets the others go, and counts anew afterwards. */
struct anew {
    LINE uint32_t arrived, phase;
};

static int anew_arrive(struct sync_self *self)
{
    struct anew *a = self->state;
    uint32_t phase = get(&a->phase);
    if (add(&a->arrived, 1) + 1 == self->setup->writers + self->setup->readers) {
        add(&a->phase, 1);
        set(&a->arrived, 0);
        return 0;
    }
    for (unsigned turn = 0; get(&a->phase) == phase;)
        wait_turn(&turn);
    return 0;
}

ROW(anew, "wrong-anew", "lets the others go before it counts anew", SYNC_BARRIER, WEDGED, .traits = SYNC_BUSTED, .state_bytes = sizeof(struct anew),
    .barrier = {.arrive = anew_arrive});

/* Gives up waiting after a while. */
static int hurried_arrive(struct sync_self *self)
{
    struct anew *a = self->state;
    uint32_t phase = get(&a->phase);
    if (add(&a->arrived, 1) + 1 == self->setup->writers + self->setup->readers) {
        set(&a->arrived, 0);
        add(&a->phase, 1);
        return 0;
    }
    for (unsigned turn = 0; get(&a->phase) == phase && turn < 200000;)
        wait_turn(&turn);
    return 0;
}

ROW(hurried, "wrong-hurried", "does not wait for those who are very late", SYNC_BARRIER, CORRUPT, .traits = SYNC_BUSTED,
    .state_bytes = sizeof(struct anew), .barrier = {.arrive = hurried_arrive});

SHMOO_PLUGIN(&shards, &saved, &peeking, &tagged, &pocket, &rounds, &anew, &hurried);
