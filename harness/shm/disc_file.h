/* A file on a disc that can be found again: a marker in /dev/shm (shm/marker.h) notes its folder, and lends it its name.
 *
 *     disc_file_create("/shmoo.1.2.3.file", "/var/tmp", &fd);     the file is /var/tmp/shmoo.1.2.3.file
 *     disc_file_remove("/shmoo.1.2.3.file", -1); shm_unlink("/shmoo.1.2.3.file");
 */
#ifndef SHM_DISC_FILE_H
#define SHM_DISC_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define DISC_FILE_SUFFIX ".file"

/* Where such files go: $TMPDIR, or /var/tmp. */
const char *disc_file_folder(void);

/* Is the folder on something that keeps its files in memory anyway: a tmpfs or ramfs? */
bool disc_file_in_memory(const char *folder);

/* Makes marker and file, empty. Returns 0 or an errno. */
int disc_file_create(const char *marker, const char *folder, int *fd);

/* Opens the marker's file for reading and writing. Returns 0 or an errno. */
int disc_file_open(const char *marker, int *fd);

/* Removes the file; the marker stays. `fd` is the marker, open for reading, or -1. Only a file of the marker's own name, of its
 * owner, and with no other name, is removed. Returns 0, also when there is none, or an errno. */
int disc_file_remove(const char *marker, int fd);

#endif
