/* Errors: what happened, to what, with which errno, and the way out.
 *
 * A function that can fail takes a `struct error *` last and returns 0, or -1 with the error filled in. The text is one
 * whole sentence for the person who reads it: the object, the call, the errno in words, and what to do. `status` is the
 * exit status that the program ends with if nobody handles the error.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/* Exit statuses of the program; 128+N, a signal, is not in the list. */
enum status {
    STATUS_AS_EXPECTED = 0, /* everything as expected */
    STATUS_UNEXPECTED = 1,  /* an unexpected verdict or a failed check */
    STATUS_USAGE = 2,       /* the command line or a job file is wrong */
    STATUS_ENVIRONMENT = 3, /* this machine, or its limits, cannot run it */
    STATUS_NOTHING = 4,     /* nothing ran, or only INCONCLUSIVE */
    STATUS_THRESHOLD = 5,   /* a threshold or comparison failed */
};

struct error {
    enum status status;
    int errnum; /* 0 where no call failed */
    char text[1024];
};

/* Fills *error (which may be NULL) and returns -1. `errnum` is kept, not printed: write it into the text with
 * error_name() where the reader needs it. */
int error_set(struct error *error, enum status status, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "ENOSPC (No space left on device)". The string lives in a buffer of the calling thread until the next call. */
const char *error_name(int errnum);

/* Prints "shmoo: TEXT" on standard error. */
void error_print(const struct error *error);

/* Prints "shmoo: TEXT" on standard error: notices and warnings. */
void notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
