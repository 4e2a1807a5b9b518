/* SIGBUS: which of its causes it was. */
#ifndef RUN_SIGBUS_H
#define RUN_SIGBUS_H

#include <stddef.h>
#include <stdint.h>

enum sigbus_cause {
    SIGBUS_UNKNOWN,
    SIGBUS_SHRANK,    /* the object is shorter than it was */
    SIGBUS_BEYOND,    /* past the end that the region always had */
    SIGBUS_FULL,      /* the page is not there, and the tmpfs has none to give */
    SIGBUS_CGROUP,    /* the page is not there, and the memory cgroup has no room */
    SIGBUS_COMMIT,    /* the page is not there, and vm.overcommit_memory=2 allows no more promises */
    SIGBUS_MOMENT,    /* the page is not there, though there is room now: there was none then, or the object was shorter */
    SIGBUS_BAD_PAGE,  /* a memory error of the machine (BUS_MCEERR_*) */
    SIGBUS_ALIGNMENT, /* BUS_ADRALN */
    SIGBUS_NAMELESS,  /* the object has lost its name, and cannot be looked at */
};

#define SIGBUS_ANY_SIZE UINT64_MAX

struct sigbus_site {
    const char *what; /* "region", "object" */
    const char *name; /* as for shm_open; NULL: unknown */
    uint64_t bytes;   /* that it had when it was mapped; SIGBUS_ANY_SIZE: unknown */
    uint64_t offset;  /* of the access in it */
    int code;         /* si_code */
};

/* Looks at the object, its file system and the memory cgroup as they are now, soon after the signal. Writes half a sentence
 * that names the region, the offset and the cause. */
enum sigbus_cause sigbus_explain(const struct sigbus_site *site, char *text, size_t size);

/* The same of whatever was mapped there: its path as /proc/PID/maps has it. */
enum sigbus_cause sigbus_explain_path(const char *path, uint64_t offset, int code, char *text, size_t size);

#endif
