/* Every sync row, one declaration a row; workloads/contents.c puts them in order. */
#ifndef WORKLOADS_SYNC_ROWS_H
#define WORKLOADS_SYNC_ROWS_H

#include "contract/sync.h"

extern const struct sync_ops sync_none;
extern const struct sync_ops sync_semaphore;
extern const struct sync_ops sync_semaphore_named;
extern const struct sync_ops sync_sysv_semaphore;
extern const struct sync_ops sync_mutex;
extern const struct sync_ops sync_mutex_robust;
extern const struct sync_ops sync_mutex_unrepaired;
extern const struct sync_ops sync_mutex_pi;
extern const struct sync_ops sync_mutex_adaptive;
extern const struct sync_ops sync_mutex_timed;
extern const struct sync_ops sync_condvar_monitor;
extern const struct sync_ops sync_rwlock;
extern const struct sync_ops sync_rwlock_writer;
extern const struct sync_ops sync_rw_phase_fair;
extern const struct sync_ops sync_rw_task_fair;
extern const struct sync_ops sync_rw_write_biased;
extern const struct sync_ops sync_rw_byte;
extern const struct sync_ops sync_rw_big_reader;
extern const struct sync_ops sync_rw_one_writer;
extern const struct sync_ops sync_futex;
extern const struct sync_ops sync_futex_pi;
extern const struct sync_ops sync_flock;
extern const struct sync_ops sync_ofd;
extern const struct sync_ops sync_fcntl;
extern const struct sync_ops sync_spin;
extern const struct sync_ops sync_tas;
extern const struct sync_ops sync_ttas;
extern const struct sync_ops sync_ticket;
extern const struct sync_ops sync_anderson;
extern const struct sync_ops sync_mcs;
extern const struct sync_ops sync_clh;
extern const struct sync_ops sync_peterson;
extern const struct sync_ops sync_bakery;
extern const struct sync_ops sync_busted_tas;
extern const struct sync_ops sync_busted_permits;
extern const struct sync_ops sync_busted_readers;
extern const struct sync_ops sync_busted_forgetful;
extern const struct sync_ops sync_busted_scribble;
extern const struct sync_ops sync_ring_spsc;
extern const struct sync_ops sync_ring_mpmc;
extern const struct sync_ops sync_ring_lock;
extern const struct sync_ops sync_ring_condvar;
extern const struct sync_ops sync_ring_semaphores;
extern const struct sync_ops sync_ring_none;
extern const struct sync_ops sync_busted_double_release;
extern const struct sync_ops sync_busted_stale_spin;
extern const struct sync_ops sync_busted_one_in_a_million;
extern const struct sync_ops sync_busted_biased;
extern const struct sync_ops sync_busted_mcs_tail;
extern const struct sync_ops sync_busted_ticket;
extern const struct sync_ops sync_busted_ticket_2bit;
extern const struct sync_ops sync_busted_ticket_4bit;
extern const struct sync_ops sync_busted_peterson;
extern const struct sync_ops sync_busted_dekker;
extern const struct sync_ops sync_busted_bakery;
extern const struct sync_ops sync_busted_futex_contended;
extern const struct sync_ops sync_busted_futex_reread;
extern const struct sync_ops sync_busted_futex_fence;
extern const struct sync_ops sync_busted_timeout_steal;
extern const struct sync_ops sync_busted_double_post;
extern const struct sync_ops sync_busted_semaphore_eintr;
extern const struct sync_ops sync_busted_mutex_private;
extern const struct sync_ops sync_busted_condvar_lost;
extern const struct sync_ops sync_busted_condvar_if;
extern const struct sync_ops sync_busted_fcntl_close;
extern const struct sync_ops sync_busted_rw_last_reader;
extern const struct sync_ops sync_busted_rw_count;
extern const struct sync_ops sync_busted_rw_recheck;
extern const struct sync_ops sync_busted_rw_upgrade;

#endif
