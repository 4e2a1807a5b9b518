/* What a trial came to. */
#ifndef RUN_RESULT_H
#define RUN_RESULT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "run/crew.h"
#include "run/ledger.h"
#include "run/spec.h"
#include "run/syscalls.h"
#include "shm/page_sizes.h"
#include "shm/region.h"

struct interval {
    uint64_t at_ns; /* its end, since the gate opened */
    uint64_t length_ns;
    uint64_t ops;
    uint32_t inside, acquiring;
    char slice[96];       /* of a hunt: what ran; empty otherwise */
    enum verdict verdict; /* of the slice */
    uint64_t handoffs, contended;
};

struct fault_note {
    uint64_t at_ns;    /* since the gate opened */
    uint64_t until_ns; /* when it was over; 0: it was a moment */
    uint32_t worker;   /* beyond the last one: all of them */
    int signal;        /* that was sent */
    bool lasts;        /* it ends by a word of its own, or with the trial */
    char detail[64];
};

/* Did it stop its worker? Then until_ns is when that one was continued. */
static inline bool fault_note_stops(const struct fault_note *note)
{
    return strncmp(note->detail, "stopped", 7) == 0;
}

/* How one worker ended, for the record. */
struct worker_end {
    pid_t pid;
    char exit[48];
    char cpus[64]; /* empty: not pinned */
    enum phase phase; /* where it was when it ended or was ended */
};

/* What the data looked like after a planned death, to those who went on or to an inspection of what a wedged crew has left. */
enum remains {
    REMAINS_UNKNOWN,
    REMAINS_WHOLE,
    REMAINS_TORN,
};

struct trial_result {
    enum verdict verdict;
    bool as_expected;
    char reason[2048];
    enum status error_status; /* of a verdict ERROR: USAGE or ENVIRONMENT where the harness knows better */
    int interrupted;          /* signal number, 0 */
    char setting[720];        /* what the system's limits make of the sync, and its class of the figures; empty: nothing to say */

    struct ledger ledger; /* kept mapped until trial_result_free() */
    struct worker_end *ends;
    uint32_t workers; /* 0 when no crew was started */

    struct interval *intervals;
    uint32_t interval_count;
    struct fault_note *faults;
    uint32_t fault_count;

    uint64_t gate_ns; /* clock when the gate opened; 0: it never did */
    uint64_t stopped_ns; /* clock when the crew was asked to end; 0: it ended by itself */
    uint64_t ops, writer_ops, reader_ops;
    uint64_t ran_ns;    /* gate to the end of the last worker's loop, or until the crew was given up */
    uint64_t watched_ns; /* gate to the last exit, or until the crew was given up */
    uint64_t window_ns; /* while all workers were under way; 0: never */
    uint64_t window_ops;
    uint64_t violations[VIOLATIONS], violation_count;
    uint64_t handoffs, contended, preempted, sampled, overlaps, recovered, sleeps;
    uint64_t messages, bytes; /* that came out of a queue, whole and verified; and bytes of their payload */
    uint32_t idle_workers;

    uint64_t found_ns;     /* from the start until the first evidence, a death or the proof of a wedge; 0: nothing was found */
    uint64_t death_ns;     /* since the gate: the first death by a deadly fault; 0: none */
    uint64_t recovery_ns;  /* from there to the next acquisition by somebody else; 0: none came */
    uint32_t dead_worker;
    enum phase dead_phase; /* where that one was when it died */
    uint32_t deaths, recoveries; /* of all of them; times from one to the next acquisition by somebody else: */
    uint64_t recovery_min_ns, recovery_median_ns, recovery_max_ns;
    enum remains remains;
    uint32_t slices;       /* of a hunt; 0: no hunt */
    uint64_t late_handoffs; /* of a hunt: at objects that had come through EXPOSURE_LATE operations before */
    uint32_t slices_clean; /* of these, with enough exposure for a verdict of their own */
    struct shape slice;    /* the shape of a hunt's last slice, which `ledger` and `ends` are of */

    struct syscalls syscalls; /* of a crew whose calls were watched */
    uint64_t voluntary_switches, involuntary_switches; /* of the crew's loops */
    uint64_t minor_faults, major_faults;
    struct page_sizes pages; /* of all workers' mappings together; page_bytes 0: not looked at */
    uint32_t region_objects;   /* the region's own, and those of the primitive's states; 0: none was made */
    uint32_t region_addresses; /* at how many the workers had the region; 0: none had it */

    uint64_t fork_ns, ready_ns, reap_ns;
    uint64_t region_step_ns[REGION_STEPS];
    bool region_step_done[REGION_STEPS];
    const char *reserved_by;
};

/* Messages a second in the common window; 0 where there is no such figure. */
static inline double trial_messages_per_s(const struct trial_result *result)
{
    if (result->window_ns == 0 || result->messages == 0)
        return 0;
    return (double)result->messages / (double)result->ops * (double)result->window_ops / ((double)result->window_ns / 1e9);
}

void trial_result_free(struct trial_result *result);

#endif
