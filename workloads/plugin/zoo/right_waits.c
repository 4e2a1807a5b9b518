/* Locks whose waiters sleep, of unusual make, that are right: whatever is done to them, they must come out CLEAN. */
#include "zoo.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/eventfd.h>

/* A token that lies in an eventfd: whoever reads it has the lock. */
static int token_create(void *state, const struct sync_setup *setup UNUSED)
{
    *(int *)state = eventfd(1, EFD_SEMAPHORE);
    return *(int *)state < 0 ? errno : 0;
}

static int token_acquire(struct sync_self *self)
{
    uint64_t one;
    while (read(*(int *)self->state, &one, sizeof one) != sizeof one)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int token_release(struct sync_self *self)
{
    uint64_t one = 1;
    return write(*(int *)self->state, &one, sizeof one) == sizeof one ? 0 : errno;
}

static int token_destroy(void *state, const struct sync_setup *setup UNUSED)
{
    close(*(int *)state);
    return 0;
}

static const struct sync_ops token = {.name = "zoo-eventfd", .summary = "a token in an eventfd, taken by read(2)", .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_INHERITED, .state_bytes = 4, .create = token_create, .destroy = token_destroy,
    .lock = {.acquire = token_acquire, .release = token_release}};

/* The same in a pipe. */
struct piped {
    int ends[2];
};

static int pipe_create(void *state, const struct sync_setup *setup UNUSED)
{
    struct piped *p = state;
    return pipe(p->ends) == 0 && write(p->ends[1], "t", 1) == 1 ? 0 : errno;
}

static int pipe_acquire(struct sync_self *self)
{
    char one;
    while (read(((struct piped *)self->state)->ends[0], &one, 1) != 1)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int pipe_release(struct sync_self *self)
{
    return write(((struct piped *)self->state)->ends[1], "t", 1) == 1 ? 0 : errno;
}

static const struct sync_ops piped = {.name = "zoo-pipe", .summary = "a token in a pipe", .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_INHERITED, .state_bytes = sizeof(struct piped), .create = pipe_create,
    .lock = {.acquire = pipe_acquire, .release = pipe_release}};

/* And in a message queue, which each process opens by name. */
static int post_create(void *state UNUSED, const struct sync_setup *setup)
{
    struct mq_attr one = {.mq_maxmsg = 1, .mq_msgsize = 1};
    mqd_t q = mq_open(setup->name, O_RDWR | O_CREAT | O_EXCL, 0600, &one);
    int rc = q == (mqd_t)-1 || mq_send(q, "t", 1, 0) ? errno : 0;
    if (q != (mqd_t)-1)
        mq_close(q);
    return rc;
}

static int post_destroy(void *state UNUSED, const struct sync_setup *setup)
{
    mq_unlink(setup->name);
    return 0;
}

static int post_attach(struct sync_self *self)
{
    mqd_t q = mq_open(self->setup->name, O_RDWR);
    self->local = (void *)(intptr_t)q;
    return q == (mqd_t)-1 ? errno : 0;
}

static int post_detach(struct sync_self *self)
{
    return mq_close((mqd_t)(intptr_t)self->local);
}

static int post_acquire(struct sync_self *self)
{
    char one;
    while (mq_receive((mqd_t)(intptr_t)self->local, &one, 1, NULL) != 1)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int post_release(struct sync_self *self)
{
    while (mq_send((mqd_t)(intptr_t)self->local, "t", 1, 0))
        if (errno != EINTR)
            return errno;
    return 0;
}

static const struct sync_ops post = {.name = "zoo-mqueue", .summary = "a token in a message queue", .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_KERNEL_NAME, .create = post_create, .destroy = post_destroy, .attach = post_attach,
    .detach = post_detach, .lock = {.acquire = post_acquire, .release = post_release}};

/* Tickets whose holders sleep until their own number is called: woken by bits. */
struct parking {
    LINE uint32_t next;
    LINE uint32_t serving, sleeping;
};

static int parking_acquire(struct sync_self *self)
{
    struct parking *p = self->state;
    uint32_t mine = add(&p->next, 1), now;
    for (int spins = 0; get(&p->serving) != mine && spins < 200; spins++)
        relax();
    while ((now = get(&p->serving)) != mine) {
        add(&p->sleeping, 1);
        futex(&p->serving, FUTEX_WAIT_BITSET, now, 1u << mine % 32);
        add(&p->sleeping, -1u);
    }
    return 0;
}

static int parking_release(struct sync_self *self)
{
    struct parking *p = self->state;
    uint32_t turn = add(&p->serving, 1) + 1;
    if (get(&p->sleeping))
        futex(&p->serving, FUTEX_WAKE_BITSET, INT_MAX, 1u << turn % 32);
    return 0;
}

static const struct sync_ops parking = {.name = "zoo-parking", .summary = "tickets that sleep in FUTEX_WAIT_BITSET until their number is up",
    .family = SYNC_LOCK, .traits = SYNC_BLOCKING | SYNC_FAIR | SYNC_QUEUED, .state_bytes = sizeof(struct parking),
    .lock = {.acquire = parking_acquire, .release = parking_release}};

/* A queue lock by indices; where it stands is kept in memory of the process's own. */
struct line_up {
    LINE uint32_t tail; /* index + 1 */
    struct {
        LINE uint32_t next, wait;
    } node[HANDS];
};

struct place {
    uint32_t *next, *wait, number;
};

static int line_attach(struct sync_self *self)
{
    struct line_up *l = self->state;
    struct place *place = malloc(sizeof *place);
    if (!place || self->index >= HANDS)
        return ENOMEM;
    *place = (struct place){&l->node[self->index].next, &l->node[self->index].wait, self->index + 1};
    self->local = place;
    return 0;
}

static int line_detach(struct sync_self *self)
{
    free(self->local);
    return 0;
}

static int line_acquire(struct sync_self *self)
{
    struct line_up *l = self->state;
    struct place *own = self->local;
    set(own->next, 0);
    set(own->wait, 1);
    uint32_t before = swap(&l->tail, own->number);
    if (!before)
        return 0;
    put(&l->node[before - 1].next, own->number);
    for (int spins = 0; get(own->wait) && spins < 500; spins++)
        relax();
    if (get(own->wait) && swap(own->wait, 2) == 1)
        while (get(own->wait) == 2)
            futex(own->wait, FUTEX_WAIT, 2, 0);
    else
        set(own->wait, 0);
    return 0;
}

static int line_release(struct sync_self *self)
{
    struct line_up *l = self->state;
    struct place *own = self->local;
    uint32_t last = own->number, next = get(own->next);
    if (!next && cas(&l->tail, &last, 0))
        return 0;
    for (unsigned turn = 0; !(next = get(own->next));)
        wait_turn(&turn);
    if (swap(&l->node[next - 1].wait, 0) == 2)
        futex(&l->node[next - 1].wait, FUTEX_WAKE, 1, 0);
    return 0;
}

static const struct sync_ops line_up = {.name = "zoo-line", .summary = "a queue lock whose waiters sleep, with memory from attach()",
    .family = SYNC_LOCK, .traits = SYNC_BLOCKING | SYNC_QUEUED, .state_bytes = sizeof(struct line_up), .max_workers = HANDS,
    .attach = line_attach, .detach = line_detach, .lock = {.acquire = line_acquire, .release = line_release}};

/* Waiters stand in line by their process numbers, and are woken by a signal. */
struct bell {
    LINE uint32_t word;
    LINE uint32_t count;
    pid_t waiters[HANDS];
    bool held;
};
#define BELL (SIGRTMIN + 1)

static int bell_attach(struct sync_self *self UNUSED)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, BELL);
    return sigprocmask(SIG_BLOCK, &set, NULL) ? errno : 0;
}

static int bell_acquire(struct sync_self *self)
{
    struct bell *b = self->state;
    sigset_t set;
    guard(&b->word);
    bool waits = b->held;
    if (waits)
        b->waiters[b->count++ % HANDS] = getpid();
    b->held = true;
    unguard(&b->word);
    sigemptyset(&set);
    sigaddset(&set, BELL);
    while (waits && sigwaitinfo(&set, NULL) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

static int bell_release(struct sync_self *self)
{
    struct bell *b = self->state;
    pid_t next = 0;
    guard(&b->word);
    if (b->count) {
        next = b->waiters[0];
        memmove(b->waiters, b->waiters + 1, --b->count * sizeof b->waiters[0]);
    } else {
        b->held = false;
    }
    unguard(&b->word);
    return next && kill(next, BELL) ? errno : 0;
}

static const struct sync_ops bell = {.name = "zoo-bell", .summary = "waiters in line, woken by a signal each", .family = SYNC_LOCK,
    .traits = SYNC_BLOCKING | SYNC_FAIR | SYNC_QUEUED, .state_bytes = sizeof(struct bell), .max_workers = HANDS, .attach = bell_attach,
    .lock = {.acquire = bell_acquire, .release = bell_release}};

/* Polls, and sleeps longer and longer in between: right, and very slow. */
static int slow_acquire(struct sync_self *self)
{
    long rest = 1000;
    while (swap((uint32_t *)self->state, 1)) {
        nap(rest);
        rest = rest < 500000 ? 2 * rest : rest;
    }
    return 0;
}

static const struct sync_ops slow = {.name = "zoo-slow", .summary = "polls, and sleeps in between", .family = SYNC_LOCK, .state_bytes = 4,
    .lock = {.acquire = slow_acquire, .release = word_release}};

SHMOO_PLUGIN(&token, &piped, &post, &parking, &line_up, &bell, &slow);
