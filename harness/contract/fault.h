/* The contract of a fault: what disturbs a crew.
 *
 * A fault is one row of type `struct fault_ops`. It acts from inside (hooks that workers call), or from outside (the nemesis:
 * called by the harness while the crew runs, at the times it asks for), or both. What it does from outside leaves a record
 * with its time.
 *
 *     worker:   begin()
 *               before()  calling() the primitive's acquire or operation called()  inside()  calling() release called()
 *               end()
 *
 * A hook that waits must not wait for ever: another worker may have left its loop (end()) or died, which stops the crew
 * (worker_stopping(), release()).
 */
#ifndef CONTRACT_FAULT_H
#define CONTRACT_FAULT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "contract/verdict.h"

struct shape;
struct slot;
struct worker;

/* What a fault needs from the harness so that it hurts nobody else. Where it is not to be had the trial is UNSUPPORTED. */
enum fault_need {
    FAULT_NEEDS_OWN_SHM = 1 << 0,      /* a /dev/shm that nobody else sees */
    FAULT_NEEDS_MEMORY_LIMIT = 1 << 1, /* a memory cgroup for the crew */
    FAULT_NEEDS_FORK_LIMIT = 1 << 2,   /* a way to have its own forks refused */
};

/* What the nemesis can do. The harness implements the functions. */
struct nemesis {
    void *harness;
    uint32_t workers;
    uint32_t alive;     /* so many of them are there at this moment */
    uint64_t now_ns;    /* since the gate opened */
    uint64_t *random;   /* for seed_next() and seed_below() */
    double parameter;   /* the row's default, or what followed the colon */
    const uint8_t *choices; /* FAULT_CHOICES of them: places in the row's lists of words */
    const struct shape *shape;
    struct slot *slots; /* of the workers */
    void *commons;      /* the fault's shared memory */
    uint64_t step;      /* how often it was called before */
    bool pending;       /* the fault's to set: somebody is to be put in the place of a dead one; until then the trial goes on */
    /* Sends a signal to one worker; a record says so. Returns 0 or an errno. */
    int (*signal)(struct nemesis *nemesis, uint32_t worker, int signal, const char *detail);
    /* The process of one worker, for whatever else is done to it; 0: it has ended. note() then leaves the record. */
    pid_t (*process)(struct nemesis *nemesis, uint32_t worker);
    void (*note)(struct nemesis *nemesis, uint32_t worker, const char *detail);
    /* The same of something that lasts: begin() returns its number, with which end() notes when it was over. A worker beyond the
     * last one means all of them. What is not ended lasts until the trial does. */
    uint32_t (*begin)(struct nemesis *nemesis, uint32_t worker, const char *detail);
    void (*end)(struct nemesis *nemesis, uint32_t number);
    /* What it has asked for as a need. 0 or an errno. All of it is taken back when the trial has been judged. */
    int (*fill_shm)(struct nemesis *nemesis, bool full);            /* no room in /dev/shm, or as much as before */
    int (*limit_memory)(struct nemesis *nemesis, uint64_t bytes);   /* the crew may have so much more; UINT64_MAX: any amount */
    int (*deny_forks)(struct nemesis *nemesis, bool denied);
    /* Puts a new process in the place of one that has ended by the fault's hand, with its index, slot and counters; a record says
     * so, or why it could not be. Returns 0 or an errno. */
    int (*respawn)(struct nemesis *nemesis, uint32_t worker);
};

/* Memory that all workers of a trial share and that belongs to the fault, zeroed before the gate. */
#define FAULT_COMMONS_BYTES 4096

/* How many kinds of words may follow a fault's name, before the number: die:inside:kill:4. */
#define FAULT_CHOICES 4

/* One way of disturbing a crew: what a slice of a hunt runs with. */
struct disturbance {
    const struct fault_ops *fault;
    double parameter;
    uint32_t writers, readers; /* the crew, unless one was asked for */
    uint64_t size;             /* of the record, unless one was asked for; 0: as the load has it */
    const char *pin;           /* NULL: as asked for */
    uint32_t history;          /* operations of each worker that are recorded */
    uint32_t longer;           /* its slices are so many times as long as the others'; 0: as long */
    unsigned families;         /* that it can show something in: 1 << SYNC_..., several at once; 0: all */
    unsigned traits;           /* and in syncs that have one of these; 0: in all */
    uint8_t choices[FAULT_CHOICES]; /* the fault's words, by their places in its lists */
};

/* Where a deadly fault strikes, for the expectation. */
enum death {
    DEATH_NONE,    /* it only stops somebody for a while */
    DEATH_OUTSIDE, /* holding nothing, asking for nothing */
    DEATH_WAITING,
    DEATH_INSIDE,  /* in the middle of writing */
    DEATH_UNMAPPED, /* there, too, after giving up its mapping of the region */
    DEATH_WITHIN,  /* at an instruction or a store of the primitive's own code */
    DEATH_HOLDING, /* the data are whole, the primitive is still held */
    DEATH_ANYWHERE, /* at several of these places, by lot */
};

