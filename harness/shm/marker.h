/* Markers: small files in /dev/shm by which something is found again that has no name there.
 *
 *     marker_make("/shmoo.1.2.3.msg", &held)           first, so that nothing is ever without its marker
 *     ... make the thing itself ...
 *     marker_note("/shmoo.1.2.3.msg", "32769")         what is to be known of it
 *     close(held)
 *
 *     int fd = marker_hold("/shmoo.1.2.3.msg")         whoever uses the thing holds its marker open: a lease shows that
 *
 * A marker says in which IPC namespace it was made: what lives in another one cannot be seen from here, nor removed.
 */
#ifndef SHM_MARKER_H
#define SHM_MARKER_H

#include <stdbool.h>
#include <stddef.h>

#define MARKER_TEXT_MAX 512

/* Makes a marker with no note, and leaves it open in *held until what it marks is there: a collector that came in between, and
 * found the maker dead, would remove the marker of what is just being made. Returns 0 or an errno; EEXIST: it is there. */
int marker_make(const char *name, int *held);

/* Writes its note, once. Returns 0 or an errno. */
int marker_note(const char *name, const char *note);

/* Opens it, to be closed by close(2). Returns a descriptor, or -1 with errno. */
int marker_hold(const char *name);

/* Reads the note of an open marker; "" where there is none yet. False: it was made in another IPC namespace. */
bool marker_read(int fd, char note[MARKER_TEXT_MAX]);

/* Does a name end in that suffix, with something before it? */
bool marker_has_suffix(const char *name, const char *suffix);

#endif
