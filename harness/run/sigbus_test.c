/* Tests of SIGBUS: each cause is made for real, the signal caught, and the explanation held against it. */
#define _GNU_SOURCE
#include "run/sigbus.h"

#include "base/testing.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE = 4096, PAGES = 16, BYTES = PAGES * PAGE };

static sigjmp_buf back;
static siginfo_t caught;

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    caught = *info;
    siglongjmp(back, 1);
}

/* An object of a name of its own, mapped; the caller closes nothing: the test's process ends. */
static char *make(const char *what, int *fd, const char **name)
{
    *name = testing_name(what);
    *fd = shm_open(*name, O_CREAT | O_EXCL | O_RDWR, 0600);
    ck_assert_int_ge(*fd, 0);
    ck_assert_int_eq(ftruncate(*fd, BYTES), 0);
    char *at = mmap(NULL, BYTES + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    ck_assert_ptr_ne(at, MAP_FAILED);
    return at;
}

/* Touches it; fills in the site. */
static struct sigbus_site touch(char *at, size_t offset, const char *name)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};
    ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
    if (sigsetjmp(back, 1) == 0) {
        ((volatile char *)at)[offset] = 1;
        ck_abort_msg("no SIGBUS at offset %zu", offset);
    }
    ck_assert_ptr_eq(caught.si_addr, at + offset);
    return (struct sigbus_site){.what = "region", .name = name, .bytes = BYTES, .offset = offset, .code = caught.si_code};
}

static void check_cause(const struct sigbus_site *site, enum sigbus_cause cause, const char *words)
{
    char text[400], offset[64];
    ck_assert_int_eq(sigbus_explain(site, text, sizeof text), cause);
    snprintf(offset, sizeof offset, "at offset %llu of the region %s: ", (unsigned long long)site->offset, site->name);
    testing_has(text, offset);
    testing_has(text, words);
}

START_TEST(an_object_that_shrank_is_told)
{
    int fd;
    const char *name;
    char *at = make("shrank", &fd, &name);
    ck_assert_int_eq(ftruncate(fd, PAGE + 1), 0);
    struct sigbus_site site = touch(at, 2 * PAGE + 5, name);
    check_cause(&site, SIGBUS_SHRANK, "it has 4097 bytes, and had 65536");
    shm_unlink(name);
}
END_TEST

START_TEST(an_access_past_the_end_is_told)
{
    int fd;
    const char *name;
    char *at = make("past", &fd, &name);
    struct sigbus_site site = touch(at, BYTES + 8, name);
    check_cause(&site, SIGBUS_BEYOND, "past the end: the region has 65536 bytes");
    shm_unlink(name);
}
END_TEST

START_TEST(a_full_tmpfs_is_told)
{
    static const char page[PAGE];
    int fd;
    const char *name;
    if (testing_private_shm("size=64k"))
        return;
    char *at = make("full", &fd, &name);
    int filler = shm_open("/filler", O_CREAT | O_RDWR, 0600);
    while (write(filler, page, sizeof page) > 0)
        continue;
    struct sigbus_site site = touch(at, 3 * PAGE, name);
    check_cause(&site, SIGBUS_FULL, "is full: 0 B free of 64 KiB");
}
END_TEST

START_TEST(a_page_that_could_not_be_had_in_a_moment_is_told)
{
    int fd;
    const char *name;
    make("taken", &fd, &name);
    struct sigbus_site site = {.what = "region", .name = name, .bytes = BYTES, .offset = PAGE, .code = BUS_ADRERR};
    check_cause(&site, SIGBUS_MOMENT, "could not be had in that moment");
    shm_unlink(name);
}
END_TEST

/* Lays a text over a file of /proc. False: not possible here. */
static bool lay_over(const char *path, const char *text)
{
    char name[64];
    snprintf(name, sizeof name, "/dev/shm/over.%zu", strlen(path));
    FILE *file = fopen(name, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return mount(name, path, NULL, MS_BIND, NULL) == 0;
}

START_TEST(promises_that_are_used_up_are_told)
{
    int fd;
    const char *name;
    if (testing_private_shm("size=1m") || !lay_over("/proc/sys/vm/overcommit_memory", "2\n") ||
        !lay_over("/proc/meminfo", "MemAvailable: 1000000 kB\nCommitLimit: 5000 kB\nCommitted_AS: 4990 kB\n"))
        return;
    make("commit", &fd, &name);
    struct sigbus_site site = {.what = "region", .name = name, .bytes = BYTES, .offset = PAGE, .code = BUS_ADRERR};
    check_cause(&site, SIGBUS_COMMIT, "vm.overcommit_memory=2");
}
END_TEST

START_TEST(whatever_is_mapped_is_told_by_its_path)
{
    int fd;
    const char *name;
    char text[400], path[128];
    make("path", &fd, &name);
    snprintf(path, sizeof path, "/dev/shm%s", name);
    ck_assert_int_eq(ftruncate(fd, 100), 0);
    ck_assert_int_eq(sigbus_explain_path(path, PAGE + 3, BUS_ADRERR, text, sizeof text), SIGBUS_SHRANK);
    testing_has(text, "at offset 4099 of the object /shmoo-test.");
    testing_has(text, "it has 100 bytes; it was shrunk");
    shm_unlink(name);
    ck_assert_int_eq(sigbus_explain_path(path, PAGE, BUS_ADRERR, text, sizeof text), SIGBUS_NAMELESS);
    ck_assert_int_eq(sigbus_explain_path("/memfd:x (deleted)", 5, BUS_ADRERR, text, sizeof text), SIGBUS_UNKNOWN);
    testing_has(text, "at offset 5 of /memfd:x (deleted)");
}
END_TEST

START_TEST(a_page_that_is_there_again_gives_no_cause_away)
{
    int fd;
    const char *name;
    char *at = make("there", &fd, &name);
    at[PAGE] = 1;
    struct sigbus_site site = {.what = "region", .name = name, .bytes = BYTES, .offset = PAGE + 7, .code = BUS_ADRERR};
    check_cause(&site, SIGBUS_UNKNOWN, "in that moment");
    shm_unlink(name);
}
END_TEST

START_TEST(a_name_that_was_lost_is_told)
{
    struct sigbus_site site = {.what = "region", .name = "/shmoo-test.no-such", .bytes = BYTES, .offset = 1, .code = BUS_ADRERR};
    check_cause(&site, SIGBUS_NAMELESS, "lost its name");
}
END_TEST

START_TEST(the_code_alone_tells_some_causes)
{
    struct sigbus_site site = {.what = "region", .name = "/x", .bytes = BYTES, .offset = 1, .code = BUS_ADRALN};
    check_cause(&site, SIGBUS_ALIGNMENT, "misaligned");
    site.code = BUS_MCEERR_AR;
    check_cause(&site, SIGBUS_BAD_PAGE, "went bad");
}
END_TEST

int main(void)
{
    return testing_run("sigbus", (const TTest *[]){
                                     an_object_that_shrank_is_told,
                                     an_access_past_the_end_is_told,
                                     a_full_tmpfs_is_told,
                                     a_page_that_could_not_be_had_in_a_moment_is_told,
                                     promises_that_are_used_up_are_told,
                                     whatever_is_mapped_is_told_by_its_path,
                                     a_page_that_is_there_again_gives_no_cause_away,
                                     a_name_that_was_lost_is_told,
                                     the_code_alone_tells_some_causes,
                                     NULL,
                                 });
}
