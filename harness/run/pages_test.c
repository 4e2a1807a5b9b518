/* Tests of pages that were asked for: what counts as having had them. */
#include "run/pages.h"

#include "base/testing.h"

#define MIB (1ULL << 20)

START_TEST(only_what_the_mapping_really_has_counts)
{
    static const struct {
        enum layout_pages asked;
        struct page_sizes had;
        const char *says; /* NULL: that is it */
    } rows[] = {
        {PAGES_SYSTEM, {4096, 8 * MIB, 0}, NULL},          {PAGES_SYSTEM, {4096, 8 * MIB, 8 * MIB}, NULL},
        {PAGES_BASE, {4096, 8 * MIB, 0}, NULL},            {PAGES_BASE, {4096, 8 * MIB, 2 * MIB}, "2097152 of 8388608"},
        {PAGES_THP, {4096, 8 * MIB, 8 * MIB}, NULL},       {PAGES_THP, {4096, 8 * MIB, 0}, "was given base pages"},
        {PAGES_HUGE_2M, {2 * MIB, 2 * MIB, 2 * MIB}, NULL}, {PAGES_HUGE_2M, {4096, 8192, 0}, "0 of 8192"},
        {PAGES_THP, {4096, 0, 0}, NULL}, /* nothing was touched, and so nothing measured */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[600];
        const char *missed = pages_missed(rows[i].asked, &rows[i].had, text, sizeof text);
        ck_assert_msg((missed == NULL) == (rows[i].says == NULL), "row %zu: %s", i, missed ? missed : "nothing is missed");
        if (missed)
            testing_has(missed, rows[i].says);
    }
}
END_TEST

START_TEST(a_pool_that_is_too_small_is_told_with_the_way_out)
{
    const char *why = pages_refuse(PAGES_HUGE_2M, 1ULL << 50);
    ck_assert_ptr_nonnull(why);
    testing_has(why, "--pages: ");
    testing_has(why, "huge pages of 2 MiB");
    ck_assert_ptr_null(pages_refuse(PAGES_SYSTEM, 1ULL << 50));
    ck_assert_ptr_null(pages_refuse(PAGES_BASE, 1ULL << 50));
}
END_TEST

int main(void)
{
    return testing_run("pages", (const TTest *[]){only_what_the_mapping_really_has_counts,
                                                  a_pool_that_is_too_small_is_told_with_the_way_out, NULL});
}
