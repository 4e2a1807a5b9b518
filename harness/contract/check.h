/* The contract of a check: one assertion about what the system promises for shared memory.
 *
 * A check is one row of type `struct check_ops`; rows stand in arrays that end with an empty row, one array a family. The
 * harness calls `run` in a process of its own, which leads a process group of its own, has a deadline, and in which nothing
 * needs to be tidied up on the way to a failure: processes are killed, names are swept.
 *
 *     static void excl_refuses(struct check *c)
 *     {
 *         const char *name = check_name(c);
 *         must(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));       set-up: if it fails, the check ends
 *         expect_errno(c, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
 *     }
 *
 * Rules. Every expectation states what was expected and what was observed; the first that does not hold makes the outcome.
 * Calls that may block for ever are bounded. What belongs to the machine is left alone: a file system to fill, a limit, a
 * second user come from the row's needs, and where they are not to be had the outcome is UNSUPPORTED.
 */
#ifndef CONTRACT_CHECK_H
#define CONTRACT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum check_outcome {
    CHECK_PASS,
    CHECK_FAIL,        /* the promise is broken */
    CHECK_DEVIATES,    /* broken in a way that is known and documented of this system; always with the reason */
    CHECK_UNSUPPORTED, /* something that the check needs is not to be had here */
    CHECK_ERROR,       /* the check could not decide */
    CHECK_OUTCOMES,
};

enum check_level {
    CHECK_POSIX_MUST,       /* a requirement of POSIX.1-2024 */
    CHECK_POSIX_MAY,        /* left open or optional there; what is checked is the choice that was made */
    CHECK_LINUX_DOCUMENTED, /* the manual pages or the kernel's documentation promise it */
    CHECK_LINUX_OBSERVED,   /* nobody promises it, but programs come to rely on it */
    CHECK_LEVELS,
};

enum check_need {
    CHECK_NEEDS_ROOT = 1,
    CHECK_NEEDS_MOUNTS = 2, /* a mount namespace, to have a /dev/shm of its own; comes from `shm` */
    CHECK_NEEDS_USERS = 4,  /* a second user that a process may become */
    CHECK_NEEDS_CGROUP = 8, /* a memory cgroup of its own */
    CHECK_NEEDS_HUGE = 16,  /* huge pages in the kernel */
    CHECK_NEEDS_PROC = 32,  /* /proc */
    CHECK_NEED_KINDS = 6,
};

struct check;

struct check_ops {
    const char *id;        /* "family/what-holds" */
    const char *interface; /* the function or thing that promises: a line of the coverage table */
    const char *clause;    /* where: "POSIX.1-2024 shm_open, ERRORS [EEXIST]", "tmpfs(5), size" */
    const char *summary;   /* what holds, as a sentence without its full stop */
    enum check_level level;
    unsigned needs;        /* enum check_need, ORed */
    const char *shm;       /* mount options of a private, empty /dev/shm ("size=256k"); NULL: the machine's */
    unsigned deadline_s;   /* 0: CHECK_DEADLINE_S */
    const void *with;      /* the row's own parameter, for functions that serve several rows */
    /* Called once, in the check's own process. It returns, or ends by one of the functions below. */
    void (*run)(struct check *check);
};

/* On what the checks run, when it is neither glibc nor the processor itself. */
enum check_system {
    CHECK_ON_MUSL = 1,     /* musl, as every C library on Linux that is not glibc */
    CHECK_ON_EMULATOR = 2, /* qemu-user or the like: a process that translates the program, system calls included */
};

/* What is known to go wrong there: it is told as DEVIATES. */
struct check_difference {
    unsigned system;      /* enum check_system */
    const char *id;       /* of the check; a pattern as in the shell */
    const char *observed; /* what the check must have seen: a part of its text */
    const char *reason;
};

#define CHECK_DEADLINE_S 20
#define CHECK_TEXT 480
#define CHECK_NAME 264
/* Whom a check becomes when it needs somebody else. */
#define CHECK_OTHER_UID 65534
#define CHECK_OTHER_GID 65534

/* What a process of the check says: one write to a pipe, so that it comes whole. */
struct check_report {
    enum check_outcome outcome;
    char expected[CHECK_TEXT], observed[CHECK_TEXT], reason[CHECK_TEXT];
};

