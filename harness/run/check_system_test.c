/* Tests of what is known to differ elsewhere: excused there alone, and only if it looks as it is known to. */
#include "run/check_system.h"

#include "base/testing.h"

static const struct check_difference differences[] = {
    {CHECK_ON_MUSL, "colour/*", "it is red", "red paint is cheaper"},
    {CHECK_ON_EMULATOR, "form/round", "", "corners are not emulated"},
    {0, NULL, NULL, NULL},
};

static struct check_report after(enum check_outcome outcome, const char *id, const char *observed, unsigned systems)
{
    struct check_report report = {.outcome = outcome};
    snprintf(report.observed, sizeof report.observed, "%s", observed);
    check_excuse(&report, id, systems, differences);
    return report;
}

START_TEST(what_is_known_is_excused_with_its_reason)
{
    struct check_report report = after(CHECK_FAIL, "colour/car", "the car: it is red", CHECK_ON_MUSL);
    ck_assert_int_eq(report.outcome, CHECK_DEVIATES);
    ck_assert_str_eq(report.reason, "red paint is cheaper");
    ck_assert_str_eq(report.observed, "the car: it is red");
    ck_assert_int_eq(after(CHECK_ERROR, "form/round", "", CHECK_ON_EMULATOR | CHECK_ON_MUSL).outcome, CHECK_DEVIATES);
}
END_TEST

START_TEST(nothing_else_is)
{
    ck_assert_int_eq(after(CHECK_FAIL, "colour/car", "it is red", 0).outcome, CHECK_FAIL);
    ck_assert_int_eq(after(CHECK_FAIL, "colour/car", "it is red", CHECK_ON_EMULATOR).outcome, CHECK_FAIL);
    ck_assert_int_eq(after(CHECK_FAIL, "colour/car", "it is blue", CHECK_ON_MUSL).outcome, CHECK_FAIL);
    ck_assert_int_eq(after(CHECK_FAIL, "form/colour", "it is red", CHECK_ON_MUSL).outcome, CHECK_FAIL);
    ck_assert_int_eq(after(CHECK_PASS, "colour/car", "it is red", CHECK_ON_MUSL).outcome, CHECK_PASS);
    ck_assert_int_eq(after(CHECK_UNSUPPORTED, "colour/car", "it is red", CHECK_ON_MUSL).outcome, CHECK_UNSUPPORTED);
}
END_TEST

START_TEST(here_it_is_no_emulator)
{
    ck_assert_uint_eq(check_system() & CHECK_ON_EMULATOR, 0);
}
END_TEST

int main(void)
{
    return testing_run("check_system", (const TTest *[]){what_is_known_is_excused_with_its_reason, nothing_else_is, here_it_is_no_emulator,
                                                         NULL});
}
