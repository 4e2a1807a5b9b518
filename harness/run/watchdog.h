/* The watchdog: tells a wedged crew from a slow one, and says who waits where.
 *
 * Progress is whatever moves in the ledger. Without any for a while, the processes are looked at in rounds. A round is over when
 * every worker left could have gone on since it began: it has had its turn on a CPU, or sleeps in a system call that only
 * somebody else can end. A crew is wedged when several rounds have gone by, and nobody is in a place that it can leave by itself:
 * inside the critical section, asleep for a time, or on its way out of life. Processes of the primitive's own beside the workers must have
 * had their turn as well, and the standstill must be long. A holder that is stopped or switched out makes the crew slow, not wedged,
 * until the trial's last deadline.
 */
#ifndef RUN_WATCHDOG_H
#define RUN_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "run/crew.h"
#include "run/ledger.h"
#include "run/spec.h"
#include "run/wedge.h"

enum watch {
    WATCH_GO_ON,
    WATCH_WEDGED, /* nobody moves, and nobody can */
    WATCH_SLOW,   /* asked to end long ago, and still at it */
};

/* What a worker had used of the CPUs. */
struct watchdog_mark {
    uint64_t cpu_ns, turns;
    uint64_t ticks; /* of all its threads */
};

struct watchdog {
    uint64_t started_ns, stopped_ns; /* clock; stopped_ns 0 until the workers were asked to end */
    uint64_t end_ns;                 /* clock: nobody is waited for beyond this */
    uint64_t progress, progress_ns;  /* newest progress seen, and when */
    uint64_t round_ns;               /* the round began; 0: no suspicion */
    uint32_t rounds;                 /* that are over since the last progress */
    struct wedge_since *since;       /* of each worker; owned */
    uint64_t kin_ns;                 /* CPU time that processes beside the workers had used then */
    struct watchdog_mark *marks;     /* what each worker had used then; owned, NULL before the first suspicion */
    uint64_t settled_ns;             /* no shorter standstill is a wedge */
    uint64_t turn_ns;                /* CPU time after which a worker has had its turn */
    bool deaths_planned;             /* a deadly fault: who is left must be seen to be stuck, not only to be bereft */
    uint32_t population;
    uint64_t allowance_ns; /* what one operation may take by its own wish */
};

void watchdog_start(struct watchdog *watchdog, const struct trial_spec *spec, uint64_t now);

void watchdog_free(struct watchdog *watchdog);

/* Is there a suspicion that asks for another look soon? */
bool watchdog_suspicious(const struct watchdog *watchdog);

/* The workers have been asked to end. */
void watchdog_stopping(struct watchdog *watchdog, uint64_t now);

/* Anything but WATCH_GO_ON: give up; `why` says who waits where. `hurry`: the run was interrupted, nobody is waited for
 * long. */
enum watch watchdog_look(struct watchdog *watchdog, const struct crew *crew, const struct ledger *ledger,
                   const struct ledger_view *view, uint64_t now, bool hurry, char *why, size_t size);

#endif
