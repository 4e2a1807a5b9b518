/* Tests of job files that are right: sections and what they share, lists that go on, comments, and odd line ends. */
#include "cmd/jobfile.h"

#include <sys/stat.h>

#include "base/testing.h"

static struct error error;
static struct plan plan;

/* Reads a text as a job file. */
static void read_text(const char *text)
{
    char path[] = "/tmp/shmoo-test-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    error = (struct error){0};
    plan = (struct plan){0};
    int rc = jobfile_read(&plan, path, &error);
    unlink(path);
    ck_assert_msg(rc == 0, "%s", error.text);
}

static const struct option_list *list(size_t grid, enum run_option option)
{
    ck_assert_uint_lt(grid, plan.grid_count);
    return &plan.grids[grid].options[option];
}

/* The items of a list as one text, "1,2,4". */
static const char *items(size_t grid, enum run_option option)
{
    static char text[8192];
    text[0] = '\0';
    for (size_t i = 0; i < list(grid, option)->count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i ? "," : "", list(grid, option)->values[i].text);
    }
    return text;
}

START_TEST(a_section_is_a_grid_and_its_keys_are_options)
{
    read_text("; a comment\n[first]\nload = counter\nwriters = 1, 2 ,4\nduration=250ms\n\n[second]\nsync: mutex\n");
    ck_assert_uint_eq(plan.grid_count, 2);
    ck_assert_str_eq(plan.grids[0].job, "first");
    ck_assert_str_eq(plan.grids[1].job, "second");
    ck_assert_str_eq(items(0, RUN_LOAD), "counter");
    ck_assert_str_eq(items(0, RUN_WRITERS), "1,2,4");
    ck_assert_uint_eq(list(0, RUN_DURATION)->values[0].number, 250000000);
    ck_assert_str_eq(items(1, RUN_SYNC), "mutex");
    ck_assert_int_eq(list(0, RUN_WRITERS)->source, OPTION_FROM_FILE);
    ck_assert_int_eq(list(1, RUN_WRITERS)->source, OPTION_FROM_DEFAULT);
    plan_free(&plan);
}
END_TEST

START_TEST(what_global_says_holds_in_every_section_that_says_nothing_else)
{
    read_text("[global]\nduration = 2s\nwriters = 7\n[a]\n[b]\nwriters = 8\n");
    ck_assert_uint_eq(plan.grid_count, 2);
    ck_assert_str_eq(items(0, RUN_WRITERS), "7");
    ck_assert_str_eq(items(1, RUN_WRITERS), "8");
    ck_assert_str_eq(items(1, RUN_DURATION), "2s");
    ck_assert_str_eq(items(0, RUN_READERS), "2"); /* the default */
    plan_free(&plan);
}
END_TEST

START_TEST(a_list_goes_on_in_indented_lines)
{
    read_text("[a]\nsync = none,\n  semaphore, mutex,\n\tspin\nwriters = 1\n");
    ck_assert_str_eq(items(0, RUN_SYNC), "none,semaphore,mutex,spin");
    ck_assert_str_eq(items(0, RUN_WRITERS), "1");
    plan_free(&plan);
    read_text("[a]\nsync = none\n    semaphore\n");
    ck_assert_str_eq(items(0, RUN_SYNC), "none,semaphore");
    plan_free(&plan);
}
END_TEST

START_TEST(a_first_key_that_is_indented_takes_the_place_of_what_global_says)
{
    read_text("[global]\nwriters = 1\n[a]\n  writers = 2\n");
    ck_assert_str_eq(items(0, RUN_WRITERS), "2");
    plan_free(&plan);
}
END_TEST

START_TEST(comments_may_stand_anywhere)
{
    read_text("# one\n; two\n[a] ; the first\nwriters = 1 ; after a blank\n; between\nreaders = 2\n");
    ck_assert_str_eq(plan.grids[0].job, "a");
    ck_assert_str_eq(items(0, RUN_WRITERS), "1");
    ck_assert_str_eq(items(0, RUN_READERS), "2");
    plan_free(&plan);
}
END_TEST

START_TEST(lines_may_end_as_on_other_systems)
{
    read_text("[global]\r\nduration = 3s\r\n\r\n[a]\r\nsync = mutex,\r\n  spin\r\nfault = stop:5\r\n");
    ck_assert_str_eq(plan.grids[0].job, "a");
    ck_assert_str_eq(items(0, RUN_SYNC), "mutex,spin");
    ck_assert_str_eq(items(0, RUN_FAULT), "stop:5");
    ck_assert_str_eq(items(0, RUN_DURATION), "3s");
    plan_free(&plan);
}
END_TEST

START_TEST(a_byte_order_mark_is_no_part_of_the_first_line)
{
    read_text("\357\273\277[a]\nwriters = 3\n");
    ck_assert_str_eq(plan.grids[0].job, "a");
    ck_assert_str_eq(items(0, RUN_WRITERS), "3");
    plan_free(&plan);
    read_text("\357\273\277[global]\nwriters = 3\n[b]\n");
    ck_assert_str_eq(items(0, RUN_WRITERS), "3");
    plan_free(&plan);
}
END_TEST

