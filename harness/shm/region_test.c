/* Tests of a region: the steps of its life, what two processes share, and what each failure says and leaves behind. */
#include "shm/region.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/testing.h"

static struct error error;
static struct region region;

static bool object_there(const char *name)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof path, REGION_FOLDER "%s", name);
    return stat(path, &st) == 0;
}

static void check_steps(const struct region *r, unsigned done)
{
    for (int i = 0; i < REGION_STEPS; i++) {
        ck_assert_msg(r->step_done[i] == (done >> i & 1), "step %s: done %d", region_step_name((enum region_step)i),
                      r->step_done[i]);
        ck_assert_uint_lt(r->step_ns[i], 60 * NS_PER_S);
        if (!r->step_done[i])
            ck_assert_uint_eq(r->step_ns[i], 0);
    }
}

enum {
    MADE = 1u << REGION_OPEN | 1u << REGION_SIZE | 1u << REGION_RESERVE | 1u << REGION_MAP,
    LEFT = 1u << REGION_USE | 1u << REGION_UNMAP | 1u << REGION_CLOSE,
};

START_TEST(a_regions_life_has_all_its_steps_each_timed)
{
    const char *name = testing_name("life");
    testing_ok(region_create(&region, name, 10000, &error));
    check_steps(&region, MADE);
    ck_assert(object_there(name));
    ck_assert_ptr_nonnull(region.base);
    ck_assert_int_ge(region.fd, 0);
    testing_ok(region_destroy(&region, &error));
    check_steps(&region, MADE | LEFT | 1u << REGION_UNLINK);
    ck_assert(!object_there(name));
    ck_assert_ptr_null(region.base);
    ck_assert_int_eq(region.fd, -1);
}
END_TEST

START_TEST(the_steps_have_the_names_that_the_records_use)
{
    static const char *const names[REGION_STEPS] = {"open", "size", "reserve", "map", "use", "unmap", "close", "unlink"};
    for (int i = 0; i < REGION_STEPS; i++)
        ck_assert_str_eq(region_step_name((enum region_step)i), names[i]);
}
END_TEST

START_TEST(a_new_region_is_private_to_its_user_and_reads_as_zeros)
{
    struct stat st;
    testing_ok(region_create(&region, testing_name("fresh"), 70001, &error));
    ck_assert_int_eq(fstat(region.fd, &st), 0);
    ck_assert_int_eq(st.st_size, 70001);
    ck_assert_int_eq(st.st_mode & 07777, 0600);
    for (size_t i = 0; i < 70001; i++)
        if (((char *)region.base)[i] != 0)
            ck_abort_msg("byte %zu is not zero", i);
    testing_ok(region_destroy(&region, &error));
}
END_TEST

START_TEST(every_page_of_a_region_is_reserved)
{
    struct stat st;
    testing_ok(region_create(&region, testing_name("reserve"), 1 << 20, &error));
    ck_assert_str_eq(region.reserved_by, "posix_fallocate");
    ck_assert_int_eq(fstat(region.fd, &st), 0);
    ck_assert_int_ge(st.st_blocks * 512, 1 << 20);
    testing_ok(region_destroy(&region, &error));
}
END_TEST

/* How many of the mapping's pages this process has touched: page faults are counted as somebody goes through them. */
static long faults_of_going_through(const struct region *r)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (size_t at = 0; at < r->bytes; at += 4096)
        ((volatile char *)r->base)[at] = 1;
    getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt;
}

