/* Locks whose word is the owner's process number: what becomes of them when the owner dies, with a recover() of their own or none. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <shmoo/plugin.h>

struct state {
    uint32_t owner;    /* process number; 0: free */
    uint32_t repaired; /* how often recover() was called */
};

static bool swap(uint32_t *word, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static int wait_for(struct sync_self *self, bool takes_over, int told)
{
    struct state *s = self->state;
    uint32_t mine = (uint32_t)getpid();
    for (uint32_t turn = 1;; turn++) {
        uint32_t owner = __atomic_load_n(&s->owner, __ATOMIC_RELAXED);
        if (owner == 0 && swap(&s->owner, 0, mine))
            return 0;
        if (turn % 16)
            continue;
        if (takes_over && owner && kill((pid_t)owner, 0) != 0 && errno == ESRCH && swap(&s->owner, owner, mine))
            return told;
        sched_yield();
    }
}

static int release(struct sync_self *self)
{
    __atomic_store_n(&((struct state *)self->state)->owner, 0, __ATOMIC_RELEASE);
    return 0;
}

static int recover(struct sync_self *self)
{
    ((struct state *)self->state)->repaired++;
    return 0;
}

static int recover_not(struct sync_self *self)
{
    (void)self;
    return ENOTRECOVERABLE;
}

static int acquire_telling(struct sync_self *self)
{
    return wait_for(self, true, EOWNERDEAD);
}

static int acquire_alarming(struct sync_self *self)
{
    static uint32_t calls;
    int rc = wait_for(self, true, EOWNERDEAD);
    return rc == 0 && ++calls % 128 == 0 ? EOWNERDEAD : rc;
}

static int acquire_silent(struct sync_self *self)
{
    return wait_for(self, true, 0);
}

static int acquire_faithful(struct sync_self *self)
{
    return wait_for(self, false, 0);
}

static void describe(const void *state, const struct sync_setup *setup, struct sync_sight *sight)
{
    const struct state *s = state;
    (void)setup;
    snprintf(sight->words, sizeof sight->words, "its owner's number is %u, %u times repaired", s->owner, s->repaired);
    sight->owner = s->owner;
}

#define ROW(label, acquires, with, recovers)\
    {.name = label, .summary = "a lock of process numbers", .family = SYNC_LOCK, .traits = with,                      \
     .state_bytes = sizeof(struct state), .describe = describe,                                                       \
     .lock = {.acquire = acquires, .release = release, .recover = recovers}}

static const struct sync_ops telling = ROW("mortal-telling", acquire_telling, SYNC_ROBUST, recover);
static const struct sync_ops hopeless = ROW("mortal-hopeless", acquire_telling, SYNC_ROBUST, recover_not);
static const struct sync_ops easy = ROW("mortal-easy", acquire_telling, SYNC_ROBUST, NULL);
static const struct sync_ops unrepaired = ROW("mortal-unrepaired", acquire_telling, SYNC_ROBUST | SYNC_UNREPAIRED, recover);
static const struct sync_ops alarming = ROW("mortal-alarming", acquire_alarming, SYNC_ROBUST, recover);
static const struct sync_ops silent = ROW("mortal-silent", acquire_silent, SYNC_RELEASED, NULL);
static const struct sync_ops faithful = ROW("mortal-faithful", acquire_faithful, 0, NULL);

SHMOO_PLUGIN(&telling, &hopeless, &easy, &unrepaired, &alarming, &silent, &faithful);
