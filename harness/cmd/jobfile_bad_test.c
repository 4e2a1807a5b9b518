/* Tests of job files that are wrong: every mistake is told with file, line and column, and nothing is taken from it. */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "base/testing.h"
#include "cmd/jobfile.h"

static struct error error;

/* Reads `length` bytes as a job file, which must fail at that place with that text. */
static void refuse_bytes(const char *text, size_t length, const char *place, const char *part)
{
    char path[] = "/tmp/shmoo-test-XXXXXX", begin[100];
    struct plan plan = {0};
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, length), length);
    close(fd);
    error = (struct error){0};
    int rc = jobfile_read(&plan, path, &error);
    unlink(path);
    plan_free(&plan);
    ck_assert_msg(rc == -1, "taken: %s", text);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    snprintf(begin, sizeof begin, "%s:%s: ", path, place);
    ck_assert_msg(strncmp(error.text, begin, strlen(begin)) == 0, "\"%s\" does not begin with %s", error.text, begin);
    testing_has(error.text, part);
}

static void refuse(const char *text, const char *place, const char *part)
{
    refuse_bytes(text, strlen(text), place, part);
}

START_TEST(an_unknown_key_is_told_with_the_nearest)
{
    refuse("[a]\nsync = mutex\nwirters = 1\n", "3:1", "unknown key \"wirters\"; did you mean \"writers\"?");
    refuse("[a]\n   wirters = 1\n", "2:4", "unknown key \"wirters\"");
}
END_TEST

START_TEST(options_that_are_no_keys_are_unknown_in_a_file)
{
    static const char *const names[] = {"out", "format", "dry-run", "quiet", "help"};
    char text[100];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(text, sizeof text, "[a]\n%s = yes\n", names[i]);
        refuse(text, "2:1", "unknown key");
        testing_lacks(error.text, "Valid: out");
    }
}
END_TEST

START_TEST(a_key_given_twice_is_refused)
{
    refuse("[a]\nwriters = 1\nreaders = 1\nwriters = 2\n", "4:1", "writers is given twice in this section");
    refuse("[global]\nwriters = 1\nwriters = 2\n[a]\n", "3:1", "writers is given twice");
}
END_TEST

START_TEST(a_section_given_twice_is_refused)
{
    refuse("[a]\nwriters = 1\n[b]\n[a]\n", "4:1", "the section [a] is there twice");
}
END_TEST

START_TEST(a_key_before_any_section_is_refused)
{
    refuse("writers = 1\n[a]\n", "1:1", "the key writers stands before any section");
    refuse("\n\n  writers = 1\n", "3:3", "the key writers stands before any section");
}
END_TEST

START_TEST(a_section_without_its_bracket_is_refused)
{
    refuse("[a\nwriters = 1\n", "1:1", "the section has no closing bracket");
    refuse("[a]\nwriters = 1\n[b\n", "3:1", "the section has no closing bracket");
}
END_TEST

START_TEST(a_section_is_not_indented_and_has_its_line_to_itself)
{
    refuse("[a]\nwriters = 1\n  [b]\nwriters = 2\n", "3:3", "section");
    refuse("[a]\n  [b]\nwriters = 2\n", "2:3", "section");
    refuse("[a] writers = 2\n", "1:5", "section");
    refuse("[a]\rwriters = 2\r", "1:5", "section");
}
END_TEST

START_TEST(a_line_that_is_no_key_and_no_section_is_refused)
{
    refuse("[a]\nwriters 1\n", "2:1", "neither [section] nor key = value");
    refuse("[a]\n\n   nonsense\n", "3:4", "neither [section] nor key = value");
}
END_TEST

START_TEST(a_bad_value_is_told_at_its_place)
{
    refuse("[a]\nwriters = many\n", "2:11", "writers: \"many\" is not a number");
    refuse("[a]\nwriters=0\n", "2:9", "writers: 0 is out of bounds");
    refuse("[a]\nsync = mutex,spni\n", "2:8", "unknown sync \"spni\"; did you mean \"spin\"?");
    refuse("[a]\nfault = stop:x\n", "2:9", "is not a number of milliseconds");
    refuse("[a]\nexpect = FINE\n", "2:10", "unknown verdict \"FINE\"");
    refuse("[a]\nsync = mutex,\n   spni\n", "3:4", "unknown sync \"spni\"");
}
END_TEST

START_TEST(an_empty_value_is_refused)
{
    refuse("[a]\nwriters =\n", "2:1", "writers: an item of the list is empty");
    refuse("[a]\nduration =\n", "2:1", "duration: the value is empty");
    refuse("[a]\nwriters = 1,,2\n", "2:11", "an item of the list is empty");
}
END_TEST

START_TEST(what_takes_one_value_does_not_go_on_in_another_line)
{
    refuse("[a]\nduration = 1s\n  2s\n", "3:3", "duration");
    refuse("[global]\nseed = 1\n  2\n", "3:3", "seed");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_refused_where_it_is_too_long)
{
    char text[1200];
    for (size_t length = 197; length < 1100; length += 113) {
        memset(text, ' ', sizeof text);
        memcpy(text, "[a]\nsync = mutex", 16);
        text[4 + length] = '\n';
        text[5 + length] = '\0';
        refuse(text, "2:197", "the line is longer than 196 characters");
    }
}
END_TEST

