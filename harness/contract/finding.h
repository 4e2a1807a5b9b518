/* The contract of a finding: one thing about this machine that the diagnosis looks at.
 *
 * A finding is one row of type `struct finding_ops`; rows stand in arrays that end with an empty row, one array a family. A
 * row looks at one thing, says what it saw as a fact, and, where that is trouble, says so with the evidence; what follows
 * from it and what helps on each runtime stand in the row.
 *
 *     static void look_read_only(struct diagnosis *d)
 *     {
 *         diagnosis_fact(d, "%s", d->shm.read_only ? "read-only" : "read-write");
 *         if (d->shm.read_only)
 *             diagnosis_finding(d, SEVERITY_SERIOUS, "/dev/shm is mounted read-only");
 *     }
 *
 * Rules. All rows together have two seconds, and no rights: a row reads, and probes with objects of its own that have no
 * name, or one of this program's; it never fills, waits or writes a setting. What cannot be seen is a fact of its own
 * ("cannot be seen: EACCES") and never a finding. A fact is there on a healthy machine too; a finding is not.
 */
#ifndef CONTRACT_FINDING_H
#define CONTRACT_FINDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "shm/capacity.h"
#include "shm/locks.h"
#include "shm/mappings.h"
#include "shm/objects.h"

enum severity {
    SEVERITY_NOTE,    /* worth knowing; exit status 0 */
    SEVERITY_WARNING, /* will hurt some programs, or under load */
    SEVERITY_SERIOUS, /* hurts now */
    SEVERITIES,
};

enum runtime {
    RUNTIME_HOST,
    RUNTIME_DOCKER,
    RUNTIME_PODMAN,
    RUNTIME_KUBERNETES,
    RUNTIME_SYSTEMD, /* a service */
    RUNTIMES,
};

#define FINDING_EVIDENCE 600
#define FINDING_FIX 1024
#define FINDINGS_MAX 96
#define FACT_TEXT 240

struct finding_ops;

struct finding {
    const struct finding_ops *row;
    enum severity severity;
    char evidence[FINDING_EVIDENCE];
};

struct fact {
    const struct finding_ops *row;
    char text[FACT_TEXT];
};

/* What a row looks at. */
enum subject {
    SUBJECT_MACHINE,
    SUBJECT_PROCESS, /* d->patient is there */
    SUBJECT_MESSAGE, /* d->message is there */
};

/* A thread that sleeps on a word of what the process shares with others. */
struct patient_wait {
    pid_t thread;
    const struct mapping *mapping;
    uint64_t offset;  /* of the word in the object */
    uint32_t expected, value;
    bool readable;    /* value is known */
    bool within;      /* only threads of the same process can end it (FUTEX_PRIVATE_FLAG) */
    bool timed;       /* it ends by itself */
    size_t others;    /* processes besides this one that map the object */
};

/* A lock that lies in what a process maps, and that somebody holds. */
struct patient_lock {
    const struct mapping *mapping;
    struct found_lock lock;
    bool owner_gone;   /* proven: no such thread, or one of a process that does not hold the object */
    char owner[96];    /* "thread 12 of process 10 (worker)", "thread 12: no such thread" */
    unsigned waiters;  /* threads of the process that sleep on it */
    bool unasked;      /* there was no time to look for the owner */
};

#define PATIENT_LOCKS 64
#define PATIENT_WAITS 32
#define PATIENT_NODES 64

struct patient {
    pid_t pid;
    char command[16];
    char state;        /* 'R', 'S', 'T', ... of /proc/PID/stat */
    unsigned threads;
    unsigned bits;     /* 32 or 64, of its program; 0: cannot be seen */
    uid_t owner;
    struct mappings mappings;
    struct memory_limit memory;
    enum { SHM_UNSEEN, SHM_SAME, SHM_OTHER } place; /* is its /dev/shm the one that is seen here? */
    struct patient_lock locks[PATIENT_LOCKS];
    unsigned lock_count;
    unsigned unread;      /* objects that may not be read: their locks are not seen */
    unsigned unsearched;  /* and those for which there was no time */
    struct patient_wait waits[PATIENT_WAITS];
    unsigned wait_count;
    unsigned robust_lost; /* entries in its lists of robust locks that lie in memory which is not mapped any more */
    pid_t robust_thread;  /* whose list has one */
    uint64_t swap_bytes;  /* of its regions in swap */
    uint64_t node_bytes[PATIENT_NODES]; /* of its regions on each NUMA node */
    uint64_t far_bytes;   /* of these on nodes on whose CPUs it may not run */
    uint64_t files, files_max;       /* descriptors that it has open, and may have */
    uint64_t regions_max; /* vm.max_map_count; 0: cannot be seen */
};

struct diagnosis {
    const struct patient *patient; /* NULL: the machine */
    const char *message;           /* how a program ended; NULL */
    enum runtime runtime;
    char unit[128];          /* name of the service; empty */
    bool unit_of_user;       /* it belongs to a user's own manager */
    bool shm_there;          /* what follows about it is valid */
    struct shm_capacity shm;
    struct stat folder;      /* of /dev/shm */
    char options[512];       /* its mount options, as /proc/self/mountinfo has them; empty where that cannot be read */
    struct memory_limit memory;
    char quota[256];         /* the file that limits CPU time; empty */
    struct objects objects;
    uint64_t left_s;         /* an unused object of this age has been left behind */

    const struct finding_ops *row; /* that is looking */
    struct finding found[FINDINGS_MAX];
    unsigned found_count;
    struct fact facts[FINDINGS_MAX];
    unsigned fact_count;
};

struct finding_ops {
    const char *id;          /* "shm-full" */
    const char *area;        /* "place", "memory", ...: rows of one area stand together */
    const char *title;       /* what is looked at: "free space" */
    const char *consequence; /* of the trouble; a sentence without its full stop. NULL: this row only states facts */
    /* To paste, one for each runtime; NULL: the host's. A line for a shell, lines of YAML from "spec:" on, or C. What stands
     * in braces is filled in: {unit}, the service's name; {drop-in}, the folder of its settings; {systemctl}, of the system or
     * of the user; {engine}, docker or podman; {root}, "sudo " for who is not root; {limit}, the file of the
     * memory limit; {quota}, that of CPU time; {pid}, of the patient; {id}, of the row. */
    const char *fix[RUNTIMES];
    enum subject subject;
    bool needs_shm;          /* not called without a /dev/shm */
    const char *pattern;     /* of SUBJECT_MESSAGE: extended regular expression, letter case ignored */
    void (*look)(struct diagnosis *diagnosis);
};

/* What is seen; at most once a row. */
void diagnosis_fact(struct diagnosis *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What is wrong; at most once a row. */
void diagnosis_finding(struct diagnosis *d, enum severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "note", "warning", "serious"; "host", "docker", ... NULL-ended; -1 for no such runtime. */
const char *severity_name(enum severity severity);
extern const char *const runtime_names[RUNTIMES + 1];
int runtime_find(const char *name);

/* The fix for this runtime, with the names filled in. */
const char *finding_fix(const struct finding_ops *row, const struct diagnosis *d, char *text, size_t size);

/* First line of a file, without its end; false where it cannot be read. */
bool finding_line(const char *path, char *text, size_t size);
/* A mount option of /dev/shm ("huge="): its value, or NULL. In a buffer of the caller's. */
const char *finding_option(const struct diagnosis *d, const char *key, char value[64]);

#endif
