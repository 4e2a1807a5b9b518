/* Errors: filling them in and printing them. */
#define _GNU_SOURCE
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, enum status status, int errnum, const char *format, ...)
{
    if (!error)
        return -1;
    char text[sizeof error->text]; /* the arguments may point into *error itself */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    error->status = status;
    error->errnum = errnum;
    memcpy(error->text, text, sizeof text);
    return -1;
}

/* glibc's; a C library without them has the words alone. */
extern const char *strerrorname_np(int errnum) __attribute__((weak));
extern const char *strerrordesc_np(int errnum) __attribute__((weak));

const char *error_name(int errnum)
{
    static _Thread_local char buffer[128];
    const char *name = strerrorname_np ? strerrorname_np(errnum) : NULL;
    const char *words = strerrordesc_np ? strerrordesc_np(errnum) : strerror(errnum);
    if (name)
        snprintf(buffer, sizeof buffer, "%s (%s)", name, words ? words : "no description");
    else if (!strerrorname_np)
        snprintf(buffer, sizeof buffer, "errno %d (%s)", errnum, words);
    else
        snprintf(buffer, sizeof buffer, "errno %d", errnum);
    return buffer;
}

void error_print(const struct error *error)
{
    fprintf(stderr, "shmoo: %s\n", error->text);
}

void notice(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "shmoo: %s\n", text);
}
