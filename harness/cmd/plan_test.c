/* Tests of the plan: the product of the axes and its order, repeats and seeds, and which source wins. */
#include "cmd/plan.h"

#include "base/seed.h"
#include "base/testing.h"

static struct error error;
static struct plan plan;
static struct option_list lists[RUN_OPTIONS];

/* Builds a plan from words of a command line, and a job file of that text unless it is NULL. */
static int build(const char *job, const char *words)
{
    char line[1000], path[] = "/tmp/shmoo-test-XXXXXX", *argv[64], **operands, *jobs[1] = {path};
    int argc = 1, operand_count;
    argv[0] = line;
    snprintf(line, sizeof line, "%s", words);
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    error = (struct error){0};
    options_init(run_options, RUN_OPTIONS, lists);
    testing_ok(options_parse(run_options, RUN_OPTIONS, lists, argc, argv, &operands, &operand_count, &error));
    if (job) {
        int fd = mkstemp(path);
        ck_assert_int_eq(write(fd, job, strlen(job)), strlen(job));
        close(fd);
    }
    int rc = plan_build(&plan, jobs, job != NULL, lists, &error);
    if (job)
        unlink(path);
    return rc;
}

static void finish(void)
{
    plan_free(&plan);
    options_free(lists, RUN_OPTIONS);
}

static void refuse(const char *job, const char *words, const char *part)
{
    ck_assert_msg(build(job, words) == -1, "%s was taken", words);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    testing_has(error.text, part);
    finish();
}

START_TEST(without_words_the_defaults_make_the_plan)
{
    testing_ok(build(NULL, ""));
    ck_assert_uint_eq(plan.trial_count, 4);
    static const char *const syncs[] = {"none", "semaphore", "mutex", "spin"};
    for (size_t i = 0; i < 4; i++) {
        const struct trial_spec *spec = &plan.trials[i];
        ck_assert_str_eq(spec->sync->name, syncs[i]);
        ck_assert_str_eq(spec->load->name, "counter");
        ck_assert_str_eq(spec->job, "command-line");
        ck_assert_uint_eq(spec->shape.writers, 2);
        ck_assert_uint_eq(spec->shape.readers, 2);
        ck_assert_uint_eq(spec->shape.size, spec->load->default_size);
        ck_assert_uint_eq(spec->duration_ns, NS_PER_S);
        ck_assert_uint_eq(spec->repeat, 1);
        ck_assert_uint_eq(spec->enough, spec->load->enough);
        ck_assert_int_eq(spec->expect, i == 0 ? VERDICT_CORRUPT : VERDICT_CLEAN);
        ck_assert(!spec->expect_given);
    }
    finish();
}
END_TEST

START_TEST(every_list_is_an_axis_and_all_points_are_there_once)
{
    testing_ok(build(NULL, "--load counter,snapshot --sync mutex,spin,none --writers 1,2 --readers 0,3 --size 64,128,256 "
                           "--hold 0,1us --think 0,2us --rate 0,100 --fault none,yield:3"));
    ck_assert_uint_eq(plan.trial_count, 2 * 3 * 2 * 2 * 3 * 2 * 2 * 2 * 2);
    for (size_t i = 0; i < plan.trial_count; i++) {
        const struct trial_spec *a = &plan.trials[i];
        ck_assert_uint_eq(a->number, i + 1);
        for (size_t k = 0; k < i; k++) {
            const struct trial_spec *b = &plan.trials[k];
            if (a->load == b->load && a->sync == b->sync && a->fault == b->fault && a->shape.writers == b->shape.writers &&
                a->shape.readers == b->shape.readers && a->shape.size == b->shape.size && a->shape.hold_ns == b->shape.hold_ns &&
                a->shape.think_ns == b->shape.think_ns && a->shape.rate == b->shape.rate)
                ck_abort_msg("trials %zu and %zu are the same", k + 1, i + 1);
        }
    }
    finish();
}
END_TEST

