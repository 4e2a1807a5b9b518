/* A process as /proc shows it. */
#ifndef RUN_PROCESS_H
#define RUN_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process_look {
    char state;      /* 'R', 'S', 'D', 'T', 'Z', ...; 0: cannot be seen */
    uint64_t ticks;  /* CPU time used, in clock ticks of sysconf(_SC_CLK_TCK) */
    uint32_t threads; /* how many it has */
    uint64_t start;  /* clock ticks since boot: with the pid, a name that is never used twice */
    bool kernel;     /* a thread of the kernel */
    bool dying;      /* on its way out, dumping its core, or a zombie */
};

/* Looks at a process; pid 0 is the calling one. */
struct process_look process_look(pid_t pid);

/* Is any of its threads, the first one included, not asleep? */
bool process_any_runs(pid_t pid);

/* Has it been sent SIGKILL, and had no turn on a CPU to die of it? */
bool process_is_killed(pid_t pid);

/* CPU time that it has used, in nanoseconds (of schedstat; without that, of the clock ticks). */
uint64_t process_cpu_ns(pid_t pid);

/* How often it was given a CPU (of schedstat; 0 where that is missing). */
uint64_t process_turns(pid_t pid);

/* How long the calling thread could have run and had no CPU, ever since it began. False: the kernel does not tell (schedstat). */
bool process_delayed_ns(uint64_t *ns);

/* How it waits, by the system call that it is in. */
enum process_wait {
    PROCESS_RUNS,          /* in no system call */
    PROCESS_WAITS,         /* until something happens, and be it never */
    PROCESS_WAITS_A_TIME,  /* it will come back by itself */
    PROCESS_WAITS_UNKNOWN, /* the call cannot be seen, or is none that waits for others */
};

struct process_call {
    enum process_wait wait;
    bool futex;
    bool within;       /* of a futex wait: FUTEX_PRIVATE_FLAG, so that only threads of the same process can end it */
    uint64_t word_at;  /* of a futex wait: the word's address in that process */
    uint32_t expected; /* it sleeps while the word has this value */
};
struct process_call process_call(pid_t pid);

/* Where it sleeps in the kernel: writes the symbol, or an empty string. */
void process_wchan(pid_t pid, char *text, int size);

#endif
