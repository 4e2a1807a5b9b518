/* Objects of their own for the instances' states. */
#include "run/state_objects.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static void *place_of(const struct state_objects *objects, void *base, uint32_t i)
{
    return (char *)instances_state(objects->spec, base, i) - INSTANCES_GUARD;
}

int state_objects_create(struct state_objects *objects, const struct instances *instances, void *base, struct error *error)
{
    *objects = (struct state_objects){.spec = instances->spec, .base = base};
    if (!instances_apart(instances->spec))
        return 0;
    objects->list = calloc(instances->count, sizeof *objects->list);
    if (!objects->list)
        return error_set(error, STATUS_ENVIRONMENT, ENOMEM, "out of memory for %u objects", instances->count);
    struct region_layout layout = spec_region_layout(instances->spec);
    for (uint32_t i = 0; i < instances->count; i++) {
        char name[REGION_NAME_MAX + 8];
        snprintf(name, sizeof name, "%s.state", instances->setups[i].name);
        layout.at = place_of(objects, base, i);
        if (region_create_as(&objects->list[i], name, instances_stride_bytes(instances->spec), layout, error))
            return -1;
        objects->made = i + 1;
        if (objects->list[i].linked && region_close(&objects->list[i], error))
            return -1;
    }
    return 0;
}

int state_objects_attach(const struct state_objects *objects, uint32_t i, void *base, struct error *error)
{
    struct region region;
    const struct region *made = &objects->list[i];
    struct region_layout layout = made->layout;
    layout.inherited = made->fd > 0 ? made->fd : 0;
    layout.at = place_of(objects, base, i);
    if (region_attach_as(&region, made->name, made->bytes, layout, error))
        return -1;
    return region_close(&region, error);
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int *state_objects_descriptors(const struct state_objects *objects, int region_fd, uint32_t *count)
{
    int *fds = calloc(objects->made + 1, sizeof *fds);
    *count = 0;
    if (!fds)
        return NULL;
    fds[(*count)++] = region_fd;
    for (uint32_t i = 0; i < objects->made; i++)
        if (objects->list[i].fd >= 0)
            fds[(*count)++] = objects->list[i].fd;
    qsort(fds, *count, sizeof *fds, by_number);
    return fds;
}

void state_objects_destroy(struct state_objects *objects)
{
    struct error error;
    if (!objects->base || !instances_apart(objects->spec))
        return;
    /* room behind the last one that was made */
    uint32_t count = instances_count(objects->spec);
    if (objects->made < count)
        munmap(place_of(objects, objects->base, objects->made),
               (count - objects->made) * instances_stride_bytes(objects->spec));
    for (uint32_t i = 0; i < objects->made; i++)
        if (region_destroy(&objects->list[i], &error))
            notice("%s", error.text);
    objects->base = NULL;
}

void state_objects_add_steps(const struct state_objects *objects, struct region *region)
{
    for (uint32_t i = 0; i < objects->made; i++)
        for (int step = 0; step < REGION_STEPS; step++) {
            region->step_ns[step] += step == REGION_USE ? 0 : objects->list[i].step_ns[step];
            region->step_done[step] |= objects->list[i].step_done[step];
        }
}

void state_objects_free(struct state_objects *objects)
{
    free(objects->list);
    *objects = (struct state_objects){0};
}
