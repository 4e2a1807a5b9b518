/* Reclaiming: lease, compare, move aside, look again, unlink. */
#define _GNU_SOURCE
#include "shm/reclaim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "shm/companion.h"
#include "shm/lease.h"
#include "shm/region.h"

/* So long nobody may come for it. With many thousand objects the moments add up: then they become shorter. */
#define MOMENT_NS 1000000
#define SHORT_MOMENT_NS 50000
#define FULL_MOMENTS 2000
/* From the name to the lease, inside open(), it takes a microsecond. While this lasts, the name is free for others to take:
 * it must be short. */
#define ARRIVAL_NS 20000

static void wait_a_moment(void)
{
    static unsigned moments;
    nanosleep(&(struct timespec){.tv_nsec = moments++ < FULL_MOMENTS ? MOMENT_NS : SHORT_MOMENT_NS}, NULL);
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

/* With the lease in hand. */
static int remove_leased(struct reclaim *reclaim, int folder, const struct lease *lease)
{
    if (lease->st.st_dev != reclaim->device || lease->st.st_ino != reclaim->inode)
        return keep(reclaim, "is another object by now");
    if (lease->st.st_mtim.tv_sec != reclaim->changed_s)
        return keep(reclaim, "has been changed meanwhile");
    wait_a_moment();
    if (!lease_holds(lease))
        return keep(reclaim, "somebody opened it in that moment");
    if (renameat2(folder, reclaim->name, folder, reclaim->aside, RENAME_NOREPLACE) != 0)
        return fail(reclaim, errno);
    clock_spin(ARRIVAL_NS);
    struct stat moved;
    if (fstatat(folder, reclaim->aside, &moved, AT_SYMLINK_NOFOLLOW) != 0 || moved.st_ino != reclaim->inode)
        return put_back(reclaim, folder, "another object took its name in that moment");
    if (!lease_holds(lease))
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