/* What a deadly fault keeps at the beginning of the commons. Moments are clock_ns(). */
#define FAULT_RECOVERIES 256
struct fault_mortality {
    uint64_t death_ns; /* the first death; 0: nobody has died */
    uint64_t next_ns;  /* the first acquisition by somebody else after it (of what is no lock: a whole call); 0: none */
    /* of the first one that died */
    uint32_t victim;
    uint32_t phase;
    uint64_t ops;
    uint64_t made; /* stores or instructions of the primitive's own in its last operation, where these were counted */
    /* of all of them: the last death that nobody has acquired anything since, or 0, and how long that took */
    uint64_t open_ns;
    uint32_t deaths, recoveries;
    uint64_t recovery_ns[FAULT_RECOVERIES]; /* the first so many */
};

/* What a slot's `doomed` comes to when its worker could not be replaced. */
#define FAULT_NOT_REPLACED 2

/* How many of the crew may be dead at the end. */
struct fault_victims {
    uint32_t writers, readers;
};

struct fault_ops {
    const char *name;
    const char *summary;
    const char *parameter;    /* what follows the colon, with its unit; NULL when it takes none */
    double fallback;          /* the parameter's default */
    double min, max;          /* of the parameter */
    /* Words that may stand before the parameter, each from its own NULL-ended list; the first is the default. */
    const char *const *choices[FAULT_CHOICES];
    bool deadly;              /* workers die of it: the others go on, and the trial is judged by them; keeps a fault_mortality */
    bool repeats;             /* a deadly one: again and again, with its parameter a time, and no number of words */
    enum death (*dies_at)(const uint8_t *choices);
    struct fault_victims (*victims)(const struct shape *shape, const uint8_t *choices);
    bool (*respawns)(const uint8_t *choices); /* the dead are replaced; empty: never */
    /* Stands for these, by turns, in short slices; ended by a row without a fault. The other slots are empty then. */
    const struct disturbance *disturbances;
    bool preempts;            /* takes the CPU away inside the primitive or the critical section; so does whoever has inside() */
    bool slows;               /* the primitive's own code runs hundreds of times slower */
    bool shows_life;          /* but whoever is slowed or held up beats meanwhile (slot.beats), and not for ever */
    int expect;               /* a verdict that this fault brings about by itself, or -1 */
    unsigned (*verdicts)(const uint8_t *choices); /* the same where there are several, or the words decide: 1 << VERDICT_...; 0: as
                                                     without the fault. Of several the first in the order of the enum is expected */
    unsigned needs;           /* enum fault_need, several at once */
    bool (*unlinks)(const uint8_t *choices); /* the region's name is not the harness's any more when it is over */
    const int *brings;        /* signals that workers may die of by its hand; ended by 0 */
    const int *means;         /* signals that it works with, in each worker; ended by 0. Code that has one of them blocked dies of it */
    const int *denies;        /* errnos that system calls may fail with while it acts, through nobody's fault; ended by 0 */
    bool in_step;             /* workers wait for each other between operations: nobody may need another's next one */

    /* May this system and crew have it? NULL, or the reason against it. Empty: everywhere. */
    const char *(*refuses)(const struct shape *shape, double parameter);
    const char *(*refuses_choices)(const struct shape *shape, const uint8_t *choices, double parameter);
    /* In each worker before the gate; 0 or an errno. w->fault_own is its to set. */
    int (*begin)(struct worker *worker, double parameter);
    void (*before)(struct worker *worker, double parameter); /* between two operations, holding nothing */
    void (*inside)(struct worker *worker, double parameter); /* by a holder, in the middle of its critical section */
    /* Right before and right after each call of the primitive's own code: nothing of the harness runs in between. */
    void (*calling)(struct worker *worker, double parameter);
    void (*called)(struct worker *worker, double parameter);
    /* In each worker when it has left its loop: whatever begin() or before() have set going must stop. */
    void (*end)(struct worker *worker, double parameter);
    /* By the harness when it has asked the crew to end: lets go whoever waits in a hook, by way of the commons. */
    void (*release)(void *commons);
    /* By the harness when the crew has gone, and the trial was judged: takes back what act() has made. */
    void (*undo)(const struct shape *shape, void *commons);
    /* Acts, and returns when it wants to be called next, in nanoseconds since the gate opened; UINT64_MAX: never.
     * Called once with step 0 when the gate opens. */
    uint64_t (*act)(struct nemesis *nemesis);
};

#endif
