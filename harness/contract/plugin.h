/* The plugin interface: a primitive of your own, from outside, under the tests that the built-in ones pass.
 *
 * This header is all that it takes, with the C library. Write a row, name it in SHMOO_PLUGIN(), and build a shared object:
 *
 *     #include <shmoo/plugin.h>
 *
 *     static int my_acquire(struct sync_self *self) { ... return 0; }
 *     static int my_release(struct sync_self *self) { ... return 0; }
 *
 *     static const struct sync_ops my_lock = {
 *         .name = "my-lock",
 *         .summary = "what it is, in a line",
 *         .family = SYNC_LOCK,
 *         .state_bytes = sizeof(struct my_state),
 *         .lock = {.acquire = my_acquire, .release = my_release},
 *     };
 *     SHMOO_PLUGIN(&my_lock);
 *
 *     cc -O2 -shared -fPIC -o mine.so mine.c
 *     shmoo run --plugin mine.so
 *
 * The same row serves inside the program: what is in workloads/sync/ is written in this way, and may be copied.
 *
 * A row is data. Its state lies in the region under test (with --regions many, in an object of its own), zeroed and at a multiple of
 * SYNC_STATE_ALIGN, and every process maps that for itself, at an address of its own, unless the row says SYNC_SAME_ADDRESS: so no pointers in the state. Who calls
 * what, each in a process of its own:
 *
 *     creator:   create(state, setup)                               before any worker exists
 *     worker:    attach(self) ... the family's operations ... detach(self)
 *     destroyer: destroy(state, setup)                              after all workers are gone, however they went
 *
 * Creator and destroyer are forked for that one call: what they leave in the region and under names stays, descriptors and
 * private memory do not (SYNC_INHERITED hands the descriptors on). Each of these processes loads the plugin for itself, and the
 * harness never does. A plugin that crashes, hangs, exits, forks or writes where it must not is judged for it.
 *
 * The row fills in the operations of its own family. An empty slot means that the capability is absent. Functions return 0 or an
 * errno, in each worker's own time: nobody calls two of them at once in one process. Names in this header begin with sync_, SYNC_,
 * shmoo_, SHMOO_, verdict or VERDICT_. In C++ (20, for the designators) give the members in the order in which they stand here,
 * and those of the family in their own braces, as above.
 */
#ifndef SHMOO_PLUGIN_H
#define SHMOO_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a trial comes to. */
enum verdict {
    VERDICT_CLEAN,        /* exposed, and nothing broke */
    VERDICT_CORRUPT,      /* an oracle has evidence */
    VERDICT_WEDGED,       /* somebody made no progress and had to be ended */
    VERDICT_CRASHED,      /* a worker died */
    VERDICT_INCONCLUSIVE, /* too little exposure for a verdict */
    VERDICT_UNSUPPORTED,  /* this primitive and load cannot be run here; nothing was tried */
    VERDICT_ERROR,        /* the harness could not run the trial */
    VERDICTS,
};

enum sync_family {
    SYNC_LOCK,    /* acquire, release; shared acquire; recover */
    SYNC_CELL,    /* write a whole value, read a whole value */
    SYNC_QUEUE,   /* push, pop */
    SYNC_COUNTER, /* read-modify-write */
    SYNC_POOL,    /* take, give back */
    SYNC_BARRIER, /* arrive */
    SYNC_FAMILIES,
};

enum sync_trait {
    SYNC_SHARED = 1 << 0,       /* readers may be inside together */
    SYNC_ROBUST = 1 << 1,       /* the death of a holder is noticed */
    SYNC_TIMED = 1 << 2,        /* can give up waiting after a time: see sync_lock.acquire */
    SYNC_FAIR = 1 << 3,         /* first come, first served */
    SYNC_BLOCKING = 1 << 4,     /* waiters sleep; without it they spin */
    SYNC_SAME_ADDRESS = 1 << 5, /* the state must be mapped at one address everywhere */
    SYNC_KERNEL_NAME = 1 << 6,  /* has an object with a name of its own in the system */
    SYNC_BUSTED = 1 << 7,       /* broken on purpose: proves that the oracles see it */
    SYNC_QUEUED = 1 << 8,       /* waiters stand in line: one that dies leaves a hole that nobody passes */
    SYNC_RELEASED = 1 << 9,     /* the kernel gives it back when the holder dies, and tells nobody */
    SYNC_UNREPAIRED = 1 << 10,  /* its recover() leaves the data as they are: only what a death has done to them shows */
    SYNC_LISTED = 1 << 11,      /* robust by the process's robust list (get_robust_list(2)): lost when the state is unmapped first */
    SYNC_ABORTS = 1 << 12,      /* glibc may abort its waiters when the holder dies */
    SYNC_PERMIT = 1 << 15,      /* a count of permits: who dies with one takes it away for ever, and nothing is left that names it */
    SYNC_CONTROL = 1 << 13,     /* its family's positive control: what a run carries along to prove that its oracles see */
    SYNC_INHERITED = 1 << 14,   /* workers and destroyer inherit the descriptors that create() has opened, under their numbers */
};
#define SYNC_TRAITS_ALL ((1u << 16) - 1)

