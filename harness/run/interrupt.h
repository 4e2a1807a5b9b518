/* Signals that end a run: blocked, and read from a descriptor, so that they arrive between steps and never inside one. */
#ifndef RUN_INTERRUPT_H
#define RUN_INTERRUPT_H

#include "base/error.h"

/* First of all: what the parent has made of signals passes through exec. Ignored ones of children and faults would make ends unseen
 * and verdicts wrong; blocked ones would never end anything. What shells and nohup ignore on purpose stays ignored. */
void interrupt_forget_inherited(void);

/* Blocks SIGINT, SIGTERM, SIGHUP (this one not under nohup), SIGQUIT, and what timers and batch systems send as a notice
 * (SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU, SIGVTALRM), and opens the descriptor. */
int interrupt_setup(struct error *error);

/* The descriptor to poll; -1 before interrupt_setup(). */
int interrupt_fd(void);

/* The first signal that has arrived, 0 for none; never blocks. Once there, it stays. */
int interrupt_pending(void);

/* In a child: everything back to its default. */
void interrupt_reset(void);

#endif