START_TEST(what_is_compared_lies_next_to_each_other_in_time)
{
    testing_ok(build(NULL, "--sync mutex,spin --writers 1,2 --size 64,128"));
    static const struct {
        uint64_t size;
        uint32_t writers;
        const char *sync;
    } rows[] = {{64, 1, "mutex"},  {64, 1, "spin"},  {64, 2, "mutex"},  {64, 2, "spin"},
                {128, 1, "mutex"}, {128, 1, "spin"}, {128, 2, "mutex"}, {128, 2, "spin"}};
    ck_assert_uint_eq(plan.trial_count, 8);
    for (size_t i = 0; i < 8; i++) {
        ck_assert_uint_eq(plan.trials[i].shape.size, rows[i].size);
        ck_assert_uint_eq(plan.trials[i].shape.writers, rows[i].writers);
        ck_assert_str_eq(plan.trials[i].sync->name, rows[i].sync);
    }
    finish();
}
END_TEST

START_TEST(repeats_are_interleaved_over_all_grids)
{
    testing_ok(build("[a]\nsync = mutex,spin\nrepeat = 3\n[b]\nsync = none\nrepeat = 2\n", ""));
    static const char *const order[] = {"a mutex 1", "a spin 1", "b none 1", "a mutex 2", "a spin 2",
                                        "b none 2",  "a mutex 3", "a spin 3"};
    ck_assert_uint_eq(plan.trial_count, 8);
    for (size_t i = 0; i < 8; i++) {
        char text[64];
        const struct trial_spec *spec = &plan.trials[i];
        snprintf(text, sizeof text, "%s %s %u", spec->job, spec->sync->name, spec->repeat);
        ck_assert_str_eq(text, order[i]);
        ck_assert_uint_eq(spec->number, i + 1);
    }
    finish();
}
END_TEST

START_TEST(the_first_trial_has_the_runs_seed_and_all_others_have_their_own)
{
    testing_ok(build(NULL, "--sync mutex,spin --repeat 50 --seed 12345"));
    ck_assert_uint_eq(plan.seed, 12345);
    ck_assert_uint_eq(plan.trials[0].shape.seed, 12345);
    for (size_t i = 0; i < plan.trial_count; i++) {
        ck_assert_uint_eq(plan.trials[i].shape.seed, seed_part(12345, i));
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(plan.trials[i].shape.seed, plan.trials[k].shape.seed);
    }
    finish();
}
END_TEST

START_TEST(without_a_seed_each_plan_has_a_fresh_one)
{
    testing_ok(build(NULL, ""));
    uint64_t first = plan.seed;
    ck_assert_uint_le(first, SEED_MAX);
    finish();
    testing_ok(build(NULL, ""));
    ck_assert_uint_ne(plan.seed, first);
    finish();
}
END_TEST

START_TEST(a_seed_of_0_is_a_seed)
{
    testing_ok(build(NULL, "--seed 0"));
    ck_assert_uint_eq(plan.seed, 0);
    ck_assert_uint_eq(plan.trials[0].shape.seed, 0);
    finish();
}
END_TEST

START_TEST(the_command_line_wins_over_a_job_file_and_that_over_the_defaults)
{
    testing_ok(build("[global]\nwriters = 5\nseed = 7\n[a]\nreaders = 6\nsync = mutex\nduration = 2s\n", "--readers 1"));
    ck_assert_uint_eq(plan.trial_count, 1);
    ck_assert_uint_eq(plan.trials[0].shape.writers, 5);
    ck_assert_uint_eq(plan.trials[0].shape.readers, 1);
    ck_assert_uint_eq(plan.trials[0].duration_ns, 2 * NS_PER_S);
    ck_assert_str_eq(plan.trials[0].job, "a");
    ck_assert_uint_eq(plan.seed, 7);
    finish();
    testing_ok(build("[global]\nseed = 7\n[a]\n", "--seed 8"));
    ck_assert_uint_eq(plan.seed, 8);
    finish();
}
END_TEST

