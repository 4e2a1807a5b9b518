/* The crew: real processes, forked, pinned, held at the gate, and reaped by pidfd, each exit classified.
 *
 *     crew_start(&crew, &plan, &error)       all are forked and on their way to the gate
 *     crew_poll(&crew, timeout_ms)           waits for exits, an interrupt, or the time-out
 *     crew_end(&crew)                        whoever is left is killed as a group and reaped
 *     crew_free(&crew)
 *
 * A worker dies with the harness (parent-death signal), belongs to a process group of its own crew, and can never outlive
 * crew_end().
 */
#ifndef RUN_CREW_H
#define RUN_CREW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "run/ledger.h"
#include "run/pin.h"
#include "run/spec.h"

enum exit_kind {
    EXIT_NOT_YET,
    EXIT_NORMAL,   /* value: exit status */
    EXIT_SIGNAL,   /* value: signal number */
    EXIT_ENDED,    /* by crew_end(): it would not end by itself */
};

struct handover;
struct state_objects;

struct crew_member {
    pid_t pid, pid_before; /* pid_before: of the process that had this place before; 0: there was none */
    int pidfd;             /* -1 once reaped */
    enum exit_kind exit;
    int value;
    enum exit_kind first_exit; /* of the first process that had this place, if it was replaced */
    int first_value;
};

/* What the crew is to do. The pointers must stay valid until crew_end(). */
struct crew_plan {
    const struct trial_spec *spec;
    const struct ledger *ledger;
    const struct pin *pin;
    const char *region_name;
    uint64_t region_bytes;
    void *region_base; /* the harness's own mapping, which workers give up for one of their own */
    int region_fd; /* the harness's own, for a region without a name */
    const struct state_objects *states; /* objects of their own for the primitive's states; NULL or empty: in the region */
    const struct sync_setup *setups; /* one for each instance of the sync's state */
    const struct handover *handover; /* descriptors that workers are to have, and no others; NULL: as the harness has them */
};

struct crew {
    struct crew_member *members;
    uint32_t count, alive, failed; /* failed: ended otherwise than with exit status 0 */
    uint32_t first_failed;         /* index of the first of these */
    pid_t group;
    int epoll;
    const struct crew_plan *plan; /* what it was started with */
    uint64_t fork_ns; /* time that all forks took */
    uint64_t last_exit_ns; /* clock when the last exit was seen */
};

/* Forks everybody. On failure whoever was forked is gone again. */
int crew_start(struct crew *crew, const struct crew_plan *plan, struct error *error);

/* Waits up to timeout_ms for something to happen, and reaps who has ended. */
void crew_poll(struct crew *crew, int timeout_ms);

/* Forks a new process into the place of a worker that has ended. Its slot must be ready for it. Returns 0 or an errno. */
int crew_respawn(struct crew *crew, uint32_t worker);

/* Signals one worker, if it is alive. Returns 0 or an errno. */
int crew_signal(const struct crew *crew, uint32_t worker, int signal);

/* Kills what is left of the process group, and reaps it. Bounded: SIGKILL cannot be refused. Idempotent. */
void crew_end(struct crew *crew);

void crew_free(struct crew *crew);

/* "exited 0", "killed by SIGSEGV", "ended by the watchdog". */
const char *crew_exit_text(const struct crew_member *member, char text[48]);

/* The same of the first process that had this place. */
const char *crew_first_exit_text(const struct crew_member *member, char text[48]);

#endif
