/* Tests of child programs: their lines, their ends, and that none is left. */
#include "cmd/child.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/testing.h"

static struct error error;
static struct child_end end;
static char lines[16][128];
static int count;

static void take(void *user, const char *line)
{
    ck_assert_ptr_eq(user, &count);
    if (count < 16)
        snprintf(lines[count], sizeof lines[0], "%s", line);
    count++;
}

static int run_script(const char *text, uint64_t patience_ns)
{
    char shell[] = "/bin/sh", option[] = "-c";
    char *argv[] = {shell, option, (char *)text, NULL};
    count = 0;
    int rc = child_run(argv, patience_ns, take, &count, &end, &error);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
    return rc;
}

START_TEST(each_whole_line_is_handed_over)
{
    ck_assert_int_eq(run_script("printf 'one\\n\\ntw'; sleep 0.05; printf 'o\\nhalf'", NS_PER_S * 60), 0);
    ck_assert_int_eq(count, 3);
    ck_assert_str_eq(lines[0], "one");
    ck_assert_str_eq(lines[1], "");
    ck_assert_str_eq(lines[2], "two");
    ck_assert_int_eq(end.status, 0);
    ck_assert(!end.late);
}
END_TEST

START_TEST(many_and_long_lines_come_whole)
{
    run_script("i=0; while [ $i -lt 3000 ]; do echo \"$i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"; "
               "i=$((i+1)); done; head -c 300000 /dev/zero | tr '\\0' y; echo", NS_PER_S * 60);
    ck_assert_int_eq(count, 3001);
    ck_assert_str_eq(lines[15], "15 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}
END_TEST

START_TEST(ends_are_told_as_a_shell_does)
{
    run_script("exit 5", NS_PER_S * 60);
    ck_assert_int_eq(end.status, 5);
    run_script("kill -9 $$", NS_PER_S * 60);
    ck_assert_int_eq(end.status, 128 + SIGKILL);
    run_script("echo to the other >&2; echo one", NS_PER_S * 60);
    ck_assert_str_eq(end.complaint, "to the other\n");
    ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(what_does_not_end_is_ended)
{
    uint64_t before = clock_ns();
    run_script("exec sleep 100", NS_PER_S / 10);
    ck_assert(end.late);
    ck_assert_int_eq(end.status, 128 + SIGTERM);
    ck_assert_uint_lt(clock_ns() - before, 30 * NS_PER_S);
}
END_TEST

START_TEST(what_closes_its_output_first_is_waited_for)
{
    run_script("exec >&-; sleep 0.2; exit 3", NS_PER_S * 60);
    ck_assert_int_eq(end.status, 3);
}
END_TEST

START_TEST(what_is_not_there_is_status_127)
{
    char nowhere[] = "/nowhere/at/all";
    char *argv[] = {nowhere, NULL};
    ck_assert_int_eq(child_run(argv, NS_PER_S * 60, take, &count, &end, &error), 0);
    ck_assert_int_eq(end.status, 127);
    ck_assert_ptr_nonnull(strstr(end.complaint, "ENOENT"));
}
END_TEST

int main(void)
{
    return testing_run("child", (const TTest *const[]){
                                    each_whole_line_is_handed_over,
                                    many_and_long_lines_come_whole,
                                    ends_are_told_as_a_shell_does,
                                    what_does_not_end_is_ended,
                                    what_closes_its_output_first_is_waited_for,
                                    what_is_not_there_is_status_127,
                                    NULL,
                                });
}
