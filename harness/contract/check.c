/* What a check says: expectations, outcomes, and the report that carries them out of its process. */
#define _GNU_SOURCE
#include "contract/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

const char *check_outcome_name(enum check_outcome outcome)
{
    static const char *const names[CHECK_OUTCOMES] = {
        [CHECK_PASS] = "PASS",
        [CHECK_FAIL] = "FAIL",
        [CHECK_DEVIATES] = "DEVIATES",
        [CHECK_UNSUPPORTED] = "UNSUPPORTED",
        [CHECK_ERROR] = "ERROR",
    };
    return names[outcome];
}

const char *check_level_name(enum check_level level)
{
    static const char *const names[CHECK_LEVELS] = {
        [CHECK_POSIX_MUST] = "POSIX must",
        [CHECK_POSIX_MAY] = "POSIX may",
        [CHECK_LINUX_DOCUMENTED] = "Linux documented",
        [CHECK_LINUX_OBSERVED] = "Linux observed",
    };
    return names[level];
}

const char *check_need_name(unsigned need)
{
    switch (need) {
    case CHECK_NEEDS_ROOT:
        return "root";
    case CHECK_NEEDS_MOUNTS:
        return "private mount namespace";
    case CHECK_NEEDS_USERS:
        return "two users";
    case CHECK_NEEDS_CGROUP:
        return "memory cgroup";
    case CHECK_NEEDS_HUGE:
        return "huge pages";
    case CHECK_NEEDS_PROC:
        return "/proc";
    default:
        return "?";
    }
}

/* One write: shorter than PIPE_BUF, so it cannot mix with another process's. */
static void send(const struct check *c)
{
    struct check_report report = c->report;
    ssize_t rc;
    do
        rc = write(c->report_fd, &report, sizeof report);
    while (rc < 0 && errno == EINTR);
}

/* What is not a pass goes out at once, from whichever process of the check has seen it; later ones say no more than the first,
 * unless it was only a deviation. */
static void settle(struct check *c, enum check_outcome outcome, const char *expected, const char *observed, const char *reason)
{
    if (c->report.outcome != CHECK_PASS && !(c->report.outcome == CHECK_DEVIATES && outcome != CHECK_DEVIATES))
        return;
    c->report.outcome = outcome;
    snprintf(c->report.expected, sizeof c->report.expected, "%s", expected);
    snprintf(c->report.observed, sizeof c->report.observed, "%s", observed);
    snprintf(c->report.reason, sizeof c->report.reason, "%s", reason);
    send(c);
}

void check_finish(struct check *c)
{
    if (c->report.outcome == CHECK_PASS && c->channel < 0) {
        if (c->expectations)
            send(c);
        else
            settle(c, CHECK_ERROR, "", "", "the check has looked at nothing");
    }
    _exit(0);
}

static void put_call(char text[CHECK_TEXT], const char *call, const char *end)
{
    snprintf(text, CHECK_TEXT, "%.300s %s", call, end);
}

static void put_failure(char text[CHECK_TEXT], const char *call, int errnum)
{
    snprintf(text, CHECK_TEXT, "%.300s fails with %s", call, error_name(errnum));
}

static bool want_of_resources(int errnum)
{
    switch (errnum) {
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE:
    case EDQUOT:
    case EFBIG: /* a limit on the size of files: `ulimit -f` */
    case EAGAIN:
    case EINTR:
        return true;
    default:
        return false;
    }
}

static void give_up(struct check *c, const char *call, int errnum)
{
    char expected[CHECK_TEXT], observed[CHECK_TEXT];
    put_call(expected, call, "succeeds, in preparation");
    put_failure(observed, call, errnum);
    settle(c, want_of_resources(errnum) ? CHECK_ERROR : CHECK_FAIL, expected, observed, "the check ended there");
    check_finish(c);
}

long check_must(struct check *c, const char *call, long result)
{
    if (result == -1)
        give_up(c, call, errno);
    return result;
}

void check_must_rc(struct check *c, const char *call, int errnum)
{
    if (errnum)
        give_up(c, call, errnum);
}

void *check_must_map(struct check *c, const char *call, void *address)
{
    if (address == MAP_FAILED || !address)
        give_up(c, call, errno);
    return address;
}

static bool judge(struct check *c, bool holds, const char *expected, const char *observed)
{
    c->expectations++;
    if (!holds)
        settle(c, CHECK_FAIL, expected, observed, "");
    return holds;
}

bool check_expect_ok(struct check *c, const char *call, long result)
{
    char expected[CHECK_TEXT], observed[CHECK_TEXT];
    put_failure(observed, call, errno);
    put_call(expected, call, "succeeds");
    return judge(c, result != -1, expected, observed);
}

