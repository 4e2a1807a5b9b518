/* Contents: every family of checks, in curated order. A new check is one row in its family's file. */
#include "contract/contents.h"

#include <stddef.h>

#include "workloads/check/rows.h"

const struct check_ops *const contents_checks[] = {
    checks_name,
    checks_alias,
    checks_create,
    checks_open,
    checks_access,
    checks_unlink,
    checks_inherit,
    checks_message,
    checks_persist,
    checks_size,
    checks_volume,
    checks_file,
    checks_capacity,
    checks_place,
    checks_map,
    checks_protect,
    checks_advise,
    checks_guard,
    checks_lock,
    checks_mutex,
    checks_mutex_ways,
    checks_semaphore,
    checks_named,
    checks_cond,
    checks_rwlock,
    checks_spin,
    checks_signal,
    NULL,
};
