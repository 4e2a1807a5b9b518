/* The pages of a mapping, from /proc/self/smaps. */
#include "shm/page_sizes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB 1024ULL

static void add_field(const char *line, struct page_sizes *sizes)
{
    char name[40];
    unsigned long long kib;
    if (sscanf(line, "%39[A-Za-z_]: %llu kB", name, &kib) != 2)
        return;
    bool hugetlb = strcmp(name, "Shared_Hugetlb") == 0 || strcmp(name, "Private_Hugetlb") == 0;
    if (strcmp(name, "KernelPageSize") == 0)
        sizes->page_bytes = kib * KIB > sizes->page_bytes ? kib * KIB : sizes->page_bytes;
    if (hugetlb || strcmp(name, "Rss") == 0)
        sizes->mapped_bytes += kib * KIB;
    if (hugetlb || strcmp(name, "ShmemPmdMapped") == 0 || strcmp(name, "FilePmdMapped") == 0)
        sizes->huge_bytes += kib * KIB;
}

int page_sizes_read(const void *base, uint64_t bytes, struct page_sizes *sizes)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    char *line = NULL;
    size_t room = 0;
    bool here = false, found = false;
    *sizes = (struct page_sizes){0};
    if (!file)
        return errno;
    while (getline(&line, &room, file) > 0) {
        unsigned long long from, to;
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2) {
            here = from - (uintptr_t)base < bytes;
            found = found || here;
        } else if (here) {
            add_field(line, sizes);
        }
    }
    free(line);
    fclose(file);
    return found ? 0 : ENOENT;
}

uint64_t page_sizes_transparent(void)
{
    static unsigned long long bytes; /* it does not change */
    FILE *file = bytes ? NULL : fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
    if (!file)
        return bytes;
    if (fscanf(file, "%llu", &bytes) != 1)
        bytes = 0;
    fclose(file);
    return bytes;
}
