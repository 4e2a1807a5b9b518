/* A line of /proc/PID/maps: "7f10a000-7f10b000 rw-s 00000000 00:1b 42      /dev/shm/x (deleted)". */
#ifndef SHM_MAPS_LINE_H
#define SHM_MAPS_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct maps_line {
    uint64_t from, to; /* addresses in the process */
    uint64_t offset;   /* in the file */
    char rights[5];    /* "rw-s" */
    dev_t device;
    ino_t inode;
    const char *path;  /* in the line, whose end is cut off */
};

/* False for what is no mapping of a file, or no such line. There are millions of them on a large machine: no sscanf. */
bool maps_line_parse(char *line, struct maps_line *parsed);

#endif
