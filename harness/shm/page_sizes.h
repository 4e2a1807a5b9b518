/* The pages that a mapping really has, as the kernel tells it in /proc/self/smaps. */
#ifndef SHM_PAGE_SIZES_H
#define SHM_PAGE_SIZES_H

#include <stdint.h>

struct page_sizes {
    uint64_t page_bytes;   /* of the kind of memory: the base page's, also where huge pages stand in for many of them */
    uint64_t mapped_bytes; /* that this process has touched */
    uint64_t huge_bytes;   /* of these, by entries of the page table for huge pages */
};

/* Of all mappings that begin in these bytes, added up (page_bytes: the largest). Returns 0, or an errno: ENOENT where there is none. */
int page_sizes_read(const void *base, uint64_t bytes, struct page_sizes *sizes);

/* Bytes of a huge page that stands in for base pages; 0 where this kernel has none. */
uint64_t page_sizes_transparent(void);

#endif
