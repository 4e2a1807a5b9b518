/* The program that a process runs. */
#ifndef SHM_PROGRAM_H
#define SHM_PROGRAM_H

#include <sys/types.h>

/* 32 or 64: the bits of its ELF class; 0 where it cannot be read. */
unsigned program_bits(pid_t pid);

#endif
