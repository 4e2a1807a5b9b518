/* Emulation: this machine with a sick /dev/shm, for demonstrations and tests.
 *
 *     const struct emulation *row = emulation_find("tiny-inodes");
 *     if (row && emulation_enter(row, &error) == 0) ...     from here on this process sees the sick machine
 *
 * A mount namespace of the process's own (and a user namespace, where that is what it takes) holds a tmpfs mounted
 * accordingly over /dev/shm: the machine's own is not touched, and nothing is left when the process ends. Only a memory
 * cgroup is no namespace: one is made below the process's own, and removed when the command has ended.
 */
#ifndef RUN_EMULATE_H
#define RUN_EMULATE_H

#include <stdbool.h>

#include "base/error.h"
#include "contract/finding.h"

struct emulation {
    const char *name, *summary;
    const char *options; /* of the tmpfs; NULL: no /dev/shm at all */
    unsigned long flags; /* of the mount */
    unsigned long long memory_bytes; /* limit of a memory cgroup; 0: none */
    int runtime;         /* enum runtime that it pretends to; -1: none */
};

/* The row of that name, or NULL; and all names, NULL-ended. */
const struct emulation *emulation_find(const char *name);
const char *const *emulation_names(void);

/* Enters it. With a cgroup, the calling process stays outside, waits for its copy, and ends as that one does; only the copy
 * returns. Fails with status ENVIRONMENT where namespaces or cgroups are not to be had. To be called with one thread. */
int emulation_enter(const struct emulation *row, struct error *error);

/* Gives this process a /dev/shm of its own that is as large as the machine's, unless it has entered one with a /dev/shm already:
 * what is done to it is done to nobody else. Fails with status ENVIRONMENT. To be called with one thread. */
int emulation_enter_shm(struct error *error);

/* Is /dev/shm this process's own? Then its size can be limited: to what is used now (`full`), or to what it was. 0 or an errno. */
bool emulation_owns_shm(void);
int emulation_fill_shm(bool full);

/* Are files in it, from now on, to have transparent huge pages? Only where it is this process's own. 0 or an errno. */
int emulation_huge_pages(bool huge);

/* The one that this process has entered, or NULL. */
const struct emulation *emulation_current(void);

/* Removes cgroups that a killed command has left. They hold no processes: the kernel removes no other. */
void emulation_sweep(void);

#endif
