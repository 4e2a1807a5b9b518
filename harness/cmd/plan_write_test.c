/* Tests of the plan written back: a replay line gives its trial again, and a plan's file all of its trials. */
#include "base/testing.h"
#include "cmd/plan.h"

static struct error error;

/* Parses a command line of words as a shell would cut it; the first two, "shmoo run", are left out. */
static void build(struct plan *plan, char *const *jobs, int job_count, const char *words)
{
    struct option_list lists[RUN_OPTIONS];
    char line[40000], *argv[100], **operands;
    int argc = 1, operand_count;
    argv[0] = line;
    snprintf(line, sizeof line, "%s", words);
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    options_init(run_options, RUN_OPTIONS, lists);
    testing_ok(options_parse(run_options, RUN_OPTIONS, lists, argc, argv, &operands, &operand_count, &error));
    ck_assert_int_eq(operand_count, 0);
    testing_ok(plan_build(plan, jobs, job_count, lists, &error));
    options_free(lists, RUN_OPTIONS);
}

static void check_same(const struct trial_spec *a, const struct trial_spec *b)
{
    ck_assert_ptr_eq(a->load, b->load);
    ck_assert_ptr_eq(a->sync, b->sync);
    ck_assert_ptr_eq(a->fault, b->fault);
    ck_assert(a->fault_parameter == b->fault_parameter);
    ck_assert_str_eq(a->fault_text, b->fault_text);
    ck_assert_uint_eq(a->shape.writers, b->shape.writers);
    ck_assert_uint_eq(a->shape.readers, b->shape.readers);
    ck_assert_uint_eq(a->shape.size, b->shape.size);
    ck_assert_uint_eq(a->shape.hold_ns, b->shape.hold_ns);
    ck_assert_uint_eq(a->shape.think_ns, b->shape.think_ns);
    ck_assert(a->shape.rate == b->shape.rate);
    ck_assert_uint_eq(a->shape.ops_limit, b->shape.ops_limit);
    ck_assert_uint_eq(a->shape.sampling, b->shape.sampling);
    ck_assert_uint_eq(a->shape.seed, b->shape.seed);
    ck_assert_uint_eq(a->duration_ns, b->duration_ns);
    ck_assert_str_eq(a->pin, b->pin);
    ck_assert_mem_eq(&a->shape.layout, &b->shape.layout, sizeof a->shape.layout);
    ck_assert_int_eq(a->expect, b->expect);
    ck_assert_int_eq(a->expect_given, b->expect_given);
    ck_assert_uint_eq(a->enough, b->enough);
}

static const char *const commands[] = {
    "",
    "--load snapshot --sync mutex,none --writers 1,2 --readers 0,7 --size 1,64,4097,1MiB --seed 5",
    "--load quit --sync rwlock --writers 3 --ops 1234 --repeat 3",
    "--sync spin --fault yield,delay:2.5,stop:7,kill:100,none --duration 250ms --expect crashed",
    "--sync mutex --hold 0,1us,999ns,3s --think 0,1500us,1h --rate 0,7,1M",
    "--sync mutex --sample 3 --min-exposure 0 --pin compact",
    "--sync mutex --min-exposure 17 --pin 0-1,0 --duration 90071992547us",
    "--sync mutex --think 1ms --sample 64 --pin none",
    "--sync mutex --load neighbours --packing padded,packed --regions one,many --pin same-llc,0,1,0+1 --prefault none,fallocate,populate --address same,different --pages base,thp,huge-2m,huge-1g",
    "--load lifecycle --sync none --size 8,12345678 --seed 9007199254740991",
};

START_TEST(a_replay_line_gives_the_same_trial_with_the_same_seed)
{
    for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++) {
        struct plan plan, again;
        build(&plan, NULL, 0, commands[c]);
        for (size_t i = 0; i < plan.trial_count; i++) {
            char *line = plan_replay(&plan.trials[i]);
            ck_assert_ptr_nonnull(line);
            ck_assert_int_eq(strncmp(line, "shmoo run ", 10), 0);
            ck_assert_ptr_null(strchr(line, '\n'));
            build(&again, NULL, 0, line + 10);
            ck_assert_msg(again.trial_count == 1, "%s: %zu trials", line, again.trial_count);
            check_same(&plan.trials[i], &again.trials[0]);
            plan_free(&again);
            free(line);
        }
        plan_free(&plan);
    }
}
END_TEST

START_TEST(a_replay_line_names_what_differs_from_the_defaults_only)
{
    struct plan plan;
    build(&plan, NULL, 0, "--sync mutex --seed 77");
    char *line = plan_replay(&plan.trials[0]);
    ck_assert_str_eq(line, "shmoo run --load counter --sync mutex --writers 2 --readers 2 --size 8 --duration 1s --seed 77");
    free(line);
    plan_free(&plan);
}
END_TEST

