/* Tests of a run's folder: its name, how it is made, what it never overwrites, and the link to the latest. */
#include "cmd/outdir.h"

#include <ctype.h>
#include <sys/stat.h>

#include "base/testing.h"

static struct error error;
static struct run_info run;
static char base[] = "/tmp/shmoo-test-XXXXXX", path[4096];

/* In a folder of its own, which finish() takes away. */
static void begin(void)
{
    ck_assert_ptr_nonnull(mkdtemp(base));
    ck_assert_int_eq(chdir(base), 0);
    outdir_name(&run);
}

static void finish(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", base);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
}

static bool is_folder(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

static void touch(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

START_TEST(a_run_is_named_after_its_time_and_process)
{
    char pid[32];
    outdir_name(&run);
    snprintf(pid, sizeof pid, "-%d", (int)getpid());
    testing_has(run.id, pid);
    ck_assert_uint_eq(strlen(run.started), strlen("2000-01-01T00:00:00Z"));
    ck_assert_int_eq(run.started[10], 'T');
    ck_assert_int_eq(run.started[19], 'Z');
    for (const char *c = run.id; *c; c++)
        ck_assert_msg(isalnum((unsigned char)*c) || *c == '-', "%s", run.id);
}
END_TEST

START_TEST(the_default_folder_is_made_with_all_above_it)
{
    char wanted[256];
    begin();
    testing_ok(outdir_make(&run, NULL, path, sizeof path, &error));
    snprintf(wanted, sizeof wanted, "results/runs/%s", run.id);
    ck_assert_str_eq(path, wanted);
    ck_assert(is_folder(path));
    finish();
}
END_TEST

START_TEST(a_folder_of_ones_own_may_be_deep_and_may_be_there)
{
    begin();
    testing_ok(outdir_make(&run, "a/b c/d", path, sizeof path, &error));
    ck_assert_str_eq(path, "a/b c/d");
    ck_assert(is_folder("a/b c/d"));
    testing_ok(outdir_make(&run, "a/b c/d", path, sizeof path, &error));
    testing_ok(outdir_make(&run, "a/b c/d/", path, sizeof path, &error));
    finish();
}
END_TEST

START_TEST(a_run_that_lies_there_is_never_overwritten)
{
    begin();
    testing_ok(outdir_make(&run, "a", path, sizeof path, &error));
    touch("a/run.jsonl");
    ck_assert_int_eq(outdir_make(&run, "a", path, sizeof path, &error), -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    testing_has(error.text, "output folder a holds a");
    testing_has(error.text, "run");
    finish();
}
END_TEST

START_TEST(something_else_of_that_name_is_told)
{
    begin();
    touch("file");
    ck_assert_int_eq(outdir_make(&run, "file", path, sizeof path, &error), -1);
    testing_has(error.text, "there is something else of that name");
    ck_assert_int_eq(outdir_make(&run, "file/below", path, sizeof path, &error), -1);
    testing_has(error.text, "ENOTDIR");
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    finish();
}
END_TEST

START_TEST(an_empty_or_endless_name_is_a_mistake_of_usage)
{
    static char long_name[10000];
    begin();
    memset(long_name, 'x', sizeof long_name - 1);
    ck_assert_int_eq(outdir_make(&run, "", path, sizeof path, &error), -1);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    testing_has(error.text, "--out");
    ck_assert_int_eq(outdir_make(&run, long_name, path, sizeof path, &error), -1);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    ck_assert_uint_lt(strlen(error.text), 400);
    finish();
}
END_TEST

START_TEST(a_folder_that_may_not_be_written_is_told_with_the_way_out)
{
    begin();
    ck_assert_int_eq(mkdir("closed", 0500), 0);
    ck_assert_int_eq(chmod(base, 0755), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    int rc = outdir_make(&run, "closed/inner", path, sizeof path, &error);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(rc, -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    testing_has(error.text, "EACCES");
    testing_has(error.text, "choose another folder with --out");
    finish();
}
END_TEST

START_TEST(the_latest_link_points_at_the_run_and_moves_on)
{
    char target[128] = "", wanted[128];
    begin();
    for (int i = 0; i < 2; i++) {
        snprintf(run.id, sizeof run.id, "run-%d", i);
        testing_ok(outdir_make(&run, NULL, path, sizeof path, &error));
        outdir_publish(&run);
        memset(target, 0, sizeof target);
        ck_assert_int_gt(readlink("results/latest", target, sizeof target - 1), 0);
        snprintf(wanted, sizeof wanted, "runs/%s", run.id);
        ck_assert_str_eq(target, wanted);
        ck_assert(is_folder("results/latest"));
    }
    finish();
}
END_TEST

int main(void)
{
    return testing_run("outdir", (const TTest *[]){
                                     a_run_is_named_after_its_time_and_process,
                                     the_default_folder_is_made_with_all_above_it,
                                     a_folder_of_ones_own_may_be_deep_and_may_be_there,
                                     a_run_that_lies_there_is_never_overwritten,
                                     something_else_of_that_name_is_told,
                                     an_empty_or_endless_name_is_a_mistake_of_usage,
                                     a_folder_that_may_not_be_written_is_told_with_the_way_out,
                                     the_latest_link_points_at_the_run_and_moves_on,
                                     NULL,
                                 });
}
