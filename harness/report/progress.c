/* Progress on standard error. */
#include "report/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "report/formats.h"
#include "report/terminal.h"

/* Do standard output and standard error end in one log? */
static bool same_log(void)
{
    struct stat out, err;
    return fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev &&
           out.st_ino == err.st_ino;
}

void progress_begin(struct progress *progress, uint32_t trials, double planned_s, bool quiet, bool table)
{
    bool live = terminal_capable(STDERR_FILENO);
    *progress = (struct progress){
        .quiet = quiet || (!live && table && same_log()), /* two accounts of each trial in one log help nobody */
        .live = live,
        .trials = trials,
        .started_ns = clock_ns(),
        .planned_s = planned_s,
    };
}

/* Seconds that are left, from the pace so far; before the first trial, from the plan. */
static double remaining(const struct progress *progress)
{
    double spent = (double)(clock_ns() - progress->started_ns) / 1e9;
    double left = progress->planned_s - progress->done_s;
    if (left < 0)
        left = 0;
    return progress->done_s > 0 ? left * spent / progress->done_s : left;
}

static void eta_text(double seconds, char text[32])
{
    unsigned whole = seconds < 1e7 ? (unsigned)(seconds + 0.5) : 9999999u;
    if (whole >= 3600)
        snprintf(text, 32, "%u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, 32, "%u:%02u", whole / 60, whole % 60);
}

static unsigned columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void progress_trial(struct progress *progress, const struct trial_spec *spec)
{
    char title[256], eta[32], line[400];
    if (progress->quiet || !progress->live)
        return;
    eta_text(remaining(progress), eta);
    snprintf(line, sizeof line, "trial %u/%u  %s  %u done, ETA %s", spec->number, progress->trials, trial_title(spec, title),
             spec->number - 1, eta);
    fprintf(stderr, "\r\033[K%.*s", (int)columns() - 1, line);
    fflush(stderr);
}

void progress_trial_done(struct progress *progress, const struct trial_spec *spec, const struct trial_result *result)
{
    char title[256], eta[32];
    progress->done_s += (double)spec->duration_ns / 1e9 + 0.05;
    if (progress->quiet)
        return;
    if (progress->live) {
        progress_clear(progress);
        return;
    }
    eta_text(remaining(progress), eta);
    fprintf(stderr, "shmoo: trial %u/%u %s: %s%s, ETA %s\n", spec->number, progress->trials, trial_title(spec, title),
            verdict_name(result->verdict), result->as_expected ? "" : " (unexpected)", eta);
}

void progress_clear(const struct progress *progress)
{
    if (progress->live && !progress->quiet) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}
