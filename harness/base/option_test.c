/* Tests of options: rows and lists, bounds, sources and copies. The command line's parser has a test of its own. */
#include "base/option.h"

#include "base/testing.h"

enum { LOAD, WRITERS, SIZE, DURATION, OUT, QUIET, TAG, OPTIONS };

static int valid_load(const char *text, struct error *error)
{
    return strcmp(text, "counter") == 0 || strcmp(text, "quit") == 0
               ? 0
               : error_set(error, STATUS_USAGE, 0, "unknown load \"%s\"", text);
}

static const char *name_of(size_t i)
{
    static const char *const names[] = {"mutex", "ring-a", "ring-b", "ring-none", "spin", NULL};
    return names[i];
}

static const struct option_row patterned[1] = {
    {.name = "sync", .argument = "NAME", .type = OPTION_NAME, .flags = OPTION_LIST, .names = name_of, .help = "what to test"}};

static const struct option_row rows[OPTIONS] = {
    [LOAD] = {.name = "load", .letter = 'l', .argument = "NAME", .type = OPTION_NAME, .flags = OPTION_LIST | OPTION_KEY,
              .fallback = "counter,quit", .valid = valid_load, .help = "what to do"},
    [WRITERS] = {.name = "writers", .letter = 'w', .argument = "N", .type = OPTION_COUNT, .flags = OPTION_LIST | OPTION_KEY,
                 .fallback = "2", .min = 1, .max = 100, .bounds = "; nobody writes otherwise", .help = "writers"},
    [SIZE] = {.name = "size", .argument = "BYTES", .type = OPTION_SIZE, .flags = OPTION_KEY, .min = 4, .help = "bytes"},
    [DURATION] = {.name = "duration", .argument = "TIME", .type = OPTION_DURATION, .fallback = "1s", .help = "time"},
    [OUT] = {.name = "out", .argument = "DIR", .type = OPTION_TEXT, .help = "folder"},
    [QUIET] = {.name = "quiet", .type = OPTION_FLAG, .help = "no words"},
    [TAG] = {.name = "tag", .argument = "T", .type = OPTION_TEXT, .flags = OPTION_GATHER, .help = "a mark"},
};

static struct option_list lists[OPTIONS];
static struct error error;

static int assign(int row, const char *text, enum option_source source)
{
    error = (struct error){0};
    return option_assign(&rows[row], &lists[row], text, rows[row].name, source, &error);
}

static void assign_ok(int row, const char *text)
{
    ck_assert_msg(assign(row, text, OPTION_FROM_COMMAND) == 0, "%s", error.text);
}

static void assign_fails(int row, const char *text, const char *part)
{
    size_t count = lists[row].count;
    enum option_source source = lists[row].source;
    ck_assert_msg(assign(row, text, OPTION_FROM_COMMAND) == -1, "\"%s\" was taken", text);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    testing_has(error.text, part);
    ck_assert_msg(strncmp(error.text, rows[row].name, strlen(rows[row].name)) == 0, "\"%s\" does not begin with the place",
                  error.text);
    ck_assert_uint_eq(lists[row].count, count);
    ck_assert_int_eq(lists[row].source, source);
}

START_TEST(every_list_begins_with_its_default)
{
    options_init(rows, OPTIONS, lists);
    ck_assert_uint_eq(lists[LOAD].count, 2);
    ck_assert_str_eq(lists[LOAD].values[1].text, "quit");
    ck_assert_uint_eq(lists[WRITERS].values[0].number, 2);
    ck_assert_uint_eq(lists[DURATION].values[0].number, 1000000000);
    ck_assert_uint_eq(lists[SIZE].count, 0);
    ck_assert_uint_eq(lists[QUIET].count, 0);
    for (int i = 0; i < OPTIONS; i++)
        ck_assert_int_eq(lists[i].source, OPTION_FROM_DEFAULT);
    options_free(lists, OPTIONS);
    ck_assert_uint_eq(lists[LOAD].count, 0);
    options_free(lists, OPTIONS);
}
END_TEST

static int init_broken(void *user)
{
    static const struct option_row broken[1] = {{.name = "n", .type = OPTION_COUNT, .fallback = "many", .help = "h"}};
    (void)user;
    fclose(stderr);
    options_init(broken, 1, lists);
    return 0;
}

START_TEST(a_default_that_does_not_parse_ends_the_program)
{
    ck_assert_int_eq(testing_wait(testing_fork(init_broken, NULL)), -SIGABRT);
}
END_TEST