/* The state lies at a multiple of this, in lines of its own. */
#define SYNC_STATE_ALIGN 128

/* What a sync is set up for. The same in all processes. */
struct sync_setup {
    const char *name; /* "/shmoo-...": begins the names of objects that the sync makes; unique to the trial */
    uint32_t writers, readers;
    size_t size;       /* bytes of a value, for cells and queues */
    uint32_t capacity; /* elements that a queue should hold, if it can choose; slots of a pool; 0: the sync's own choice */
    uint64_t seed;
};

/* One process's hold on the primitive. */
struct sync_self {
    void *state;  /* in this process's mapping */
    void *local;  /* private to this process: whatever attach() wants to keep */
    const struct sync_setup *setup;
    uint32_t index; /* of the worker, from 0 */
};

/* What a diagnosis shows of a state. */
struct sync_sight {
    char words[120]; /* "its word is 2 (held and awaited)" */
    uint64_t owner;  /* the thread number of who holds it, where one is named in it; 0: none is */
};

/* Called by workers only. acquire and release are mandatory. With SYNC_TIMED acquire and acquire_shared may return ETIMEDOUT: it was
 * not acquired in time, and is asked for again. */
struct sync_lock {
    int (*acquire)(struct sync_self *self);        /* may block; EOWNERDEAD: acquired, the last holder died inside */
    int (*release)(struct sync_self *self);        /* by the holder */
    int (*acquire_shared)(struct sync_self *self); /* empty: acquire serves readers too */
    int (*release_shared)(struct sync_self *self); /* empty: release */
    int (*try_acquire)(struct sync_self *self);    /* EBUSY: held by somebody. Hunts enter by it now and then */
    int (*recover)(struct sync_self *self);        /* by the holder, after EOWNERDEAD and after the data were repaired; empty: it takes
                                                      nothing, where the row has SYNC_ROBUST */
};

/* Both mandatory; values have setup->size bytes. A cell that nobody has written to reads as zeros. In loads without readers
 * each writer reads as well. */
struct sync_cell {
    int (*write)(struct sync_self *self, const void *value);
    int (*read)(struct sync_self *self, void *value);
};

/* Both mandatory; elements have setup->size bytes or fewer, and come out with the length they went in with. A queue with
 * SYNC_BLOCKING waits while it is full or empty; one without returns EAGAIN at once. First in, first out: of each producer's
 * elements, and, if the queue is to be linearizable, of all. Elements are accounted for one by one: none may be lost. */
struct sync_queue {
    int (*push)(struct sync_self *self, const void *element, size_t bytes);
    int (*pop)(struct sync_self *self, void *element, size_t bytes, size_t *got);
    bool not_now; /* its EAGAIN may only mean that somebody else's operation under way is in the way: not full, not empty */
    /* In place, without a copy, instead of push() and pop(); all four or none. Who has claimed room for setup->size bytes fills it
     * and publishes it, who has the front reads it and consumes it, before the next call of that side. */
    int (*claim)(struct sync_self *self, void **place);
    int (*publish)(struct sync_self *self, size_t bytes);
    int (*front)(struct sync_self *self, const void **place, size_t *got);
    int (*consume)(struct sync_self *self);
};

/* Adds, and gives back the value before. One number, 0 at the start; it wraps at 2^64. */
struct sync_counter {
    int (*add)(struct sync_self *self, uint64_t amount, uint64_t *before);
};

/* Slots are numbered from 0 to setup->capacity - 1, all free at the start. EAGAIN: none free; a pool with SYNC_BLOCKING waits
 * instead. Anybody may give back what somebody has taken. */
struct sync_pool {
    int (*take)(struct sync_self *self, uint32_t *slot);
    int (*give)(struct sync_self *self, uint32_t slot);
};

