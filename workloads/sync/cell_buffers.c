/* left-right, triple-buffer: cells that keep the value several times, so that readers never wait for a writer. */
#include "workloads/sync/cell_words.h"
#include "workloads/sync/rows.h"
#include "workloads/sync/spin_wait.h"

#define LINE SYNC_STATE_ALIGN

/* Buffers lie on lines of their own. */
static size_t buffer_bytes(const struct sync_setup *setup)
{
    return (setup->size + LINE - 1) / LINE * LINE;
}

struct counted {
    _Alignas(LINE) uint64_t count;
};

/* Two buffers, as a double buffer has; but a reader says that it is there before it looks which one is in front, and a writer
 * fills the other one only after all have left who may still read it. Readers announce themselves at one of two doors; a
 * writer moves newcomers over to the other door and waits until the first is empty: so it waits for nobody who came later. */
struct left_right {
    _Alignas(LINE) uint32_t lock; /* among writers */
    uint32_t front;               /* the buffer that readers are sent to */
    uint32_t door;                /* where readers announce themselves */
    struct counted readers[2];    /* who came in at each door */
    _Alignas(LINE) unsigned char buffers[];
};

static size_t left_right_bytes(const struct sync_setup *setup)
{
    return sizeof(struct left_right) + 2 * buffer_bytes(setup);
}

static void *left_right_buffer(struct sync_self *self, uint32_t i)
{
    return ((struct left_right *)self->state)->buffers + i * buffer_bytes(self->setup);
}

static void wait_empty(struct left_right *cell, uint32_t door)
{
    for (uint32_t spins = 0; __atomic_load_n(&cell->readers[door].count, __ATOMIC_SEQ_CST) != 0;)
        spin_wait(&spins);
}

static int left_right_write(struct sync_self *self, const void *value)
{
    struct left_right *cell = self->state;
    for (uint32_t spins = 0; __atomic_exchange_n(&cell->lock, 1, __ATOMIC_ACQUIRE) != 0;)
        spin_wait(&spins);
    uint32_t door = cell->door, back = !cell->front;
    /* the last writer has moved readers to the front; this empties both doors of those who came before that */
    wait_empty(cell, !door);
    __atomic_store_n(&cell->door, !door, __ATOMIC_SEQ_CST);
    wait_empty(cell, door);
    memcpy(left_right_buffer(self, back), value, self->setup->size);
    __atomic_store_n(&cell->front, back, __ATOMIC_SEQ_CST);
    __atomic_store_n(&cell->lock, 0, __ATOMIC_RELEASE);
    return 0;
}

static int left_right_read(struct sync_self *self, void *value)
{
    struct left_right *cell = self->state;
    uint32_t door = __atomic_load_n(&cell->door, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&cell->readers[door].count, 1, __ATOMIC_SEQ_CST);
    uint32_t front = __atomic_load_n(&cell->front, __ATOMIC_SEQ_CST);
    memcpy(value, left_right_buffer(self, front), self->setup->size);
    __atomic_fetch_sub(&cell->readers[door].count, 1, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_left_right = {
    .name = "left-right",
    .summary = "two buffers and two reader counts: readers never wait, writers wait for readers of the older buffer",
    .family = SYNC_CELL,
    .expect = VERDICT_CLEAN,
    .state_size = left_right_bytes,
    .cell = {.write = left_right_write, .read = left_right_read},
};

#define TRIPLE_INDEX 3u
#define TRIPLE_FRESH 4u

/* Each side owns a buffer; the third lies in the middle, and is taken in exchange for one's own. */
struct triple {
    _Alignas(LINE) uint32_t middle; /* an index, and whether the reader has not had it yet */
    _Alignas(LINE) uint32_t back;   /* the writer's */
    _Alignas(LINE) uint32_t front;  /* the reader's */
    _Alignas(LINE) unsigned char buffers[];
};

static size_t triple_bytes(const struct sync_setup *setup)
{
    return sizeof(struct triple) + 3 * buffer_bytes(setup);
}

static int triple_create(void *state, const struct sync_setup *setup)
{
    struct triple *cell = state;
    (void)setup;
    cell->back = 0;
    cell->middle = 1;
    cell->front = 2;
    return 0;
}

static int triple_write(struct sync_self *self, const void *value)
{
    struct triple *cell = self->state;
    memcpy(cell->buffers + cell->back * buffer_bytes(self->setup), value, self->setup->size);
    cell->back = __atomic_exchange_n(&cell->middle, cell->back | TRIPLE_FRESH, __ATOMIC_ACQ_REL) & TRIPLE_INDEX;
    return 0;
}

static int triple_read(struct sync_self *self, void *value)
{
    struct triple *cell = self->state;
    if (__atomic_load_n(&cell->middle, __ATOMIC_RELAXED) & TRIPLE_FRESH)
        cell->front = __atomic_exchange_n(&cell->middle, cell->front, __ATOMIC_ACQ_REL) & TRIPLE_INDEX;
    memcpy(value, cell->buffers + cell->front * buffer_bytes(self->setup), self->setup->size);
    return 0;
}

const struct sync_ops sync_triple_buffer = {
    .name = "triple-buffer",
    .summary = "three buffers that change hands by one exchange: one writer, one reader, neither waits",
    .family = SYNC_CELL,
    .expect = VERDICT_CLEAN,
    .max_writers = 1,
    .max_readers = 1,
    .state_size = triple_bytes,
    .create = triple_create,
    .cell = {.write = triple_write, .read = triple_read},
};
