/* The gate, on a futex shared between processes. */
#define _GNU_SOURCE
#include "run/gate.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

void gate_wait(struct gate *gate)
{
    while (__atomic_load_n(&gate->open, __ATOMIC_ACQUIRE) == 0)
        syscall(SYS_futex, &gate->open, FUTEX_WAIT, 0, NULL, NULL, 0);
}

uint64_t gate_open(struct gate *gate)
{
    uint64_t now = clock_ns();
    slot_store(&gate->opened_ns, now);
    __atomic_store_n(&gate->open, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &gate->open, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    return now; /* the noted one is anybody's to overwrite by now */
}

void gate_stop(struct gate *gate)
{
    __atomic_store_n(&gate->stop, 1, __ATOMIC_RELEASE);
}