START_TEST(the_last_line_needs_no_end)
{
    read_text("[a]\nwriters = 5");
    ck_assert_str_eq(items(0, RUN_WRITERS), "5");
    plan_free(&plan);
}
END_TEST

START_TEST(a_line_of_196_characters_is_whole)
{
    char text[400] = "[a]\nsize = 64";
    size_t used = strlen(text);
    while (used < 4 + 196 - 4) {
        memcpy(text + used, ",128", 4);
        used += 4;
    }
    while (used < 4 + 196)
        text[used++] = ' ';
    memcpy(text + used, "\n", 2);
    read_text(text);
    ck_assert_uint_gt(list(0, RUN_SIZE)->count, 40);
    for (size_t i = 1; i < list(0, RUN_SIZE)->count; i++)
        ck_assert_uint_eq(list(0, RUN_SIZE)->values[i].number, 128);
    plan_free(&plan);
}
END_TEST

START_TEST(thousands_of_items_may_stand_in_many_lines)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("[a]\nwriters = 1", out);
    for (int i = 2; i <= 3000; i++)
        fprintf(out, "%s%d", i % 20 ? "," : ",\n  ", i % 100 + 1);
    fputc('\n', out);
    fclose(out);
    read_text(text);
    free(text);
    ck_assert_uint_eq(list(0, RUN_WRITERS)->count, 3000);
    for (size_t i = 1; i < 3000; i++)
        ck_assert_uint_eq(list(0, RUN_WRITERS)->values[i].number, (i + 1) % 100 + 1);
    plan_free(&plan);
}
END_TEST

START_TEST(a_second_file_adds_its_grids_and_shares_nothing_with_the_first)
{
    char path[] = "/tmp/shmoo-test-XXXXXX";
    int fd = mkstemp(path);
    static const char second[] = "[a]\nreaders = 9\n";
    ck_assert_int_eq(write(fd, second, sizeof second - 1), sizeof second - 1);
    close(fd);
    read_text("[global]\nwriters = 5\n[a]\n");
    testing_ok(jobfile_read(&plan, path, &error));
    unlink(path);
    ck_assert_uint_eq(plan.grid_count, 2);
    ck_assert_str_eq(items(0, RUN_WRITERS), "5");
    ck_assert_str_eq(items(1, RUN_WRITERS), "2");
    ck_assert_str_eq(items(1, RUN_READERS), "9");
    plan_free(&plan);
}
END_TEST

static int read_pipe(void *path)
{
    FILE *out = fopen(path, "we");
    return out && fputs("[a]\nwriters = 6\n", out) >= 0 && fclose(out) == 0 ? 0 : 1;
}

START_TEST(a_named_pipe_is_a_file_too)
{
    char folder[] = "/tmp/shmoo-test-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    pid_t writer = testing_fork(read_pipe, path);
    plan = (struct plan){0};
    testing_ok(jobfile_read(&plan, path, &error));
    ck_assert_int_eq(testing_wait(writer), 0);
    ck_assert_str_eq(items(0, RUN_WRITERS), "6");
    plan_free(&plan);
    unlink(path);
    rmdir(folder);
}
END_TEST

START_TEST(every_key_of_a_job_file_is_taken)
{
    read_text("[global]\nseed = 99\n[a]\nload = counter\nsync = mutex\nwriters = 3\nreaders = 4\nsize = 64\nfault = yield:8\nops = 100\nrepeat = 2\n"
              "hold = 1us\nthink = 2us\nrate = 5\npin = none\nsample = 7\nmin-exposure = 11\nexpect = clean\nhistory = 0\ncontrol = yes\n"
              "prefault = none\npages = base\npacking = packed\nregions = many\naddress = same\nprove-no-syscalls = yes\ncount-syscalls = 30ms\n");
    for (int i = 0; i < RUN_OPTIONS; i++)
        if ((run_options[i].flags & OPTION_KEY) && i != RUN_DURATION && i != RUN_PLUGIN) /* which needs a file */
            ck_assert_msg(list(0, (enum run_option)i)->source == OPTION_FROM_FILE, "%s", run_options[i].name);
    plan_free(&plan);
}
END_TEST

int main(void)
{
    return testing_run("jobfile", (const TTest *[]){
                                      a_section_is_a_grid_and_its_keys_are_options,
                                      what_global_says_holds_in_every_section_that_says_nothing_else,
                                      a_list_goes_on_in_indented_lines,
                                      a_first_key_that_is_indented_takes_the_place_of_what_global_says,
                                      comments_may_stand_anywhere,
                                      lines_may_end_as_on_other_systems,
                                      a_byte_order_mark_is_no_part_of_the_first_line,
                                      the_last_line_needs_no_end,
                                      a_line_of_196_characters_is_whole,
                                      thousands_of_items_may_stand_in_many_lines,
                                      a_second_file_adds_its_grids_and_shares_nothing_with_the_first,
                                      a_named_pipe_is_a_file_too,
                                      every_key_of_a_job_file_is_taken,
                                      NULL,
                                  });
}
