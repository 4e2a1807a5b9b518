/* Handing descriptors over: from the process that runs a primitive's create() to the harness, and by inheritance to its workers.
 *
 *     handover_begin(&h, &error)       harness, before it forks the creator
 *     handover_mark(&h)                creator: what is open now is not to be handed over
 *     handover_send(&h)                creator: what was opened since is; returns 0 or an errno
 *     handover_receive(&h, &error)     harness, when the creator has ended: has them under the creator's numbers
 *     handover_shed(&h)                a worker: closes what the harness has open besides them
 *     handover_end(&h)                 harness: closes them
 *
 * Numbers lie in the state that create() has made, so they must be the same everywhere. They are: the creator was forked from the
 * harness, which opens nothing meanwhile.
 */
#ifndef RUN_HANDOVER_H
#define RUN_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* More than any crew needs; the kernel's own limits come first. */
#define HANDOVER_MAX 1000

/* Zeroed: nothing to hand over. */
struct handover {
    int ends[2]; /* of a socket pair: the harness's, the creator's; -1 when done */
    int *fds;    /* in rising order, owned; NULL before the beginning */
    uint32_t count;
    const int *spared; /* by handover_shed() as well, in rising order: of objects without a name; not owned */
    uint32_t spared_count;
};

/* Has it begun, and are the descriptors not yet received? */
bool handover_is_under_way(const struct handover *handover);

int handover_begin(struct handover *handover, struct error *error);
void handover_mark(struct handover *handover);
int handover_send(const struct handover *handover);
int handover_receive(struct handover *handover, struct error *error);
void handover_shed(const struct handover *handover);
void handover_end(struct handover *handover);

#endif
