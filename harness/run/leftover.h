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
    dev_t device;
    ino_t inode;
    bool unused;    /* proven: its maker is gone, and nobody has it open or mapped */
    const char *why;
};

/* Looks at every object in /dev/shm that bears this program's name. */
int leftover_each(void (*visit)(const struct leftover *leftover, void *user), void *user, struct error *error);

/* Proves again that the object is unused, and unlinks it while the proof holds. */
int leftover_remove(const struct leftover *leftover, struct error *error);

#endif
