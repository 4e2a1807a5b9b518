/* Locks whose waiters sleep or are woken wrongly, each in one way that nothing built in resembles: a hunt must find every one of them. */
#include "zoo.h"

#include <semaphore.h>
#include <signal.h>
#include <sys/eventfd.h>

/* A token in an eventfd; who is interrupted takes it for granted. */
static int token_create(void *state, const struct sync_setup *setup UNUSED)
{
    *(int *)state = eventfd(1, EFD_SEMAPHORE);
    return *(int *)state < 0 ? errno : 0;
}

static int hasty_acquire(struct sync_self *self)
{
    uint64_t one;
    return read(*(int *)self->state, &one, sizeof one) == sizeof one || errno == EINTR ? 0 : errno;
}

static int token_release(struct sync_self *self)
{
    uint64_t one = 1;
    return write(*(int *)self->state, &one, sizeof one) == sizeof one ? 0 : errno;
}

static const struct sync_ops hasty = {.name = "wrong-eventfd", .summary = "takes an interrupted read for a token", .family = SYNC_LOCK,
    .traits = SYNC_BUSTED | SYNC_BLOCKING | SYNC_INHERITED, .expect = CORRUPT, .state_bytes = 4, .create = token_create,
    .lock = {.acquire = hasty_acquire, .release = token_release}};

/* Tickets that sleep by bits; the bit is that of the ticket served, and not of the next one. */
struct parking {
    LINE uint32_t next;
    LINE uint32_t serving, sleeping;
};

static int parking_acquire(struct sync_self *self)
{
    struct parking *p = self->state;
    uint32_t mine = add(&p->next, 1), now;
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
    uint32_t turn = add(&p->serving, 1);
    if (get(&p->sleeping))
        futex(&p->serving, FUTEX_WAKE_BITSET, INT_MAX, 1u << turn % 32);
    return 0;
}

LOCK(parking, "wrong-parking", "wakes by the bit of the wrong ticket", WEDGED, sizeof(struct parking),
     .lock = {.acquire = parking_acquire, .release = parking_release});

/* The kernel is told that the word is this process's alone. */
static int private_acquire(struct sync_self *self)
{
    uint32_t *word = self->state;
    while (swap(word, 2))
        futex(word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, 0);
    return 0;
}

static int private_release(struct sync_self *self)
{
    uint32_t *word = self->state;
    if (swap(word, 0) == 2)
        futex(word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0);
    return 0;
}

LOCK(private_word, "wrong-private", "sleeps on a futex of the process's own", WEDGED, 4,
     .lock = {.acquire = private_acquire, .release = private_release});

/* Sleeps for a while instead of spinning, and goes in when it is woken before its time. */
static int dozy_acquire(struct sync_self *self)
{
    struct timespec rest = {0, 50000};
    while (swap((uint32_t *)self->state, 1))
        if (nanosleep(&rest, NULL))
            return 0;
    return 0;
}

LOCK(dozy, "wrong-dozy", "goes in when a signal ends its sleep", CORRUPT, 4, .lock = {.acquire = dozy_acquire, .release = word_release});

/* Takes the result of sem_trywait() for granted after some tries. */
static int trial_create(void *state, const struct sync_setup *setup UNUSED)
{
    return sem_init(state, 1, 1);
}

static int trial_acquire(struct sync_self *self)
{
    for (int i = 0; i < 20; i++)
        if (sem_trywait(self->state) == 0)
            return 0;
    sem_wait(self->state);
    return 0; /* interrupted or not */
}

static int trial_release(struct sync_self *self)
{
    return sem_post(self->state);
}

LOCK(trial, "wrong-trywait", "does not look at what sem_wait() says", CORRUPT, sizeof(sem_t), .create = trial_create,
     .lock = {.acquire = trial_acquire, .release = trial_release});

/* Loses a wake-up now and then: the count of sleepers is read before the lock is free. */
struct sleepy {
    LINE uint32_t word;
    LINE uint32_t sleepers;
};

static int sleepy_acquire(struct sync_self *self)
{
    struct sleepy *s = self->state;
    while (swap(&s->word, 1)) {
        add(&s->sleepers, 1);
        futex(&s->word, FUTEX_WAIT, 1, 0);
        add(&s->sleepers, -1u);
    }
    return 0;
}

static int sleepy_release(struct sync_self *self)
{
    struct sleepy *s = self->state;
    bool wakes = get(&s->sleepers) != 0;
    swap(&s->word, 0);
    if (wakes)
        futex(&s->word, FUTEX_WAKE, 1, 0);
    return 0;
}

LOCK(sleepy, "wrong-sleepy", "counts its sleepers before it frees the lock", WEDGED, sizeof(struct sleepy),
     .lock = {.acquire = sleepy_acquire, .release = sleepy_release});

/* Waiters in line, woken by a signal; only one that is already asleep gets it. */
#define BELL (SIGRTMIN + 2)
struct bell {
    LINE uint32_t word;
    LINE uint32_t count;
    pid_t waiters[256];
    bool held;
};

static void ring(int signal UNUSED)
{
}

static int bell_attach(struct sync_self *self UNUSED)
{
    struct sigaction action = {.sa_handler = ring};
    return sigaction(BELL, &action, NULL) ? errno : 0;
}

static int bell_acquire(struct sync_self *self)
{
    struct bell *b = self->state;
    guard(&b->word);
    bool waits = b->held;
    if (waits)
        b->waiters[b->count++ % 256] = getpid();
    b->held = true;
    unguard(&b->word);
    if (waits)
        pause();
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

LOCK(bell, "wrong-bell", "loses the signal that comes before the pause()", WEDGED, sizeof(struct bell), .attach = bell_attach,
     .lock = {.acquire = bell_acquire, .release = bell_release});

/* acquire() takes it in one step, try_acquire() in two. */
static int two_steps_try(struct sync_self *self)
{
    uint32_t *word = self->state;
    if (get(word))
        return EBUSY;
    put(word, 1);
    return 0;
}

LOCK(tried, "wrong-try", "its try_acquire() looks first, and then takes", CORRUPT, 4,
     .lock = {.acquire = word_acquire, .release = word_release, .try_acquire = two_steps_try});

SHMOO_PLUGIN(&hasty, &parking, &private_word, &dozy, &trial, &sleepy, &bell, &tried);
