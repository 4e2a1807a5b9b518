/* Cells of unusual make that are wrong, each in one way: a hunt must find every one of them. */
#include "zoo.h"

/* Two buffers; a writer does not wait for the readers of the older one. */
struct flip {
    LINE uint32_t now, writing;
    unsigned char buffers[];
};

static size_t flip_size(const struct sync_setup *setup)
{
    return sizeof(struct flip) + 3 * padded(setup);
}

static int flip_write(struct sync_self *self, const void *value)
{
    struct flip *f = self->state;
    guard(&f->writing);
    uint32_t next = (f->now + 1) % 3;
    copy(f->buffers + next * padded(self->setup), value, self->setup->size);
    put(&f->now, next);
    unguard(&f->writing);
    return 0;
}

static int flip_read(struct sync_self *self, void *value)
{
    struct flip *f = self->state;
    copy(value, f->buffers + get(&f->now) * padded(self->setup), self->setup->size);
    return 0;
}

ROW(flip, "wrong-flip", "three buffers by turns, and no look at who still reads one", SYNC_CELL, CORRUPT, .traits = SYNC_BUSTED, .expect_size = 9,
    .state_size = flip_size, .cell = {.write = flip_write, .read = flip_read});

/* Marks the buffer that it reads, and does not look again whether it still is the newest. */
struct hazard {
    LINE uint32_t newest, writing;
    LINE uint32_t used[HANDS];
    unsigned char buffers[];
};

static uint32_t hazard_buffers(const struct sync_setup *setup)
{
    return setup->writers + setup->readers + 2;
}

static size_t hazard_size(const struct sync_setup *setup)
{
    return sizeof(struct hazard) + hazard_buffers(setup) * padded(setup);
}

static int hazard_read(struct sync_self *self, void *value)
{
    struct hazard *h = self->state;
    uint32_t now = get(&h->newest);
    swap(&h->used[self->index], now + 1);
    copy(value, h->buffers + now * padded(self->setup), self->setup->size);
    put(&h->used[self->index], 0);
    return 0;
}

static int hazard_write(struct sync_self *self, const void *value)
{
    struct hazard *h = self->state;
    uint32_t workers = self->setup->writers + self->setup->readers, buffer = 0;
    guard(&h->writing);
    for (;; buffer = (buffer + 1) % hazard_buffers(self->setup)) {
        bool used = buffer == h->newest;
        for (uint32_t i = 0; i < workers && !used; i++)
            used = get(&h->used[i]) == buffer + 1;
        if (!used)
            break;
    }
    copy(h->buffers + buffer * padded(self->setup), value, self->setup->size);
    swap(&h->newest, buffer);
    unguard(&h->writing);
    return 0;
}

ROW(hazard, "wrong-hazard", "marks a buffer, and does not look again", SYNC_CELL, CORRUPT, .traits = SYNC_BUSTED, .expect_size = 9,
    .max_workers = HANDS, .state_size = hazard_size, .cell = {.write = hazard_write, .read = hazard_read});

/* Reads from a copy of its own, which is renewed every sixteenth time. */
struct cached {
    LINE uint64_t sequence;
    LINE uint32_t writing;
    unsigned char bytes[];
};

static size_t cached_size(const struct sync_setup *setup)
{
    return sizeof(struct cached) + padded(setup);
}

static int cached_write(struct sync_self *self, const void *value)
{
    struct cached *c = self->state;
    guard(&c->writing);
    copy(c->bytes, value, self->setup->size);
    unguard(&c->writing);
    return 0;
}

static int cached_attach(struct sync_self *self)
{
    self->local = calloc(1, self->setup->size + 8);
    return self->local ? 0 : ENOMEM;
}

static int cached_read(struct sync_self *self, void *value)
{
    struct cached *c = self->state;
    unsigned char *own = self->local;
    uint64_t *count = (uint64_t *)(void *)own;
    if ((*count)++ % 16 == 0) {
        guard(&c->writing);
        memcpy(own + 8, c->bytes, self->setup->size);
        unguard(&c->writing);
    }
    memcpy(value, own + 8, self->setup->size);
    return 0;
}

