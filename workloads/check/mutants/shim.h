/* A library in front of the C library, with one mistake switched on: what its parts share.
 *
 * The checks are checked with it: `SHMOO_MUTANT=NAME LD_PRELOAD=shim.so shmoo check` must fail. rows.h lists the mistakes, one
 * row each; a wrapper that stands in for a function of the C library asks on(M_...) whether a mistake of its own is wanted, and
 * is otherwise nothing but the call. Environment and preloading pass through fork and exec, so the mistake does, too.
 *
 *     int shm_unlink(const char *name)
 *     {
 *         if (on(M_unlink_does_nothing))
 *             return 0;
 *         return (int)wrong("shm_unlink", REAL(shm_unlink)(name));
 *     }
 *
 * Rules. What a part needs for itself it asks of the kernel (sys_*), never through a function that may be wrapped. A mistake is
 * made about shared memory only: whatever else the harness uses the same function for goes through.
 */
#ifndef MUTANTS_SHIM_H
#define MUTANTS_SHIM_H

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

enum mutant {
    M_none,
#define MUTANT(id, interface, what) M_##id,
#define WRONG(function, from, to) M_##function##_##from##_as_##to,
#include "workloads/check/mutants/rows.h"
#undef MUTANT
#undef WRONG
    M_count
};

extern enum mutant mutant_active;

static inline bool on(enum mutant m)
{
    return mutant_active == m;
}

/* The C library's own, found once. */
#define REAL(function)                                                                                                       \
    __extension__({                                                                                                          \
        static __typeof__(&function) real_##function;                                                                        \
        if (!real_##function)                                                                                                \
            real_##function = (__typeof__(&function))dlsym(RTLD_NEXT, #function);                                            \
        real_##function;                                                                                                     \
    })

/* Passes the result of a function on, with the wrong errno if that is the mistake that is wanted: -1 and errno, or an error
 * number as the result. */
long wrong(const char *function, long result);
int wrong_number(const char *function, int result);
/* Sets errno and returns -1. */
int fail_with(int errnum);

/* ---- Of the kernel, without the C library ---- */
int sys_close(int fd);
int sys_fstat(int fd, struct stat *st);
int sys_ftruncate(int fd, off_t size);
ssize_t sys_pread(int fd, void *bytes, size_t size, off_t at);
ssize_t sys_pwrite(int fd, const void *bytes, size_t size, off_t at);
int sys_unlink(const char *path);
void sys_pause_ms(unsigned ms);

/* ---- Objects ---- */
/* The file of a name for shm_open. */
const char *path_of(const char *name, char path[600]);
/* An object of shared memory: a regular file of a tmpfs, memfds included. `st` may be NULL. */
bool is_object(int fd, struct stat *st);
bool object_at(const char *path, struct stat *st);
/* A new object is the calling process's from now on. */
void object_note(int fd, const char *name);
/* Who made it, or 0. */
pid_t object_maker(const struct stat *st);
/* Calls it for each descriptor of the object that this process has. */
void each_descriptor(const struct stat *object, void (*visit)(int fd, void *user), void *user);
/* ... and for each mapping; NULL: of every object in /dev/shm. */
void each_mapping(const struct stat *object, void (*visit)(char *at, size_t bytes, bool shared, off_t offset, void *user),
                  void *user);

/* What the private mappings that this range begins in hold goes into their object. */
void store_private(const void *at, size_t bytes);

/* Does it lie in a mapping of an object in /dev/shm? */
bool in_object(const void *at);

/* ---- When a process has gone: what becomes of its objects ---- */
/* `status` as waitpid gives it. */
void after_death(pid_t pid, int status);
/* Before it becomes another program. */
void before_exec(void);
/* A synchronisation object was made: as it is now it will be again after a death, if that is the mistake. */
enum sync_kind { SYNC_MUTEX, SYNC_RWLOCK, SYNC_SPIN, SYNC_BARRIER, SYNC_SEMAPHORE };
void sync_note(enum sync_kind kind, void *at, size_t bytes);

/* A call that waits, as it would be if a signal ended the wait: it gives EINTR then. */
extern sigjmp_buf interrupted_at;
void interrupted_begin(void);
int interrupted_end(int rc);
#define INTERRUPTED(call) (sigsetjmp(interrupted_at, 1) ? interrupted_end(EINTR) : (interrupted_begin(), interrupted_end(call)))

/* The kernel is told of no robust mutexes of the calling thread. */
void drop_robust_list(void);

#endif
