/* Waiting in user space for a word to change: a pause each time, and now and then the CPU is given away.
 *
 *     for (uint32_t spins = 0; __atomic_load_n(&word, __ATOMIC_ACQUIRE) != wanted;)
 *         spin_wait(&spins);
 *
 * Queues of spinning processes that outnumber the CPUs wait for one that is switched out, and burn whole time slices for
 * each turn; who gives the CPU away meanwhile lets the next in line run.
 */
#ifndef WORKLOADS_SYNC_SPIN_WAIT_H
#define WORKLOADS_SYNC_SPIN_WAIT_H

#include <sched.h>
#include <stdint.h>

#include "base/clock.h"

/* Pauses between two yields: some tens of microseconds. A hand-over between two running processes is long done by then, and a
 * machine that is busy with other work does not get the CPU each time. */
#define SPIN_WAIT_PAUSES 1000

static inline void spin_wait(uint32_t *spins)
{
    if (++*spins % SPIN_WAIT_PAUSES == 0)
        sched_yield();
    else
        cpu_relax();
}

#endif
