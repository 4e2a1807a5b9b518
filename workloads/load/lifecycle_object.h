/* One object's life, step by step, timed and checked: what the lifecycle load is made of. */
#ifndef WORKLOADS_LOAD_LIFECYCLE_OBJECT_H
#define WORKLOADS_LOAD_LIFECYCLE_OBJECT_H

#include "contract/worker.h"
#include "workloads/load/record.h"

#define OBJECT_NAME 128

/* In the order of the load's histograms. */
enum object_step { OBJECT_OPEN, OBJECT_SIZE, OBJECT_MAP, OBJECT_USE, OBJECT_UNMAP, OBJECT_CLOSE, OBJECT_UNLINK };

struct lifecycle_object {
    char name[OBJECT_NAME];
    int fd;
    unsigned char *base;
    uint64_t bytes;
    uint64_t stamp; /* what it is filled with */
    uint64_t mapped_ns;
    uint8_t prefault; /* an enum layout_prefault */
    int errnum; /* of the step that failed last */
};

void object_init(struct lifecycle_object *o, const struct worker *w, uint64_t stamp);

/* shm_open; false with o->errnum. */
bool object_open(struct lifecycle_object *o, struct worker *w, int flags);

/* ftruncate, reserve, mmap of a new object, which must be empty and read as zeros; false (reported) when a step failed. */
bool object_size_and_map(struct lifecycle_object *o, struct worker *w);

/* Opens a new object and maps it; false (reported) when a step failed. */
bool object_make(struct lifecycle_object *o, struct worker *w);

void object_fill(struct lifecycle_object *o, struct worker *w);

/* munmap and close. */
void object_leave(struct lifecycle_object *o, struct worker *w);

/* Opens again an object that no process has open or mapped: size and contents must be what was left. */
void object_persists(struct lifecycle_object *o, struct worker *w);

/* Attaches to an object that somebody else may be making or unlinking: it may be absent, empty or whole, but it never holds
 * what its creator did not write. */
void object_visit(struct lifecycle_object *o, struct worker *w);

/* shm_unlink; 0, or -1 with o->errnum. */
int object_unlink(struct lifecycle_object *o, struct worker *w);

/* Reports a step that failed: a lack of space or descriptors ends the worker with an error of the environment, anything else
 * is a violation. */
void object_refused(struct lifecycle_object *o, struct worker *w, const char *call, int flags);

#endif
