/* Reclaiming: removes an object that nobody uses, and nothing else, whoever comes in between.
 *
 * In this order: a lease is taken (refused while anybody has the object open or mapped); what was opened is compared with
 * what was found before; for a moment, whoever comes is seen by the lease, and keeps the object; if nobody did, it is moved
 * to another name, so that nobody new finds it; whoever had found the name just before is waited for, on the same CPU too; as
 * soon as somebody arrives, the object is moved back, else it is unlinked; then the lease is given back, and who waited goes
 * on.
 *
 * The window that remains, inside one open(): a process that had looked up the name, and was off its CPU from before the
 * move until after the unlink, gets an object without a name. One that arrives in time, while a third one makes a new object
 * of the same name in the microsecond before the object is moved back, gets an object that is under the other name by then.
 * Contents and mappings are whole in either case. Stopped in the middle for longer than /proc/sys/fs/lease-break-time, it
 * finds its lease broken, and puts the object back, unless it was stopped between its last look and the unlink. Signals that
 * can be waited with wait; killed in the middle, it leaves the object under its other name, which is one of this program's
 * own.
 */
#ifndef SHM_RECLAIM_H
#define SHM_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct reclaim {
    const char *name; /* in /dev/shm */
    dev_t device;     /* what was found, and looked at */
    ino_t inode;
    int64_t changed_ns; /* object_changed_ns() of it */
    const char *aside;  /* the other name */
    /* What belongs to the object and goes with it; called when nothing can come in between any more, with the object open for
     * reading. 0 or an errno; what companion_keeps() explains is no failure. May be NULL. */
    int (*before_unlink)(const char *name, int fd);
    uint64_t freed_bytes; /* result: 0 while another name of the object remains */
    bool failed;          /* result: kept because a call failed, not because somebody may want it */
    char why[160];        /* result: why it was kept */
};

/* Returns 0 when it has been removed, -1 when it was kept. */
int reclaim_object(struct reclaim *reclaim);

#endif
