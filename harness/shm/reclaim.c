/* Reclaiming: lease, compare, move aside, look again, unlink. */
#define _GNU_SOURCE
#include "shm/reclaim.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "shm/companion.h"
#include "shm/lease.h"
#include "shm/objects.h"
#include "shm/region.h"

/* So long nobody may come for it. With many thousand objects the moments add up: then they become shorter. */
#define MOMENT_NS 1000000
#define SHORT_MOMENT_NS 50000
#define FULL_MOMENTS 2000
/* From the name to the lease, inside open(), it takes a part of a microsecond: so long whoever runs is waited for with all
 * attention, since the name is free meanwhile, and somebody might take it. Then those get a turn who were interrupted there. */
#define ARRIVAL_NS 3000
#define LATE_ARRIVAL_NS 200000
#define SHORT_ARRIVAL_NS 20000

static void wait_a_moment(unsigned number)
{
    nanosleep(&(struct timespec){.tv_nsec = number < FULL_MOMENTS ? MOMENT_NS : SHORT_MOMENT_NS}, NULL);
}

/* False as soon as somebody has come. */
static bool nobody_arrives(const struct lease *lease, unsigned number)
{
    uint64_t start = clock_ns(), wait = number < FULL_MOMENTS ? LATE_ARRIVAL_NS : SHORT_ARRIVAL_NS, passed = 0;
    while (passed < wait) {
        if (!lease_holds(lease))
            return false;
        if (passed > ARRIVAL_NS)
            sched_yield();
        passed = clock_ns() - start;
    }
    return lease_holds(lease);
}

static int keep(struct reclaim *reclaim, const char *why)
{
    snprintf(reclaim->why, sizeof reclaim->why, "%s", why);
    return -1;
}

static int fail(struct reclaim *reclaim, int errnum)
{
    reclaim->failed = true;
    return keep(reclaim, error_name(errnum));
}

/* The object under its other name: moved back. */
static int put_back(struct reclaim *reclaim, int folder, const char *why)
{
    if (renameat2(folder, reclaim->aside, folder, reclaim->name, RENAME_NOREPLACE) == 0)
        return keep(reclaim, why);
    snprintf(reclaim->why, sizeof reclaim->why, "%.60s; its name has been taken: it is %.60s now", why, reclaim->aside);
    return -1;
}

/* The object under its other name: is it the one that was meant, and does nobody want it? Then it goes. */
static int remove_moved(struct reclaim *reclaim, int folder, const struct lease *lease, unsigned number)
{
    struct stat moved;
    if (fstatat(folder, reclaim->aside, &moved, AT_SYMLINK_NOFOLLOW) != 0 || moved.st_ino != reclaim->inode)
        return put_back(reclaim, folder, "another object took its name in that moment");
    if (!nobody_arrives(lease, number))
        return put_back(reclaim, folder, "somebody opened it in that moment");
    int errnum = reclaim->before_unlink ? reclaim->before_unlink(reclaim->name, lease->fd) : 0;
    if (companion_keeps(errnum))
        return put_back(reclaim, folder, companion_keeps(errnum));
    if (errnum == 0 && unlinkat(folder, reclaim->aside, 0) != 0)
        errnum = errno;
    if (errnum) {
        reclaim->failed = true;
        return put_back(reclaim, folder, error_name(errnum));
    }
    reclaim->freed_bytes = moved.st_nlink == 1 ? (uint64_t)moved.st_blocks * 512 : 0;
    return 0;
}

/* With the lease in hand. */
static int remove_leased(struct reclaim *reclaim, int folder, const struct lease *lease)
{
    static unsigned count;
    unsigned number = count++;
    sigset_t all, before;
    if (lease->st.st_dev != reclaim->device || lease->st.st_ino != reclaim->inode)
        return keep(reclaim, "is another object by now");
    if (object_changed_ns(&lease->st) != reclaim->changed_ns)
        return keep(reclaim, "has been changed meanwhile");
    wait_a_moment(number);
    if (!lease_holds(lease))
        return keep(reclaim, "somebody opened it in that moment");
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); /* whoever ends us ends us with the object under its own name, or gone */
    int rc = 0;
    if (renameat2(folder, reclaim->name, folder, reclaim->aside, RENAME_NOREPLACE) == 0)
        rc = remove_moved(reclaim, folder, lease, number);
    else if (errno == EBUSY)
        rc = keep(reclaim, "is mounted at another place");
    else
        rc = fail(reclaim, errno);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int reclaim_object(struct reclaim *reclaim)
{
    struct lease lease;
    reclaim->freed_bytes = 0;
    reclaim->failed = false;
    int folder = open(REGION_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return fail(reclaim, errno);
    enum lease_answer answer = lease_take(&lease, folder, reclaim->name);
    int rc =
        answer == LEASE_FREE ? remove_leased(reclaim, folder, &lease) : keep(reclaim, lease_words(answer, lease.errnum));
    lease_drop(&lease);
    close(folder);
    return rc;
}
