/* Tests of capacity: what statvfs says is what is told, and what cannot be read sets no limit. */
#define _GNU_SOURCE
#include "shm/capacity.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/testing.h"

static struct error error;
static struct shm_capacity capacity;

START_TEST(the_figures_are_those_of_statvfs)
{
    struct statvfs vfs;
    testing_ok(capacity_read("/dev/shm", &capacity, &error));
    ck_assert_int_eq(statvfs("/dev/shm", &vfs), 0);
    ck_assert_str_eq(capacity.path, "/dev/shm");
    ck_assert_uint_eq(capacity.size_bytes, (uint64_t)vfs.f_blocks * vfs.f_frsize);
    ck_assert_uint_eq(capacity.inodes, vfs.f_files);
    ck_assert_int_eq(capacity.read_only, (vfs.f_flag & ST_RDONLY) != 0);
    if (vfs.f_blocks)
        ck_assert_uint_le(capacity.free_bytes, capacity.size_bytes);
}
END_TEST

START_TEST(a_tmpfs_of_known_size_has_that_size)
{
    if (testing_private_shm("size=256k,nr_inodes=10"))
        return;
    testing_ok(capacity_read("/dev/shm", &capacity, &error));
    ck_assert_str_eq(capacity.filesystem, "tmpfs");
    ck_assert_uint_eq(capacity.size_bytes, 256 << 10);
    ck_assert_uint_eq(capacity.free_bytes, 256 << 10);
    ck_assert_uint_eq(capacity.inodes, 10);
    ck_assert_uint_eq(capacity.inodes_free, 9); /* its root has one */
    ck_assert(!capacity.read_only);
    int fd = open("/dev/shm/x", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(posix_fallocate(fd, 0, 100 << 10), 0);
    testing_ok(capacity_read("/dev/shm", &capacity, &error));
    ck_assert_uint_eq(capacity.free_bytes, (256 - 100) << 10);
    ck_assert_uint_eq(capacity.inodes_free, 8);
    close(fd);
}
END_TEST

START_TEST(a_tmpfs_without_limits_is_told_as_unlimited)
{
    if (testing_private_shm("size=0,nr_inodes=0"))
        return;
    testing_ok(capacity_read("/dev/shm", &capacity, &error));
    ck_assert_uint_eq(capacity.free_bytes, CAPACITY_UNLIMITED);
    ck_assert_uint_eq(capacity.inodes, 0);
}
END_TEST

START_TEST(a_read_only_and_noexec_mount_is_told)
{
    if (testing_private_shm("size=64k"))
        return;
    testing_ok(capacity_read("/dev/shm", &capacity, &error));
    ck_assert(!capacity.read_only);
    ck_assert(!capacity.noexec);
    ck_assert_int_eq(mount("tmpfs", "/dev/shm", "tmpfs", MS_REMOUNT | MS_RDONLY | MS_NOEXEC | MS_NOSUID | MS_NODEV, "size=64k"), 0);
    testing_ok(capacity_read("/dev/shm", &capacity, &error));
    ck_assert(capacity.read_only);
    ck_assert(capacity.noexec);
}
END_TEST

START_TEST(a_missing_folder_is_an_error_of_the_environment_with_a_way_out)
{
    ck_assert_int_eq(capacity_read("/no/such/folder", &capacity, &error), -1);
    ck_assert_int_eq(error.status, STATUS_ENVIRONMENT);
    ck_assert_int_eq(error.errnum, ENOENT);
    ck_assert_str_eq(error.text, "/no/such/folder: statvfs: ENOENT (No such file or directory); POSIX shared memory needs it: "
                                 "mount -t tmpfs -o mode=1777 tmpfs /no/such/folder");
}
END_TEST

START_TEST(another_file_system_is_called_by_its_name_or_other)
{
    testing_ok(capacity_read("/proc", &capacity, &error));
    ck_assert_str_eq(capacity.filesystem, "other");
}
END_TEST

START_TEST(the_memory_limit_has_room_below_it_and_names_its_file)
{
    struct memory_limit limit = memory_limit_read();
    ck_assert_uint_le(limit.room_bytes, limit.limit_bytes);
    if (limit.limit_bytes == CAPACITY_UNLIMITED)
        ck_assert_str_eq(limit.file, "");
    else
        ck_assert_int_eq(access(limit.file, R_OK), 0);
}
END_TEST

START_TEST(available_memory_is_what_meminfo_says)
{
    unsigned long long total_kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "MemTotal: %llu", &total_kib), 1);
    fclose(file);
    ck_assert_uint_gt(memory_available(), 0);
    ck_assert_uint_le(memory_available(), total_kib * 1024);
    ck_assert_uint_eq(memory_available() % 1024, 0);
}
END_TEST