ROW(cached, "wrong-cached", "reads from a copy of its own, which is renewed now and then", SYNC_CELL, CORRUPT, .traits = SYNC_BUSTED,
    .state_size = cached_size, .attach = cached_attach, .cell = {.write = cached_write, .read = cached_read});

/* Copies whole words, and forgets what is left. */
static int tailless_write(struct sync_self *self, const void *value)
{
    struct cached *c = self->state;
    guard(&c->writing);
    copy(c->bytes, value, self->setup->size / 8 * 8);
    unguard(&c->writing);
    return 0;
}

static int tailless_read(struct sync_self *self, void *value)
{
    struct cached *c = self->state;
    guard(&c->writing);
    copy(value, c->bytes, self->setup->size);
    unguard(&c->writing);
    return 0;
}

ROW(tailless, "wrong-tail", "copies whole words only: the last bytes of an odd size are lost", SYNC_CELL, CORRUPT,
    .traits = SYNC_BUSTED, .expect_alone = true, .state_size = cached_size, .cell = {.write = tailless_write, .read = tailless_read});

/* Clears the end of the last word with the rest: a few bytes beyond the value. */
static int over_read(struct sync_self *self, void *value)
{
    struct cached *c = self->state;
    guard(&c->writing);
    memcpy(value, c->bytes, (self->setup->size + 15) / 16 * 16);
    unguard(&c->writing);
    return 0;
}

ROW(over, "wrong-over", "gives back a few bytes more than there are", SYNC_CELL, CORRUPT, .traits = SYNC_BUSTED, .expect_alone = true,
    .state_size = cached_size, .cell = {.write = cached_write, .read = over_read});

/* A sequence number for each line: each is whole, the value is not. */
struct striped {
    LINE uint32_t writing;
    struct {
        LINE uint64_t sequence;
        unsigned char bytes[48];
    } line[];
};

static size_t striped_size(const struct sync_setup *setup)
{
    return sizeof(struct striped) + (setup->size / 48 + 1) * sizeof(((struct striped *)0)->line[0]);
}

static int striped_write(struct sync_self *self, const void *value)
{
    struct striped *s = self->state;
    guard(&s->writing);
    for (size_t at = 0; at < self->setup->size; at += 48) {
        size_t n = self->setup->size - at < 48 ? self->setup->size - at : 48;
        set(&s->line[at / 48].sequence, s->line[at / 48].sequence + 1);
        __atomic_thread_fence(__ATOMIC_RELEASE);
        copy(s->line[at / 48].bytes, (const unsigned char *)value + at, n);
        put(&s->line[at / 48].sequence, s->line[at / 48].sequence + 1);
    }
    unguard(&s->writing);
    return 0;
}

static int striped_read(struct sync_self *self, void *value)
{
    struct striped *s = self->state;
    for (size_t at = 0; at < self->setup->size; at += 48) {
        size_t n = self->setup->size - at < 48 ? self->setup->size - at : 48;
        uint64_t before;
        unsigned turn = 0;
        do {
            wait_turn(&turn);
            before = get(&s->line[at / 48].sequence);
            copy((unsigned char *)value + at, s->line[at / 48].bytes, n);
            __atomic_thread_fence(__ATOMIC_ACQUIRE);
        } while (before % 2 || peek(&s->line[at / 48].sequence) != before);
    }
    return 0;
}

ROW(striped, "wrong-lines", "each line of the value is whole, and of a write of its own", SYNC_CELL, CORRUPT, .traits = SYNC_BUSTED,
    .expect_size = 49, .state_size = striped_size, .cell = {.write = striped_write, .read = striped_read});

SHMOO_PLUGIN(&flip, &hazard, &cached, &tailless, &over, &striped);
