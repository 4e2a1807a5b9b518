/* Tests of the preflight: what a plan needs, and each limit that can stand in its way. */
#define _GNU_SOURCE
#include "run/preflight.h"

#include <unistd.h>
#include <sys/resource.h>

#include "base/testing.h"

static struct error error;

static struct trial_spec spec_of(const char *load, uint32_t number, uint32_t writers, uint32_t readers, uint64_t size)
{
    return (struct trial_spec){
        .number = number,
        .load = contents_load(load),
        .sync = contents_sync("mutex"),
        .fault = contents_fault("none"),
        .shape = {.writers = writers, .readers = readers, .size = size},
        .pin = "none",
    };
}

/* A need that any machine can meet. */
static struct need modest(void)
{
    struct trial_spec spec = spec_of("snapshot", 1, 1, 1, 64);
    return need_of(&spec, 1);
}

static void check_refused(const struct need *need, int errnum, const char *limit, const char *way_out)
{
    error = (struct error){0};
    ck_assert_int_eq(preflight(need, &error), -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    ck_assert_int_eq(error.errnum, errnum);
    testing_has(error.text, limit);
    testing_has(error.text, way_out);
}

/* tmpfs gives whole pages */
static uint64_t in_pages(uint64_t bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

START_TEST(a_plan_needs_what_its_most_demanding_trials_need_and_not_the_sum)
{
    struct trial_spec specs[] = {
        spec_of("snapshot", 1, 2, 2, 64),
        spec_of("snapshot", 2, 1, 1, 1 << 20),
        spec_of("snapshot", 3, 20, 30, 64),
    };
    struct need need = need_of(specs, 3);
    ck_assert_uint_eq(need.largest_object, spec_region_bytes(&specs[1]));
    ck_assert_uint_eq(need.shm_bytes, in_pages(spec_region_bytes(&specs[1])));
    ck_assert_uint_eq(need.shm_trial, 2);
    ck_assert_uint_eq(need.processes, 50);
    ck_assert_uint_eq(need.processes_trial, 3);
    ck_assert_uint_eq(need.memory_trial, 3);
    ck_assert_uint_gt(need.memory_bytes, need.shm_bytes);
    ck_assert_uint_gt(need.descriptors, 50);
}
END_TEST

/* The load cells has many states at once: of a large one they do not fit, and the hunt does without them. */
START_TEST(slices_that_do_not_fit_are_left_out_of_a_hunt)
{
    struct preflight_room room = preflight_room();
    uint64_t most = room.shm_bytes < room.memory_bytes ? room.shm_bytes : room.memory_bytes;
    struct sync_ops large = *contents_sync("spin");
    struct trial_spec spec = spec_of("verify", 1, 2, 2, 64);
    spec.sync = &large;
    spec.fault = contents_fault("explore");
    large.state_bytes = most / 8;
    struct need need = need_of(&spec, 1);
    ck_assert_uint_ge(need.shm_bytes, large.state_bytes);
    ck_assert_uint_le(need.shm_bytes, most);
    large.state_bytes = 4 * most; /* none fits: what the least of them needs is told */
    need = need_of(&spec, 1);
    ck_assert_uint_ge(need.shm_bytes, large.state_bytes);
    ck_assert_uint_lt(need.shm_bytes, 2 * large.state_bytes);
    ck_assert_int_eq(preflight(&need, &error), -1);
}
END_TEST

START_TEST(objects_that_a_load_makes_besides_the_region_count)
{
    struct trial_spec spec = spec_of("lifecycle", 1, 3, 1, 4096);
    struct need need = need_of(&spec, 1);
    ck_assert_uint_eq(need.shm_bytes, in_pages(spec_region_bytes(&spec)) + spec.load->extra_bytes(&spec.shape));
    ck_assert_uint_gt(need.shm_bytes, need.largest_object);
    ck_assert_uint_ge(need.shm_objects, 8);
}
END_TEST

START_TEST(a_trial_that_will_not_be_run_needs_nothing)
{
    struct sync_ops ring = {.name = "ring", .family = SYNC_QUEUE};
    struct trial_spec spec = spec_of("snapshot", 1, 100, 100, 1ULL << 40);
    spec.sync = &ring;
    struct need need = need_of(&spec, 1);
    ck_assert_uint_eq(need.shm_bytes, 0);
    ck_assert_uint_eq(need.processes, 0);
    ck_assert_uint_eq(need_of(NULL, 0).memory_bytes, 0);
}
END_TEST

START_TEST(a_modest_plan_passes)
{
    struct need need = modest();
    testing_ok(preflight(&need, &error));
}
END_TEST

START_TEST(a_size_beyond_the_file_system_is_refused_with_both_figures)
{
    if (testing_private_shm("size=1m"))
        return;
    struct trial_spec spec = spec_of("snapshot", 7, 1, 1, 2 << 20);
    struct need need = need_of(&spec, 1);
    check_refused(&need, ENOSPC, "trial 7 needs 2.00 MiB in /dev/shm, which has 1 MiB free", "use a smaller --size");
    spec.shape.size = 1 << 19;
    need = need_of(&spec, 1);
    testing_ok(preflight(&need, &error));
}
END_TEST

START_TEST(more_objects_than_a_process_can_map_are_refused)
{
    struct trial_spec spec = spec_of("neighbours", 5, 60, 4, 16);
    spec.shape.layout.choice[LAYOUT_REGIONS] = REGIONS_MANY;
    struct need one = need_of((struct trial_spec[]){spec_of("neighbours", 5, 60, 4, 16)}, 1), need = need_of(&spec, 1);
    ck_assert_uint_eq(one.mappings, 0);
    ck_assert_uint_eq(need.mappings, 64);
    ck_assert_uint_eq(need.shm_objects, one.shm_objects + 64);
    ck_assert_uint_gt(need.shm_bytes, one.shm_bytes);
    testing_ok(preflight(&need, &error));
    need.mappings = UINT32_MAX;
    check_refused(&need, ENOMEM, "trial 5 maps", "vm.max_map_count");
}
END_TEST

START_TEST(a_size_that_no_machine_has_is_refused)
{
    struct trial_spec spec = spec_of("snapshot", 3, 1, 1, 1ULL << 55);
    struct need need = need_of(&spec, 1);
    error = (struct error){0};
    ck_assert_int_eq(preflight(&need, &error), -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    testing_has(error.text, "trial 3 needs");
    testing_has(error.text, "use a smaller --size");
}
END_TEST

START_TEST(too_few_inodes_are_told)
{
    if (testing_private_shm("size=1m,nr_inodes=4"))
        return;
    struct need need = modest();
    testing_ok(preflight(&need, &error));
    need.shm_objects = 4;
    check_refused(&need, ENOSPC, "/dev/shm has 3 inodes free, 4 are needed", "nr_inodes");
}
END_TEST

START_TEST(a_read_only_file_system_is_told)
{
    if (testing_private_shm("size=1m"))
        return;
    ck_assert_int_eq(mount("tmpfs", "/dev/shm", "tmpfs", MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, "size=1m"), 0);
    struct need need = modest();
    check_refused(&need, EROFS, "/dev/shm is mounted read-only", "mount -o remount,rw");
}
END_TEST

START_TEST(a_missing_file_system_is_told)
{
    if (testing_private_shm("size=1m"))
        return;
    ck_assert_int_eq(mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "size=64k"), 0);
    struct need need = modest();
    check_refused(&need, ENOENT, "/dev/shm", "mount -t tmpfs");
}
END_TEST

START_TEST(too_little_memory_is_told)
{
    struct need need = modest();
    need.memory_bytes = 1ULL << 60;
    need.memory_trial = 9;
    check_refused(&need, ENOMEM, "trial 9 needs about ", "use a smaller --size or population");
}
END_TEST

START_TEST(the_soft_limit_on_open_files_is_raised_where_the_hard_one_allows)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 64;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct need need = modest();
    need.descriptors = 200;
    testing_ok(preflight(&need, &error));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(limit.rlim_cur, 200);
    limit.rlim_max = 200;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    need.descriptors = 201;
    need.processes_trial = 4;
    check_refused(&need, EMFILE, "trial 4 needs 201 open files", "ulimit -Hn");
}
END_TEST

START_TEST(the_limit_on_cpu_time_is_told)
{
    struct rlimit limit = {.rlim_cur = 60, .rlim_max = 60};
    ck_assert_int_eq(setrlimit(RLIMIT_CPU, &limit), 0);
    struct need need = modest();
    need.worker_ns = 59 * NS_PER_S;
    testing_ok(preflight(&need, &error));
    need.worker_ns = 60 * NS_PER_S;
    need.longest_trial = 7;
    check_refused(&need, 0, "the workers of trial 7 run for up to 60 s, and a process may use 60 s of CPU time", "ulimit -t");
}
END_TEST

START_TEST(the_limit_on_file_sizes_is_told)
{
    struct rlimit limit = {.rlim_cur = 65536, .rlim_max = RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct need need = modest();
    need.largest_object = 65536;
    testing_ok(preflight(&need, &error));
    need.largest_object = 65537;
    check_refused(&need, EFBIG, "a region of 65537 bytes is above the file size limit of 65536", "ulimit -f");
}
END_TEST

#ifndef SANITIZED /* a sanitizer has taken more address space than any limit leaves */
START_TEST(the_limit_on_address_space_is_told)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = 64 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    struct need need = modest();
    need.largest_object = 65 << 20;
    check_refused(&need, ENOMEM, "address space limit", "ulimit -v");
}
END_TEST
#endif

START_TEST(more_processes_than_the_system_can_number_are_told)
{
    struct need need = modest();
    need.processes = 100000000;
    need.processes_trial = 2;
    check_refused(&need, EAGAIN, "trial 2 needs 100000000 processes", "pid_max");
}
END_TEST

START_TEST(every_policy_of_a_plan_is_tried)
{
    struct trial_spec specs[3];
    for (uint32_t i = 0; i < 3; i++)
        specs[i] = spec_of("snapshot", i + 1, 1, 1, 64);
    specs[1].pin = "scatter";
    testing_ok(preflight_pins(specs, 3, &error));
    specs[2].pin = "999";
    ck_assert_int_eq(preflight_pins(specs, 3, &error), -1);
    testing_has(error.text, "--pin 999");
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
}
END_TEST

int main(void)
{
    return testing_run("preflight", (const TTest *[]){
                                        a_plan_needs_what_its_most_demanding_trials_need_and_not_the_sum,
                                        slices_that_do_not_fit_are_left_out_of_a_hunt,
                                        objects_that_a_load_makes_besides_the_region_count,
                                        a_trial_that_will_not_be_run_needs_nothing,
                                        a_modest_plan_passes,
                                        a_size_beyond_the_file_system_is_refused_with_both_figures,
                                        more_objects_than_a_process_can_map_are_refused,
                                        a_size_that_no_machine_has_is_refused,
                                        too_few_inodes_are_told,
                                        a_read_only_file_system_is_told,
                                        a_missing_file_system_is_told,
                                        too_little_memory_is_told,
                                        the_soft_limit_on_open_files_is_raised_where_the_hard_one_allows,
                                        the_limit_on_cpu_time_is_told,
                                        the_limit_on_file_sizes_is_told,
#ifndef SANITIZED
                                        the_limit_on_address_space_is_told,
#endif
                                        more_processes_than_the_system_can_number_are_told,
                                        every_policy_of_a_plan_is_tried,
                                        NULL,
                                    });
}
