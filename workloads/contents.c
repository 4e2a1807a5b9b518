/* Contents: every row there is to run, in curated order. A new primitive, load or fault is one file and one line here. */
#include "contract/contents.h"

#include <stddef.h>

#include "workloads/fault/rows.h"
#include "workloads/load/rows.h"
#include "workloads/sync/rows.h"

const struct sync_ops *const contents_syncs[] = {
    &sync_none,
    &sync_semaphore,
    &sync_semaphore_named,
    &sync_sysv_semaphore,
    &sync_mutex,
    &sync_mutex_robust,
    &sync_mutex_pi,
    &sync_mutex_adaptive,
    &sync_mutex_timed,
    &sync_condvar_monitor,
    &sync_rwlock,
    &sync_rwlock_writer,
    &sync_rw_phase_fair,
    &sync_rw_task_fair,
    &sync_rw_write_biased,
    &sync_rw_byte,
    &sync_rw_big_reader,
    &sync_rw_one_writer,
    &sync_futex,
    &sync_futex_pi,
    &sync_flock,
    &sync_ofd,
    &sync_fcntl,
    &sync_spin,
    &sync_tas,
    &sync_ttas,
    &sync_ticket,
    &sync_anderson,
    &sync_mcs,
    &sync_clh,
    &sync_peterson,
    &sync_bakery,
    &sync_busted_tas,
    &sync_busted_permits,
    &sync_busted_readers,
    &sync_busted_forgetful,
    &sync_busted_scribble,
    &sync_ring_none,
    &sync_ring_spsc,
    &sync_ring_mpmc,
    &sync_ring_lock,
    &sync_ring_condvar,
    &sync_ring_semaphores,
    NULL,
};

const struct load_ops *const contents_loads[] = {
    &load_counter,
    &load_snapshot,
    &load_quit,
    &load_lifecycle,
    &load_stream,
    &load_verify,
    NULL,
};

const struct fault_ops *const contents_faults[] = {
    &fault_none,
    &fault_yield,
    &fault_delay,
    &fault_before,
    &fault_both,
    &fault_signals,
    &fault_signals_restart,
    &fault_rounds,
    &fault_breakpoint,
    &fault_step,
    &fault_priority,
    &fault_shuffle,
    &fault_stutter,
    &fault_stop,
    &fault_kill,
    &fault_explore,
    NULL,
};

const char contents_default_load[] = "counter";
const char contents_default_syncs[] = "none,semaphore,mutex,spin";
