/* Objects on standard output: one row a format, all fed the same list. */
#ifndef REPORT_OBJECTS_H
#define REPORT_OBJECTS_H

#include <jansson.h>
#include <stdio.h>

#include "shm/capacity.h"
#include "shm/objects.h"

struct object_format {
    const char *name, *summary;
    void (*begin)(FILE *out);
    void (*one)(FILE *out, const struct object *object);
    /* `shown` of the objects passed the filters */
    void (*end)(FILE *out, const struct objects *objects, size_t shown, const struct shm_capacity *capacity);
};

/* The row of that name, or NULL; and all names, NULL-ended. */
const struct object_format *object_format_find(const char *name);
const char *const *object_format_names(void);

/* The records `object` and `usage`; new references. */
json_t *record_object(const struct object *object);
json_t *record_usage(const struct objects *objects, const struct shm_capacity *capacity);

/* "alice", or the number where it has no name. */
const char *object_owner(uid_t owner, char text[64]);

/* "2 h", "3 d"; for people. */
const char *object_age_text(uint64_t seconds, char text[24]);

#endif