START_TEST(a_list_is_cut_at_commas_and_its_items_are_trimmed)
{
    assign_ok(WRITERS, " 1, 2 ,\t4\t,0.1k");
    static const uint64_t numbers[] = {1, 2, 4, 100};
    static const char *const texts[] = {"1", "2", "4", "0.1k"};
    ck_assert_uint_eq(lists[WRITERS].count, 4);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(lists[WRITERS].values[i].number, numbers[i]);
        ck_assert_str_eq(lists[WRITERS].values[i].text, texts[i]);
    }
    ck_assert_int_eq(lists[WRITERS].source, OPTION_FROM_COMMAND);
    options_free(lists, OPTIONS);
}
END_TEST

static void check_pattern(const char *text, const char *expected)
{
    struct option_list list = {0};
    char joined[sizeof error.text + 200] = "";
    error = (struct error){0};
    if (option_assign(patterned, &list, text, "sync", OPTION_FROM_COMMAND, &error))
        snprintf(joined, sizeof joined, "%s", error.text);
    for (size_t i = 0; i < list.count; i++)
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", i ? "," : "", list.values[i].text);
    ck_assert_str_eq(joined, expected);
    options_free(&list, 1);
}

START_TEST(a_pattern_stands_for_all_names_that_match)
{
    check_pattern("ring-*", "ring-a,ring-b,ring-none");
    check_pattern("spin,ring-?", "spin,ring-a,ring-b");
    check_pattern("ring-b,ring-*", "ring-b,ring-a,ring-none");
    check_pattern("*,!ring-*", "mutex,spin");
    check_pattern("ring-[ab], !ring-a", "ring-b");
    check_pattern("*,!*none,ring-none", "mutex,ring-a,ring-b,spin,ring-none");
    check_pattern("x*", "sync: no sync matches \"x*\"");
    check_pattern("mutex,!x*", "sync: no sync matches \"x*\"");
    check_pattern("mutex,!mutex", "sync: nothing is left of the list");
}
END_TEST

START_TEST(an_assignment_takes_the_place_of_what_was_there)
{
    options_init(rows, OPTIONS, lists);
    assign_ok(WRITERS, "7,8");
    assign_ok(WRITERS, "9");
    ck_assert_uint_eq(lists[WRITERS].count, 1);
    ck_assert_uint_eq(lists[WRITERS].values[0].number, 9);
    options_free(lists, OPTIONS);
}
END_TEST

START_TEST(a_failure_leaves_the_list_as_it_was)
{
    options_init(rows, OPTIONS, lists);
    assign_fails(WRITERS, "1,2,x", "writers: \"x\" is not a number");
    assign_fails(WRITERS, "1,,2", "an item of the list is empty");
    assign_fails(WRITERS, "", "an item of the list is empty");
    assign_fails(WRITERS, "1,", "an item of the list is empty");
    assign_fails(SIZE, "", "the value is empty");
    assign_fails(LOAD, "counter,nothing", "load: unknown load \"nothing\"");
    ck_assert_uint_eq(lists[WRITERS].values[0].number, 2);
    options_free(lists, OPTIONS);
}
END_TEST

START_TEST(bounds_are_kept_and_told_with_their_reason)
{
    assign_fails(WRITERS, "0", "writers: 0 is out of bounds: 1 to 100; nobody writes otherwise");
    assign_fails(WRITERS, "101", "out of bounds: 1 to 100");
    ck_assert_str_eq(error.text, "writers: 101 is out of bounds: 1 to 100"); /* the reason is that of the lower bound */
    assign_fails(SIZE, "3", "size: 3 is out of bounds: at least 4");
    assign_ok(WRITERS, "1,100");
    assign_ok(SIZE, "9000000000000000000");
    options_free(lists, OPTIONS);
}
END_TEST

START_TEST(what_takes_one_value_takes_commas_as_text)
{
    assign_ok(OUT, "a,b");
    ck_assert_uint_eq(lists[OUT].count, 1);
    ck_assert_str_eq(lists[OUT].values[0].text, "a,b");
    assign_fails(SIZE, "1k,2k", "\"1k,2k\" is a list, and one size is taken here");
    options_free(lists, OPTIONS);
}
END_TEST

START_TEST(a_text_may_be_empty)
{
    assign_ok(OUT, "");
    ck_assert_uint_eq(lists[OUT].count, 1);
    ck_assert_str_eq(lists[OUT].values[0].text, "");
    options_free(lists, OPTIONS);
}
END_TEST

