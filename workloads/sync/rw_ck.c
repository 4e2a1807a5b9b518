/* rw-phase-fair, rw-task-fair, rw-write-biased, rw-byte, rw-one-writer: read-write locks of Concurrency Kit, all spinning.
 *
 * Those that are plain integers, and so work at any address. The initial state of each is all zeroes, which the region's
 * memory is.
 */
#include <errno.h>
#include <stdbool.h>

#include <ck_bytelock.h>
#include <ck_pflock.h>
#include <ck_rwlock.h>
#include <ck_swlock.h>
#include <ck_tflock.h>

#include "workloads/sync/rows.h"

static int phase_write(struct sync_self *self)
{
    ck_pflock_write_lock(self->state);
    return 0;
}

static int phase_write_end(struct sync_self *self)
{
    ck_pflock_write_unlock(self->state);
    return 0;
}

static int phase_read(struct sync_self *self)
{
    ck_pflock_read_lock(self->state);
    return 0;
}

static int phase_read_end(struct sync_self *self)
{
    ck_pflock_read_unlock(self->state);
    return 0;
}

/* No try_acquire: a writer that gave up would skip a phase, and a reader still waiting for the phase before to end would
 * take the next for the same one. */
const struct sync_ops sync_rw_phase_fair = {
    .name = "rw-phase-fair",
    .summary = "ck_pflock: read and write phases take turns, so that nobody waits for more than one of the other kind",
    .family = SYNC_LOCK,
    .traits = SYNC_SHARED | SYNC_QUEUED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(ck_pflock_t),
    .lock = {.acquire = phase_write,
             .release = phase_write_end,
             .acquire_shared = phase_read,
             .release_shared = phase_read_end},
};

static int task_write(struct sync_self *self)
{
    ck_tflock_ticket_write_lock(self->state);
    return 0;
}

static int task_write_end(struct sync_self *self)
{
    ck_tflock_ticket_write_unlock(self->state);
    return 0;
}

static int task_read(struct sync_self *self)
{
    ck_tflock_ticket_read_lock(self->state);
    return 0;
}

static int task_read_end(struct sync_self *self)
{
    ck_tflock_ticket_read_unlock(self->state);
    return 0;
}

/* Takes the ticket that a writer would take next, if all before it are done. */
static int task_try(struct sync_self *self)
{
    ck_tflock_ticket_t *lock = self->state;
    uint32_t done = ck_pr_load_32(&lock->completion);
    uint32_t next = (done & ~CK_TFLOCK_TICKET_WC_TOPMSK) + CK_TFLOCK_TICKET_WC_INCR;
    bool got = ck_pr_cas_32(&lock->request, done, next);
    ck_pr_fence_lock();
    return got ? 0 : EBUSY;
}

const struct sync_ops sync_rw_task_fair = {
    .name = "rw-task-fair",
    .summary = "ck_tflock: tickets; first come, first served, readers in a row go in together",
    .family = SYNC_LOCK,
    .traits = SYNC_SHARED | SYNC_FAIR | SYNC_QUEUED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(ck_tflock_ticket_t),
    .lock = {.acquire = task_write,
             .release = task_write_end,
             .acquire_shared = task_read,
             .release_shared = task_read_end,
             .try_acquire = task_try},
};

static int biased_write(struct sync_self *self)
{
    ck_rwlock_write_lock(self->state);
    return 0;
}

static int biased_write_end(struct sync_self *self)
{
    ck_rwlock_write_unlock(self->state);
    return 0;
}

static int biased_read(struct sync_self *self)
{
    ck_rwlock_read_lock(self->state);
    return 0;
}

static int biased_read_end(struct sync_self *self)
{
    ck_rwlock_read_unlock(self->state);
    return 0;
}

static int biased_try(struct sync_self *self)
{
    return ck_rwlock_write_trylock(self->state) ? 0 : EBUSY;
}

const struct sync_ops sync_rw_write_biased = {
    .name = "rw-write-biased",
    .summary = "ck_rwlock: a writer word and a count of readers; readers wait while any writer wants in",
    .family = SYNC_LOCK,
    .traits = SYNC_SHARED | SYNC_QUEUED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(ck_rwlock_t),
    .lock = {.acquire = biased_write,
             .release = biased_write_end,
             .acquire_shared = biased_read,
             .release_shared = biased_read_end,
             .try_acquire = biased_try},
};

/* Slots are numbered from 1; who has a number beyond the bytes is only counted. */
static unsigned byte_slot(const struct sync_self *self)
{
    return self->index + 1;
}

static int byte_write(struct sync_self *self)
{
    ck_bytelock_write_lock(self->state, byte_slot(self));
    return 0;
}

static int byte_write_end(struct sync_self *self)
{
    ck_bytelock_write_unlock(self->state);
    return 0;
}

static int byte_read(struct sync_self *self)
{
    ck_bytelock_read_lock(self->state, byte_slot(self));
    return 0;
}

static int byte_read_end(struct sync_self *self)
{
    ck_bytelock_read_unlock(self->state, byte_slot(self));
    return 0;
}

static bool byte_has_readers(ck_bytelock_t *lock)
{
    for (size_t i = 0; i < sizeof lock->readers; i++)
        if (ck_pr_load_8(&lock->readers[i]))
            return true;
    return ck_pr_load_uint(&lock->n_readers) != 0;
}

static int byte_try(struct sync_self *self)
{
    ck_bytelock_t *lock = self->state;
    if (!ck_pr_cas_uint(&lock->owner, 0, byte_slot(self)))
        return EBUSY;
    ck_pr_fence_atomic_load();
    if (byte_has_readers(lock)) {
        ck_bytelock_write_unlock(lock);
        return EBUSY;
    }
    ck_pr_fence_lock();
    return 0;
}

const struct sync_ops sync_rw_byte = {
    .name = "rw-byte",
    .summary = "ck_bytelock: a byte for each of the first 56 readers, a count for the others",
    .family = SYNC_LOCK,
    .traits = SYNC_SHARED,
    .expect = VERDICT_CLEAN,
    .state_bytes = sizeof(ck_bytelock_t),
    .lock = {.acquire = byte_write,
             .release = byte_write_end,
             .acquire_shared = byte_read,
             .release_shared = byte_read_end,
             .try_acquire = byte_try},
};

static int single_write(struct sync_self *self)
{
    ck_swlock_write_lock(self->state);
    return 0;
}

static int single_write_end(struct sync_self *self)
{
    ck_swlock_write_unlock(self->state);
    return 0;
}

static int single_read(struct sync_self *self)
{
    ck_swlock_read_lock(self->state);
    return 0;
}

static int single_read_end(struct sync_self *self)
{
    ck_swlock_read_unlock(self->state);
    return 0;
}

static int single_try(struct sync_self *self)
{
    return ck_swlock_write_trylock(self->state) ? 0 : EBUSY;
}

const struct sync_ops sync_rw_one_writer = {
    .name = "rw-one-writer",
    .summary = "ck_swlock: one word for one writer and any number of readers",
    .family = SYNC_LOCK,
    .traits = SYNC_SHARED,
    .expect = VERDICT_CLEAN,
    .max_writers = 1,
    .state_bytes = sizeof(ck_swlock_t),
    .lock = {.acquire = single_write,
             .release = single_write_end,
             .acquire_shared = single_read,
             .release_shared = single_read_end,
             .try_acquire = single_try},
};
