/* The instances of a sync's state: where they lie, each between two guards (run/guards.h), set up and taken down.
 *
 *     region:   guard | state 0 | guard | state 1 | guard | ... | the load's area
 *
 * Packed (--packing), the states lie side by side, and only the first and the last have a guard beside them. Apart (--regions), each
 * lies in an object of its own (run/state_objects.h), in whole pages, and these are mapped one behind the other behind the region:
 *
 *     region:   the load's area | object 0: guard | state 0 | guard | object 1: guard | state 1 | guard | ...
 *
 * Most loads use one instance; a load with many independent cells has one for each.
 */
#ifndef RUN_INSTANCES_H
#define RUN_INSTANCES_H

#include "base/error.h"
#include "contract/verdict.h"
#include "run/handover.h"
#include "run/spec.h"

#define INSTANCES_GUARD SYNC_STATE_ALIGN
#define INSTANCES_NAME_MAX 96

struct instances {
    const struct trial_spec *spec;
    struct sync_setup *setups; /* `count` of them, each with a name of its own */
    uint32_t count;
    uint32_t made; /* create() was called for so many, whether or not it succeeded */
    struct handover handover; /* the descriptors that create() has opened for all */
};

/* How many instances such a trial has. */
uint32_t instances_count(const struct trial_spec *spec);

/* What each is set up for, with the name of the first. */
struct sync_setup instances_setup(const struct trial_spec *spec);

/* Do they lie side by side? Has each an object of its own? Never both. */
bool instances_packed(const struct trial_spec *spec);
bool instances_apart(const struct trial_spec *spec);

/* Bytes from the region's start to the load's area. */
uint64_t instances_bytes(const struct trial_spec *spec);

/* Bytes of one instance's state, in whole lines. */
uint64_t instances_state_bytes(const struct trial_spec *spec);

/* From one state to the next; apart: the size of each one's object. */
uint64_t instances_stride_bytes(const struct trial_spec *spec);

/* Between two states. */
uint64_t instances_gap_bytes(const struct trial_spec *spec);

/* Of all of them with what lies between, in whole lines. */
uint64_t instances_all_bytes(const struct trial_spec *spec);

/* From the region's start to where states begin: 0, or behind it. */
uint64_t instances_origin(const struct trial_spec *spec);

/* Instance `i`'s state in a mapping of the region that begins at `base`. */
void *instances_state(const struct trial_spec *spec, void *base, uint32_t i);

/* Names and sets out the instances. `name` is the trial's; it and `spec` must stay valid. */
int instances_init(struct instances *instances, const struct trial_spec *spec, const char *name, struct error *error);
void instances_free(struct instances *instances);

/* The sync's own functions, called in a process of their own. On failure *verdict says what it makes of the trial: CRASHED,
 * WEDGED, or ERROR for one that returned an errno.
 *
 * Is there an answer to how large the state is? It is asked once for each setting, and kept; without an answer the layout has
 * no room for a state, and no trial can be made. */
int instances_size(const struct trial_spec *spec, enum verdict *verdict, struct error *error);

/* Writes the guards and calls the sync's create() for each instance. */
int instances_create(struct instances *instances, void *base, enum verdict *verdict, struct error *error);

/* Calls destroy() for each that create() was called for. One that writes outside its state is CORRUPT. */
int instances_destroy(struct instances *instances, void *base, enum verdict *verdict, struct error *error);
#endif
