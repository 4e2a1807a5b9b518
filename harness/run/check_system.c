/* On what the checks run, and what is known to differ there. */
#include "run/check_system.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* An emulator answers for /proc/self/exe itself, with the program; the kernel knows the emulator as what this process executes. */
static bool is_emulated(void)
{
    char told[512] = "", real[512] = "";
    ssize_t told_size = readlink("/proc/self/exe", told, sizeof told), real_size = readlink("/proc/thread-self/exe", real, sizeof real);
    return told_size > 0 && real_size > 0 && (told_size != real_size || memcmp(told, real, (size_t)told_size) != 0);
}

unsigned check_system(void)
{
    static int systems = -1;
    if (systems < 0) {
        systems = is_emulated() ? CHECK_ON_EMULATOR : 0;
#ifndef __GLIBC__
        systems |= CHECK_ON_MUSL;
#endif
    }
    return (unsigned)systems;
}

void check_excuse(struct check_report *report, const char *id, unsigned systems, const struct check_difference *differences)
{
    if (report->outcome != CHECK_FAIL && report->outcome != CHECK_ERROR)
        return;
    for (const struct check_difference *d = differences; d->id; d++)
        if ((d->system & systems) && fnmatch(d->id, id, 0) == 0 && strstr(report->observed, d->observed)) {
            report->outcome = CHECK_DEVIATES;
            snprintf(report->reason, sizeof report->reason, "%s", d->reason);
            return;
        }
}
