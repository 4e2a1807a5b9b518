/* Pages of a size that was asked for. */
#include "run/pages.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "run/emulate.h"

static char no_own_shm[400]; /* why the run has none; empty: it has, or was not to have one */
static bool prepared;

void pages_prepare(void)
{
    struct error error;
    prepared = emulation_enter_shm(&error) == 0;
    if (!prepared)
        snprintf(no_own_shm, sizeof no_own_shm, "%.390s", error.text);
    else if (emulation_huge_pages(false))
        snprintf(no_own_shm, sizeof no_own_shm, "this run may not mount its /dev/shm anew, or its kernel has no huge= for tmpfs");
}

void pages_choose(enum layout_pages pages)
{
    if (prepared)
        emulation_huge_pages(pages == PAGES_THP);
}

enum region_pages pages_of_region(enum layout_pages pages)
{
    static const enum region_pages kinds[] = {
        [PAGES_SYSTEM] = REGION_PAGES_ANY, [PAGES_BASE] = REGION_PAGES_BASE, [PAGES_THP] = REGION_PAGES_TRANSPARENT,
        [PAGES_HUGE_2M] = REGION_PAGES_2M, [PAGES_HUGE_1G] = REGION_PAGES_1G};
    return kinds[pages];
}

static bool from_pool(enum layout_pages pages)
{
    return pages == PAGES_HUGE_2M || pages == PAGES_HUGE_1G;
}

/* Free and promised to nobody; -1: the kernel has no such pages. */
static long long free_in_pool(uint64_t page)
{
    static const char *const names[] = {"free", "resv"};
    long long counts[2] = {-1, 0};
    for (int i = 0; i < 2; i++) {
        char path[120];
        snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%llukB/%s_hugepages", (unsigned long long)page / 1024, names[i]);
        FILE *file = fopen(path, "re");
        if (!file)
            return -1;
        if (fscanf(file, "%lld", &counts[i]) != 1)
            counts[i] = 0;
        fclose(file);
    }
    return counts[0] - counts[1];
}

static const char *pool_refuses(enum layout_pages pages, uint64_t bytes)
{
    static char why[400];
    char size[UNITS_TEXT];
    uint64_t page = region_page_bytes(pages_of_region(pages));
    long long have = free_in_pool(page), need = (long long)((bytes + page - 1) / page);
    units_print(&units_size, (double)page, size);
    if (have < 0)
        snprintf(why, sizeof why, "--pages: this kernel or processor has no huge pages of %s", size);
    else
        snprintf(why, sizeof why, "--pages: %lld huge pages of %s are free, and the region needs %lld: as root, echo N > "
                 "/sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages", have, size, need, (unsigned long long)page / 1024);
    return have >= need ? NULL : why;
}

const char *pages_refuse(enum layout_pages pages, uint64_t bytes)
{
    if (from_pool(pages))
        return pool_refuses(pages, bytes ? bytes : 1);
    return pages == PAGES_THP && page_sizes_transparent() == 0 ? "--pages thp: this kernel has no transparent huge pages" : NULL;
}

const char *pages_missed(enum layout_pages pages, const struct page_sizes *had, char *text, size_t size)
{
    bool huge = had->huge_bytes > 0;
    if (pages == PAGES_SYSTEM || had->mapped_bytes == 0 || huge == (pages != PAGES_BASE))
        return NULL;
    if (pages == PAGES_THP)
        snprintf(text, size, "--pages thp: the region was given base pages: %s%s", no_own_shm[0] ? no_own_shm : "huge ones may be short "
                 "(/proc/buddyinfo)", no_own_shm[0] ? "; /dev/shm itself needs mount -o remount,huge=advise" : "");
    else
        snprintf(text, size, "--pages %s: of the region %llu of %llu bytes are mapped by huge pages", pages == PAGES_BASE ? "base" : "huge",
                 (unsigned long long)had->huge_bytes, (unsigned long long)had->mapped_bytes);
    return text;
}
