/* The owners of locks: who has the number that a lock names, and maps the object that it lies in? */
#ifndef RUN_OWNERS_H
#define RUN_OWNERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/mappings.h"

enum owner_answer {
    OWNER_NONE,    /* proven: no such thread maps the object */
    OWNER_FOUND,   /* the thread `thread` of `process` */
    OWNER_DENIED,  /* a thread has the number, but whether it maps the object may not be known */
    OWNER_UNASKED, /* there was no time */
};

struct owner_look {
    pid_t number;                  /* in the pid namespace of whoever locked it, which may be any; 0: nobody is looked for */
    const struct mapping *mapping; /* of the object */
    enum owner_answer answer;      /* result */
    pid_t process, thread;
    pid_t bystander;               /* result for OWNER_NONE: a process here with a thread of that number; 0: none */
    size_t holders;                /* result: processes that map the object */
};

/* Answers all of them in one pass over the processes, which ends at the deadline (clock_ns()). */
void owners_find(struct owner_look *looks, size_t count, uint64_t deadline_ns);

#endif