START_TEST(of_a_time_and_a_number_of_operations_the_stronger_source_counts)
{
    refuse(NULL, "--duration 1s --ops 5", "--duration and --ops exclude each other");
    static const struct {
        const char *job, *words;
        uint64_t duration_ns, ops;
    } rows[] = {
        {"[a]\nsync = mutex\nops = 5\n", "", 0, 5},
        {"[a]\nsync = mutex\nops = 5\nduration = 2s\n", "", 0, 5},
        {"[a]\nsync = mutex\nops = 5\n", "--duration 3s", 3 * NS_PER_S, 0},
        {"[a]\nsync = mutex\nduration = 2s\n", "--ops 9", 0, 9},
        {"[a]\nsync = mutex\n", "--ops 9", 0, 9},
        {"[a]\nsync = mutex\n", "", NS_PER_S, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        testing_ok(build(rows[i].job, rows[i].words));
        ck_assert_uint_eq(plan.trials[0].duration_ns, rows[i].duration_ns);
        ck_assert_uint_eq(plan.trials[0].shape.ops_limit, rows[i].ops);
        finish();
    }
}
END_TEST

START_TEST(an_expected_verdict_may_be_given_and_follows_from_the_trial_otherwise)
{
    testing_ok(build(NULL, "--sync mutex,none --expect crashed"));
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(plan.trials[i].expect, VERDICT_CRASHED);
        ck_assert(plan.trials[i].expect_given);
    }
    finish();
    testing_ok(build(NULL, "--sync mutex --fault kill"));
    ck_assert_int_eq(plan.trials[0].expect, VERDICT_CRASHED);
    ck_assert(!plan.trials[0].expect_given);
    finish();
}
END_TEST

START_TEST(faults_have_their_parameter_or_its_default)
{
    testing_ok(build(NULL, "--sync mutex --fault stop,stop:2.5"));
    ck_assert(plan.trials[0].fault_parameter == contents_fault("stop")->fallback);
    ck_assert(plan.trials[1].fault_parameter == 2.5);
    ck_assert_str_eq(plan.trials[1].fault_text, "stop:2.5");
    finish();
}
END_TEST

START_TEST(operations_that_are_far_apart_are_all_timed_unless_told_otherwise)
{
    testing_ok(build(NULL, "--sync mutex --hold 0,1us,10us --think 0,1ms"));
    static const uint32_t sampling[] = {64, 1, 64, 1, 1, 1};
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq(plan.trials[i].shape.sampling, sampling[i]);
    finish();
    testing_ok(build(NULL, "--sync mutex --think 1ms --sample 5"));
    ck_assert_uint_eq(plan.trials[0].shape.sampling, 5);
    finish();
}
END_TEST

START_TEST(a_point_that_a_load_cannot_run_is_refused_before_anything_runs)
{
    refuse(NULL, "--load counter,snapshot --size 4,64", "--size 4: load counter takes at least 8 bytes");
    refuse(NULL, "--writers 8000 --readers 500", "--writers 8000 --readers 500: a crew has at most");
}
END_TEST

START_TEST(a_plan_that_is_too_large_is_refused)
{
    char job[200];
    refuse(NULL, "--repeat 100000 --writers 1,2,3,4,5,6,7,8,9,10,11 --sync mutex", "the plan has more than 1000000 trials");
    snprintf(job, sizeof job, "[a]\nrepeat = 100000\nwriters = 1,2,3,4,5,6\nsync=mutex\n[b]\nrepeat = 100000\nwriters=1,2,3,4,5\n"
                              "sync=mutex\n");
    refuse(job, "", "the plan has more than 1000000 trials");
}
END_TEST

START_TEST(a_plan_can_be_freed_after_a_failure_and_twice)
{
    ck_assert_int_eq(build("[a]\nload = counter\nsize = 4\n", ""), -1);
    finish();
    plan_free(&plan);
    ck_assert_ptr_null(plan.trials);
    ck_assert_uint_eq(plan.grid_count, 0);
}
END_TEST

