/* Tests of the contents: every row is complete, found by its name, and the defaults name rows that exist. */
#include "contract/contents.h"

#include <ctype.h>

#include "base/testing.h"

START_TEST(the_rows_of_this_program_are_complete)
{
    contents_verify(); /* ends the program if not */
}
END_TEST

/* A name is typed, stands in lists with commas, and begins file names. */
static void check_row_name(const char *name, const char *summary)
{
    ck_assert_ptr_nonnull(name);
    ck_assert_uint_gt(strlen(name), 0);
    ck_assert_uint_lt(strlen(name), 32);
    for (const char *c = name; *c; c++)
        ck_assert_msg(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-', "%s", name);
    ck_assert_ptr_nonnull(summary);
    ck_assert_ptr_null(strchr(summary, '\n'));
}

START_TEST(every_sync_is_found_by_its_own_name)
{
    for (size_t i = 0; contents_syncs[i]; i++) {
        check_row_name(contents_syncs[i]->name, contents_syncs[i]->summary);
        ck_assert_ptr_eq(contents_sync(contents_syncs[i]->name), contents_syncs[i]);
    }
    ck_assert_ptr_null(contents_sync("mute"));
    ck_assert_ptr_null(contents_sync(""));
}
END_TEST

START_TEST(every_load_is_found_by_its_own_name)
{
    for (size_t i = 0; contents_loads[i]; i++) {
        check_row_name(contents_loads[i]->name, contents_loads[i]->summary);
        ck_assert_ptr_eq(contents_load(contents_loads[i]->name), contents_loads[i]);
    }
    ck_assert_ptr_null(contents_load("counters"));
}
END_TEST

START_TEST(every_fault_is_found_by_its_own_name)
{
    for (size_t i = 0; contents_faults[i]; i++) {
        check_row_name(contents_faults[i]->name, contents_faults[i]->summary);
        ck_assert_ptr_eq(contents_fault(contents_faults[i]->name), contents_faults[i]);
    }
    ck_assert_ptr_null(contents_fault("Kill"));
}
END_TEST

START_TEST(the_four_names_of_the_manual_are_there_in_its_order)
{
    static const char *const names[] = {"none", "semaphore", "mutex", "spin"};
    size_t next = 0;
    for (size_t i = 0; contents_syncs[i] && next < 4; i++)
        next += strcmp(contents_syncs[i]->name, names[next]) == 0;
    ck_assert_uint_eq(next, 4);
}
END_TEST

START_TEST(the_defaults_name_rows_that_exist)
{
    char syncs[200], *rest = syncs, *name;
    ck_assert_ptr_nonnull(contents_load(contents_default_load));
    snprintf(syncs, sizeof syncs, "%s", contents_default_syncs);
    while ((name = strsep(&rest, ",")))
        ck_assert_ptr_nonnull(contents_sync(name));
    ck_assert_ptr_nonnull(contents_fault("none"));
}
END_TEST

START_TEST(what_is_broken_on_purpose_is_not_expected_to_be_clean)
{
    for (size_t i = 0; contents_syncs[i]; i++) {
        const struct sync_ops *row = contents_syncs[i];
        bool broken = row->traits & SYNC_BUSTED || strcmp(row->name, "none") == 0;
        ck_assert_msg(broken == (row->expect != VERDICT_CLEAN), "%s", row->name);
    }
}
END_TEST

START_TEST(sizes_and_parameters_have_bounds_that_hold_their_defaults)
{
    for (size_t i = 0; contents_loads[i]; i++) {
        const struct load_ops *row = contents_loads[i];
        ck_assert_msg(row->default_size >= row->min_size && row->min_size > 0, "%s", row->name);
        ck_assert_msg(!row->max_size || row->default_size <= row->max_size, "%s", row->name);
        ck_assert_msg(row->families != 0 && row->families < 1u << SYNC_FAMILIES, "%s", row->name);
    }
    for (size_t i = 0; contents_faults[i]; i++) {
        const struct fault_ops *row = contents_faults[i];
        if (row->parameter)
            ck_assert_msg(row->min < row->max && row->fallback >= row->min && row->fallback <= row->max, "%s", row->name);
        ck_assert_msg(row->expect >= -1 && row->expect < VERDICTS, "%s", row->name);
    }
}
END_TEST

START_TEST(a_load_has_no_more_histograms_of_its_own_than_there_is_room_for)
{
    for (size_t i = 0; contents_loads[i]; i++) {
        size_t count = 0;
        while (count <= HISTOGRAMS_OWN_MAX && contents_loads[i]->histograms[count])
            count++;
        ck_assert_msg(count <= HISTOGRAMS_OWN_MAX, "%s: the list of histograms does not end", contents_loads[i]->name);
    }
}
END_TEST

int main(void)
{
    return testing_run("contents", (const TTest *[]){
                                       the_rows_of_this_program_are_complete,
                                       every_sync_is_found_by_its_own_name,
                                       every_load_is_found_by_its_own_name,
                                       every_fault_is_found_by_its_own_name,
                                       the_four_names_of_the_manual_are_there_in_its_order,
                                       the_defaults_name_rows_that_exist,
                                       what_is_broken_on_purpose_is_not_expected_to_be_clean,
                                       sizes_and_parameters_have_bounds_that_hold_their_defaults,
                                       a_load_has_no_more_histograms_of_its_own_than_there_is_room_for,
                                       NULL,
                                   });
}
