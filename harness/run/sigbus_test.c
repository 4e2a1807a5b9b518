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
    return (struct sigbus_site){.name = name, .bytes = BYTES, .offset = offset, .code = caught.si_code};
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

START_TEST(a_page_that_was_taken_away_is_told)
{
    int fd;
    const char *name;
    make("taken", &fd, &name);
    struct sigbus_site site = {.name = name, .bytes = BYTES, .offset = PAGE, .code = BUS_ADRERR};
    check_cause(&site, SIGBUS_TAKEN, "taken away");
    shm_unlink(name);
}
END_TEST

START_TEST(a_page_that_is_there_again_gives_no_cause_away)
{
    int fd;
    const char *name;
    char *at = make("there", &fd, &name);
    at[PAGE] = 1;
    struct sigbus_site site = {.name = name, .bytes = BYTES, .offset = PAGE + 7, .code = BUS_ADRERR};
    check_cause(&site, SIGBUS_UNKNOWN, "in that moment");
    shm_unlink(name);
}
END_TEST

START_TEST(a_name_that_was_lost_is_told)
{
    struct sigbus_site site = {.name = "/shmoo-test.no-such", .bytes = BYTES, .offset = 1, .code = BUS_ADRERR};
    check_cause(&site, SIGBUS_NAMELESS, "lost its name");
}
END_TEST

START_TEST(the_code_alone_tells_some_causes)
{
    struct sigbus_site site = {.name = "/x", .bytes = BYTES, .offset = 1, .code = BUS_ADRALN};
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
                                     a_page_that_was_taken_away_is_told,
                                     a_page_that_is_there_again_gives_no_cause_away,
                                     a_name_that_was_lost_is_told,
                                     the_code_alone_tells_some_causes,
                                     NULL,
                                 });
}
