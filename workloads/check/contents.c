/* Contents: every family of checks, in curated order. A new check is one row in its family's file. */
#include "contract/contents.h"

#include <stddef.h>

#include "workloads/check/rows.h"

const struct check_ops *const contents_checks[] = {
    checks_name,
    checks_open,
    checks_access,
    checks_unlink,
    checks_inherit,
    checks_persist,
    checks_size,
    checks_capacity,
    checks_place,
    checks_map,
    checks_advise,
    checks_guard,
    checks_mutex,
    checks_semaphore,
    checks_others,
    NULL,
};
