/* Tests of lines of /proc/PID/maps. */
#define _GNU_SOURCE
#include "shm/maps_line.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/testing.h"

static struct maps_line parsed;

static bool parse(const char *text)
{
    static char line[256];
    snprintf(line, sizeof line, "%s", text);
    return maps_line_parse(line, &parsed);
}

START_TEST(a_line_is_taken_apart)
{
    ck_assert(parse("7f10a000-7f10c000 rw-s 0000f000 fd:1b 4294967297    /dev/shm/a b (deleted)\n"));
    ck_assert_uint_eq(parsed.from, 0x7f10a000);
    ck_assert_uint_eq(parsed.to, 0x7f10c000);
    ck_assert_uint_eq(parsed.offset, 0xf000);
    ck_assert_str_eq(parsed.rights, "rw-s");
    ck_assert_uint_eq(parsed.device, makedev(0xfd, 0x1b));
    ck_assert_uint_eq(parsed.inode, 4294967297);
    ck_assert_str_eq(parsed.path, "/dev/shm/a b (deleted)");
    ck_assert(parse("ffffffffff600000-ffffffffff601000 --xp 00000000 00:05 7\n"));
    ck_assert_uint_eq(parsed.from, 0xffffffffff600000);
    ck_assert_str_eq(parsed.path, "");
}
END_TEST

START_TEST(what_is_no_file_or_no_line_is_refused)
{
    static const char *const bad[] = {
        "", "\n", "7f10a000-7f10c000", "7f10a000-7f10c000 rw-p", "7f10a000-7f10c000 rw-p 0 00:00",
        "7f10a000-7f10c000 rw-p 00000000 00:00 0 \n", "7f10a000-7f10c000 rw-p 00000000 00:00 0  [stack]\n",
        "7f10a000 7f10c000 rw-s 0000f000 00:1b 42 /x", "-7f10c000 rw-s 0000f000 00:1b 42 /x", "x", "1-2 r",
        "1-2 rw-sx 0 0:1 42 /x", "Size:    4 kB\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!parse(bad[i]), "\"%s\" was taken", bad[i]);
}
END_TEST

START_TEST(the_kernels_own_line_is_understood)
{
    char line[512];
    struct stat st;
    bool found = false;
    int fd = memfd_create("a\nli\\ne\n", MFD_CLOEXEC);
    ck_assert_int_eq(ftruncate(fd, 8192), 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    void *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 4096);
    FILE *file = fopen("/proc/self/maps", "re");
    ck_assert_ptr_nonnull(file);
    while (!found && fgets(line, sizeof line, file))
        found = maps_line_parse(line, &parsed) && parsed.inode == st.st_ino && parsed.device == st.st_dev;
    fclose(file);
    ck_assert(found);
    ck_assert_uint_eq(parsed.from, (uint64_t)(uintptr_t)at);
    ck_assert_uint_eq(parsed.offset, 4096);
    ck_assert_str_eq(parsed.path, "/memfd:a\nli\\ne\n (deleted)");
}
END_TEST

int main(void)
{
    return testing_run("maps_line", (const TTest *[]){a_line_is_taken_apart, what_is_no_file_or_no_line_is_refused,
                                                      the_kernels_own_line_is_understood, NULL});
}
