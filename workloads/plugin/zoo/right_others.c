/* Queues, counters, pools and barriers of unusual make that are right: they must come out CLEAN. */
#include "zoo.h"

#include <sys/socket.h>

/* A queue of linked nodes with a lock at each end. */
#define NODES 128
struct node {
    LINE uint32_t next; /* index + 1 */
    uint32_t bytes;
    unsigned char element[];
};
struct linked {
    LINE uint32_t head_lock, head; /* the head is a node without an element */
    LINE uint32_t tail_lock, tail;
    LINE uint32_t free_lock, free, count;
    unsigned char nodes[];
};

static size_t node_bytes(const struct sync_setup *setup)
{
    return (sizeof(struct node) + setup->size + 63) / 64 * 64;
}

static uint32_t linked_nodes(const struct sync_setup *setup)
{
    return (setup->capacity ? setup->capacity : NODES) + 1;
}

static size_t linked_size(const struct sync_setup *setup)
{
    return sizeof(struct linked) + linked_nodes(setup) * node_bytes(setup);
}

static struct node *node_of(struct linked *l, const struct sync_setup *setup, uint32_t i)
{
    return (struct node *)(void *)(l->nodes + i * node_bytes(setup));
}

static int linked_create(void *state, const struct sync_setup *setup)
{
    struct linked *l = state;
    for (uint32_t i = 1; i < linked_nodes(setup); i++)
        node_of(l, setup, i)->next = i + 1 < linked_nodes(setup) ? i + 2 : 0;
    l->free = 2;
    return 0;
}

static int linked_push(struct sync_self *self, const void *element, size_t bytes)
{
    struct linked *l = self->state;
    guard(&l->free_lock);
    uint32_t mine = l->free;
    if (mine)
        l->free = node_of(l, self->setup, mine - 1)->next;
    unguard(&l->free_lock);
    if (!mine)
        return EAGAIN;
    struct node *node = node_of(l, self->setup, mine - 1);
    node->bytes = (uint32_t)bytes;
    memcpy(node->element, element, bytes);
    put(&node->next, 0);
    guard(&l->tail_lock);
    put(&node_of(l, self->setup, l->tail)->next, mine);
    l->tail = mine - 1;
    unguard(&l->tail_lock);
    return 0;
}

static int linked_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    struct linked *l = self->state;
    guard(&l->head_lock);
    uint32_t old = l->head, next = get(&node_of(l, self->setup, old)->next);
    if (next) {
        struct node *node = node_of(l, self->setup, next - 1);
        *got = node->bytes;
        memcpy(element, node->element, *got < bytes ? *got : bytes);
        l->head = next - 1;
    }
    unguard(&l->head_lock);
    if (!next)
        return EAGAIN;
    guard(&l->free_lock);
    node_of(l, self->setup, old)->next = l->free;
    l->free = old + 1;
    unguard(&l->free_lock);
    return 0;
}

static const struct sync_ops linked = {.name = "zoo-linked", .summary = "a list of nodes with a lock at each end", .family = SYNC_QUEUE,
    .state_size = linked_size, .create = linked_create, .queue = {.push = linked_push, .pop = linked_pop, .not_now = true}};

/* A pair of sockets that keeps packets apart. */
static int packet_create(void *state, const struct sync_setup *setup UNUSED)
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, state) ? errno : 0;
}

