/* The program that a process runs: the head of /proc/PID/exe. */
#define _GNU_SOURCE
#include "shm/program.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

unsigned program_bits(pid_t pid)
{
    char path[64];
    unsigned char ident[EI_NIDENT] = {0};
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, ident, sizeof ident) : -1;
    if (fd >= 0)
        close(fd);
    if (n != (ssize_t)sizeof ident || memcmp(ident, ELFMAG, SELFMAG) != 0)
        return 0;
    return ident[EI_CLASS] == ELFCLASS32 ? 32 : ident[EI_CLASS] == ELFCLASS64 ? 64 : 0;
}