struct check {
    const struct check_ops *row;
    char prefix[96];       /* of its names: "/shmoo-check.PID.START.SERIAL" */
    char names[8][CHECK_NAME];
    unsigned name_count;
    int report_fd;
    struct check_report report;
    unsigned expectations; /* how many were looked at */
    bool private_shm;      /* /dev/shm is this check's alone */
    int channel;           /* in a peer: to the process that started it; -1 otherwise */
    char cgroup[480];      /* folder of the memory cgroup; empty without one */
};

/* "PASS", ...; "POSIX must", ...; "root", ... (of one bit) */
const char *check_outcome_name(enum check_outcome outcome);
const char *check_level_name(enum check_level level);
const char *check_need_name(unsigned need);

/* ---- Set-up: what must work before there is anything to look at ----
 * A refusal for want of memory, space or descriptors is an ERROR, any other a FAIL: the call was valid. Both end the check. */
#define must(c, call) check_must((c), #call, (long)(call))
#define must_rc(c, call) check_must_rc((c), #call, (call))
#define must_map(c, call) check_must_map((c), #call, (call))
long check_must(struct check *c, const char *call, long result);         /* -1 and errno */
void check_must_rc(struct check *c, const char *call, int errnum);       /* an error number */
void *check_must_map(struct check *c, const char *call, void *address);  /* MAP_FAILED and errno, or NULL */

/* ---- Expectations: true when it holds ---- */
#define expect_ok(c, call) check_expect_ok((c), #call, (long)(call))
#define expect_errno(c, call, errnum) check_expect_errno((c), #call, (long)(call), (errnum))
#define expect_rc(c, call, errnum) check_expect_rc((c), #call, (call), (errnum))
#define expect_no_map(c, call, errnum) check_expect_errno((c), #call, (call) == MAP_FAILED ? -1L : 0L, (errnum))
bool check_expect_ok(struct check *c, const char *call, long result);
bool check_expect_errno(struct check *c, const char *call, long result, int errnum);
bool check_expect_rc(struct check *c, const char *call, int result, int errnum);

bool expect_number(struct check *c, long long observed, long long expected, const char *what, ...)
    __attribute__((format(printf, 4, 5)));
bool expect_mode(struct check *c, unsigned observed, unsigned expected, const char *what);
bool expect_true(struct check *c, bool holds, const char *expected, const char *observed, ...)
    __attribute__((format(printf, 4, 5)));
/* The same bytes? Tells the first that differs. */
bool expect_bytes(struct check *c, const void *observed, const void *expected, size_t bytes, const char *what);
bool expect_fill(struct check *c, const void *observed, unsigned char expected, size_t bytes, const char *what);
bool expect_text(struct check *c, const char *observed, const char *part, const char *what);