static int packet_push(struct sync_self *self, const void *element, size_t bytes)
{
    while (send(((int *)self->state)[0], element, bytes, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int packet_pop(struct sync_self *self, void *element, size_t bytes, size_t *got)
{
    ssize_t n;
    while ((n = recv(((int *)self->state)[1], element, bytes, 0)) < 0)
        if (errno != EINTR)
            return errno;
    *got = (size_t)n;
    return 0;
}

static const struct sync_ops packet = {.name = "zoo-packets", .summary = "a pair of packet sockets", .family = SYNC_QUEUE,
    .traits = SYNC_BLOCKING | SYNC_INHERITED, .max_size = 60000, .state_bytes = 8, .create = packet_create,
    .queue = {.push = packet_push, .pop = packet_pop}};

/* Additions are posted, and whoever has the lock does those of everybody. */
struct combining {
    LINE uint32_t lock;
    LINE uint64_t total;
    struct {
        LINE uint64_t amount, before;
        uint32_t state; /* 0: none, 1: posted, 2: done */
    } post[HANDS];
};

static int combining_add(struct sync_self *self, uint64_t amount, uint64_t *before)
{
    struct combining *c = self->state;
    uint32_t own = self->index, workers = self->setup->writers + self->setup->readers;
    c->post[own].amount = amount;
    put(&c->post[own].state, 1);
    for (unsigned turn = 0; get(&c->post[own].state) == 1; wait_turn(&turn)) {
        if (peek(&c->lock) || swap(&c->lock, 1))
            continue;
        for (uint32_t i = 0; i < workers; i++) {
            if (get(&c->post[i].state) != 1)
                continue;
            c->post[i].before = c->total;
            c->total += c->post[i].amount;
            put(&c->post[i].state, 2);
        }
        put(&c->lock, 0);
    }
    *before = c->post[own].before;
    return 0;
}

static const struct sync_ops combining = {.name = "zoo-combining", .summary = "whoever has the lock adds for all who wait", .family = SYNC_COUNTER,
    .max_workers = HANDS, .state_bytes = sizeof(struct combining), .counter = {.add = combining_add}};

/* A stack of free slots under a lock. */
struct stacked {
    LINE uint32_t lock, count;
    uint32_t slots[];
};

static size_t stacked_size(const struct sync_setup *setup)
{
    return sizeof(struct stacked) + setup->capacity * sizeof(uint32_t);
}

static int stacked_create(void *state, const struct sync_setup *setup)
{
    struct stacked *s = state;
    for (s->count = 0; s->count < setup->capacity; s->count++)
        s->slots[s->count] = s->count;
    return 0;
}

static int stacked_take(struct sync_self *self, uint32_t *slot)
{
    struct stacked *s = self->state;
    guard(&s->lock);
    bool any = s->count != 0;
    if (any)
        *slot = s->slots[--s->count];
    unguard(&s->lock);
    return any ? 0 : EAGAIN;
}

static int stacked_give(struct sync_self *self, uint32_t slot)
{
    struct stacked *s = self->state;
    guard(&s->lock);
    s->slots[s->count++] = slot;
    unguard(&s->lock);
    return 0;
}

static const struct sync_ops stacked = {.name = "zoo-stacked", .summary = "a stack of free slots under a lock", .family = SYNC_POOL,
    .state_size = stacked_size, .create = stacked_create, .pool = {.take = stacked_take, .give = stacked_give}};

/* Each worker keeps a slot that it has given back for its own next taking; who finds none free looks through the others' pockets. */
struct pockets {
    struct stacked *unused;
    LINE uint32_t lock, count;
    struct {
        LINE uint32_t kept; /* slot + 1 */
    } pocket[HANDS];
    uint32_t slots[];
};

static size_t pockets_size(const struct sync_setup *setup)
{
    return sizeof(struct pockets) + setup->capacity * sizeof(uint32_t);
}

static int pockets_create(void *state, const struct sync_setup *setup)
{
    struct pockets *p = state;
    for (p->count = 0; p->count < setup->capacity; p->count++)
        p->slots[p->count] = p->count;
    return 0;
}

static int pockets_take(struct sync_self *self, uint32_t *slot)
{
    struct pockets *p = self->state;
    uint32_t workers = self->setup->writers + self->setup->readers, kept = swap(&p->pocket[self->index].kept, 0);
    guard(&p->lock);
    if (!kept && p->count)
        kept = p->slots[--p->count] + 1;
    for (uint32_t i = 0; i < workers && !kept; i++)
        kept = swap(&p->pocket[i].kept, 0);
    unguard(&p->lock);
    *slot = kept - 1;
    return kept ? 0 : EAGAIN;
}

static int pockets_give(struct sync_self *self, uint32_t slot)
{
    struct pockets *p = self->state;
    guard(&p->lock);
    uint32_t before = swap(&p->pocket[self->index].kept, slot + 1);
    if (before)
        p->slots[p->count++] = before - 1;
    unguard(&p->lock);
    return 0;
}

static const struct sync_ops pockets = {.name = "zoo-pockets", .summary = "a free slot in each worker's own pocket", .family = SYNC_POOL,
    .max_workers = HANDS - 1, .state_size = pockets_size, .create = pockets_create,
    .pool = {.take = pockets_take, .give = pockets_give}};

/* Everybody tells another one, twice as far away in each round. */
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
    for (uint32_t distance = 1, round = 0; distance < workers; distance *= 2, round++) {
        add(&r->worker[(self->index + distance) % workers].told[round], 1);
        for (unsigned turn = 0; get(&r->worker[self->index].told[round]) < phase;)
            wait_turn(&turn);
    }
    return 0;
}

static const struct sync_ops rounds = {.name = "zoo-dissemination", .summary = "everybody tells one twice as far away in each round",
    .family = SYNC_BARRIER, .max_workers = HANDS, .state_bytes = sizeof(struct rounds), .barrier = {.arrive = rounds_arrive}};

/* A tree: the last of two goes on to the level above, and wakes the other on its way back. */
struct tree {
    struct {
        LINE uint32_t arrived, phase;
    } node[2 * HANDS];
};

static void climb(struct tree *t, uint32_t node, uint32_t leaves, uint32_t workers)
{
    uint32_t phase = get(&t->node[node].phase), expected = 0;
    /* how many below this node there are: both children, as far as they lead to somebody */
    for (uint32_t child = 2 * node; child <= 2 * node + 1; child++) {
        uint32_t first = child;
        while (first < leaves)
            first *= 2;
        expected += first - leaves < workers;
    }
    if (add(&t->node[node].arrived, 1) + 1 == expected) {
        if (node > 1)
            climb(t, node / 2, leaves, workers);
        set(&t->node[node].arrived, 0);
        add(&t->node[node].phase, 1);
    } else {
        for (unsigned turn = 0; get(&t->node[node].phase) == phase;)
            wait_turn(&turn);
    }
}

static int tree_arrive(struct sync_self *self)
{
    uint32_t workers = self->setup->writers + self->setup->readers, leaves = 2;
    while (leaves < workers)
        leaves *= 2;
    climb(self->state, (leaves + self->index) / 2, leaves, workers);
    return 0;
}

static const struct sync_ops tree = {.name = "zoo-tree", .summary = "a tree of meetings of two", .family = SYNC_BARRIER, .max_workers = HANDS,
    .state_bytes = sizeof(struct tree), .barrier = {.arrive = tree_arrive}};

SHMOO_PLUGIN(&linked, &packet, &combining, &stacked, &pockets, &rounds, &tree);
