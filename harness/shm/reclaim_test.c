/* Tests of reclaiming: what is free goes, and what somebody holds, has changed or replaced stays under its name. */
#define _GNU_SOURCE
#include "shm/reclaim.h"

#include "base/testing.h"
#include "shm/objects.h"

#include <sys/stat.h>

static char path[128], aside[128];
static struct reclaim reclaim;

/* An object with 8192 bytes of data, and what a look would have noted of it. */
static void begin(void)
{
    static char name[96], other[96];
    static const char data[8192] = {1};
    struct stat st;
    snprintf(name, sizeof name, "%s", testing_name("reclaim") + 1);
    snprintf(other, sizeof other, "%s", testing_name("aside") + 1);
    snprintf(path, sizeof path, "/dev/shm/%s", name);
    snprintf(aside, sizeof aside, "/dev/shm/%s", other);
    int fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
    ck_assert_int_eq(write(fd, data, sizeof data), (int)sizeof data);
    ck_assert_int_eq(fstat(fd, &st), 0);
    close(fd);
    reclaim = (struct reclaim){
        .name = name, .device = st.st_dev, .inode = st.st_ino, .changed_ns = object_changed_ns(&st), .aside = other};
}

/* Notes the object as it is now. */
static void note_change(void)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    reclaim.changed_ns = object_changed_ns(&st);
}

static void check_kept(const char *why)
{
    struct stat st;
    ck_assert_int_eq(reclaim_object(&reclaim), -1);
    testing_has(reclaim.why, why);
    ck_assert_uint_eq(reclaim.freed_bytes, 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_ne(access(aside, F_OK), 0);
}

START_TEST(what_is_free_goes_and_gives_its_bytes_back)
{
    begin();
    ck_assert_int_eq(reclaim_object(&reclaim), 0);
    ck_assert_uint_eq(reclaim.freed_bytes, 8192);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_ne(access(aside, F_OK), 0);
}
END_TEST

START_TEST(what_somebody_holds_stays)
{
    begin();
    int fd = open(path, O_RDONLY);
    check_kept("open or mapped");
    ck_assert(!reclaim.failed);
    close(fd);
    ck_assert_int_eq(reclaim_object(&reclaim), 0);
}
END_TEST

START_TEST(what_has_changed_or_been_replaced_stays)
{
    begin();
    reclaim.changed_ns -= 1;
    check_kept("changed meanwhile");
    reclaim.changed_ns += 1;
    reclaim.inode += 1;
    check_kept("another object");
    unlink(path);
}
END_TEST

START_TEST(a_second_name_keeps_the_bytes)
{
    char second[160];
    begin();
    snprintf(second, sizeof second, "%s.second", path);
    ck_assert_int_eq(link(path, second), 0);
    check_kept("changed meanwhile"); /* a new name is a change */
    note_change();
    ck_assert_int_eq(reclaim_object(&reclaim), 0);
    ck_assert_uint_eq(reclaim.freed_bytes, 0);
    ck_assert_int_eq(unlink(second), 0);
}
END_TEST

static int refuse(const char *name, int fd)
{
    return strcmp(name, reclaim.name) == 0 && fcntl(fd, F_GETFD) >= 0 ? EPERM : EINVAL;
}

START_TEST(when_what_belongs_to_it_stays_it_stays_too)
{
    begin();
    reclaim.before_unlink = refuse;
    check_kept("EPERM");
    ck_assert(reclaim.failed);
    unlink(path);
}
END_TEST

START_TEST(nobody_else_is_overwritten_by_the_move)
{
    begin();
    close(open(aside, O_CREAT | O_EXCL | O_RDWR, 0600));
    ck_assert_int_eq(reclaim_object(&reclaim), -1);
    testing_has(reclaim.why, "EEXIST");
    ck_assert(reclaim.failed);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(unlink(aside), 0);
}
END_TEST

int main(void)
{
    return testing_run("reclaim", (const TTest *[]){
                                      what_is_free_goes_and_gives_its_bytes_back,
                                      what_somebody_holds_stays,
                                      what_has_changed_or_been_replaced_stays,
                                      a_second_name_keeps_the_bytes,
                                      when_what_belongs_to_it_stays_it_stays_too,
                                      nobody_else_is_overwritten_by_the_move,
                                      NULL,
                                  });
}
