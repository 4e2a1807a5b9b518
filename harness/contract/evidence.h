/* Evidence: one violation, whole, as a worker saw it; fixed size and without pointers, since it lies in shared memory. */
#ifndef CONTRACT_EVIDENCE_H
#define CONTRACT_EVIDENCE_H

#include <stdint.h>

enum violation {
    VIOLATION_TORN,        /* two writes mixed */
    VIOLATION_STALE,       /* older than a write that was known to be complete */
    VIOLATION_BACK,        /* older than this process has already seen */
    VIOLATION_FOREIGN,     /* made by no writer of this trial */
    VIOLATION_OVERLAP,     /* two holders at once */
    VIOLATION_LOST,        /* an update has vanished */
    VIOLATION_SCRIBBLED,   /* the bytes beside the data have changed */
    VIOLATION_COUNT,       /* totals that do not add up */
    VIOLATION_PERSISTENCE, /* what the kernel must keep is gone, or what must be gone is there */
    VIOLATION_LIFECYCLE,   /* a step of the life cycle did what it must not */
    VIOLATION_SYNC_ERROR,  /* the primitive returned an error */
    VIOLATION_DUPLICATED,  /* an element came out twice */
    VIOLATION_REORDERED,   /* a producer's elements came out in another order than they went in */
    VIOLATION_DOUBLED,     /* a slot of a pool was handed out while somebody still had it */
    VIOLATION_SKEW,        /* somebody has passed a barrier at which not all had arrived */
    VIOLATION_HISTORY,     /* no order of the recorded operations explains their results */
    VIOLATION_STARVED,     /* a primitive that promises turns has passed somebody over */
    VIOLATION_SYSCALL,     /* a system call where there was to be none */
    VIOLATION_STRAY,       /* processes of the primitive's own were left behind */
    VIOLATIONS,
};

/* "torn", ... */
const char *violation_name(enum violation violation);

/* One of the writes involved; `writer` is a worker's index, or -1 for the initial content. */
struct evidence_write {
    uint64_t version;
    int32_t writer;
};

enum evidence_form {
    EVIDENCE_TEXT,   /* text only */
    EVIDENCE_WRITES, /* expected and found are writes */
    EVIDENCE_VALUES, /* expected and found are plain numbers, in `version` */
};

#define EVIDENCE_BYTES 64
#define EVIDENCE_TEXT_MAX 512

struct evidence {
    enum violation kind;
    enum evidence_form form;
    uint64_t at_ns; /* clock_ns() */
    uint64_t offset; /* where in the record; meaningful with `bytes_count` or a torn record */
    struct evidence_write expected, found;
    uint64_t bytes_at; /* offset of bytes[0] in the record */
    uint32_t bytes_count;
    unsigned char bytes[EVIDENCE_BYTES];
    char text[EVIDENCE_TEXT_MAX]; /* the same as a sentence */
};

#endif
