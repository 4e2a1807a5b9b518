/* SIGBUS: the object's size, the page at the offset, and the room there is tell the causes apart. */
#define _GNU_SOURCE
#include "run/sigbus.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

/* With vm.overcommit_memory=2 each page of a tmpfs needs a promise. */
static bool commit_is_used_up(void)
{
    char line[128];
    uint64_t limit = 0, committed = 0, mode = 0;
    FILE *file = fopen("/proc/sys/vm/overcommit_memory", "re");
    bool strict = file && fscanf(file, "%" SCNu64, &mode) == 1 && mode == 2;
    if (file)
        fclose(file);
    file = strict ? fopen("/proc/meminfo", "re") : NULL;
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "CommitLimit: %" SCNu64, &limit);
        sscanf(line, "Committed_AS: %" SCNu64, &committed);
    }
    if (file)
        fclose(file);
    return strict && committed + 64 > limit; /* in KiB */
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
    if (commit_is_used_up()) {
        snprintf(text, size, "the page was not there, and vm.overcommit_memory=2 allows no more promises (CommitLimit)");
        return SIGBUS_COMMIT;
    }
    snprintf(text, size,
             "the page was not there, and could not be had in that moment: its tmpfs or cgroup was full then, or the object was shorter "
             "and has grown again; " REGION_FOLDER " has %s free now",
             known ? units_print(&units_size, (double)shm.free_bytes, left) : "an unknown amount");
    return SIGBUS_MOMENT;
}

static enum sigbus_cause explain_object(const struct sigbus_site *site, int fd, char *text, size_t size)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        snprintf(text, size, "the object cannot be looked at: %s", error_name(errno));
        return SIGBUS_UNKNOWN;
    }
    if (site->offset >= whole_pages((uint64_t)st.st_size)) {
        char had[64] = "; it was shrunk, or mapped for longer than it is";
        if (site->bytes != SIGBUS_ANY_SIZE)
            snprintf(had, sizeof had, ", and had %" PRIu64, site->bytes);
        snprintf(text, size, "%sit has %" PRIu64 " bytes%s", site->bytes == SIGBUS_ANY_SIZE ? "" : "the object was shrunk: ",
                 (uint64_t)st.st_size, had);
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
    if (site->bytes != SIGBUS_ANY_SIZE && site->offset >= whole_pages(site->bytes)) {
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
    snprintf(text, size, "at offset %" PRIu64 " of the %s%s%s: %s", site->offset, site->what, site->name ? " " : "",
             site->name ? site->name : "", why);
    return cause;
}

enum sigbus_cause sigbus_explain_path(const char *path, uint64_t offset, int code, char *text, size_t size)
{
    size_t folder = strlen(REGION_FOLDER);
    if (strncmp(path, REGION_FOLDER "/", folder + 1) == 0 && !strchr(path + folder + 1, '/') && !strstr(path, " (deleted)"))
        return sigbus_explain(&(struct sigbus_site){"object", path + folder, SIGBUS_ANY_SIZE, offset, code}, text, size);
    snprintf(text, size, "at offset %" PRIu64 " of %s: a page could not be had: the file is shorter, or there was no room for it",
             offset, path);
    return SIGBUS_UNKNOWN;
}