/* ---- The other outcomes ---- */
/* A known difference: the check goes on, and ends as DEVIATES if nothing else fails. */
void check_deviates(struct check *c, const char *expected, const char *observed, const char *reason);
/* These end the check. */
_Noreturn void check_unsupported(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void check_error(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void check_fail(struct check *c, const char *expected, const char *observed, ...)
    __attribute__((format(printf, 3, 4)));
/* Writes the report of the check's own process, and ends it. The harness calls it after `run`. */
_Noreturn void check_finish(struct check *c);

/* ---- Names and places ---- */
/* A new name for shm_open; nobody else's. It can be told later who made it. It lives until eight more were asked for. */
const char *check_name(struct check *c);
/* The same, made exactly `bytes` long behind its slash. */
const char *check_long_name(struct check *c, size_t bytes);
/* The file of an object: "/dev/shm/NAME", in a buffer of the caller's thread that holds until the next call but one. */
const char *check_path(const char *name);
/* Is there such a name in /dev/shm? Asks the file system, not shm_open. */
bool check_exists(const char *name);
/* Creates an object of that many bytes; returns the descriptor. */
int check_object(struct check *c, const char *name, size_t bytes);
/* Maps the whole object for reading and writing, shared. */
void *check_map(struct check *c, int fd, size_t bytes);
size_t check_page(void);
/* UNSUPPORTED where /dev/shm is no tmpfs. */
void check_needs_tmpfs(struct check *c);
/* Does /dev/shm take memory page by page? Not where it is mounted with huge pages, or no tmpfs. */
bool check_counts_pages(const struct check *c);
/* A pattern in which no two blocks are alike, and the check of it. */
void check_fill(void *at, size_t bytes, unsigned seed);
bool expect_filled(struct check *c, const void *at, size_t bytes, unsigned seed, const char *what);
/* First line of a file; false when it cannot be read. */
bool check_first_line(const char *path, char *text, size_t size);
/* Writes a text to a file; 0 or an errno. */
int check_put_file(const char *path, const char *text);
/* Does /proc/PID/FILE hold a line with this part (and `also`, unless NULL)? The line is copied to `line` if wanted. */
bool check_proc_line(pid_t pid, const char *file, const char *part, const char *also, char *line, size_t size);

/* ---- Processes ---- */
struct check_peer {
    pid_t pid;
    int channel; /* its other end is the peer's c->channel */
};
/* Forks a process of this check that runs the body and then leaves with _exit(0); it dies with the one that started it. */
struct check_peer check_start(struct check *c, void (*body)(struct check *c, void *user), void *user);
/* Waits for its end: the exit status, or the negative number of the signal that killed it. */
int check_end_of(struct check *c, const struct check_peer *peer);
/* It ends by itself, and in order. */
bool expect_end(struct check *c, const struct check_peer *peer);
/* Ends it with SIGKILL, and waits. */
void check_kill(struct check *c, const struct check_peer *peer);
/* Closes its channel, which tells it so. */
void check_hang_up(const struct check_peer *peer);
/* Messages over a channel; hearing from one who has gone gives CHECK_GONE, and from one who says nothing CHECK_SILENT. */
#define CHECK_GONE INT64_MIN
#define CHECK_SILENT (INT64_MIN + 1)
void tell(int channel, int64_t value);
int64_t hear(int channel);
int64_t hear_within(int channel, unsigned ms);
/* The peer says this, and within that time. */
bool expect_heard(struct check *c, const struct check_peer *peer, unsigned ms, int64_t expected, const char *what);
/* The peer sleeps in the kernel, and says nothing: it waits, as it should. */
bool expect_waiting(struct check *c, const struct check_peer *peer, const char *what);
/* Sends a descriptor with a message, and takes one; taking returns -1 when there was none. */
int check_send_fd(int channel, int fd);
int check_take_fd(int channel);
/* Dies with its parent from now on, also after its user has changed. */
void check_die_with_parent(void);
/* Becomes the other user for good. */
void check_become_other(struct check *c);
/* The same if it is root: whom permissions do not bind cannot see them work. */
void check_be_ordinary(struct check *c);
/* Waits until the process sleeps in the kernel; false after three seconds. */
bool check_sleeps(pid_t pid);
void check_pause_ms(unsigned ms);
uint64_t check_now_ms(void);
/* A moment so many milliseconds from now on CLOCK_REALTIME, as timed locks want it. */
struct timespec;
void check_moment(struct timespec *moment, unsigned ms);

/* ---- Touching memory that may not be there ---- */
struct touch {
    int signal; /* 0: it went well */
    int code;
    uintptr_t address;
    unsigned char value; /* that was read */
};
struct touch touch_read(const volatile void *at);
struct touch touch_write(volatile void *at, unsigned char value);
/* It raised this signal (0: none) with this code, at exactly this address. */
bool expect_touch(struct check *c, struct touch seen, int signal, int code, const volatile void *at, const char *what);

/* ---- What the needs of a row bring; called by the harness before `run` ---- */
void check_provide(struct check *c);
/* Before any process of a check is started. */
void check_cgroup_begin(void);
/* Moves the calling process into the check's memory cgroup, made on first use with this limit. */
void check_enter_cgroup(struct check *c, size_t limit_bytes);
/* Bytes charged to it. */
long long check_cgroup_charge(struct check *c);
/* Removes the folders of such cgroups whose names begin so, and that were made in this pid namespace. */
void check_cgroup_sweep(const char *prefix);
/* How the names of objects and cgroups begin. */
#define CHECK_PREFIX "shmoo-check."

#endif
