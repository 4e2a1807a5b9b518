/* System V objects that can be found again: a marker in /dev/shm (shm/marker.h) leads to each.
 *
 *     sysv_semaphore_create("/shmoo.1.2.3.sysv", 1, &id);     marker first, then the set
 *     semop(id, ...)
 *     sysv_semaphore_remove("/shmoo.1.2.3.sysv", -1); shm_unlink("/shmoo.1.2.3.sysv");
 *
 * They have no names of their own, outlive everybody who used them, and the system has few of them: what a killed process
 * leaves is found by nobody. Here the key follows from the marker's name. Somebody else's object that has the same key by
 * chance is told apart: of a semaphore set by two further semaphores, which nobody operates and which hold a signature that
 * follows from the name too; of a queue or a segment by its id, which the marker notes.
 */
#ifndef SHM_SYSV_H
#define SHM_SYSV_H

#include <stdbool.h>
#include <stddef.h>

/* How markers' names end: of semaphores, message queues, segments. */
#define SYSV_SUFFIX ".sysv"
#define SYSV_QUEUE_SUFFIX ".msg"
#define SYSV_SEGMENT_SUFFIX ".seg"

/* Each makes the marker and the object. Returns 0 or an errno; EEXIST: one of them is there. What was made before an error is
 * taken back by the function that removes it, and shm_unlink(). Semaphore 0 of a set has that value. */
int sysv_semaphore_create(const char *marker, int value, int *id);
int sysv_queue_create(const char *marker, int *id);
int sysv_segment_create(const char *marker, size_t bytes, int *id);

/* Each removes the object that belongs to the marker; the marker stays. `fd` is the marker, open for reading, or -1: then it is
 * opened by its name. Returns 0, also when there is no such object, or an errno; EXDEV: it is another IPC namespace's; EBUSY:
 * somebody has the segment attached. */
int sysv_semaphore_remove(const char *marker, int fd);
int sysv_queue_remove(const char *marker, int fd);
int sysv_segment_remove(const char *marker, int fd);

#endif