START_TEST(without_proc_there_is_no_limit)
{
    if (testing_private_shm("size=64k"))
        return;
    ck_assert_int_eq(mount("tmpfs", "/proc", "tmpfs", MS_NOSUID, "size=64k"), 0);
    struct memory_limit limit = memory_limit_read();
    ck_assert_uint_eq(limit.limit_bytes, CAPACITY_UNLIMITED);
    ck_assert_uint_eq(limit.room_bytes, CAPACITY_UNLIMITED);
    ck_assert_uint_eq(memory_available(), CAPACITY_UNLIMITED);
    ck_assert_int_eq(umount("/proc"), 0); /* a leak check at the end of the process wants it back */
}
END_TEST

static void put_group_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "/sys/fs/cgroup/%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* Lays an empty folder over the real groups and a file over this process's list of them. False: not possible here. */
static bool fake_groups(const char *list)
{
    if (testing_private_shm("size=64k"))
        return false;
    int rc = mount("tmpfs", "/sys/fs/cgroup", "tmpfs", MS_NOSUID, "size=64k");
    if (rc == 0) {
        put_group_file("", "list", list);
        rc = mount("/sys/fs/cgroup/list", "/proc/self/cgroup", NULL, MS_BIND, NULL);
    }
    if (rc != 0)
        fprintf(stderr, "skipped: nothing can be laid over this process's cgroups: %s\n", error_name(errno));
    return rc == 0;
}

START_TEST(the_tightest_of_a_groups_limits_counts)
{
    if (!fake_groups("0::/outer/inner\n"))
        return;
    ck_assert_int_eq(mkdir("/sys/fs/cgroup/outer", 0700), 0);
    ck_assert_int_eq(mkdir("/sys/fs/cgroup/outer/inner", 0700), 0);
    put_group_file("", "memory.max", "max\n");
    put_group_file("outer", "memory.max", "1000000\n");
    put_group_file("outer", "memory.current", "700000\n");
    put_group_file("outer", "memory.stat", "anon 5\ninactive_file 100000\nactive_file 7\n");
    put_group_file("outer/inner", "memory.max", "5000000\n");
    put_group_file("outer/inner", "memory.current", "700000\n");
    struct memory_limit limit = memory_limit_read();
    ck_assert_uint_eq(limit.limit_bytes, 1000000);
    ck_assert_uint_eq(limit.room_bytes, 1000000 - 700000 + 100000 + 7);
    ck_assert_str_eq(limit.file, "/sys/fs/cgroup/outer/memory.max");
    put_group_file("outer", "memory.current", "2000000\n");
    ck_assert_uint_eq(memory_limit_read().room_bytes, 0);
}
END_TEST

START_TEST(a_group_that_cannot_be_seen_leaves_the_limit_of_the_mounts_root)
{
    if (!fake_groups("0::/../../outside\n"))
        return;
    put_group_file("", "memory.max", "777000\n");
    put_group_file("", "memory.current", "0\n");
    ck_assert_uint_eq(memory_limit_read().limit_bytes, 777000);
}
END_TEST

START_TEST(version_1_groups_write_no_limit_as_a_number)
{
    if (!fake_groups("9:name=systemd:/\n4:memory:/job\n0::/\n"))
        return;
    ck_assert_int_eq(mkdir("/sys/fs/cgroup/memory", 0700), 0);
    ck_assert_int_eq(mkdir("/sys/fs/cgroup/memory/job", 0700), 0);
    put_group_file("memory", "memory.limit_in_bytes", "9223372036854771712\n");
    put_group_file("memory/job", "memory.limit_in_bytes", "9223372036854771712\n");
    ck_assert_uint_eq(memory_limit_read().limit_bytes, CAPACITY_UNLIMITED);
    put_group_file("memory/job", "memory.limit_in_bytes", "4096000\n");
    put_group_file("memory/job", "memory.usage_in_bytes", "96000\n");
    put_group_file("memory/job", "memory.stat", "inactive_file 1\ntotal_inactive_file 6000\n");
    ck_assert_uint_eq(memory_limit_read().limit_bytes, 4096000);
    ck_assert_uint_eq(memory_limit_read().room_bytes, 4096000 - 90000);
}
END_TEST

int main(void)
{
    return testing_run("capacity", (const TTest *[]){
                                       the_figures_are_those_of_statvfs,
                                       a_tmpfs_of_known_size_has_that_size,
                                       a_tmpfs_without_limits_is_told_as_unlimited,
                                       a_read_only_and_noexec_mount_is_told,
                                       a_missing_folder_is_an_error_of_the_environment_with_a_way_out,
                                       another_file_system_is_called_by_its_name_or_other,
                                       the_memory_limit_has_room_below_it_and_names_its_file,
                                       available_memory_is_what_meminfo_says,
                                       without_proc_there_is_no_limit,
                                       the_tightest_of_a_groups_limits_counts,
                                       a_group_that_cannot_be_seen_leaves_the_limit_of_the_mounts_root,
                                       version_1_groups_write_no_limit_as_a_number,
                                       NULL,
                                   });
}
