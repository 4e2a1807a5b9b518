/* What keeps a number, a name or a proof in too few bits or in the wrong place: a hunt must find every one of them. */
#include "zoo.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>

/* Recursive, by three bits of the process number. */
static int owner_acquire(struct sync_self *self)
{
    uint32_t *word = self->state, free = 0, own = 1 + ((uint32_t)getpid() & 7);
    for (unsigned turn = 0; get(word) != own && !cas(word, &free, own); free = 0)
        wait_turn(&turn);
    return 0;
}

LOCK(owner, "wrong-owner", "knows its holder by three bits of the process number", CORRUPT, 4,
     .lock = {.acquire = owner_acquire, .release = word_release});

/* A queue lock whose nodes belong to process numbers modulo sixteen. */
struct nodes {
    LINE uint32_t tail; /* index + 1 */
    struct {
        LINE uint32_t next, wait;
    } node[16];
};

static int nodes_acquire(struct sync_self *self)
{
    struct nodes *n = self->state;
    uint32_t own = (uint32_t)getpid() % 16, before;
    put(&n->node[own].next, 0);
    put(&n->node[own].wait, 1);
    if ((before = swap(&n->tail, own + 1)) == 0)
        return 0;
    put(&n->node[before - 1].next, own + 1);
    for (unsigned turn = 0; get(&n->node[own].wait);)
        wait_turn(&turn);
    return 0;
}

static int nodes_release(struct sync_self *self)
{
    struct nodes *n = self->state;
    uint32_t own = (uint32_t)getpid() % 16, last = own + 1, next;
    if (!get(&n->node[own].next) && cas(&n->tail, &last, 0))
        return 0;
    for (unsigned turn = 0; !(next = get(&n->node[own].next));)
        wait_turn(&turn);
    put(&n->node[next - 1].wait, 0);
    return 0;
}

LOCK(nodes, "wrong-node", "a queue lock with a node for each process number modulo 16", WEDGED, sizeof(struct nodes),
     .lock = {.acquire = nodes_acquire, .release = nodes_release});

/* Readers are counted in three bits of a byte, the lowest of which is the writer's. */
static int bits_read(struct sync_self *self)
{
    uint8_t *byte = self->state, now = get(byte);
    for (unsigned turn = 0; (now & 1) || !cas(byte, &now, (uint8_t)((now + 2) & 0xf)); now = get(byte))
        wait_turn(&turn);
    return 0;
}

static int bits_read_end(struct sync_self *self)
{
    uint8_t *byte = self->state, now = get(byte);
    while (!cas(byte, &now, (uint8_t)((now - 2) & 0xf)))
        ;
    return 0;
}

static int bits_write(struct sync_self *self)
{
    uint8_t *byte = self->state, now = 0;
    for (unsigned turn = 0; !cas(byte, &now, 1); now = 0)
        wait_turn(&turn);
    return 0;
}

static int bits_write_end(struct sync_self *self)
{
    put((uint8_t *)self->state, 0);
    return 0;
}

static const struct sync_ops bits = {.name = "wrong-reader-bits", .summary = "counts its readers in three bits", .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_SHARED, .expect = CORRUPT, .expect_readers = 8, .state_bytes = 1,
    .lock = {.acquire = bits_write, .release = bits_write_end, .acquire_shared = bits_read, .release_shared = bits_read_end}};

/* Writers and readers sleep on words of their own. Who leaves wakes one, a reader if there is one: the other readers sleep on, for
 * as long as no writer comes by again. */
struct bells {
    LINE uint32_t word; /* readers, and a writer's bit */
    LINE struct bell {
        uint32_t rung, sleepers;
    } reader, writer;
};
#define WRITER 0x10000u

static void bell_sleep(struct bell *bell, uint32_t rung)
{
    add(&bell->sleepers, 1);
    futex(&bell->rung, FUTEX_WAIT, rung, 0);
    add(&bell->sleepers, -1u);
}

static void bells_ring(struct bells *b)
{
    add(&b->reader.rung, 1);
    add(&b->writer.rung, 1);
    if (get(&b->reader.sleepers))
        futex(&b->reader.rung, FUTEX_WAKE, 1, 0);
    if (get(&b->writer.sleepers))
        futex(&b->writer.rung, FUTEX_WAKE, 1, 0);
}

static int bells_write(struct sync_self *self)
{
    struct bells *b = self->state;
    for (uint32_t rung = get(&b->writer.rung), none = 0; !cas(&b->word, &none, WRITER); rung = get(&b->writer.rung), none = 0)
        if (none)
            bell_sleep(&b->writer, rung);
    return 0;
}

static int bells_write_end(struct sync_self *self)
{
    struct bells *b = self->state;
    add(&b->word, -WRITER);
    bells_ring(b);
    return 0;
}

static int bells_read(struct sync_self *self)
{
    struct bells *b = self->state;
    for (uint32_t rung = get(&b->reader.rung); add(&b->word, 1) >= WRITER; rung = get(&b->reader.rung)) {
        if (add(&b->word, -1u) == 1)
            bells_ring(b);
        else
            bell_sleep(&b->reader, rung);
    }
    return 0;
}