/* Blocks until all setup->writers + setup->readers have arrived, again and again. */
struct sync_barrier {
    int (*arrive)(struct sync_self *self);
};

struct sync_ops {
    const char *name;    /* as typed after --sync */
    const char *summary; /* one line for `shmoo list` */
    const char *origin;  /* left empty; the harness notes the plugin's file here */
    enum sync_family family;
    unsigned traits;
    enum verdict expect; /* of a crew that can break an unprotected record */
    bool expect_alone;       /* shows even when one process has it to itself */
    /* What a process that dies in the middle of an operation of this primitive may make of the others' trial: 1 << VERDICT_...,
     * several at once. 0: it follows from the traits; of what is not robust, CLEAN or WEDGED. */
    unsigned death_within;
    uint32_t expect_readers; /* readers that it takes for `expect` to show, when it is not CLEAN */
    uint64_t expect_size;    /* the same of the value's size */
    uint32_t max_workers, max_writers, max_readers; /* the largest crew that it is made for; 0: any number */
    uint64_t max_size;       /* of a value, for cells and queues; 0: any */

    size_t state_bytes; /* of the state in the region; 0 is fine */
    /* Instead of state_bytes, where the crew, the size or the capacity decides; nothing else may. Called in a process of its own. */
    size_t (*state_size)(const struct sync_setup *setup);

    int (*create)(void *state, const struct sync_setup *setup);   /* creator; state is zeroed; empty: nothing to do */
    int (*attach)(struct sync_self *self);                        /* worker, before the gate; may set self->local */
    int (*detach)(struct sync_self *self);                        /* worker, after its last operation */
    int (*destroy)(void *state, const struct sync_setup *setup);  /* destroyer; also after create() failed; idempotent */

    /* Looks at a copy of the state, for the explanation of a wedge. Called in a process of its own, at any moment and with whatever
     * is in the state: it must follow nothing that it finds there. Empty: the state's first words are shown. */
    void (*describe)(const void *state, const struct sync_setup *setup, struct sync_sight *sight);

    union { /* the member that `family` names */
        struct sync_lock lock;
        struct sync_cell cell;
        struct sync_queue queue;
        struct sync_counter counter;
        struct sync_pool pool;
        struct sync_barrier barrier;
        void (*room[16])(void); /* whatever a family may come to have: the size stays */
    };
    /* What this system's limits make of it: writes a sentence, or nothing. False: it cannot be set up here, and the sentence says
     * which limit or missing thing is in the way, and how to change that. Called in a process of its own, before anything else.
     * Empty: no limits. */
    bool (*here)(const struct sync_setup *setup, char *text, size_t bytes);
    /* What later versions add stands behind this line. */
};

/* What SHMOO_PLUGIN() leaves in the shared object for the harness to find. */
#define SHMOO_PLUGIN_MAGIC 0x6e6967756c506d73ULL
#define SHMOO_PLUGIN_VERSION 1
#define SHMOO_PLUGIN_ROWS_MAX 256

struct shmoo_plugin {
    uint64_t magic;
    uint32_t version;
    uint32_t plugin_bytes, row_bytes, setup_bytes, self_bytes; /* as this header has them: they prove that the layouts agree */
    uint32_t count;
    const struct sync_ops *const *rows;
};

#ifdef __cplusplus
#define SHMOO_PLUGIN_EXTERN extern "C"
#else
#define SHMOO_PLUGIN_EXTERN extern
#endif

/* Once in a plugin, at the end of its file: SHMOO_PLUGIN(&my_lock, &my_cell); */
#define SHMOO_PLUGIN(...)                                                                                                   \
    static const struct sync_ops *const shmoo_plugin_rows[] = {__VA_ARGS__};                                                \
    SHMOO_PLUGIN_EXTERN __attribute__((visibility("default"))) const struct shmoo_plugin shmoo_plugin;                      \
    const struct shmoo_plugin shmoo_plugin = {SHMOO_PLUGIN_MAGIC,                                                           \
                                              SHMOO_PLUGIN_VERSION,                                                         \
                                              (uint32_t)sizeof(struct shmoo_plugin),                                        \
                                              (uint32_t)sizeof(struct sync_ops),                                            \
                                              (uint32_t)sizeof(struct sync_setup),                                          \
                                              (uint32_t)sizeof(struct sync_self),                                           \
                                              (uint32_t)(sizeof shmoo_plugin_rows / sizeof shmoo_plugin_rows[0]),           \
                                              shmoo_plugin_rows}

#endif
