/* Tests of the words: every verdict, violation, phase and family has a name of its own. */
#include "base/testing.h"
#include "contract/evidence.h"
#include "contract/slot.h"
#include "contract/sync.h"
#include "contract/verdict.h"

static const char *verdict_word(int i)
{
    return verdict_name((enum verdict)i);
}

static const char *violation_word(int i)
{
    return violation_name((enum violation)i);
}

static const char *phase_word(int i)
{
    return phase_name((enum phase)i);
}

static const char *family_word(int i)
{
    return sync_family_name((enum sync_family)i);
}

static void check_words(const char *(*word)(int i), int count)
{
    for (int i = 0; i < count; i++) {
        ck_assert_msg(word(i) != NULL && word(i)[0], "number %d has no name", i);
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(word(i), word(k));
    }
}

START_TEST(every_value_has_a_name_of_its_own)
{
    check_words(verdict_word, VERDICTS);
    check_words(violation_word, VIOLATIONS);
    check_words(phase_word, PHASES);
    check_words(family_word, SYNC_FAMILIES);
}
END_TEST

START_TEST(verdicts_are_called_as_the_manual_calls_them)
{
    ck_assert_str_eq(verdict_name(VERDICT_CLEAN), "CLEAN");
    ck_assert_str_eq(verdict_name(VERDICT_CORRUPT), "CORRUPT");
    ck_assert_str_eq(verdict_name(VERDICT_WEDGED), "WEDGED");
    ck_assert_str_eq(verdict_name(VERDICT_CRASHED), "CRASHED");
    ck_assert_str_eq(verdict_name(VERDICT_INCONCLUSIVE), "INCONCLUSIVE");
    ck_assert_str_eq(verdict_name(VERDICT_UNSUPPORTED), "UNSUPPORTED");
    ck_assert_str_eq(verdict_name(VERDICT_ERROR), "ERROR");
}
END_TEST

START_TEST(the_list_of_verdicts_ends_with_null)
{
    for (int i = 0; i < VERDICTS; i++)
        ck_assert_str_eq(verdict_names[i], verdict_word(i));
    ck_assert_ptr_null(verdict_names[VERDICTS]);
}
END_TEST

START_TEST(verdicts_are_found_in_any_letter_case)
{
    for (int i = 0; i < VERDICTS; i++)
        ck_assert_int_eq(verdict_find(verdict_word(i)), i);
    ck_assert_int_eq(verdict_find("clean"), VERDICT_CLEAN);
    ck_assert_int_eq(verdict_find("Wedged"), VERDICT_WEDGED);
    ck_assert_int_eq(verdict_find("CLEA"), -1);
    ck_assert_int_eq(verdict_find("CLEANX"), -1);
    ck_assert_int_eq(verdict_find(""), -1);
}
END_TEST

START_TEST(a_phase_that_was_overwritten_has_a_name_too)
{
    ck_assert_str_eq(phase_name(PHASES), "overwritten");
    ck_assert_str_eq(phase_name((enum phase)0x5a5a5a5a), "overwritten");
}
END_TEST

START_TEST(slots_lie_on_lines_of_their_own)
{
    ck_assert_uint_eq(sizeof(struct slot) % SLOT_ALIGN, 0);
    ck_assert_uint_eq(_Alignof(struct slot), SLOT_ALIGN);
}
END_TEST

int main(void)
{
    return testing_run("words", (const TTest *[]){
                                    every_value_has_a_name_of_its_own,
                                    verdicts_are_called_as_the_manual_calls_them,
                                    the_list_of_verdicts_ends_with_null,
                                    verdicts_are_found_in_any_letter_case,
                                    a_phase_that_was_overwritten_has_a_name_too,
                                    slots_lie_on_lines_of_their_own,
                                    NULL,
                                });
}