static int bells_read_end(struct sync_self *self)
{
    struct bells *b = self->state;
    if (add(&b->word, -1u) == 1 && get(&b->writer.sleepers)) {
        add(&b->writer.rung, 1);
        futex(&b->writer.rung, FUTEX_WAKE, 1, 0);
    }
    return 0;
}

static const struct sync_ops bells = {.name = "wrong-one-bell", .summary = "a writer that leaves wakes one reader of several",
    .family = SYNC_LOCK, .traits = SYNC_BUSTED | SYNC_SHARED | SYNC_BLOCKING, .expect = WEDGED, .expect_readers = 2,
    .state_bytes = sizeof(struct bells),
    .lock = {.acquire = bells_write, .release = bells_write_end, .acquire_shared = bells_read, .release_shared = bells_read_end}};

/* A token in an eventfd that does not block: two are told that it is there, and one of them does not find it. */
static int told_create(void *state, const struct sync_setup *setup UNUSED)
{
    *(int *)state = eventfd(1, EFD_SEMAPHORE | EFD_NONBLOCK);
    return *(int *)state < 0 ? errno : 0;
}

static int told_destroy(void *state, const struct sync_setup *setup UNUSED)
{
    return close(*(int *)state) ? errno : 0;
}

static int told_acquire(struct sync_self *self)
{
    uint64_t one;
    struct pollfd token = {.fd = *(int *)self->state, .events = POLLIN};
    while (poll(&token, 1, -1) != 1)
        ;
    return read(token.fd, &one, sizeof one) < 0 && errno != EAGAIN ? errno : 0;
}

static int told_release(struct sync_self *self)
{
    uint64_t one = 1;
    return write(*(int *)self->state, &one, sizeof one) == sizeof one ? 0 : errno;
}

#define INHERITED_LOCK(variable, title, diagnosis, ...)                                                                          \
    static const struct sync_ops variable = {.name = title, .summary = diagnosis, .family = SYNC_LOCK, .expect = CORRUPT,        \
        .traits = SYNC_BUSTED | SYNC_BLOCKING | SYNC_INHERITED, .state_bytes = 4, .destroy = told_destroy, __VA_ARGS__}
INHERITED_LOCK(told, "wrong-poll", "is told of a token by poll(), and does not look whether it got it", .create = told_create,
               .lock = {.acquire = told_acquire, .release = told_release});

/* Locks a file by a descriptor that all have inherited, and with it the lock. */
static int handed_create(void *state, const struct sync_setup *setup UNUSED)
{
    *(int *)state = memfd_create("handed", 0);
    return *(int *)state < 0 ? errno : 0;
}

static int handed_acquire(struct sync_self *self)
{
    while (flock(*(int *)self->state, LOCK_EX))
        if (errno != EINTR)
            return errno;
    return 0;
}

static int handed_release(struct sync_self *self)
{
    return flock(*(int *)self->state, LOCK_UN) ? errno : 0;
}

INHERITED_LOCK(handed, "wrong-handed", "locks a file by a descriptor that all share", .create = handed_create,
               .lock = {.acquire = handed_acquire, .release = handed_release});

/* A value is whole if the sum of its bytes is right, in eight bits. */
struct sealed {
    LINE uint32_t writing;
    LINE uint8_t sum;
    unsigned char value[];
};

static size_t sealed_size(const struct sync_setup *setup)
{
    return sizeof(struct sealed) + padded(setup);
}

static uint8_t sum_of(const unsigned char *value, size_t size)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + value[i]);
    return sum;
}

static int sealed_write(struct sync_self *self, const void *value)
{
    struct sealed *s = self->state;
    guard(&s->writing);
    put(&s->sum, sum_of(value, self->setup->size));
    copy(s->value, value, self->setup->size);
    unguard(&s->writing);
    return 0;
}

static int sealed_read(struct sync_self *self, void *value)
{
    struct sealed *s = self->state;
    unsigned turn = 0;
    for (copy(value, s->value, self->setup->size); sum_of(value, self->setup->size) != get(&s->sum);) {
        wait_turn(&turn);
        copy(value, s->value, self->setup->size);
    }
    return 0;
}

ROW(sealed, "wrong-sum", "knows a whole value by a sum of eight bits", SYNC_CELL, CORRUPT, .traits = SYNC_BUSTED, .expect_size = 9,
    .state_size = sealed_size, .cell = {.write = sealed_write, .read = sealed_read});

/* A sequence lock whose sequence is a byte: the same again after 128 writes. */
static int byte_write(struct sync_self *self, const void *value)
{
    struct sealed *s = self->state;
    guard(&s->writing);
    set(&s->sum, (uint8_t)(s->sum + 1));
    fence();
    copy(s->value, value, self->setup->size);
    put(&s->sum, (uint8_t)(s->sum + 1));
    unguard(&s->writing);
    return 0;
}

static int byte_read(struct sync_self *self, void *value)
{
    struct sealed *s = self->state;
    uint8_t before;
    unsigned turn = 0;
    do {
        while ((before = get(&s->sum)) & 1)
            wait_turn(&turn);
        copy(value, s->value, self->setup->size);
        fence();
    } while (get(&s->sum) != before);
    return 0;
}

