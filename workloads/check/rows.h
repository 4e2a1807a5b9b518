/* Every family of checks, one declaration a family; workloads/check/contents.c puts them in order. */
#ifndef WORKLOADS_CHECK_ROWS_H
#define WORKLOADS_CHECK_ROWS_H

#include "contract/check.h"

/* Clauses that are cited again and again. */
#define SHM_OPEN "POSIX.1-2024 shm_open, "
#define SHM_UNLINK "POSIX.1-2024 shm_unlink, "
#define FTRUNCATE "POSIX.1-2024 ftruncate, "
#define MMAP "POSIX.1-2024 mmap, "

extern const struct check_ops checks_name[];
extern const struct check_ops checks_open[];
extern const struct check_ops checks_access[];
extern const struct check_ops checks_unlink[];
extern const struct check_ops checks_inherit[];
extern const struct check_ops checks_persist[];
extern const struct check_ops checks_size[];
extern const struct check_ops checks_capacity[];
extern const struct check_ops checks_place[];
extern const struct check_ops checks_map[];
extern const struct check_ops checks_advise[];
extern const struct check_ops checks_guard[];
extern const struct check_ops checks_alias[];
extern const struct check_ops checks_create[];
extern const struct check_ops checks_volume[];
extern const struct check_ops checks_file[];
extern const struct check_ops checks_message[];
extern const struct check_ops checks_protect[];
extern const struct check_ops checks_lock[];
extern const struct check_ops checks_mutex[];
extern const struct check_ops checks_mutex_ways[];
extern const struct check_ops checks_semaphore[];
extern const struct check_ops checks_named[];
extern const struct check_ops checks_cond[];
extern const struct check_ops checks_rwlock[];
extern const struct check_ops checks_spin[];
extern const struct check_ops checks_signal[];

#endif
