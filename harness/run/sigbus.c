/* SIGBUS: the object's size, the page at the offset, and the room there is tell the causes apart. */
#define _GNU_SOURCE
#include "run/sigbus.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/units.h"
#include "shm/capacity.h"
#include "shm/region.h"

static uint64_t whole_pages(uint64_t bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

static bool page_is_there(int fd, uint64_t offset)
{
    off_t start = (off_t)(offset / (uint64_t)sysconf(_SC_PAGESIZE) * (uint64_t)sysconf(_SC_PAGESIZE));
    return lseek(fd, start, SEEK_DATA) == start;
}

/* The page has no memory behind it: who had none to give? */
static enum sigbus_cause explain_hole(char *text, size_t size)
{
    struct shm_capacity shm;
    struct memory_limit memory = memory_limit_read();
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    char left[UNITS_TEXT], limit[UNITS_TEXT];
    bool known = capacity_read(REGION_FOLDER, &shm, NULL) == 0;
    if (known && shm.free_bytes < page) {
        snprintf(text, size, "the page was not there, and the tmpfs " REGION_FOLDER " is full: %s free of %s",
                 units_print(&units_size, (double)shm.free_bytes, left),
                 units_print(&units_size, (double)shm.size_bytes, limit));
        return SIGBUS_FULL;
    }
    if (memory.room_bytes < 16 * page) {
        snprintf(text, size, "the page was not there, and the memory cgroup is at its limit of %s (%.200s)",
                 units_print(&units_size, (double)memory.limit_bytes, limit), memory.file);
        return SIGBUS_CGROUP;
    }
    snprintf(text, size,
             "the page has been taken away (a hole was punched, or the object shrank and grew again); " REGION_FOLDER
             " has %s free now",
             known ? units_print(&units_size, (double)shm.free_bytes, left) : "an unknown amount");
    return SIGBUS_TAKEN;
}

static enum sigbus_cause explain_object(const struct sigbus_site *site, int fd, char *text, size_t size)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        snprintf(text, size, "the object cannot be looked at: %s", error_name(errno));
        return SIGBUS_UNKNOWN;
    }
    if (site->offset >= whole_pages((uint64_t)st.st_size)) {
        snprintf(text, size, "the object was shrunk: it has %" PRIu64 " bytes, and had %" PRIu64, (uint64_t)st.st_size,
                 site->bytes);
        return SIGBUS_SHRANK;
    }
    if (!page_is_there(fd, site->offset))
        return explain_hole(text, size);
    snprintf(text, size,
             "the page is there now, and could not be had in that moment: the object had shrunk, or its tmpfs or memory "
             "cgroup was full");
    return SIGBUS_UNKNOWN;
}

static enum sigbus_cause find_cause(const struct sigbus_site *site, char *text, size_t size)
{
    if (site->code == BUS_ADRALN) {
        snprintf(text, size, "a misaligned access");
        return SIGBUS_ALIGNMENT;
    }
    if (site->code == BUS_MCEERR_AR || site->code == BUS_MCEERR_AO) {
        snprintf(text, size, "a memory error of the machine: the page went bad");
        return SIGBUS_BAD_PAGE;
    }
    if (site->offset >= whole_pages(site->bytes)) {
        snprintf(text, size, "past the end: the region has %" PRIu64 " bytes", site->bytes);
        return SIGBUS_BEYOND;
    }
    int fd = site->name ? shm_open(site->name, O_RDONLY, 0) : -1;
    if (fd < 0) {
        snprintf(text, size, "%s: it shrank, or its tmpfs or memory cgroup was full",
                 site->name && errno == ENOENT ? "the object has lost its name since" : "the object cannot be looked at");
        return site->name && errno == ENOENT ? SIGBUS_NAMELESS : SIGBUS_UNKNOWN;
    }
    enum sigbus_cause cause = explain_object(site, fd, text, size);
    close(fd);
    return cause;
}

enum sigbus_cause sigbus_explain(const struct sigbus_site *site, char *text, size_t size)
{
    char why[320];
    enum sigbus_cause cause = find_cause(site, why, sizeof why);
    snprintf(text, size, "at offset %" PRIu64 " of the region%s%s: %s", site->offset, site->name ? " " : "",
             site->name ? site->name : "", why);
    return cause;
}