START_TEST(every_option_has_one_row_with_a_name_and_a_help_text)
{
    for (int i = 0; i < RUN_OPTIONS; i++) {
        ck_assert_ptr_nonnull(run_options[i].name);
        ck_assert_ptr_nonnull(run_options[i].help);
        ck_assert_msg((run_options[i].type == OPTION_FLAG) == (run_options[i].argument == NULL), "%s", run_options[i].name);
        for (int k = 0; k < i; k++) {
            ck_assert_str_ne(run_options[i].name, run_options[k].name);
            ck_assert(run_options[i].letter == 0 || run_options[i].letter != run_options[k].letter);
        }
    }
}
END_TEST

START_TEST(placements_are_axes_and_cpus_in_a_row_are_one_of_them)
{
    static const char *const pins[] = {"compact", "0,2-3", "same-core", "0+1", "1"};
    testing_ok(build(NULL, "--sync mutex,spin --pin compact,0,2-3,same-core,0+1,1 --prefault populate,none"));
    ck_assert_uint_eq(plan.trial_count, 5 * 2 * 2);
    for (size_t i = 0; i < plan.trial_count; i++) {
        const struct trial_spec *spec = &plan.trials[i];
        ck_assert_str_eq(spec->sync->name, i % 2 ? "spin" : "mutex");
        ck_assert_str_eq(spec->pin, pins[i / 4]);
        ck_assert_str_eq(layout_word(&spec->shape.layout, LAYOUT_PREFAULT), i / 2 % 2 ? "none" : "populate");
    }
    finish();
    testing_ok(build(NULL, ""));
    for (int i = 0; i < LAYOUT_AXES; i++) {
        ck_assert_str_eq(run_options[RUN_LAYOUT + i].name, layout_rows[i].name);
        ck_assert_uint_eq(plan.trials[0].shape.layout.choice[i], 0);
    }
    finish();
}
END_TEST

START_TEST(a_hunt_and_its_control_have_each_the_crew_that_suits_it)
{
    testing_ok(build(NULL, "--load verify --sync ck-sequence --fault none --control"));
    ck_assert_uint_eq(plan.trial_count, 2);
    ck_assert_str_eq(plan.trials[0].sync->name, "cell-none");
    ck_assert_uint_eq(plan.trials[0].shape.writers, 2);
    ck_assert_uint_eq(plan.trials[1].shape.writers, 1);
    finish();
}
END_TEST

int main(void)
{
    return testing_run("plan", (const TTest *[]){
                                   without_words_the_defaults_make_the_plan,
                                   every_list_is_an_axis_and_all_points_are_there_once,
                                   what_is_compared_lies_next_to_each_other_in_time,
                                   repeats_are_interleaved_over_all_grids,
                                   the_first_trial_has_the_runs_seed_and_all_others_have_their_own,
                                   without_a_seed_each_plan_has_a_fresh_one,
                                   a_seed_of_0_is_a_seed,
                                   the_command_line_wins_over_a_job_file_and_that_over_the_defaults,
                                   of_a_time_and_a_number_of_operations_the_stronger_source_counts,
                                   an_expected_verdict_may_be_given_and_follows_from_the_trial_otherwise,
                                   faults_have_their_parameter_or_its_default,
                                   operations_that_are_far_apart_are_all_timed_unless_told_otherwise,
                                   a_point_that_a_load_cannot_run_is_refused_before_anything_runs,
                                   a_plan_that_is_too_large_is_refused,
                                   a_plan_can_be_freed_after_a_failure_and_twice,
                                   every_option_has_one_row_with_a_name_and_a_help_text,
                                   placements_are_axes_and_cpus_in_a_row_are_one_of_them,
                                   a_hunt_and_its_control_have_each_the_crew_that_suits_it,
                                   NULL,
                               });
}
