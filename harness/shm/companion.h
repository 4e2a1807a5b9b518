/* Companions: what belongs to an object in /dev/shm, lives elsewhere, and goes with it. The object is its marker.
 *
 * One row for each kind, by the ending of the marker's name. A new kind is one row, and gc and the sweep after a trial know it.
 */
#ifndef SHM_COMPANION_H
#define SHM_COMPANION_H

#include <stdbool.h>

/* How the marker of a POSIX message queue ends; the queue has the marker's name. */
#define COMPANION_MQUEUE_SUFFIX ".mq"

#define COMPANION_NAME_MAX 160

/* The name of the marker that begins like that and ends in that suffix. */
void companion_name(const char *begins, const char *suffix, char name[COMPANION_NAME_MAX]);

/* Opens that marker: who uses the companion holds it, which shows that it is in use. A descriptor, or -1 with errno. */
int companion_hold(const char *begins, const char *suffix);

/* Removes that companion and its marker. Returns 0, also when there is neither, or an errno. */
int companion_destroy(const char *begins, const char *suffix);

/* What a marker is called that a collector has moved aside: it still says what it marks, should the collector be killed there. Of one
 * that is aside already, the name it had. */
#define COMPANION_ASIDE_SUFFIX ".gc"
void companion_aside(const char *name, char aside[COMPANION_NAME_MAX]);

/* Is that the name of a marker, aside or not? */
bool companion_is_marker(const char *name);

/* Removes what the marker of that name leads to; the marker stays. `fd` is the marker, open for reading, or -1: then it is
 * opened by its name. Returns 0, also when there is nothing, or an errno. */
int companion_remove(const char *name, int fd);

/* Why that errno keeps it: "what it marks belongs to another IPC namespace"; NULL: it is a failure of the call. */
const char *companion_keeps(int errnum);

#endif
