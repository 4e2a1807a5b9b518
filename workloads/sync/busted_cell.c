/* busted-cell-*: cells whose value is taken for indivisible, or is reused too soon, each broken on purpose in one way. */
#include <string.h>

#include "workloads/sync/cell_words.h"
#include "workloads/sync/rows.h"

#define LINE 64

static size_t bare_bytes(const struct sync_setup *setup)
{
    return cell_bytes(setup->size);
}

static int bare_write(struct sync_self *self, const void *value)
{
    cell_store(self->state, value, self->setup->size);
    return 0;
}

static int bare_read(struct sync_self *self, void *value)
{
    cell_load(value, self->state, self->setup->size);
    return 0;
}

const struct sync_ops sync_busted_cell_pair = {
    .name = "busted-cell-pair",
    .summary = "broken on purpose: takes two words, each written at once, for written at once together",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_size = 16,
    .state_size = bare_bytes,
    .cell = {.write = bare_write, .read = bare_read},
};

const struct sync_ops sync_busted_cell_line = {
    .name = "busted-cell-line",
    .summary = "broken on purpose: takes the words of one cache line for written at once",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_size = LINE,
    .state_size = bare_bytes,
    .cell = {.write = bare_write, .read = bare_read},
};

/* As fast as the library can. */
static int copied_write(struct sync_self *self, const void *value)
{
    memcpy(self->state, value, self->setup->size);
    __asm__ __volatile__("" ::: "memory");
    return 0;
}

static int copied_read(struct sync_self *self, void *value)
{
    __asm__ __volatile__("" ::: "memory");
    memcpy(value, self->state, self->setup->size);
    return 0;
}

const struct sync_ops sync_busted_cell_memcpy = {
    .name = "busted-cell-memcpy",
    .summary = "broken on purpose: takes memcpy() for so fast that nobody comes in between",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .state_size = bare_bytes,
    .cell = {.write = copied_write, .read = copied_read},
};

/* One word, at an address that no compiler would choose: half of it in one cache line, half in the next. */
struct unaligned {
    uint64_t word;
} __attribute__((packed));

static struct unaligned *crossing(const struct sync_self *self)
{
    return (void *)((char *)self->state + LINE - 4);
}

static int crossing_write(struct sync_self *self, const void *value)
{
    uint64_t word = 0;
    memcpy(&word, value, self->setup->size);
    ((volatile struct unaligned *)crossing(self))->word = word;
    return 0;
}

static int crossing_read(struct sync_self *self, void *value)
{
    uint64_t word = ((volatile struct unaligned *)crossing(self))->word;
    memcpy(value, &word, self->setup->size);
    return 0;
}

const struct sync_ops sync_busted_cell_crossing = {
    .name = "busted-cell-crossing",
    .summary = "broken on purpose: an eight-byte word that lies across two cache lines",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_size = CELL_WORD,
    .state_bytes = (size_t)2 * LINE,
    .cell = {.write = crossing_write, .read = crossing_read},
};

/* Copies of the value, written by turns; `front` says which one to read. */
struct buffers {
    _Alignas(LINE) uint32_t front;
    _Alignas(LINE) uint64_t words[];
};

static size_t buffers_bytes(const struct sync_setup *setup, uint32_t count)
{
    return sizeof(struct buffers) + count * cell_bytes(setup->size);
}

static uint64_t *buffer(const struct sync_self *self, uint32_t i)
{
    struct buffers *cell = self->state;
    return cell->words + i * (cell_bytes(self->setup->size) / CELL_WORD);
}

static int front_read(struct sync_self *self, void *value)
{
    struct buffers *cell = self->state;
    cell_load(value, buffer(self, __atomic_load_n(&cell->front, __ATOMIC_ACQUIRE)), self->setup->size);
    return 0;
}

static size_t two_bytes(const struct sync_setup *setup)
{
    return buffers_bytes(setup, 2);
}

/* Two buffers are enough only for readers that are faster than two writes. */
static int double_write(struct sync_self *self, const void *value)
{
    struct buffers *cell = self->state;
    uint32_t back = !cell->front;
    cell_store(buffer(self, back), value, self->setup->size);
    __atomic_store_n(&cell->front, back, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_cell_double = {
    .name = "busted-cell-double",
    .summary = "broken on purpose: a double buffer whose writer does not wait for those who still read the older one",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .state_size = two_bytes,
    .cell = {.write = double_write, .read = front_read},
};

/* Readers look twice whether they have been overtaken, and are right to; but the buffer is shown before it is filled. */
static int flipping_write(struct sync_self *self, const void *value)
{
    struct buffers *cell = self->state;
    uint32_t next = __atomic_load_n(&cell->front, __ATOMIC_RELAXED) + 1;
    __atomic_store_n(&cell->front, next, __ATOMIC_SEQ_CST);
    cell_store(buffer(self, next % 2), value, self->setup->size);
    return 0;
}

static int patient_read(struct sync_self *self, void *value)
{
    struct buffers *cell = self->state;
    uint32_t front;
    do {
        front = __atomic_load_n(&cell->front, __ATOMIC_ACQUIRE);
        cell_load(value, buffer(self, front % 2), self->setup->size);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (__atomic_load_n(&cell->front, __ATOMIC_RELAXED) != front);
    return 0;
}

const struct sync_ops sync_busted_cell_flip = {
    .name = "busted-cell-flip",
    .summary = "broken on purpose: a double buffer that flips before the new value is whole",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .state_size = two_bytes,
    .cell = {.write = flipping_write, .read = patient_read},
};

/* Old versions are left to their readers for a while, and no one asks how long those take. */
#define VERSIONS 4

static size_t versions_bytes(const struct sync_setup *setup)
{
    return buffers_bytes(setup, VERSIONS);
}

static int reclaiming_write(struct sync_self *self, const void *value)
{
    struct buffers *cell = self->state;
    uint32_t next = (cell->front + 1) % VERSIONS;
    cell_store(buffer(self, next), value, self->setup->size);
    __atomic_store_n(&cell->front, next, __ATOMIC_RELEASE);
    return 0;
}

const struct sync_ops sync_busted_cell_reclaim = {
    .name = "busted-cell-reclaim",
    .summary = "broken on purpose: reuses the fourth version back although somebody may still read it",
    .family = SYNC_CELL,
    .traits = SYNC_BUSTED,
    .expect = VERDICT_CORRUPT,
    .max_writers = 1,
    .state_size = versions_bytes,
    .cell = {.write = reclaiming_write, .read = front_read},
};
