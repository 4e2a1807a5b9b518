/* Leases: the proof that nobody uses an object, and what can be done while the proof holds.
 *
 *     struct lease lease;
 *     switch (lease_take(&lease, folder, "psm_1234")) {
 *     case LEASE_FREE:                     nobody has it open or mapped, and whoever opens it now has to wait
 *         if (lease_holds(&lease)) ...     nobody is waiting yet
 *         lease_drop(&lease);
 *
 * A write lease (fcntl(2), F_SETLEASE) is refused while any process, in any pid namespace, has the object open or mapped; it
 * takes no rights on that process, and no /proc. Once it is there, an open() of the object blocks until the lease is given
 * back (at the longest /proc/sys/fs/lease-break-time), and F_GETLEASE tells that somebody waits; an open() with O_NONBLOCK
 * fails with EWOULDBLOCK. The kernel's signal, SIGIO, is ignored: leases here last for microseconds, and are asked.
 *
 * A descriptor in flight over a socket, one that is registered with an io_uring, a loop device and a running program count as
 * well. What a lease does not see is what gives no way to the contents, but back to an open(): a descriptor with O_PATH or
 * with O_ACCMODE, and a mount of the object at another place.
 *
 * The question is a very short open() itself. While it lasts, it looks like a holder to others who ask, and to whoever has
 * a write lease of his own, like somebody who wants the object: his lease is broken, as by any open().
 */
#ifndef SHM_LEASE_H
#define SHM_LEASE_H

#include <stdbool.h>
#include <sys/stat.h>

enum lease_answer {
    LEASE_FREE,        /* proven: nobody else has it open or mapped */
    LEASE_HELD,        /* somebody has */
    LEASE_CLOSED,      /* this user may not open it, for reading or for writing */
    LEASE_DENIED,      /* EACCES: this user may not take leases on what belongs to another user */
    LEASE_UNSUPPORTED, /* this kernel or file system gives no leases */
    LEASE_NO_OBJECT,   /* no regular file: a folder, a link, a FIFO */
    LEASE_GONE,        /* no such name any more */
};

struct lease {
    int fd; /* -1 unless LEASE_FREE */
    struct stat st; /* of what was opened; zero where nothing could be */
    int errnum; /* of a refusal; 0 */
};

/* Asks for a lease on a name in a folder; keeps it if the answer is LEASE_FREE. */
enum lease_answer lease_take(struct lease *lease, int folder, const char *name);

/* Is it still whole? False as soon as somebody waits for the object. */
bool lease_holds(const struct lease *lease);

/* Gives it back; whoever waits goes on. Idempotent. */
void lease_drop(struct lease *lease);

/* Does the file system of a folder give leases? Tried on a file without a name. LEASE_FREE, LEASE_UNSUPPORTED, or
 * LEASE_CLOSED where no such file can be made. */
enum lease_answer lease_probe(const char *folder);

/* The answer as half a sentence: "nobody has it open or mapped". */
const char *lease_words(enum lease_answer answer, int errnum);

#endif
