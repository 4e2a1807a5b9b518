/* The code of this process: which mappings hold it, and how it is made writable. */
#define _GNU_SOURCE
#include "workloads/fault/code_map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* The dynamic linker runs on a function's first call only, and its symbols are looked up through thousands of instructions. */
static bool is_linkers(const char *name, const char *linker)
{
    return linker[0] && strcmp(name, linker) == 0;
}

/* One line of the file; false: it is no mapping of code that may be changed. */
static bool parse(const char *line, struct code_range *range, char name[256])
{
    char permissions[8] = "";
    name[0] = '\0';
    int got = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s %*s %*s %*s %255[^\n]", &range->from, &range->to, permissions, name);
    return got >= 3 && permissions[0] == 'r' && permissions[2] == 'x' && permissions[3] == 'p' && name[0] != '[';
}

/* The name of the file that the kernel has mapped as this program's dynamic linker; empty: there is none. */
static void linker_name(FILE *maps, char name[256])
{
    uintptr_t base = (uintptr_t)getauxval(AT_BASE), from;
    char line[512];
    name[0] = '\0';
    while (base && fgets(line, sizeof line, maps))
        if (sscanf(line, "%" SCNxPTR "-%*x %*s %*s %*s %*s %255[^\n]", &from, name) >= 1 && from == base)
            break;
        else
            name[0] = '\0';
    rewind(maps);
}

int code_map_read(struct code_map *map)
{
    char line[512], name[256], linker[256];
    struct code_range range;
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return errno;
    linker_name(maps, linker);
    map->range_count = 0;
    while (fgets(line, sizeof line, maps) && map->range_count < CODE_RANGES)
        if (parse(line, &range, name) && !is_linkers(name, linker))
            map->ranges[map->range_count++] = range;
    fclose(maps);
    return map->range_count ? 0 : ENOENT;
}

bool code_map_open(struct code_map *map, uintptr_t address)
{
    uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE), page = address / size * size;
    for (uint32_t i = 0; i < map->page_count; i++)
        if (map->pages[i] == page)
            return true;
    if (map->page_count == CODE_PAGES || mprotect((void *)page, size, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        return false;
    map->pages[map->page_count++] = page;
    return true;
}

/* Tries it with a page of the program's file that nobody executes. */
static int try_it(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), rc = 0;
    if (fd < 0)
        return errno;
    volatile char *page = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (page == MAP_FAILED) {
        rc = errno;
        close(fd);
        return rc;
    }
    if (mprotect((void *)page, size, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        rc = errno;
    else
        page[0] = 1;
    munmap((void *)page, size);
    close(fd);
    return rc;
}

const char *code_map_refuses(void)
{
    static int known = -1;
    if (known < 0)
        known = try_it();
    return known == 0 ? NULL
                      : "this fault plants breakpoints in the primitive's code, and this system does not let a process change "
                        "its own code (mprotect with PROT_WRITE and PROT_EXEC, or /proc, is denied)";
}
