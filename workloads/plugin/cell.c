/* An example plugin: a cell. Writers take turns at a sequence number that is odd while they write; readers copy, and copy again if
 * the number has moved.
 *
 *     cc -O2 -shared -fPIC -o cell.so cell.c
 *
 * With -DBROKEN a reader looks at the number before its copy and not behind it.
 */
#include <shmoo/plugin.h>

#include <string.h>

#define LINE 64

struct my_cell {
    uint64_t sequence;
    char padding[LINE - sizeof(uint64_t)];
    unsigned char bytes[]; /* setup->size of them */
};

/* The state's size follows from the value's. */
static size_t my_size(const struct sync_setup *setup)
{
    return sizeof(struct my_cell) + setup->size;
}

/* Whole words where there are any, so that nothing smaller can tear; relaxed, since the sequence number orders them. */
static void copy(unsigned char *to, const unsigned char *from, size_t size)
{
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= size; i += sizeof word) {
        __atomic_load((const uint64_t *)(const void *)(from + i), &word, __ATOMIC_RELAXED);
        __atomic_store((uint64_t *)(void *)(to + i), &word, __ATOMIC_RELAXED);
    }
    for (; i < size; i++)
        __atomic_store_n(to + i, __atomic_load_n(from + i, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

static int my_write(struct sync_self *self, const void *value)
{
    struct my_cell *cell = self->state;
    uint64_t even;
    do
        even = __atomic_load_n(&cell->sequence, __ATOMIC_RELAXED) & ~1ULL;
    while (!__atomic_compare_exchange_n(&cell->sequence, &even, even + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    __atomic_thread_fence(__ATOMIC_RELEASE);
    copy(cell->bytes, value, self->setup->size);
    __atomic_store_n(&cell->sequence, even + 2, __ATOMIC_RELEASE);
    return 0;
}

static int my_read(struct sync_self *self, void *value)
{
    struct my_cell *cell = self->state;
    uint64_t before, behind;
    do {
        before = __atomic_load_n(&cell->sequence, __ATOMIC_ACQUIRE);
        copy(value, cell->bytes, self->setup->size);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
#ifdef BROKEN
        behind = before;
#else
        behind = __atomic_load_n(&cell->sequence, __ATOMIC_RELAXED);
#endif
    } while (before % 2 || behind != before);
    return 0;
}

static const struct sync_ops my_cell = {
    .name = "my-cell",
    .summary = "a sequence lock: readers copy, and look whether a writer came in between",
    .family = SYNC_CELL,
    .state_size = my_size,
    .cell = {.write = my_write, .read = my_read},
};

SHMOO_PLUGIN(&my_cell);
