/* The persistence matrix: how the last user of an object goes, times what is left of the object. */
#ifndef WORKLOADS_CHECK_PERSIST_H
#define WORKLOADS_CHECK_PERSIST_H

#include <sys/types.h>

#include "contract/check.h"

struct scene;

/* How a process goes. */
struct going {
    void (*prepare)(struct check *c, struct scene *s); /* before it makes the object; may be NULL */
    void (*go)(struct check *c, struct scene *s);      /* does not return, unless somebody else ends it */
    int end;                     /* exit status, or the negative number of the signal */
    int by_signal_from_outside;  /* sent to its process group; 0: it goes by itself */
    bool uses_object;            /* it takes descriptor and mapping to go so */
    bool becomes_program;        /* it lives on as another program: its references are gone all the same */
    int inodes;                  /* that it makes besides the object, in a /dev/shm of its own */
    const char *status;          /* what /proc/PID/status then says; NULL: not looked at */
    bool others_hold;            /* another process has the object while it goes, and leaves later */
};

/* The only reference that is left then. */
enum left { LEFT_NAME, LEFT_DESCRIPTOR, LEFT_MAPPING, LEFT_IN_FLIGHT, LEFT_NOTHING };

struct cell {
    const struct going *going;
    enum left left;
};

struct scene {
    const struct cell *cell;
    const char *name;
    int fd;             /* the last user's, or what is left with the watcher */
    unsigned char *at;  /* likewise */
    int socket[2];      /* for a descriptor in flight */
    ino_t inode;
    long long free_before, inodes_free_before; /* pages and inodes of the file system */
    char program[256];  /* for exec; empty: cat, from PATH */
};

extern const struct going going_return, going_exit, going_quick_exit, going_thread, going_abort, going_terminate, going_kill,
    going_segv, going_bus, going_exec, going_setuid_exec, going_leave_others, going_group, going_oom;

/* Runs the cell that is the row's parameter. */
void persist(struct check *c);

#endif
