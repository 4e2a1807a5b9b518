/* Tests of what the kernel tells of a mapping's pages. */
#include "shm/page_sizes.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/testing.h"

START_TEST(what_was_touched_is_mapped_and_nothing_else)
{
    struct page_sizes had;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *base = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(base, MAP_FAILED);
    ck_assert_int_eq(madvise(base, 64 * page, MADV_NOHUGEPAGE), 0);
    ck_assert_int_eq(page_sizes_read(base, 64 * page, &had), 0);
    ck_assert_uint_eq(had.mapped_bytes, 0);
    base[0] = base[9 * page] = 1;
    ck_assert_int_eq(page_sizes_read(base, 64 * page, &had), 0);
    ck_assert_uint_eq(had.page_bytes, page);
    ck_assert_uint_eq(had.mapped_bytes, 2 * page);
    ck_assert_uint_eq(had.huge_bytes, 0);
    ck_assert_int_eq(page_sizes_read(base + page, page, &had), ENOENT);
    munmap(base + 5 * page, page); /* two mappings now, of five pages and of 58 */
    ck_assert_int_eq(page_sizes_read(base, 64 * page, &had), 0);
    ck_assert_uint_eq(had.mapped_bytes, 2 * page);
    ck_assert_int_eq(page_sizes_read(base, 6 * page, &had), 0);
    ck_assert_uint_eq(had.mapped_bytes, page);
    munmap(base, 64 * page);
    ck_assert_int_eq(page_sizes_read(base, 64 * page, &had), ENOENT);
}
END_TEST

int main(void)
{
    return testing_run("page_sizes", (const TTest *[]){what_was_touched_is_mapped_and_nothing_else, NULL});
}
