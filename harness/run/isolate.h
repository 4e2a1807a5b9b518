/* Isolation: code that may crash, hang, exit or scribble, called in a process of its own.
 *
 * What the body writes into shared mappings stays; everything else that it does (descriptors, private memory, the folder, signals)
 * ends with its process. Its standard output goes to standard error: the harness's own carries data only.
 */
#ifndef RUN_ISOLATE_H
#define RUN_ISOLATE_H

#include <stdint.h>

#include "contract/verdict.h"

enum isolate_end {
    ISOLATE_RETURNED,
    ISOLATE_DIED, /* of a signal, or by an exit of its own */
    ISOLATE_HUNG, /* did not return, though it had its turn on a CPU or slept; it was ended */
    ISOLATE_UNSTARTED,
};

struct isolate_outcome {
    enum isolate_end end;
    int64_t value; /* what the body returned */
    int errnum;    /* why it could not be started */
    int signal;    /* that it died of; 0: it exited */
    char text[400]; /* how it ended, after its name: "was killed by SIGSEGV"; empty when it returned */
};

#define ISOLATE_DOING_MAX 300

/* By the body: what it is about from now on, for the text of how it ended; an empty one takes that back. */
void isolate_doing(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* So long may a call of a primitive's own take, unless it has to wait for a CPU, or has much memory to write. */
#define ISOLATE_PATIENCE_NS 5000000000ULL

/* Calls body(user) in a child and waits for it. Whatever processes the body leaves in its process group are ended, too. */
struct isolate_outcome isolate_call(int64_t (*body)(void *user), void *user, uint64_t patience_ns);

/* The same, but the processes that it leaves live on if it has returned 0. */
struct isolate_outcome isolate_call_sparing(int64_t (*body)(void *user), void *user, uint64_t patience_ns);

/* What an end other than ISOLATE_RETURNED makes of a trial. */
enum verdict isolate_verdict(const struct isolate_outcome *outcome);

#endif