START_TEST(pages_come_when_they_are_asked_to)
{
    static const enum region_fill fills[] = {REGION_RESERVED, REGION_UNTOUCHED, REGION_POPULATED};
    const size_t bytes = 1 << 20, pages = bytes / 4096;
    for (size_t i = 0; i < 3; i++) {
        struct region other;
        struct stat st;
        struct region_layout layout = {.fill = fills[i]};
        testing_ok(region_create_as(&region, testing_name("fill"), bytes, layout, &error));
        ck_assert_int_eq(fstat(region.fd, &st), 0);
        ck_assert_int_eq(st.st_blocks * 512, fills[i] == REGION_UNTOUCHED ? 0 : 1 << 20);
        ck_assert_int_eq(region.step_done[REGION_RESERVE], fills[i] == REGION_RESERVED);
        long first = faults_of_going_through(&region);
        testing_ok(region_attach_as(&other, testing_name("fill"), bytes, layout, &error));
        long second = faults_of_going_through(&other);
        if (fills[i] == REGION_POPULATED)
            ck_assert_msg(first < (long)pages / 4 && second < (long)pages / 4, "%ld and %ld faults", first, second);
        else
            ck_assert_msg(first >= (long)pages && second >= (long)pages, "%ld and %ld faults", first, second);
        testing_ok(region_detach(&other, &error));
        testing_ok(region_destroy(&region, &error));
    }
}
END_TEST

static int write_as_another_process(void *name)
{
    struct region other;
    if (region_attach(&other, name, 4096, &error) || strcmp(other.base, "before") != 0)
        return 1;
    strcpy(other.base, "after");
    return region_detach(&other, &error) ? 2 : 0;
}

START_TEST(what_another_process_writes_into_an_attached_region_is_seen)
{
    char name[REGION_NAME_MAX];
    snprintf(name, sizeof name, "%s", testing_name("attach"));
    testing_ok(region_create(&region, name, 4096, &error));
    strcpy(region.base, "before");
    ck_assert_int_eq(testing_wait(testing_fork(write_as_another_process, name)), 0);
    ck_assert_str_eq(region.base, "after");
    testing_ok(region_destroy(&region, &error));
}
END_TEST

START_TEST(detaching_leaves_the_object_and_its_contents)
{
    struct region other;
    const char *name = testing_name("keep");
    testing_ok(region_create(&region, name, 4096, &error));
    testing_ok(region_attach(&other, name, 100, &error));
    check_steps(&other, 1u << REGION_OPEN | 1u << REGION_MAP);
    strcpy(other.base, "kept");
    testing_ok(region_detach(&other, &error));
    check_steps(&other, 1u << REGION_OPEN | 1u << REGION_MAP | LEFT);
    ck_assert(object_there(name));
    ck_assert_str_eq(region.base, "kept");
    testing_ok(region_destroy(&region, &error));
}
END_TEST

START_TEST(ending_a_region_twice_is_ending_it_once)
{
    testing_ok(region_create(&region, testing_name("twice"), 4096, &error));
    testing_ok(region_detach(&region, &error));
    testing_ok(region_detach(&region, &error));
    testing_ok(region_destroy(&region, &error));
    testing_ok(region_destroy(&region, &error));
    ck_assert_int_eq(testing_census(testing_name("twice") + 1), 0);
}
END_TEST

static void check_text(const char *name, const char *size, const char *call, const char *errnum, const char *way_out)
{
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    testing_has(error.text, name);
    testing_has(error.text, size);
    testing_has(error.text, call);
    testing_has(error.text, errnum);
    testing_has(error.text, way_out);
}

START_TEST(a_name_that_is_taken_is_told_and_left_to_its_owner)
{
    struct region other;
    const char *name = testing_name("taken");
    testing_ok(region_create(&region, name, 4096, &error));
    strcpy(region.base, "mine");
    ck_assert_int_eq(region_create(&other, name, 65536, &error), -1);
    ck_assert_int_eq(error.errnum, EEXIST);
    check_text(name, "(64 KiB)", "shm_open:", "EEXIST (File exists)", "shmoo gc --own");
    ck_assert_int_eq(other.fd, -1);
    testing_ok(region_destroy(&other, &error)); /* must not take away what it did not make */
    ck_assert(object_there(name));
    ck_assert_str_eq(region.base, "mine");
    testing_ok(region_destroy(&region, &error));
}
END_TEST

START_TEST(attaching_to_nothing_is_told)
{
    const char *name = testing_name("absent");
    ck_assert_int_eq(region_attach(&region, name, 4096, &error), -1);
    ck_assert_int_eq(error.errnum, ENOENT);
    check_text(name, "(4 KiB)", "shm_open:", "ENOENT", "no such object");
    ck_assert(!object_there(name));
}
END_TEST

