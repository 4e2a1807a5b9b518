/* The objects of /dev/shm: what they are, who holds them, and whether they are in use.
 *
 *     struct objects objects;
 *     if (objects_read(&objects, 0, &error) == 0) ...
 *     for (size_t i = 0; i < objects.count; i++) ... objects.list[i] ...
 *     objects_free(&objects);
 *
 * Liveness is proven by a lease (shm/lease.h); holders come from /proc, joined by device and inode. Both are looked at one
 * after the other: the state is that of the moment of the look, and somebody may open an unused object right after it. Who
 * wants to act upon it takes the lease again, and keeps it while he acts.
 */
#ifndef SHM_OBJECTS_H
#define SHM_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "shm/lease.h"

enum object_kind {
    OBJECT_SHM,
    OBJECT_SEMAPHORE, /* sem.NAME */
    OBJECT_FILE,      /* in a folder below /dev/shm: out of shm_open's reach, but it takes space */
    OBJECT_OTHER,     /* a folder, link, socket or FIFO */
    OBJECT_UNLINKED,  /* without a name: found through its holders */
    OBJECT_MEMFD,
    OBJECT_KINDS,
};

enum object_state {
    OBJECT_IN_USE,    /* a process that can be seen holds it */
    OBJECT_ELSEWHERE, /* proven in use, but by nobody who can be seen: another pid namespace, or another user's process */
    OBJECT_UNUSED,    /* proven */
    OBJECT_UNKNOWN,   /* no proof either way */
    OBJECT_STATES,
};

enum holder_access {
    HOLDS_OPEN = 1, /* without read and write: O_PATH */
    HOLDS_OPEN_READ = 2,
    HOLDS_OPEN_WRITE = 4,
    HOLDS_MAPPED = 8,
    HOLDS_MAPPED_READ = 16,
    HOLDS_MAPPED_WRITE = 32,
    HOLDS_MAPPED_PRIVATE = 64,
    HOLDS_MOUNTED = 128, /* in its mount namespace, by itself, at another place */
};

struct object_holder {
    pid_t pid;
    unsigned access; /* enum holder_access, ORed */
    char command[16];
};

struct object {
    char *name; /* in /dev/shm; of the others, what /proc calls it */
    enum object_kind kind;
    dev_t device;
    ino_t inode;
    bool measured; /* size, owner and so on are known; not so for what only /proc/PID/maps tells of */
    uint64_t bytes, allocated_bytes;
    uint64_t links;
    uid_t owner;
    mode_t mode;
    int64_t changed_s; /* when it was last created, sized, renamed, given rights or written by a call; stores through a
                        * mapping leave no trace */
    struct object_holder *holders;
    size_t holder_count;
    enum object_state state;
    char why[128]; /* how the state is known */
    size_t next;   /* with the same hash; internal */
};

struct objects {
    struct object *list;
    size_t count;
    dev_t device;      /* of /dev/shm */
    uint32_t unseen;   /* processes that this user may not look into */
    bool proc;         /* is there a /proc? */
    bool hidden;       /* it keeps other users' processes to itself (hidepid) */
    uint32_t unasked;  /* processes that there was no time to look at */
    bool cut;          /* more objects than can be listed */
    uint64_t deadline_ns; /* 0: none */
    size_t *buckets;   /* internal */
    size_t bucket_count, room;
};

/* Fails with status ENVIRONMENT where there is no /dev/shm. From the deadline on (clock_ns(); 0: none) no more objects are
 * asked for a proof, and no more processes looked at: what is left stays unknown, or in use by nobody who was seen. */
int objects_read(struct objects *objects, uint64_t deadline_ns, struct error *error);
void objects_free(struct objects *objects);

/* Lists the objects and their holders, without asking whether anybody else holds them: every state is unknown. */
int objects_list(struct objects *objects, struct error *error);

/* Largest allocation first, then by name. */
void objects_sort(struct objects *objects);

const char *object_kind_name(enum object_kind kind);   /* "shm", "sem", "file", "other", "unlinked", "memfd" */
const char *object_state_name(enum object_state state); /* "in use", "in use elsewhere", "unused", "unknown" */

/* Seconds since it was changed; 0 for a time to come. */
uint64_t object_age_s(const struct object *object);

/* When that was, of a stat. The time of modification alone may be any: whoever copies a file keeps it, utimensat() sets it. */
int64_t object_changed_ns(const struct stat *st);

/* ---- for shm/holders.c ---- */

/* The first object with that device and inode, SIZE_MAX for none; and the next one of them. */
size_t objects_find(const struct objects *objects, dev_t device, ino_t inode);
size_t objects_next(const struct objects *objects, size_t at);

/* Adds an object; returns its number, or SIZE_MAX. */
size_t objects_add(struct objects *objects, const char *name, enum object_kind kind, const struct stat *st, bool measured);

/* Is the time over? */
bool objects_late(const struct objects *objects);

/* Fills in what a stat tells. */
void object_measure(struct object *object, const struct stat *st);

/* Adds access of a process to a holder's entry, which is made when there is none. */
void object_held(struct object *object, pid_t pid, const char *command, unsigned access);

#endif
