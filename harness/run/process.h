/* A process as /proc shows it. */
#ifndef RUN_PROCESS_H
#define RUN_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct process_look {
    char state;      /* 'R', 'S', 'D', 'T', 'Z', ...; 0: cannot be seen */
    uint64_t ticks;  /* CPU time used, in clock ticks of sysconf(_SC_CLK_TCK) */
    uint64_t start;  /* clock ticks since boot: with the pid, a name that is never used twice */
};

/* Looks at a process; pid 0 is the calling one. */
struct process_look process_look(pid_t pid);

/* CPU time that it has used, in nanoseconds (of schedstat; without that, of the clock ticks). */
uint64_t process_cpu_ns(pid_t pid);

/* Where it sleeps in the kernel: writes the symbol, or an empty string. */
void process_wchan(pid_t pid, char *text, int size);

#endif
