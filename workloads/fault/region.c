/* shrink, unlink: what happens to the region's object while the crew has it mapped. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "contract/worker.h"
#include "workloads/fault/halt.h"
#include "workloads/fault/rows.h"

static uint64_t after_ms(const struct nemesis *nemesis)
{
    return (uint64_t)(nemesis->parameter * (double)NS_PER_MS);
}

static void note_failure(struct nemesis *nemesis, const char *call, int errnum)
{
    char detail[64];
    snprintf(detail, sizeof detail, "%s: %s", call, error_name(errnum));
    nemesis->note(nemesis, nemesis->workers, detail);
}

enum { STAY, BACK };
static const char *const shrinkings[] = {"stay", "back", NULL};

/* To nothing, under everybody's mappings; or to nothing and back: then every page is there, and holds zeros. */
static int shrink(const struct nemesis *nemesis, bool back)
{
    struct stat st;
    int fd = shm_open(nemesis->shape->name, O_RDWR, 0), rc = 0;
    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0 || ftruncate(fd, 0) != 0 || (back && ftruncate(fd, st.st_size) != 0))
        rc = errno;
    close(fd);
    return rc;
}

static uint64_t shrink_act(struct nemesis *nemesis)
{
    bool back = nemesis->choices[0] == BACK;
    if (nemesis->step == 0)
        return after_ms(nemesis);
    if (back)
        halt_crew(nemesis);
    int rc = shrink(nemesis, back);
    if (rc)
        note_failure(nemesis, "the region cannot be shrunk: ftruncate", rc);
    else if (back)
        nemesis->note(nemesis, nemesis->workers, "the region was shrunk to nothing, and grew again");
    else
        nemesis->begin(nemesis, nemesis->workers, "the region was shrunk to nothing");
    if (back)
        continue_crew(nemesis);
    return UINT64_MAX;
}

static unsigned shrink_verdicts(const uint8_t *choices)
{
    unsigned crashed = 1u << VERDICT_CRASHED;
    return choices[0] == BACK ? 1u << VERDICT_CORRUPT | 1u << VERDICT_WEDGED | crashed : crashed;
}

static const int memory_faults[] = {SIGBUS, SIGSEGV, SIGABRT, 0};

const struct fault_ops fault_shrink = {
    .name = "shrink",
    .summary = "after so many milliseconds the region's object is truncated to nothing while all have it mapped, and stays so: SIGBUS; "
               "shrink:back: it grows again at once, and all its pages are zeros",
    .choices = {shrinkings},
    .parameter = "milliseconds",
    .fallback = 50,
    .min = 0,
    .max = 3600e3,
    .expect = -1,
    .verdicts = shrink_verdicts,
    .brings = memory_faults,
    .act = shrink_act,
};

enum { GONE, ANEW, REJOIN };
static const char *const unlinkings[] = {"gone", "anew", "rejoin", NULL};

struct unlinking {
    uint32_t rejoins; /* index + 1 of the worker that is to map the region anew by its name */
    bool made;        /* another object, with these numbers, has the name now */
    dev_t device;
    ino_t inode;
};

/* Another object of that name and size, as a program makes it that starts again. */
static int make_anew(const char *name, off_t bytes, struct unlinking *unlinking)
{
    struct stat st;
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), rc = 0;
    if (fd < 0)
        return errno;
    rc = ftruncate(fd, bytes) != 0 || fstat(fd, &st) != 0 ? errno : posix_fallocate(fd, 0, bytes);
    close(fd);
    if (rc) {
        shm_unlink(name);
        return rc;
    }
    unlinking->device = st.st_dev;
    unlinking->inode = st.st_ino;
    unlinking->made = true;
    return 0;
}

static uint64_t unlink_act(struct nemesis *nemesis)
{
    const char *name = nemesis->shape->name;
    struct unlinking *unlinking = nemesis->commons;
    struct stat st = {0};
    if (nemesis->step == 0)
        return after_ms(nemesis);
    int fd = shm_open(name, O_RDWR, 0);
    if (fd < 0 || fstat(fd, &st) != 0 || shm_unlink(name) != 0) {
        note_failure(nemesis, "the region cannot be unlinked: shm_unlink", errno);
    } else {
        nemesis->begin(nemesis, nemesis->workers, "the region's name was removed");
        int rc = nemesis->choices[0] == GONE ? 0 : make_anew(name, st.st_size, unlinking);
        if (rc)
            note_failure(nemesis, "no new object can be made: shm_open", rc);
        else if (nemesis->choices[0] != GONE)
            nemesis->begin(nemesis, nemesis->workers, "another object has the region's name");
    }
    if (fd >= 0)
        close(fd);
    if (nemesis->choices[0] == REJOIN && unlinking->made) {
        uint32_t victim = (uint32_t)seed_below(nemesis->random, nemesis->shape->writers);
        nemesis->begin(nemesis, victim, "maps the region anew, by its name");
        __atomic_store_n(&unlinking->rejoins, victim + 1, __ATOMIC_RELEASE);
    }
    return UINT64_MAX;
}

/* Where it has it mapped already: its state and its data are another object's from here on. */
static void unlink_before(struct worker *w, double parameter)
{
    struct unlinking *unlinking = w->crew.fault_commons;
    (void)parameter;
    if (__builtin_expect(__atomic_load_n(&unlinking->rejoins, __ATOMIC_ACQUIRE) != w->index + 1, 1))
        return;
    unlinking->rejoins = 0;
    int fd = shm_open(w->shape->name, O_RDWR, 0);
    if (fd >= 0 && mmap(w->region, w->region_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
        w->leave = true;
    if (fd >= 0)
        close(fd);
}

static unsigned unlink_verdicts(const uint8_t *choices)
{
    return choices[0] == REJOIN ? 1u << VERDICT_CORRUPT | 1u << VERDICT_WEDGED | 1u << VERDICT_CRASHED : 0;
}

/* The object that this fault has made, if it has its name still. */
static void unlink_undo(const struct shape *shape, void *commons)
{
    const struct unlinking *unlinking = commons;
    struct stat st;
    int fd = unlinking->made ? shm_open(shape->name, O_RDONLY, 0) : -1;
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_dev == unlinking->device && st.st_ino == unlinking->inode)
        shm_unlink(shape->name);
    close(fd);
}

static bool always(const uint8_t *choices)
{
    (void)choices;
    return true;
}

const struct fault_ops fault_unlink = {
    .name = "unlink",
    .summary = "after so many milliseconds the region loses its name: nobody who has it mapped may notice; unlink:anew: another object "
               "gets the name; unlink:rejoin: and one writer maps that one, as after a restart",
    .choices = {unlinkings},
    .parameter = "milliseconds",
    .fallback = 50,
    .min = 0,
    .max = 3600e3,
    .expect = -1,
    .verdicts = unlink_verdicts,
    .unlinks = always,
    .brings = memory_faults,
    .before = unlink_before,
    .act = unlink_act,
    .undo = unlink_undo,
};
