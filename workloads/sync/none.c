/* none: no synchronisation at all, the control that every oracle must catch. */
#include "contract/tight.h"
#include "workloads/sync/rows.h"

static int none_pass(struct sync_self *self)
{
    (void)self;
    /* the compiler must not move the critical section's accesses across the calls, as it could not for a real lock */
    __asm__ __volatile__("" ::: "memory");
    return 0;
}

TIGHT_LOCK(none, none_pass, none_pass);

const struct sync_ops sync_none = {
    .name = "none",
    .summary = "no synchronisation: shows what breaks without it",
    .family = SYNC_LOCK,
    .traits = SYNC_SHARED | SYNC_CONTROL,
    .expect = VERDICT_CORRUPT,
    .lock = {.acquire = none_pass, .release = none_pass, .acquire_shared = none_pass, .release_shared = none_pass},
};
