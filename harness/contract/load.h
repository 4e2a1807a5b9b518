/* The contract of a load: what the crew does, and the oracle that judges it.
 *
 * A load is one row of type `struct load_ops`. Its shared data, the area, lie in the region under test behind the sync's
 * state. The load's functions see the trial through `struct worker` (contract/worker.h): they ask worker_next() whether to go
 * on, enter and leave the critical section, report evidence, and never look at clocks, signals or other processes otherwise.
 *
 *     parent:   area_bytes(shape), prepare(area, shape)
 *     workers:  write(worker) or read(worker), each returning when worker_next() says false
 *     parent:   audit(auditor): the identities that must hold when all are done; not called after a death or a wedge,
 *               because then the totals prove nothing
 */
#ifndef CONTRACT_LOAD_H
#define CONTRACT_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/shape.h"
#include "contract/sync.h"

struct fault_ops;
struct worker;

/* The histograms that every load has; a load's own follow from HISTOGRAM_OWN on. */
enum histogram_kind {
    HISTOGRAM_ACQUIRE,  /* asked for until granted */
    HISTOGRAM_HOLD,     /* granted until given back */
    HISTOGRAM_RESPONSE, /* open loop: intended start until done */
    HISTOGRAM_SERVICE,  /* open loop: actual start until done */
    HISTOGRAM_HANDOFF,  /* of a primitive that somebody waited for: about to be released by one until granted to the next */
    HISTOGRAM_OWN,
};
#define HISTOGRAMS_OWN_MAX 8

struct load_ops {
    const char *name;
    const char *summary;
    unsigned families;     /* 1 << SYNC_LOCK | ...: what it can run with */
    uint64_t default_size; /* used when no --size is given */
    uint64_t min_size, max_size; /* 0: no upper bound */
    const char *size_means;      /* what the size is of, for messages and help */
    uint32_t min_writers;        /* fewer make no trial */
    bool uses_system;  /* the kernel is under test, not the sync: expected CLEAN whatever the sync */
    uint32_t enough;   /* hand-offs below which a clean trial is INCONCLUSIVE */

    const char *histograms[HISTOGRAMS_OWN_MAX + 1]; /* names of its own, NULL-ended */

    /* Stands for these loads, by turns, in short slices; NULL-ended. The functions below are empty then. */
    const struct load_ops *const *loads;
    const char *default_fault; /* used when no --fault is given; empty: none */
    uint64_t default_ns;       /* its duration when none is given; 0: the program's */
    unsigned layouts; /* 1 << LAYOUT_PACKING ...: of which it has more than its usual one */
    bool alone;    /* even one process by itself is judged: the oracle needs no other */
    bool recorded; /* keeps shape->history operations of each worker, and checks them in the audit */
    bool exclusive; /* its readers enter as writers do: what is wrong with shared entry alone does not show */
    bool in_step;  /* its operations wait for each other: no fault may hold workers up in step as well */
    uint32_t instances; /* of the sync's state, each set up by itself; 0: one. worker_select() changes over */
    uint32_t (*instances_used)(const struct shape *shape); /* so many of them by such a crew, and no more are set up; empty: all */
    /* Each writer has so many instances of its own, from worker_first_instance() on, and the reader of its number shares them:
     * they are set up for one writer, index 0, and one reader, index 1. Writers and readers must be as many. */
    bool per_writer;
    /* May this crew have that sync and fault? NULL, or the reason against it. Empty: always. */
    const char *(*refuses)(const struct shape *shape, const struct sync_ops *sync, const struct fault_ops *fault);
    /* What a queue should be able to hold, or how many slots a pool has. Empty: 0, which leaves it to the sync. */
    uint32_t (*capacity)(const struct shape *shape);

    size_t (*area_bytes)(const struct shape *shape);
    /* Bytes of objects that the load makes besides the region; empty: none. */
    uint64_t (*extra_bytes)(const struct shape *shape);
    int (*prepare)(void *area, const struct shape *shape); /* area is zeroed; 0 or an errno */
    void (*write)(struct worker *worker);
    void (*read)(struct worker *worker);
    void (*audit)(struct worker *auditor);
    /* By a holder that was told of the last one's death: makes the data whole again, before the sync's recover(). */
    void (*repair)(struct worker *worker);
    bool survivable; /* somebody may die on purpose: what the others do can still be judged */
    bool resumable;  /* a new process may take up the work of one that has died, from its slot and the area */
    /* Instead of audit() when a fault has killed workers on purpose: are the data whole? Totals prove nothing then. */
    void (*inspect)(struct worker *auditor);
    /* Would death in the middle of the critical section, when so many words are written, leave the data broken? */
    bool (*torn_by_death)(const struct shape *shape, double words);
    /* Removes what the load's own objects have left behind, after workers that died, too. Empty: makes none. */
    void (*sweep)(const struct shape *shape);
    /* Can this crew break the record when nothing protects it? Decides what `sync=none` is expected to show. */
    bool (*breakable)(const struct shape *shape);
};

#endif
