/* A System V semaphore that can be found again: an empty file in /dev/shm marks it, and the file's name leads to it.
 *
 *     sysv_semaphore_create("/shmoo.1.2.3.sysv", 1, &id);     marker first, then the set
 *     semop(id, ...)
 *     sysv_semaphore_remove("/shmoo.1.2.3.sysv"); shm_unlink("/shmoo.1.2.3.sysv");
 *
 * A set has no name of its own, outlives everybody who used it, and the system has few of them: what a killed process leaves
 * is found by nobody. Here the key follows from the marker's name, and two further semaphores in the set, which nobody
 * operates, hold a signature that does too: a set of somebody else's that has the same key by chance is told apart.
 */
#ifndef SHM_SYSV_H
#define SHM_SYSV_H

#include <stdbool.h>

/* How markers' names end. */
#define SYSV_SUFFIX ".sysv"

/* Is that the name of a marker? */
bool sysv_is_marker(const char *name);

/* Makes the marker and the set, whose semaphore 0 has that value. Returns 0 or an errno; EEXIST: one of them is there. What
 * was made before an error is taken back by sysv_semaphore_remove() and shm_unlink(). */
int sysv_semaphore_create(const char *marker, int value, int *id);

/* Removes the set that belongs to the marker; the marker stays. Returns 0, also when there is none, or an errno. */
int sysv_semaphore_remove(const char *marker);

#endif