START_TEST(flags_are_yes_or_no)
{
    static const char *const yes[] = {"yes", "true", "1"}, *const no[] = {"no", "false", "0"};
    for (int i = 0; i < 3; i++) {
        assign_ok(QUIET, yes[i]);
        ck_assert_uint_eq(lists[QUIET].values[0].number, 1);
        assign_ok(QUIET, no[i]);
        ck_assert_uint_eq(lists[QUIET].values[0].number, 0);
    }
    assign_fails(QUIET, "maybe", "neither yes nor no");
    options_free(lists, OPTIONS);
}
END_TEST

START_TEST(gathered_values_add_up_within_one_source_only)
{
    ck_assert_int_eq(assign(TAG, "a", OPTION_FROM_FILE), 0);
    ck_assert_int_eq(assign(TAG, "b", OPTION_FROM_FILE), 0);
    ck_assert_uint_eq(lists[TAG].count, 2);
    ck_assert_str_eq(lists[TAG].values[1].text, "b");
    ck_assert_int_eq(assign(TAG, "c", OPTION_FROM_COMMAND), 0);
    ck_assert_uint_eq(lists[TAG].count, 1);
    ck_assert_int_eq(assign(TAG, "d", OPTION_FROM_COMMAND), 0);
    ck_assert_uint_eq(lists[TAG].count, 2);
    ck_assert_str_eq(lists[TAG].values[0].text, "c");
    options_free(lists, OPTIONS);
}
END_TEST

START_TEST(a_list_has_at_most_4096_items)
{
    char text[2 * 4097 + 1];
    for (int i = 0; i < 4097; i++)
        memcpy(text + 2 * i, "1,", 2);
    text[2 * 4097 - 1] = '\0';
    assign_fails(WRITERS, text, "more than 4096 items");
    text[2 * 4096 - 1] = '\0';
    assign_ok(WRITERS, text);
    ck_assert_uint_eq(lists[WRITERS].count, 4096);
    options_free(lists, OPTIONS);
}
END_TEST

START_TEST(a_copy_is_deep)
{
    struct option_list copy[OPTIONS];
    options_init(rows, OPTIONS, lists);
    assign_ok(WRITERS, "3,4");
    options_copy(copy, lists, OPTIONS);
    ck_assert_ptr_ne(copy[WRITERS].values, lists[WRITERS].values);
    ck_assert_ptr_ne(copy[WRITERS].values[0].text, lists[WRITERS].values[0].text);
    options_free(lists, OPTIONS);
    ck_assert_uint_eq(copy[WRITERS].count, 2);
    ck_assert_str_eq(copy[WRITERS].values[1].text, "4");
    ck_assert_uint_eq(copy[WRITERS].values[1].number, 4);
    ck_assert_int_eq(copy[WRITERS].source, OPTION_FROM_COMMAND);
    ck_assert_int_eq(copy[LOAD].source, OPTION_FROM_DEFAULT);
    options_free(copy, OPTIONS);
}
END_TEST

START_TEST(rows_are_found_by_their_whole_name)
{
    ck_assert_int_eq(option_find(rows, OPTIONS, "writers"), WRITERS);
    ck_assert_int_eq(option_find(rows, OPTIONS, "tag"), TAG);
    ck_assert_int_eq(option_find(rows, OPTIONS, "writer"), -1);
    ck_assert_int_eq(option_find(rows, OPTIONS, ""), -1);
}
END_TEST

START_TEST(an_unknown_name_is_told_with_the_nearest)
{
    ck_assert_int_eq(option_unknown(rows, OPTIONS, "option", "quite", false, &error), -1);
    testing_has(error.text, "unknown option \"quite\"; did you mean \"quiet\"?");
    testing_has(error.text, " out quiet tag");
    ck_assert_int_eq(option_unknown(rows, OPTIONS, "key", "quite", true, &error), -1);
    testing_has(error.text, "Valid: load writers size");
    testing_lacks(error.text, "quiet");
}
END_TEST

int main(void)
{
    return testing_run("option", (const TTest *[]){
                                     every_list_begins_with_its_default,
                                     a_default_that_does_not_parse_ends_the_program,
                                     a_list_is_cut_at_commas_and_its_items_are_trimmed,
                                     a_pattern_stands_for_all_names_that_match,
                                     an_assignment_takes_the_place_of_what_was_there,
                                     a_failure_leaves_the_list_as_it_was,
                                     bounds_are_kept_and_told_with_their_reason,
                                     what_takes_one_value_takes_commas_as_text,
                                     a_text_may_be_empty,
                                     flags_are_yes_or_no,
                                     gathered_values_add_up_within_one_source_only,
                                     a_list_has_at_most_4096_items,
                                     a_copy_is_deep,
                                     rows_are_found_by_their_whole_name,
                                     an_unknown_name_is_told_with_the_nearest,
                                     NULL,
                                 });
}
