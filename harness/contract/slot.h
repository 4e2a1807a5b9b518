/* A worker's slot in the ledger: its counters, its phase and its evidence, in shared memory, written by that worker alone.
 *
 * Whatever happens to the worker, its slot tells what it had done and where it was: that is why every field is stored as it
 * changes, and why the phase is stored before and after each step. Fields are plain words written with slot_store(); anyone
 * may read them with slot_load().
 */
#ifndef CONTRACT_SLOT_H
#define CONTRACT_SLOT_H

#include <stdint.h>

#include "contract/evidence.h"

enum phase {
    PHASE_STARTING, /* forked, not yet at the gate */
    PHASE_LOADING,  /* loading the primitive's plugin, if it is from one */
    PHASE_ATTACHING, /* in the primitive's attach() */
    PHASE_READY,    /* waiting at the gate */
    PHASE_IDLE,     /* between operations */
    PHASE_ACQUIRING,
    PHASE_INSIDE,
    PHASE_RELEASING,
    PHASE_CALLING, /* in an operation of a primitive that is not a lock */
    PHASE_DETACHING, /* loop left, counters final; in the primitive's detach() */
    PHASE_DONE,
    PHASES,
};

const char *phase_name(enum phase phase);

#define SLOT_ALIGN 128 /* two cache lines: the adjacent-line prefetcher pairs them */
#define SLOT_EVIDENCE 4
#define SLOT_MARK 0x6d61726b65647578ULL

/* How a worker died of a memory fault, for the trial's explanation. */
struct slot_fault {
    uint32_t signal; /* 0: none */
    int32_t code;    /* si_code */
    uint64_t address;
    uint64_t region_base; /* where the region was mapped in that process */
    char object[128];     /* what is mapped at that address, as /proc/PID/maps has it; empty: no file */
    uint64_t object_offset;
};

/* System calls of one kind that were caught, where calls are watched. */
struct slot_call {
    uint32_t number, unused;
    uint64_t within; /* by the primitive's own code */
    uint64_t beside; /* by what is around it: the load and the harness */
};
#define SLOT_CALLS 16 /* the last place is for all that had none */

/* A release that can be timed by whom it hands the primitive to: written by the holder, read by the next one, both inside. */
struct slot_left {
    uint64_t number;     /* of the operation, as the data count them; 0: none, or nobody waited */
    uint64_t ticks;      /* when the holder was about to release */
    uint64_t waiter_ops; /* how many operations the waiter had done */
    uint32_t waiter;     /* who was waiting at that moment */
};

struct slot {
    /* written in every operation */
    _Alignas(SLOT_ALIGN) uint32_t phase;
    uint32_t failed; /* errno of a set-up step that failed; see `failure` */
    uint64_t ops;
    uint64_t beats;   /* moves with every release, and while an operation waits by polling: progress for the watchdog */
    uint64_t version; /* newest version this worker knows to be complete; see slot_known() */
    uint64_t handoffs;
    uint64_t messages, bytes; /* taken out of a queue whole and verified; bytes of their payload */
    /* written now and then */
    uint64_t version_ahead; /* of a loop that does not store its version each time: how far it is ahead of `ops`, plus one */
    uint64_t sampled, contended, preempted;
    struct slot_left left;
    uint64_t started_ns, ended_ns; /* first operation begun, last one ended; 0 until then */
    uint64_t voluntary_switches, involuntary_switches, minor_faults, major_faults, user_ns, system_ns; /* of the loop */
    uint64_t delayed_ns;  /* of the loop: it could have run and had no CPU */
    uint32_t delay_known; /* the kernel tells it, and the loop has ended */
    uint64_t map_ns; /* it took so long to open and map the region and what belongs to it */
    uint64_t line_ns; /* of a cache line from this worker's CPU to the next worker's and back; 0: not measured */
    uint64_t page_bytes, mapped_bytes, huge_bytes; /* of its mapping of the region, when the loop was over; 0: not looked at */
    uint64_t violations[VIOLATIONS];
    uint32_t recovered; /* EOWNERDEAD met and recovered */
    uint32_t doomed;    /* about to die, by a fault's hand */
    uint32_t sentence;  /* the fault's: where and how it is to die; 0: nothing was said. Written from outside */
    uint32_t lives;     /* processes that have had this place before. Written by the harness alone */
    uint32_t evidence_count;
    struct slot_fault fault;
    struct slot_call calls[SLOT_CALLS];
    uint32_t watched; /* its system calls were, and a call made to see whether one is caught was caught */
    char failure[512]; /* the sentence that goes with `failed` */
    struct evidence evidence[SLOT_EVIDENCE];
    uint64_t mark; /* SLOT_MARK, written by the harness alone: a slot that has lost it was overwritten */
};

#define slot_store(field, value) __atomic_store_n((field), (value), __ATOMIC_RELAXED)
#define slot_load(field) __atomic_load_n((field), __ATOMIC_RELAXED)

/* The newest version that the slot's worker knows to be complete, or an older one. `ops` first: with a count that lags behind, the
 * sum is a version that was complete before. */
static inline uint64_t slot_known(const struct slot *slot)
{
    uint64_t ops = __atomic_load_n(&slot->ops, __ATOMIC_ACQUIRE);
    uint64_t ahead = slot_load(&slot->version_ahead);
    return ahead ? ops + ahead - 1 : __atomic_load_n(&slot->version, __ATOMIC_ACQUIRE);
}

#endif
