/* Cells of unusual make that are right: they must come out CLEAN. */
#include "zoo.h"

/* A cell of many buffers. A reader marks the newest one as in use, and looks again whether it still is the newest; a writer takes
 * one that nobody uses. */
struct hazard {
    LINE uint32_t newest, writing;
    LINE uint32_t used[HANDS]; /* buffer + 1 */
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
    uint32_t now;
    do {
        now = get(&h->newest);
        swap(&h->used[self->index], now + 1);
    } while (get(&h->newest) != now);
    memcpy(value, h->buffers + now * padded(self->setup), self->setup->size);
    put(&h->used[self->index], 0);
    return 0;
}

static int hazard_write(struct sync_self *self, const void *value)
{
    struct hazard *h = self->state;
    uint32_t workers = self->setup->writers + self->setup->readers, free = 0;
    guard(&h->writing);
    for (bool used = true; used; free += used) {
        used = free == h->newest;
        fence();
        for (uint32_t i = 0; i < workers && !used; i++)
            used = get(&h->used[i]) == free + 1;
        if (!used)
            break;
        if (free + 1 == hazard_buffers(self->setup))
            free = -1u;
    }
    memcpy(h->buffers + free * padded(self->setup), value, self->setup->size);
    swap(&h->newest, free);
    unguard(&h->writing);
    return 0;
}

static const struct sync_ops hazard = {.name = "zoo-hazard", .summary = "buffers that readers mark while they copy", .family = SYNC_CELL,
    .max_workers = HANDS, .state_size = hazard_size, .cell = {.write = hazard_write, .read = hazard_read}};

/* Two buffers; readers say in which of two periods they have begun, and a writer waits for those of the last one. */
struct period {
    LINE uint32_t now, writing;
    struct {
        LINE uint32_t since; /* period + 1; 0: not reading */
    } reader[HANDS];
    unsigned char buffers[];
};

static size_t period_size(const struct sync_setup *setup)
{
    return sizeof(struct period) + 2 * padded(setup);
}

static int period_read(struct sync_self *self, void *value)
{
    struct period *p = self->state;
    uint32_t now;
    do {
        now = get(&p->now);
        swap(&p->reader[self->index].since, now + 1);
    } while (get(&p->now) != now);
    memcpy(value, p->buffers + now % 2 * padded(self->setup), self->setup->size);
    put(&p->reader[self->index].since, 0);
    return 0;
}

static int period_write(struct sync_self *self, const void *value)
{
    struct period *p = self->state;
    unsigned turn = 0;
    guard(&p->writing);
    uint32_t next = p->now + 1;
    for (uint32_t i = 0; i < self->setup->writers + self->setup->readers; i++)
        for (uint32_t since; (since = get(&p->reader[i].since)) && since != next;)
            wait_turn(&turn);
    memcpy(p->buffers + next % 2 * padded(self->setup), value, self->setup->size);
    swap(&p->now, next);
    unguard(&p->writing);
    return 0;
}

static const struct sync_ops period = {.name = "zoo-period", .summary = "two buffers; a writer waits for the readers of the older one",
    .family = SYNC_CELL, .max_workers = HANDS, .state_size = period_size, .cell = {.write = period_write, .read = period_read}};

/* A sequence number for each line, and one for all. */
struct striped {
    LINE uint64_t all, writing;
    unsigned char bytes[];
};

static size_t striped_size(const struct sync_setup *setup)
{
    return sizeof(struct striped) + padded(setup);
}

static int striped_write(struct sync_self *self, const void *value)
{
    struct striped *s = self->state;
    guard((uint32_t *)(void *)&s->writing);
    set(&s->all, s->all + 1);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    copy(s->bytes, value, self->setup->size);
    put(&s->all, s->all + 1);
    unguard((uint32_t *)(void *)&s->writing);
    return 0;
}

static int striped_read(struct sync_self *self, void *value)
{
    struct striped *s = self->state;
    for (unsigned tries = 0;; tries++) {
        if (tries > 50) { /* rather wait than starve */
            guard((uint32_t *)(void *)&s->writing);
            copy(value, s->bytes, self->setup->size);
            unguard((uint32_t *)(void *)&s->writing);
            return 0;
        }
        uint64_t before = get(&s->all);
        copy(value, s->bytes, self->setup->size);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (before % 2 == 0 && peek(&s->all) == before)
            return 0;
    }
}

static const struct sync_ops striped = {.name = "zoo-sequence", .summary = "a sequence lock whose readers give up and take the lock",
    .family = SYNC_CELL, .state_size = striped_size, .cell = {.write = striped_write, .read = striped_read}};

SHMOO_PLUGIN(&hazard, &period, &striped);
