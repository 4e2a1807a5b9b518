/* Tests of a region at the system's limits: a full, inode-less or read-only /dev/shm, file size and descriptor limits. */
#define _GNU_SOURCE
#include <sys/resource.h>

#include "base/testing.h"
#include "shm/region.h"

static struct error error;
static struct region region;

/* Creating must fail, tell all that is needed, and leave nothing. */
static void check_refused(size_t bytes, int errnum, const char *call, const char *way_out)
{
    const char *name = testing_name("limit");
    error = (struct error){0};
    ck_assert_int_eq(region_create(&region, name, bytes, &error), -1);
    ck_assert_int_eq(error.errnum, errnum);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    testing_has(error.text, name);
    testing_has(error.text, call);
    testing_has(error.text, error_name(errnum));
    testing_has(error.text, way_out);
    ck_assert_int_eq(testing_census(name + 1), 0);
    ck_assert_int_eq(region.fd, -1);
    ck_assert_ptr_null(region.base);
    ck_assert(!region.linked);
}

static void check_fits(size_t bytes)
{
    testing_ok(region_create(&region, testing_name("fits"), bytes, &error));
    memset(region.base, 0xa5, bytes); /* what was reserved can be touched */
    testing_ok(region_destroy(&region, &error));
}

START_TEST(a_full_file_system_is_told_before_a_page_is_touched)
{
    if (testing_private_shm("size=64k"))
        return;
    for (int i = 0; i < 3; i++) {
        check_refused(128 << 10, ENOSPC, "posix_fallocate:", "--shm-size");
        check_fits(64 << 10); /* what the failure had taken was given back */
    }
    check_refused(1 << 30, ENOSPC, "posix_fallocate:", "/dev/shm is full");
}
END_TEST

START_TEST(a_file_system_without_a_free_inode_is_told)
{
    if (testing_private_shm("size=1m,nr_inodes=2"))
        return;
    struct region first;
    testing_ok(region_create(&first, testing_name("first"), 4096, &error));
    check_refused(4096, ENOSPC, "shm_open:", "no free inode");
    testing_ok(region_destroy(&first, &error));
    check_fits(4096);
}
END_TEST

START_TEST(a_read_only_file_system_is_told)
{
    if (testing_private_shm("size=64k"))
        return;
    ck_assert_int_eq(mount("tmpfs", "/dev/shm", "tmpfs", MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, "size=64k"), 0);
    check_refused(4096, EROFS, "shm_open:", "mount -o remount,rw");
}
END_TEST

START_TEST(a_missing_file_system_is_told)
{
    if (testing_private_shm("size=64k"))
        return;
    ck_assert_int_eq(mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "size=64k"), 0);
    ck_assert_int_eq(region_create(&region, "/shmoo-test", 4096, &error), -1);
    ck_assert_int_eq(error.errnum, ENOENT);
    testing_has(error.text, "shm_open: ENOENT");
    testing_has(error.text, "mount -t tmpfs");
}
END_TEST

START_TEST(the_file_size_limit_is_told)
{
    struct rlimit limit = {.rlim_cur = 65536, .rlim_max = 65536};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    check_refused(65537, EFBIG, "ftruncate:", "ulimit -f unlimited");
    check_fits(65536);
}
END_TEST

START_TEST(the_limit_on_descriptors_is_told)
{
    struct rlimit limit, tight;
    int next = dup(0);
    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    tight = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
    ck_assert_int_eq(region_create(&region, testing_name("files"), 4096, &error), -1);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(error.errnum, EMFILE);
    testing_has(error.text, "EMFILE");
    testing_has(error.text, "raise `ulimit -n`");
    ck_assert_int_eq(testing_census(testing_name("files") + 1), 0);
}
END_TEST

START_TEST(a_size_that_no_file_can_have_is_told)
{
    check_refused((size_t)-1, EINVAL, "ftruncate:", "use a smaller --size");
}
END_TEST

#ifndef SANITIZED /* a sanitizer reserves more address space than any limit leaves */
START_TEST(the_limit_on_address_space_is_told)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = 64 << 20;
    if (testing_private_shm("size=100m"))
        return;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    check_refused(64 << 20, ENOMEM, "mmap:", "ulimit -v unlimited");
}
END_TEST
#endif

int main(void)
{
    return testing_run("region_limits", (const TTest *[]){
                                            a_full_file_system_is_told_before_a_page_is_touched,
                                            a_file_system_without_a_free_inode_is_told,
                                            a_read_only_file_system_is_told,
                                            a_missing_file_system_is_told,
                                            the_file_size_limit_is_told,
                                            the_limit_on_descriptors_is_told,
                                            a_size_that_no_file_can_have_is_told,
#ifndef SANITIZED
                                            the_limit_on_address_space_is_told,
#endif
                                            NULL,
                                        });
}
