/* The code that a process may plant breakpoints in: its private executable mappings, and the pages made writable. */
#ifndef WORKLOADS_FAULT_CODE_MAP_H
#define WORKLOADS_FAULT_CODE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#define CODE_RANGES 96
#define CODE_PAGES 128

struct code_map {
    struct code_range {
        uintptr_t from, to;
    } ranges[CODE_RANGES];
    uint32_t range_count;
    uintptr_t pages[CODE_PAGES]; /* writable by now */
    uint32_t page_count;
};

/* Reads /proc/self/maps: private mappings of code, without the dynamic linker's and the kernel's. 0 or an errno. */
int code_map_read(struct code_map *map);

/* Makes the byte at `address` writable and leaves it executable; false: the system does not permit it. */
bool code_map_open(struct code_map *map, uintptr_t address);

/* NULL, or why this system does not let a process change its own code. */
const char *code_map_refuses(void);

#endif