START_TEST(a_file_without_a_grid_is_refused)
{
    static const char *const texts[] = {"", "\n\n", "; only words\n", "[global]\n", "[global]\nwriters = 2\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char path[] = "/tmp/shmoo-test-XXXXXX";
        struct plan plan = {0};
        int fd = mkstemp(path);
        ck_assert_int_eq(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
        close(fd);
        ck_assert_int_eq(jobfile_read(&plan, path, &error), -1);
        unlink(path);
        testing_has(error.text, "no section besides [global]: nothing to run");
        plan_free(&plan);
    }
}
END_TEST

START_TEST(global_may_not_come_late)
{
    refuse("[a]\nwriters = 1\n[global]\nreaders = 1\n", "3:1", "[global] must come before all other sections");
}
END_TEST

START_TEST(nul_bytes_are_refused_wherever_they_stand)
{
    static const char begin[] = "[a]\nwri\0ters = 1\n", middle[] = "[a]\nwriters = 1\0 2\n", end[] = "[a]\nwriters = 1\n\0",
                      comment[] = "; x\0y\n[a]\n", only[] = "\0\0\0", section[] = "[a\0b]\n", last[] = "[a]\nwriters = 1\0";
    refuse_bytes(begin, sizeof begin - 1, "2:4", "NUL");
    refuse_bytes(middle, sizeof middle - 1, "2:12", "NUL");
    refuse_bytes(end, sizeof end - 1, "3:1", "NUL");
    refuse_bytes(comment, sizeof comment - 1, "1:4", "NUL");
    refuse_bytes(only, sizeof only - 1, "1:1", "NUL");
    refuse_bytes(section, sizeof section - 1, "1:3", "NUL");
    refuse_bytes(last, sizeof last - 1, "2:12", "NUL");
}
END_TEST

START_TEST(mistakes_are_counted_right_behind_carriage_returns_and_a_byte_order_mark)
{
    refuse("[a]\r\nwriters = 1\r\nwirters = 1\r\n", "3:1", "unknown key");
    refuse("\357\273\277[a]\nwirters = 1\n", "2:1", "unknown key");
    refuse("\357\273\277wirters = 1\n", "1:1", "stands before any section");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_told_with_the_jobs_that_are)
{
    struct plan plan = {0};
    ck_assert_int_eq(jobfile_read(&plan, "no-such-job", &error), -1);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    testing_has(error.text, "job file no-such-job: open: ENOENT");
    testing_has(error.text, "or one of the built-in jobs:");
    plan_free(&plan);
}
END_TEST

START_TEST(a_folder_or_a_device_is_no_job_file)
{
    struct plan plan = {0};
    ck_assert_int_eq(jobfile_read(&plan, "/tmp", &error), -1);
    testing_has(error.text, "job file /tmp is not a file");
    ck_assert_int_eq(jobfile_read(&plan, "/dev/null", &error), -1);
    testing_has(error.text, "job file /dev/null is not a file");
    plan_free(&plan);
}
END_TEST

START_TEST(a_file_that_may_not_be_read_is_an_error_of_the_environment)
{
    char path[] = "/tmp/shmoo-test-XXXXXX";
    struct plan plan = {0};
    int fd = mkstemp(path);
    close(fd);
    ck_assert_int_eq(chmod(path, 0), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    int rc = jobfile_read(&plan, path, &error);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    unlink(path);
    ck_assert_int_eq(rc, -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    testing_has(error.text, "EACCES");
    plan_free(&plan);
}
END_TEST

int main(void)
{
    return testing_run("jobfile_bad", (const TTest *[]){
                                          an_unknown_key_is_told_with_the_nearest,
                                          options_that_are_no_keys_are_unknown_in_a_file,
                                          a_key_given_twice_is_refused,
                                          a_section_given_twice_is_refused,
                                          a_key_before_any_section_is_refused,
                                          a_section_without_its_bracket_is_refused,
                                          a_section_is_not_indented_and_has_its_line_to_itself,
                                          a_line_that_is_no_key_and_no_section_is_refused,
                                          a_bad_value_is_told_at_its_place,
                                          an_empty_value_is_refused,
                                          what_takes_one_value_does_not_go_on_in_another_line,
                                          a_line_that_is_too_long_is_refused_where_it_is_too_long,
                                          a_file_without_a_grid_is_refused,
                                          global_may_not_come_late,
                                          nul_bytes_are_refused_wherever_they_stand,
                                          mistakes_are_counted_right_behind_carriage_returns_and_a_byte_order_mark,
                                          a_file_that_is_not_there_is_told_with_the_jobs_that_are,
                                          a_folder_or_a_device_is_no_job_file,
                                          a_file_that_may_not_be_read_is_an_error_of_the_environment,
                                          NULL,
                                      });
}
