/* Objects of their own for the instances' states (--regions many): each a shared memory object, made, sized, reserved, mapped and
 * unlinked as the region is, and mapped behind it (run/instances.h), in every process at the same distance from its beginning.
 *
 * The object of a state is called as its instance with ".state" behind: "/shmoo.PID.START.SERIAL.i7.state". Descriptors are closed once
 * it is mapped, but for objects of huge pages, which have no name and are had by inheritance alone.
 */
#ifndef RUN_STATE_OBJECTS_H
#define RUN_STATE_OBJECTS_H

#include "run/instances.h"
#include "shm/region.h"

/* Zeroed: none. */
struct state_objects {
    struct region *list; /* owned; `made` of them exist, or did until they were destroyed */
    uint32_t made;
    const struct trial_spec *spec;
    void *base;          /* the region's */
};

/* Makes and maps one for each instance behind the region, whose creator keeps address space for them; none where the states lie in the
 * region. On failure some may have been made: state_objects_destroy() is due in any case. */
int state_objects_create(struct state_objects *objects, const struct instances *instances, void *base, struct error *error);

/* In another process, whose region begins at `base` and has room behind it: maps object `i`. It stays mapped until the process ends. */
int state_objects_attach(const struct state_objects *objects, uint32_t i, void *base, struct error *error);

/* The descriptors that workers must inherit, the region's own among them, in rising order; to be freed. NULL: out of memory. */
int *state_objects_descriptors(const struct state_objects *objects, int region_fd, uint32_t *count);

/* Unmaps and unlinks them, and gives back what address space was kept. Idempotent. A failure is told as a notice. */
void state_objects_destroy(struct state_objects *objects);

/* Adds what the steps of their lives took to those of the region's. */
void state_objects_add_steps(const struct state_objects *objects, struct region *region);

void state_objects_free(struct state_objects *objects);

#endif
