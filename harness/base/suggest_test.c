/* Tests of suggest: the nearest name, and the message that holds it. */
#include "base/suggest.h"

#include "base/testing.h"

static const char *const syncs[] = {"none", "semaphore", "mutex", "mutex-robust", "rwlock", "spin", NULL};

START_TEST(each_kind_of_slip_leads_to_the_name_that_was_meant)
{
    static const char *const rows[][2] = {
        {"mutex", "mutex"},    {"mutx", "mutex"},         {"mutexx", "mutex"},   {"mutez", "mutex"},  {"mtuex", "mutex"},
        {"MUTEX", "mutex"},    {"smaphore", "semaphore"}, {"semafore", "semaphore"}, {"rwlok", "rwlock"}, {"spni", "spin"},
        {"nnoe", "none"},      {"mutex_robust", "mutex-robust"}, {"rwlocks", "rwlock"}, {"Spin", "spin"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(strcmp(suggest_nearest(rows[i][0], syncs), rows[i][1]) == 0, "%s became %s", rows[i][0],
                      suggest_nearest(rows[i][0], syncs));
}
END_TEST

START_TEST(a_guess_is_near_or_none_at_all)
{
    static const char *const units[] = {"ns", "us", "ms", "s", "min", "m", "h", "d", NULL};
    static const struct {
        const char *typed, *meant;
        const char *const *names;
    } rows[] = {
        {"mutx", "mutex", syncs},   {"semafor", "semaphore", syncs}, {"sem", "semaphore", syncs}, {"SEM", "semaphore", syncs},
        {"foo", NULL, syncs},       {"", NULL, syncs},               {"-v", NULL, syncs},         {"pthread", NULL, syncs},
        {"seconds", "s", units},    {"minutes", "min", units},       {"hours", "h", units},       {"x", NULL, units},
        {"parsecs", NULL, units},   {"-8", NULL, units},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *meant = suggest_likely(rows[i].typed, rows[i].names);
        ck_assert_msg(meant == rows[i].meant || (meant && rows[i].meant && strcmp(meant, rows[i].meant) == 0), "%s became %s",
                      rows[i].typed, meant ? meant : "nothing");
    }
}
END_TEST

START_TEST(what_is_like_nothing_is_answered_with_the_names_alone)
{
    struct error error = {0};
    ck_assert_int_eq(suggest_fail(&error, "sync", "foo", syncs), -1);
    ck_assert_str_eq(error.text, "unknown sync \"foo\". Valid: none semaphore mutex mutex-robust rwlock spin");
}
END_TEST

START_TEST(letter_case_counts_less_than_a_letter)
{
    static const char *const names[] = {"kB", "kiB", "KiB", NULL};
    ck_assert_str_eq(suggest_nearest("kib", names), "kiB");
    ck_assert_str_eq(suggest_nearest("KIB", names), "KiB");
}
END_TEST

START_TEST(swapped_neighbours_are_one_edit)
{
    static const char *const names[] = {"bcde", "abdc", NULL};
    ck_assert_str_eq(suggest_nearest("abcd", names), "abdc");
}
END_TEST

START_TEST(the_first_of_equally_near_names_wins)
{
    static const char *const names[] = {"cat", "bat", "rat", NULL};
    ck_assert_str_eq(suggest_nearest("mat", names), "cat");
}
END_TEST

START_TEST(an_empty_word_has_the_shortest_name_nearest)
{
    ck_assert_str_eq(suggest_nearest("", syncs), "none");
}
END_TEST

START_TEST(an_empty_list_has_nothing_to_offer)
{
    static const char *const names[] = {NULL};
    struct error error = {0};
    ck_assert_ptr_null(suggest_nearest("mutex", names));
    ck_assert_int_eq(suggest_fail(&error, "job", "smoke", names), -1);
    ck_assert_str_eq(error.text, "unknown job \"smoke\"; there is none to choose from");
}
END_TEST

START_TEST(very_long_words_are_compared_by_their_beginnings)
{
    char typed[5000], other[5000];
    memset(typed, 'x', sizeof typed);
    memset(other, 'y', sizeof other);
    typed[sizeof typed - 1] = other[sizeof other - 1] = '\0';
    const char *const names[] = {other, typed, "x", NULL};
    ck_assert_ptr_eq(suggest_nearest(typed, names), typed);
    ck_assert_str_eq(suggest_nearest("xx", names), "x");
}
END_TEST

START_TEST(the_message_holds_the_word_the_nearest_and_all_names)
{
    struct error error = {0};
    ck_assert_int_eq(suggest_fail(&error, "sync", "mutx", syncs), -1);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    ck_assert_str_eq(error.text, "unknown sync \"mutx\"; did you mean \"mutex\"? Valid: none semaphore mutex mutex-robust rwlock "
                                 "spin");
}
END_TEST

START_TEST(a_message_with_hundreds_of_names_is_cut_short_and_whole)
{
    static char text[300][16];
    const char *names[301] = {NULL};
    struct error error = {0};
    for (int i = 0; i < 300; i++) {
        snprintf(text[i], sizeof text[i], "name-%03d", i);
        names[i] = text[i];
    }
    suggest_fail(&error, "sync", "name-299x", names);
    testing_has(error.text, "did you mean \"name-299\"? Valid: name-000 name-001");
    ck_assert_uint_lt(strlen(error.text), sizeof error.text);
    const char *rest = strstr(error.text, " ... and "), *last = strstr(error.text, " name-000");
    ck_assert_ptr_nonnull(rest);
    ck_assert_int_eq((rest - last) % (long)strlen(" name-000"), 0); /* no name is cut in two */
    ck_assert_int_eq((rest - last) / (long)strlen(" name-000") + atoi(rest + strlen(" ... and ")), 300);
}
END_TEST

START_TEST(bytes_beyond_ascii_are_compared_like_any_others)
{
    static const char *const names[] = {"\303\244hnlich", "mutex", NULL};
    ck_assert_str_eq(suggest_nearest("\303\244nlich", names), "\303\244hnlich");
}
END_TEST

int main(void)
{
    return testing_run("suggest", (const TTest *[]){
                                      each_kind_of_slip_leads_to_the_name_that_was_meant,
                                      a_guess_is_near_or_none_at_all,
                                      what_is_like_nothing_is_answered_with_the_names_alone,
                                      letter_case_counts_less_than_a_letter,
                                      swapped_neighbours_are_one_edit,
                                      the_first_of_equally_near_names_wins,
                                      an_empty_word_has_the_shortest_name_nearest,
                                      an_empty_list_has_nothing_to_offer,
                                      very_long_words_are_compared_by_their_beginnings,
                                      the_message_holds_the_word_the_nearest_and_all_names,
                                      a_message_with_hundreds_of_names_is_cut_short_and_whole,
                                      bytes_beyond_ascii_are_compared_like_any_others,
                                      NULL,
                                  });
}
