/* Tests of errors: what is kept, what is cut, and what is printed. */
#include "base/error.h"

#include "base/testing.h"

START_TEST(setting_an_error_keeps_status_errno_and_text)
{
    struct error error;
    ck_assert_int_eq(error_set(&error, STATUS_ENVIRONMENT, ENOSPC, "region %s: %d bytes", "/x", 7), -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    ck_assert_int_eq(error.errnum, ENOSPC);
    ck_assert_str_eq(error.text, "region /x: 7 bytes");
}
END_TEST

START_TEST(an_error_that_nobody_wants_is_no_error_of_its_own)
{
    ck_assert_int_eq(error_set(NULL, STATUS_USAGE, 0, "%s", "lost"), -1);
}
END_TEST

START_TEST(the_arguments_may_point_into_the_error_itself)
{
    struct error error;
    error_set(&error, STATUS_USAGE, 0, "inner");
    error_set(&error, error.status, error.errnum, "outer: %s, and again %s", error.text, error.text);
    ck_assert_str_eq(error.text, "outer: inner, and again inner");
}
END_TEST

START_TEST(a_text_that_is_too_long_is_cut_and_ended)
{
    struct error error;
    char text[3000];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    error_set(&error, STATUS_USAGE, 0, "%s", text);
    ck_assert_uint_eq(strlen(error.text), sizeof error.text - 1);
}
END_TEST

START_TEST(an_errno_is_told_by_name_and_in_words)
{
    ck_assert_str_eq(error_name(ENOSPC), "ENOSPC (No space left on device)");
    ck_assert_str_eq(error_name(EEXIST), "EEXIST (File exists)");
    ck_assert_str_eq(error_name(0), "0 (Success)");
}
END_TEST

START_TEST(an_errno_without_a_name_is_told_by_number)
{
    ck_assert_str_eq(error_name(98765), "errno 98765");
    ck_assert_str_eq(error_name(-1), "errno -1");
}
END_TEST

START_TEST(exit_statuses_are_those_of_the_manual)
{
    ck_assert_int_eq(STATUS_AS_EXPECTED, 0);
    ck_assert_int_eq(STATUS_UNEXPECTED, 1);
    ck_assert_int_eq(STATUS_USAGE, 2);
    ck_assert_int_eq(STATUS_ENVIRONMENT, 3);
    ck_assert_int_eq(STATUS_NOTHING, 4);
    ck_assert_int_eq(STATUS_THRESHOLD, 5);
}
END_TEST

/* What a child that calls say() writes on standard error, and nothing on standard output. */
static char *said(int (*say)(void *user), FILE **out, FILE **err)
{
    *out = tmpfile();
    *err = tmpfile();
    ck_assert_ptr_nonnull(*out);
    ck_assert_ptr_nonnull(*err);
    FILE *files[2] = {*out, *err};
    ck_assert_int_eq(testing_wait(testing_fork(say, files)), 0);
    return testing_slurp(*err);
}

static void redirect(void *user)
{
    FILE **files = user;
    dup2(fileno(files[0]), STDOUT_FILENO);
    dup2(fileno(files[1]), STDERR_FILENO);
}

static int say_error(void *user)
{
    struct error error;
    redirect(user);
    error_set(&error, STATUS_USAGE, 0, "100%% of %s", "it");
    error_print(&error);
    return fflush(NULL);
}

static int say_notice(void *user)
{
    redirect(user);
    notice("%d trials, %s", 3, "50% done");
    return fflush(NULL);
}

START_TEST(errors_and_notices_go_to_standard_error_alone_under_the_programs_name)
{
    FILE *out, *err;
    char *text = said(say_error, &out, &err);
    ck_assert_str_eq(text, "shmoo: 100% of it\n");
    ck_assert_int_eq(fseek(out, 0, SEEK_END), 0);
    ck_assert_int_eq(ftell(out), 0);
    free(text);
    fclose(out);
    fclose(err);
    text = said(say_notice, &out, &err);
    ck_assert_str_eq(text, "shmoo: 3 trials, 50% done\n");
    free(text);
    fclose(out);
    fclose(err);
}
END_TEST

int main(void)
{
    return testing_run("error", (const TTest *[]){
                                    setting_an_error_keeps_status_errno_and_text,
                                    an_error_that_nobody_wants_is_no_error_of_its_own,
                                    the_arguments_may_point_into_the_error_itself,
                                    a_text_that_is_too_long_is_cut_and_ended,
                                    an_errno_is_told_by_name_and_in_words,
                                    an_errno_without_a_name_is_told_by_number,
                                    exit_statuses_are_those_of_the_manual,
                                    errors_and_notices_go_to_standard_error_alone_under_the_programs_name,
                                    NULL,
                                });
}
