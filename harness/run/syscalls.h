/* Watching a worker's system calls: each one between gate and end is caught, counted by its number, and then carried out.
 *
 *     worker:   syscalls_begin(w)          from here on
 *               ... the load's loop ...
 *               syscalls_end(w)            up to here
 *     harness:  syscalls_add_up(&ledger, &sum)
 *
 * Syscall user dispatch (Linux 5.11, x86-64) does it: the kernel sends SIGSYS instead of making the call, without any tracer and
 * without privileges, as long as a byte in the process says so; the handler notes the call and makes it. That costs some
 * microseconds a call and nothing between calls. Not seen: calls of other threads, and those of a child, until the next
 * operation; io_uring makes none.
 *
 * The harness's own calls between operations are left out by construction: around each of them the byte says otherwise
 * (worker_off_watch()). Reading the clock is none where the vDSO does it; where it is one, it is known and left out, too.
 */
#ifndef RUN_SYSCALLS_H
#define RUN_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "run/ledger.h"

struct worker;

/* How it is done, for the record. */
#define SYSCALLS_METHOD "syscall user dispatch"

/* NULL, or why it cannot be done here: asked of the kernel. */
const char *syscalls_missing(void);

/* Returns 0 or an errno. */
int syscalls_begin(struct worker *worker);
void syscalls_end(struct worker *worker);

/* All calls of a crew. */
struct syscalls {
    bool known;
    uint64_t ops, messages; /* of the watched crew */
    uint64_t within, beside; /* calls: by the primitive's own code, and by what is around it */
    uint32_t kinds;
    struct slot_call calls[SLOT_CALLS];
    uint64_t others; /* of further numbers */
};

void syscalls_add_up(const struct ledger *ledger, struct syscalls *sum);

/* "futex"; "system call 999" for one that nobody has named. Returns text. */
const char *syscalls_name(uint32_t number, char text[32]);

/* Writes a violation for each kind of call that this worker has made. */
void syscalls_report(struct worker *worker);

#endif