/* Writes a plan to a new file and reads it back. */
static void round_trip(const struct plan *plan, struct plan *again)
{
    char folder[] = "/tmp/shmoo-test-XXXXXX", path[64], *jobs[1] = {path};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/plan.ini", folder);
    testing_ok(plan_write(plan, path, &error));
    build(again, jobs, 1, "");
    unlink(path);
    rmdir(folder);
}

static void check_round_trip(char *const *jobs, int job_count, const char *words, bool same_jobs)
{
    struct plan plan, again;
    build(&plan, jobs, job_count, words);
    round_trip(&plan, &again);
    ck_assert_uint_eq(again.seed, plan.seed);
    ck_assert_uint_eq(again.trial_count, plan.trial_count);
    for (size_t i = 0; i < plan.trial_count; i++) {
        check_same(&plan.trials[i], &again.trials[i]);
        ck_assert_uint_eq(plan.trials[i].number, again.trials[i].number);
        ck_assert_uint_eq(plan.trials[i].repeat, again.trials[i].repeat);
        if (same_jobs)
            ck_assert_str_eq(plan.trials[i].job, again.trials[i].job);
    }
    plan_free(&plan);
    plan_free(&again);
}

START_TEST(a_plans_file_gives_the_same_trials_with_the_same_seeds)
{
    for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++)
        check_round_trip(NULL, 0, commands[c], true);
}
END_TEST

START_TEST(built_in_jobs_survive_the_round_trip_with_a_command_line_over_them)
{
    char jobs[][64] = {"workloads/jobs/smoke.ini", "workloads/jobs/soak.ini", "workloads/jobs/tradeoffs.ini"};
    if (access(jobs[0], R_OK) != 0) {
        fprintf(stderr, "skipped: the test was not started in the source tree\n");
        return;
    }
    for (int i = 0; i < 3; i++) {
        char *one[1] = {jobs[i]};
        check_round_trip(one, 1, "", true);
        check_round_trip(one, 1, "--writers 3 --repeat 2 --seed 99", true);
    }
}
END_TEST

START_TEST(jobs_with_sections_of_one_name_survive_the_round_trip)
{
    char first[] = "/tmp/shmoo-test-XXXXXX", second[] = "/tmp/shmoo-test-XXXXXX", *jobs[3] = {first, second, first};
    static const char one[] = "[a]\nsync = mutex\n[b]\nsync = spin\n", two[] = "[a]\nsync = none\n[a-2]\nsync = rwlock\n";
    int fd = mkstemp(first);
    ck_assert_int_eq(write(fd, one, sizeof one - 1), sizeof one - 1);
    close(fd);
    fd = mkstemp(second);
    ck_assert_int_eq(write(fd, two, sizeof two - 1), sizeof two - 1);
    close(fd);
    check_round_trip(jobs, 2, "--seed 3", false);
    check_round_trip(jobs, 3, "--seed 3", false);
    unlink(first);
    unlink(second);
}
END_TEST

START_TEST(very_long_lists_survive_the_round_trip)
{
    char *words = NULL;
    size_t size;
    FILE *out = open_memstream(&words, &size);
    fputs("--sync mutex --seed 4 --writers 1", out);
    for (int i = 2; i <= 3000; i++)
        fprintf(out, ",%d", i % 999 + 1);
    fclose(out);
    check_round_trip(NULL, 0, words, true);
    free(words);
}
END_TEST

START_TEST(long_items_do_not_make_a_line_too_long)
{
    char *words = NULL;
    size_t size;
    FILE *out = open_memstream(&words, &size);
    fputs("--sync mutex --duration 1s --fault none", out);
    for (int i = 0; i < 30; i++)
        fprintf(out, ",delay:%025d.%025d", i, i);
    fclose(out);
    check_round_trip(NULL, 0, words, true);
    free(words);
}
END_TEST

START_TEST(a_long_list_of_cpus_survives_the_round_trip)
{
    char words[400] = "--sync mutex --pin 0";
    for (int i = 1; i < 64; i++) {
        size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, ",%d", i);
    }
    check_round_trip(NULL, 0, words, true);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_told)
{
    struct plan plan;
    build(&plan, NULL, 0, "");
    ck_assert_int_eq(plan_write(&plan, "/no/such/folder/plan.ini", &error), -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    testing_has(error.text, "/no/such/folder/plan.ini: open: ENOENT");
    plan_free(&plan);
}
END_TEST

int main(void)
{
    return testing_run("plan_write", (const TTest *[]){
                                         a_replay_line_gives_the_same_trial_with_the_same_seed,
                                         a_replay_line_names_what_differs_from_the_defaults_only,
                                         a_plans_file_gives_the_same_trials_with_the_same_seeds,
                                         built_in_jobs_survive_the_round_trip_with_a_command_line_over_them,
                                         jobs_with_sections_of_one_name_survive_the_round_trip,
                                         very_long_lists_survive_the_round_trip,
                                         long_items_do_not_make_a_line_too_long,
                                         a_long_list_of_cpus_survives_the_round_trip,
                                         a_file_that_cannot_be_written_is_told,
                                         NULL,
                                     });
}