START_TEST(attaching_to_an_object_that_is_too_small_is_refused)
{
    struct region other;
    const char *name = testing_name("small");
    testing_ok(region_create(&region, name, 4096, &error));
    ck_assert_int_eq(region_attach(&other, name, 4097, &error), -1);
    check_text(name, "has 4096 bytes", "4097 are needed", "shrunk", "still making it");
    ck_assert_int_eq(other.fd, -1);
    ck_assert_ptr_null(other.base);
    ck_assert_int_eq(ftruncate(region.fd, 10), 0);
    ck_assert_int_eq(region_attach(&other, name, 4096, &error), -1);
    testing_has(error.text, "has 10 bytes");
    testing_ok(region_destroy(&region, &error));
}
END_TEST

START_TEST(a_name_that_is_too_long_is_refused_before_anything_is_made)
{
    char name[REGION_NAME_MAX + 1] = "/";
    memset(name + 1, 'n', sizeof name - 2);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(region_create(&region, name, 4096, &error), -1);
    ck_assert_int_eq(error.status, STATUS_USAGE);
    ck_assert_int_eq(error.errnum, ENAMETOOLONG);
    testing_has(error.text, "longer than 95 bytes");
    ck_assert(!object_there(name));
    testing_ok(region_destroy(&region, &error));
}
END_TEST

START_TEST(a_region_of_no_bytes_fails_and_leaves_nothing)
{
    ck_assert_int_eq(region_create(&region, testing_name("empty"), 0, &error), -1);
    check_text(testing_name("empty"), "(0 B)", "mmap:", "EINVAL", "manual page");
    ck_assert_int_eq(testing_census(testing_name("empty") + 1), 0);
}
END_TEST

START_TEST(a_region_that_was_unlinked_by_somebody_else_is_told)
{
    const char *name = testing_name("swept");
    testing_ok(region_create(&region, name, 4096, &error));
    ck_assert_int_eq(shm_unlink(name), 0);
    ck_assert_int_eq(region_destroy(&region, &error), -1);
    ck_assert_int_eq(error.errnum, ENOENT);
    check_text(name, "(4 KiB)", "shm_unlink:", "ENOENT", "sweep /dev/shm");
    ck_assert_ptr_null(region.base);
    ck_assert_int_eq(region.fd, -1);
}
END_TEST

START_TEST(a_life_leaves_no_descriptor_open)
{
    int first = dup(0);
    close(first);
    for (int i = 0; i < 20; i++) {
        struct region other;
        testing_ok(region_create(&region, testing_name("fds"), 4096, &error));
        ck_assert_int_eq(region_create(&other, testing_name("fds"), 4096, &error), -1);
        ck_assert_int_eq(region_attach(&other, testing_name("fds"), 8192, &error), -1);
        testing_ok(region_attach(&other, testing_name("fds"), 4096, &error));
        testing_ok(region_detach(&other, &error));
        testing_ok(region_destroy(&region, &error));
    }
    int last = dup(0);
    ck_assert_int_eq(first, last);
    close(last);
}
END_TEST

int main(void)
{
    return testing_run("region", (const TTest *[]){
                                     a_regions_life_has_all_its_steps_each_timed,
                                     the_steps_have_the_names_that_the_records_use,
                                     a_new_region_is_private_to_its_user_and_reads_as_zeros,
                                     every_page_of_a_region_is_reserved,
                                     pages_come_when_they_are_asked_to,
                                     what_another_process_writes_into_an_attached_region_is_seen,
                                     detaching_leaves_the_object_and_its_contents,
                                     ending_a_region_twice_is_ending_it_once,
                                     a_name_that_is_taken_is_told_and_left_to_its_owner,
                                     attaching_to_nothing_is_told,
                                     attaching_to_an_object_that_is_too_small_is_refused,
                                     a_name_that_is_too_long_is_refused_before_anything_is_made,
                                     a_region_of_no_bytes_fails_and_leaves_nothing,
                                     a_region_that_was_unlinked_by_somebody_else_is_told,
                                     a_life_leaves_no_descriptor_open,
                                     NULL,
                                 });
}
