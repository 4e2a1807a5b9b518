/* Holders: who has which object open or mapped, as far as /proc shows it. */
#ifndef SHM_HOLDERS_H
#define SHM_HOLDERS_H

#include "shm/objects.h"

/* Goes through all processes that can be looked into and enters them with the objects they hold; objects without a name are
 * added. Sets objects->unseen and objects->proc. Processes that come and go meanwhile may be missed. */
void holders_read(struct objects *objects);

#endif
