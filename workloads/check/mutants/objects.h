/* The registry of objects and their makers: for the parts of the shim that do something to a dead process's objects. */
#ifndef MUTANTS_OBJECTS_H
#define MUTANTS_OBJECTS_H

#include "workloads/check/mutants/shim.h"

#define REGISTRY_SLOTS 4096

struct entry {
    struct stat object; /* as it was when it was made: device and inode count */
    pid_t maker;
    char name[264];
};

/* In memory that all processes share; the oldest entries are written over. */
struct registry {
    unsigned count;
    struct entry entries[REGISTRY_SLOTS];
};

bool same_object(const struct stat *one, const struct stat *other);
void each_made_by(pid_t pid, void (*visit)(const struct entry *entry));

#endif
