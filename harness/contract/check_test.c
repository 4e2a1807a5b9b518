/* Tests of what a check has at hand: names, patterns, touching memory, messages; and that wrong things are told as wrong. */
#define _GNU_SOURCE
#include "contract/check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/testing.h"

static int report_ends[2];

static struct check make(void)
{
    struct check c = {.channel = -1};
    ck_assert_int_eq(pipe(report_ends), 0);
    ck_assert_int_eq(fcntl(report_ends[0], F_SETFL, O_NONBLOCK), 0);
    c.report_fd = report_ends[1];
    snprintf(c.prefix, sizeof c.prefix, "/shmoo-check.%d.0.1", (int)getpid());
    return c;
}

/* Whether a report was written, and which. */
static bool reported(struct check_report *report)
{
    return read(report_ends[0], report, sizeof *report) == (ssize_t)sizeof *report;
}

START_TEST(names_are_new_each_time_and_as_long_as_asked)
{
    struct check c = make();
    const char *one = check_name(&c), *other = check_name(&c), *lengthy = check_long_name(&c, 255);
    ck_assert_str_ne(one, other);
    ck_assert_uint_eq(strlen(lengthy), 256);
    ck_assert_int_eq(strncmp(one, c.prefix, strlen(c.prefix)), 0);
    ck_assert_int_eq(strncmp(lengthy, c.prefix, strlen(c.prefix)), 0);
    ck_assert_uint_eq(strlen(check_long_name(&c, 256)), 257);
}
END_TEST

START_TEST(a_pattern_tells_every_page_and_seed_apart)
{
    struct check c = make();
    struct check_report report;
    static unsigned char one[8192], other[8192];
    check_fill(one, sizeof one, 1);
    check_fill(other, sizeof other, 2);
    ck_assert_int_ne(memcmp(one, other, sizeof one), 0);
    ck_assert_int_ne(memcmp(one, one + 4096, 4096), 0);
    ck_assert_ptr_null(memchr(one, 0, sizeof one));
    ck_assert(expect_filled(&c, one, sizeof one, 1, "it"));
    ck_assert(!reported(&report));
    one[5000] ^= 1;
    ck_assert(!expect_filled(&c, one, sizeof one, 1, "it"));
    ck_assert(reported(&report));
    testing_has(report.observed, "byte 5000 of 8192");
}
END_TEST

START_TEST(what_does_not_hold_is_reported_once)
{
    struct check c = make();
    struct check_report report;
    errno = 0;
    ck_assert(!expect_errno(&c, 3, EEXIST));
    ck_assert(!expect_errno(&c, (errno = ENOENT, -1), EEXIST));
    ck_assert(!expect_ok(&c, (errno = EPERM, -1)));
    ck_assert(!expect_rc(&c, EBUSY, 0));
    ck_assert(!expect_mode(&c, 0644, 0600, "it"));
    ck_assert(!expect_text(&c, "abc", "x", "it"));
    ck_assert(reported(&report));
    ck_assert_int_eq(report.outcome, CHECK_FAIL);
    testing_has(report.expected, "EEXIST");
    testing_has(report.observed, "succeeds and returns 3");
    ck_assert(!reported(&report));
}
END_TEST

START_TEST(what_holds_is_not_reported)
{
    struct check c = make();
    struct check_report report;
    ck_assert(expect_errno(&c, (errno = EEXIST, -1), EEXIST));
    ck_assert(expect_ok(&c, 0));
    ck_assert(expect_rc(&c, EBUSY, EBUSY));
    ck_assert(expect_mode(&c, S_IFREG | 0600, 0600, "it"));
    ck_assert(expect_fill(&c, "aaaa", 'a', 4, "it"));
    ck_assert(expect_bytes(&c, "abcd", "abcd", 4, "it"));
    ck_assert_uint_eq(c.expectations, 6);
    ck_assert(!reported(&report));
}
END_TEST

START_TEST(touching_tells_signal_code_and_address)
{
    struct check c = make();
    size_t page = check_page();
    unsigned char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(at, MAP_FAILED);
    ck_assert_int_eq(touch_write(at, 9).signal, 0);
    ck_assert_uint_eq(touch_read(at).value, 9);
    ck_assert_int_eq(mprotect(at + page, page, PROT_NONE), 0);
    ck_assert(expect_touch(&c, touch_read(at + page + 3), SIGSEGV, SEGV_ACCERR, at + page + 3, "it"));
    ck_assert(!expect_touch(&c, touch_read(at + page + 3), SIGSEGV, SEGV_ACCERR, at + page, "another address"));
    ck_assert(!expect_touch(&c, touch_read(at + page), SIGBUS, BUS_ADRERR, at + page, "another signal"));
    ck_assert(!expect_touch(&c, touch_read(at), SIGSEGV, SEGV_ACCERR, at, "none"));
}
END_TEST

static void echo(struct check *c, void *user)
{
    (void)user;
    int64_t value = hear(c->channel);
    int fd = check_take_fd(c->channel);
    char byte = 'y';
    tell(c->channel, value + 1);
    tell(c->channel, write(fd, &byte, 1));
    hear(c->channel);
}

START_TEST(peers_hear_take_descriptors_and_end)
{
    struct check c = make();
    int ends[2];
    char byte = 0;
    ck_assert_int_eq(pipe(ends), 0);
    struct check_peer peer = check_start(&c, echo, NULL);
    tell(peer.channel, 41);
    ck_assert_int_eq(check_send_fd(peer.channel, ends[1]), 0);
    ck_assert_int_eq(hear(peer.channel), 42);
    ck_assert_int_eq(hear(peer.channel), 1);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'y');
    ck_assert(check_sleeps(peer.pid));
    check_kill(&c, &peer);
    ck_assert_int_eq(hear(peer.channel), CHECK_GONE);
}
END_TEST

START_TEST(moments_lie_ahead)
{
    struct timespec now, moment;
    clock_gettime(CLOCK_REALTIME, &now);
    check_moment(&moment, 1999);
    int64_t ms = (moment.tv_sec - now.tv_sec) * 1000 + (moment.tv_nsec - now.tv_nsec) / 1000000;
    ck_assert_int_ge(ms, 1998);
    ck_assert_int_lt(moment.tv_nsec, 1000000000);
}
END_TEST

START_TEST(every_outcome_level_and_need_has_a_word)
{
    for (int i = 0; i < CHECK_OUTCOMES; i++)
        ck_assert_uint_gt(strlen(check_outcome_name((enum check_outcome)i)), 3);
    for (int i = 0; i < CHECK_LEVELS; i++)
        ck_assert_uint_gt(strlen(check_level_name((enum check_level)i)), 3);
    for (unsigned i = 0; i < CHECK_NEED_KINDS; i++)
        ck_assert_uint_gt(strlen(check_need_name(1u << i)), 3);
}
END_TEST

int main(void)
{
    return testing_run("check", (const TTest *[]){names_are_new_each_time_and_as_long_as_asked,
                                                  a_pattern_tells_every_page_and_seed_apart, what_does_not_hold_is_reported_once,
                                                  what_holds_is_not_reported, touching_tells_signal_code_and_address,
                                                  peers_hear_take_descriptors_and_end, moments_lie_ahead,
                                                  every_outcome_level_and_need_has_a_word, NULL});
}