ROW(sequence, "wrong-sequence", "a sequence lock whose sequence is a byte", SYNC_CELL, CORRUPT, .traits = SYNC_BUSTED, .expect_size = 9,
    .state_size = sealed_size, .cell = {.write = byte_write, .read = byte_read});

/* Consumers copy the oldest element and then take it, by a position that is the same again after a lap. */
#define PLACES 8
struct lap {
    LINE uint32_t lock;
    LINE uint32_t tail;
    LINE uint32_t head;
    unsigned char places[];
};

static size_t lap_size(const struct sync_setup *setup)
{
    return sizeof(struct lap) + PLACES * padded(setup);
}

static int lap_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct lap *l = self->state;
    guard(&l->lock);
    bool full = (l->head + 1) % PLACES == get(&l->tail);
    if (!full) {
        copy(l->places + l->head * padded(self->setup), element, bytes);
        put(&l->head, (l->head + 1) % PLACES);
    }
    unguard(&l->lock);
    return full ? EAGAIN : 0;
}

static int lap_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct lap *l = self->state;
    uint32_t tail = get(&l->tail);
    do {
        if (tail == get(&l->head))
            return EAGAIN;
        copy(element, l->places + tail * padded(self->setup), bytes);
    } while (!cas(&l->tail, &tail, (tail + 1) % PLACES));
    *got = bytes;
    return 0;
}

ROW(lap, "wrong-modulo", "takes a position for untouched that has gone round meanwhile", SYNC_QUEUE, CORRUPT, .traits = SYNC_BUSTED,
    .state_size = lap_size, .queue = {.push = lap_push, .pop = lap_pop});

/* A stack of free slots: the count is one step, and the place another. */
struct stack {
    LINE uint32_t count;
    uint32_t slots[];
};

static size_t stack_size(const struct sync_setup *setup)
{
    return sizeof(struct stack) + setup->capacity * sizeof(uint32_t);
}

static int stack_create(void *state, const struct sync_setup *setup)
{
    struct stack *s = state;
    for (s->count = 0; s->count < setup->capacity; s->count++)
        s->slots[s->count] = s->count;
    return 0;
}

static int stack_take(struct sync_self *self, uint32_t *slot)
{
    struct stack *s = self->state;
    uint32_t count = get(&s->count);
    do
        if (!count)
            return EAGAIN;
    while (!cas(&s->count, &count, count - 1));
    *slot = get(&s->slots[count - 1]);
    return 0;
}

static int stack_give(struct sync_self *self, uint32_t slot)
{
    struct stack *s = self->state;
    put(&s->slots[add(&s->count, 1) % self->setup->capacity], slot);
    return 0;
}

ROW(stack, "wrong-two-steps", "counts a slot as free before it lies in its place", SYNC_POOL, CORRUPT, .traits = SYNC_BUSTED,
    .state_size = stack_size, .create = stack_create, .pool = {.take = stack_take, .give = stack_give});

/* As many are woken as slept when the last one came; somebody may have lain down since. */
struct headcount {
    LINE uint32_t arrived, phase, sleepers;
};

static int headcount_arrive(struct sync_self *self)
{
    struct headcount *h = self->state;
    uint32_t phase = get(&h->phase);
    if (add(&h->arrived, 1) + 1 == self->setup->writers + self->setup->readers) {
        uint32_t sleepers = get(&h->sleepers);
        set(&h->arrived, 0);
        add(&h->phase, 1);
        futex(&h->phase, FUTEX_WAKE, sleepers, 0);
        return 0;
    }
    for (int spins = 0; get(&h->phase) == phase && spins < 100; spins++)
        relax();
    while (get(&h->phase) == phase) {
        add(&h->sleepers, 1);
        futex(&h->phase, FUTEX_WAIT, phase, 0);
        add(&h->sleepers, -1u);
    }
    return 0;
}

ROW(headcount, "wrong-headcount", "counts its sleepers before it lets them go, and wakes so many", SYNC_BARRIER, WEDGED,
    .traits = SYNC_BUSTED | SYNC_BLOCKING, .state_bytes = sizeof(struct headcount), .barrier = {.arrive = headcount_arrive});

/* Counts in single precision: above 2^24 there are only even numbers. */
static int single_add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    uint32_t *word = self->state, now = get(word), next;
    float sum, more;
    do {
        memcpy(&sum, &now, sizeof sum);
        more = sum + (float)amount;
        memcpy(&next, &more, sizeof next);
    } while (!cas(word, &now, next));
    *before = (uint64_t)sum;
    return 0;
}

ROW(single, "wrong-float", "counts in single precision, with gaps from 2^24 on", SYNC_COUNTER, CORRUPT, .traits = SYNC_BUSTED,
    .state_bytes = 4, .counter = {.add = single_add});

SHMOO_PLUGIN(&owner, &nodes, &bits, &bells, &told, &handed, &sealed, &sequence, &lap, &stack, &headcount, &single);
