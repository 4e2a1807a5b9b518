/* Limits of the process that checks run under: raised as far as they go, and told where they are too low for a verdict. */
#include "run/check_limits.h"

#include <stdio.h>
#include <sys/resource.h>

/* What checks may need, and how a shell names the limit. */
static const struct need {
    int resource;
    rlim_t enough;
    const char *flag, *what;
} needs[] = {
    {RLIMIT_FSIZE, RLIM_INFINITY, "-f", "the size of files"},
    {RLIMIT_NOFILE, 128, "-n", "open files"},
    {RLIMIT_AS, RLIM_INFINITY, "-v", "address space"},
    {RLIMIT_DATA, RLIM_INFINITY, "-d", "data"},
};
#define NEEDS (sizeof needs / sizeof needs[0])

void check_limits_raise(void)
{
    struct rlimit limit;
    for (size_t i = 0; i < NEEDS; i++)
        if (getrlimit(needs[i].resource, &limit) == 0 && limit.rlim_cur < needs[i].enough) {
            limit.rlim_cur = limit.rlim_max;
            setrlimit(needs[i].resource, &limit);
        }
}

void check_limits_doubt(struct check_report *report)
{
    struct rlimit limit;
    for (size_t i = 0; i < NEEDS && report->outcome == CHECK_FAIL; i++)
        if (getrlimit(needs[i].resource, &limit) == 0 && limit.rlim_max < needs[i].enough) {
            report->outcome = CHECK_ERROR;
            char enough[24] = "unlimited";
            if (needs[i].enough != RLIM_INFINITY)
                snprintf(enough, sizeof enough, "%llu", (unsigned long long)needs[i].enough);
            snprintf(report->reason, sizeof report->reason,
                     "this process has a limit of %llu on %s, which may be why: try again after `ulimit %s %s`, which takes a session "
                     "without that limit",
                     (unsigned long long)limit.rlim_max, needs[i].what, needs[i].flag, enough);
        }
}
