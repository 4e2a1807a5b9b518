/* Leftovers: objects of this program whose run is over, and the proof that nobody uses them. */
#ifndef RUN_LEFTOVER_H
#define RUN_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct leftover {
    char name[256]; /* of the file in /dev/shm */
    uint64_t allocated_bytes;
    uint64_t freed_bytes; /* after its removal */
    uint64_t age_s;
    dev_t device;
    ino_t inode;
    int64_t changed_ns;
    bool own;       /* its name is one that this program gives */
    bool unused;    /* proven, and nothing else speaks against its removal */
    bool fifo;
    const char *why;      /* a constant, or what stands in `holder` */
    char holder[96];
};

/* What is looked at, and what is left alone in any case. */
struct leftover_rules {
    bool own;                             /* what this program has made */
    const char *const *globs;             /* and what has such a name; NULL-ended, or NULL */
    const char *const *protect;           /* but never this; NULL-ended, or NULL */
    uint64_t own_age_s, foreign_age_s;    /* nor what has been changed within so many seconds */
};

/* Is it the name of an object that a trial or a check of this program makes, and then whose: "shmoo.PID.START.SERIAL", with
 * ".lock", ".own3", ".i7.sysv" or the like behind it, or "sem." before it? */
bool leftover_parse(const char *name, int *pid, unsigned long long *start);

/* Looks at every object in /dev/shm that the rules name. */
int leftover_scan(const struct leftover_rules *rules, void (*visit)(struct leftover *leftover, void *user), void *user,
                  struct error *error);

/* Looks at every object in /dev/shm that bears this program's name. */
int leftover_each(void (*visit)(struct leftover *leftover, void *user), void *user, struct error *error);

/* Proves again that the object is unused, and unlinks it while the proof holds; see shm/reclaim.h. Returns 0, -1 with status
 * ENVIRONMENT when a call failed, or -1 with status AS_EXPECTED when somebody wanted it after all. */
int leftover_remove(struct leftover *leftover, struct error *error);

/* Removes what a primitive has made beside the region of a trial of this process, and could not take down: every object
 * whose name is the trial's, "/shmoo.PID.START.SERIAL", with something behind it or "sem." before it; what markers lead to
 * (shm/companion.h) likewise. */
void leftover_sweep(const char *trial);

#endif
