/* The rows of the persistence matrix: fourteen ways to go, times five kinds of reference that are left. */
#include "workloads/check/persist.h"
#include "workloads/check/rows.h"

#define STATE "POSIX.1-2024 shm_open, DESCRIPTION: persists until unlinked and all other references are gone"
#define POSTPONED "POSIX.1-2024 shm_unlink, DESCRIPTION: removal postponed until all references are removed"
#define PRIVATE "size=16m"

#define CELL(word, left_word, the_going, the_left, the_clause, the_needs, the_shm, text)                                     \
    {                                                                                                                        \
        .id = "persist/" word "-" left_word, .interface = "persistence", .level = CHECK_POSIX_MUST, .clause = the_clause,   \
        .needs = CHECK_NEEDS_PROC | (the_needs), .shm = the_shm, .with = &(const struct cell){&the_going, the_left},         \
        .run = persist, .summary = text                                                                                     \
    }

/* One row of the matrix: `how` completes "the last user ...". `needs` and `shm` are what this way of going takes. */
#define ROW(word, how, the_going, needs, shm)                                                                                \
    CELL(word, "keeps-data", the_going, LEFT_NAME, STATE, needs, shm,                                                        \
         "the last user " how ": by its name the object has data, size, mode, owner, links and memory as before"),           \
    CELL(word, "leaves-descriptor", the_going, LEFT_DESCRIPTOR, POSTPONED, needs, shm,                                       \
         "the last user " how ": an unlinked object lives on in another's descriptor"),                                      \
    CELL(word, "leaves-mapping", the_going, LEFT_MAPPING, POSTPONED, needs, shm,                                             \
         "the last user " how ": an unlinked object lives on in another's mapping"),                                         \
    CELL(word, "leaves-message", the_going, LEFT_IN_FLIGHT, POSTPONED "; unix(7), SCM_RIGHTS", needs, shm,                   \
         "the last user " how ": an unlinked object lives on in a descriptor under way in a socket"),                        \
    CELL(word, "leaves-nothing", the_going, LEFT_NOTHING, POSTPONED, (needs) | CHECK_NEEDS_MOUNTS, PRIVATE,                  \
         "the last user " how ": name and memory of an unlinked object are given back")

/* A set-uid program must be made, in a place that allows it. */
#define SETUID CHECK_NEEDS_ROOT | CHECK_NEEDS_USERS | CHECK_NEEDS_MOUNTS

const struct check_ops checks_persist[] = {
    ROW("return", "returns from main", going_return, 0, NULL),
    ROW("exit", "calls exit", going_exit, 0, NULL),
    ROW("quick-exit", "calls _exit", going_quick_exit, 0, NULL),
    ROW("last-thread", "ends with the return of its last thread", going_thread, 0, NULL),
    ROW("abort", "calls abort", going_abort, 0, NULL),
    ROW("sigterm", "is ended by SIGTERM", going_terminate, 0, NULL),
    ROW("sigkill", "is killed by SIGKILL", going_kill, 0, NULL),
    ROW("sigsegv", "dies of SIGSEGV", going_segv, 0, NULL),
    ROW("sigbus", "dies of SIGBUS", going_bus, 0, NULL),
    ROW("exec", "becomes another program by exec", going_exec, 0, NULL),
    ROW("setuid-exec", "becomes a set-uid program by exec", going_setuid_exec, SETUID, PRIVATE),
    ROW("others-hold", "goes while another process still has it", going_leave_others, 0, NULL),
    ROW("group", "is killed with its whole process group", going_group, 0, NULL),
    ROW("oom", "is killed for want of memory", going_oom, CHECK_NEEDS_CGROUP, NULL),
    {0},
};