bool check_expect_errno(struct check *c, const char *call, long result, int errnum)
{
    int seen = errno;
    char expected[CHECK_TEXT], observed[CHECK_TEXT];
    put_failure(expected, call, errnum);
    if (result == -1)
        put_failure(observed, call, seen);
    else
        snprintf(observed, sizeof observed, "%.300s succeeds and returns %ld", call, result);
    return judge(c, result == -1 && seen == errnum, expected, observed);
}

static void put_returned(char text[CHECK_TEXT], const char *call, int errnum)
{
    snprintf(text, CHECK_TEXT, "%.300s returns %s", call, errnum ? error_name(errnum) : "0");
}

bool check_expect_rc(struct check *c, const char *call, int result, int errnum)
{
    char expected[CHECK_TEXT], observed[CHECK_TEXT];
    put_returned(expected, call, errnum);
    put_returned(observed, call, result);
    return judge(c, result == errnum, expected, observed);
}

bool expect_number(struct check *c, long long observed, long long expected, const char *what, ...)
{
    char name[CHECK_TEXT - 40], wanted[CHECK_TEXT], seen[CHECK_TEXT];
    va_list args;
    va_start(args, what);
    vsnprintf(name, sizeof name, what, args);
    va_end(args);
    snprintf(wanted, sizeof wanted, "%s: %lld", name, expected);
    snprintf(seen, sizeof seen, "%s: %lld", name, observed);
    return judge(c, observed == expected, wanted, seen);
}

bool expect_mode(struct check *c, unsigned observed, unsigned expected, const char *what)
{
    char wanted[CHECK_TEXT], seen[CHECK_TEXT];
    snprintf(wanted, sizeof wanted, "%s: mode %04o", what, expected);
    snprintf(seen, sizeof seen, "%s: mode %04o", what, observed & 07777);
    return judge(c, (observed & 07777) == expected, wanted, seen);
}

bool expect_true(struct check *c, bool holds, const char *expected, const char *observed, ...)
{
    char seen[CHECK_TEXT];
    va_list args;
    va_start(args, observed);
    vsnprintf(seen, sizeof seen, observed, args);
    va_end(args);
    return judge(c, holds, expected, seen);
}

/* The first byte that is not what it should be, or `bytes`: all are. */
static bool judge_bytes(struct check *c, const char *what, size_t at, size_t bytes, unsigned wanted, unsigned seen)
{
    char want_text[CHECK_TEXT], seen_text[CHECK_TEXT];
    snprintf(want_text, sizeof want_text, "%s: byte %zu of %zu is 0x%02x", what, at, bytes, wanted);
    snprintf(seen_text, sizeof seen_text, "%s: byte %zu of %zu is 0x%02x", what, at, bytes, seen);
    return judge(c, at == bytes, want_text, seen_text);
}

bool expect_bytes(struct check *c, const void *observed, const void *expected, size_t bytes, const char *what)
{
    const unsigned char *seen = observed, *wanted = expected;
    size_t i = 0;
    while (i < bytes && seen[i] == wanted[i])
        i++;
    return judge_bytes(c, what, i, bytes, i < bytes ? wanted[i] : 0, i < bytes ? seen[i] : 0);
}

bool expect_fill(struct check *c, const void *observed, unsigned char expected, size_t bytes, const char *what)
{
    const unsigned char *seen = observed;
    size_t i = 0;
    while (i < bytes && seen[i] == expected)
        i++;
    return judge_bytes(c, what, i, bytes, expected, i < bytes ? seen[i] : 0);
}

bool expect_text(struct check *c, const char *observed, const char *part, const char *what)
{
    char expected[CHECK_TEXT], seen[CHECK_TEXT];
    snprintf(expected, sizeof expected, "%s holds \"%s\"", what, part);
    snprintf(seen, sizeof seen, "%s is \"%.300s\"", what, observed);
    return judge(c, strstr(observed, part) != NULL, expected, seen);
}

void check_deviates(struct check *c, const char *expected, const char *observed, const char *reason)
{
    c->expectations++;
    settle(c, CHECK_DEVIATES, expected, observed, reason);
}

void check_unsupported(struct check *c, const char *format, ...)
{
    char reason[CHECK_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    settle(c, CHECK_UNSUPPORTED, "", "", reason);
    check_finish(c);
}

void check_error(struct check *c, const char *format, ...)
{
    char reason[CHECK_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    settle(c, CHECK_ERROR, "", "", reason);
    check_finish(c);
}

void check_fail(struct check *c, const char *expected, const char *observed, ...)
{
    char seen[CHECK_TEXT];
    va_list args;
    va_start(args, observed);
    vsnprintf(seen, sizeof seen, observed, args);
    va_end(args);
    settle(c, CHECK_FAIL, expected, seen, "");
    check_finish(c);
}
