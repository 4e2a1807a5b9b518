/* The shim's beginning: which mistake is wanted, and the calls that go past the C library. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "workloads/check/mutants/shim.h"

struct row {
    const char *name, *interface, *what;
    const char *function; /* of the rows that are a wrong errno */
    int from, to;
};

static const struct row rows[M_count] = {
#define MUTANT(id, at, text) [M_##id] = {.name = #id, .interface = at, .what = text},
#define WRONG(at, was, is)                                                                                                   \
    [M_##at##_##was##_as_##is] = {.name = #at "_" #was "_as_" #is, .interface = #at, .what = "reports " #was " as " #is,    \
                                  .function = #at, .from = was, .to = is},
#include "workloads/check/mutants/rows.h"
#undef MUTANT
#undef WRONG
};

enum mutant mutant_active;

/* For who lists them: name, interface and what is wrong of the i-th, NULL after the last. */
const char *mutant_name(int i);
const char *mutant_interface(int i);
const char *mutant_what(int i);

static const struct row *row_of(int i)
{
    return i >= 0 && i < M_count - 1 ? &rows[i + 1] : NULL;
}

const char *mutant_name(int i)
{
    return row_of(i) ? row_of(i)->name : NULL;
}

const char *mutant_interface(int i)
{
    return row_of(i) ? row_of(i)->interface : NULL;
}

const char *mutant_what(int i)
{
    return row_of(i) ? row_of(i)->what : NULL;
}

/* Names are written with hyphens; identifiers cannot. */
static bool same_name(const char *given, const char *id)
{
    while (*given && (*given == *id || (*given == '-' && *id == '_')))
        given++, id++;
    return *given == *id;
}

__attribute__((constructor)) static void choose(void)
{
    const char *wanted = getenv("SHMOO_MUTANT");
    for (int i = 1; wanted && i < M_count; i++)
        if (same_name(wanted, rows[i].name))
            mutant_active = (enum mutant)i;
    if (wanted && *wanted && !mutant_active) {
        fprintf(stderr, "mutants: there is no mutant \"%s\"\n", wanted);
        _exit(2);
    }
    if (on(M_robust_list_lost))
        drop_robust_list();
}

static int other_errno(const char *function, int seen)
{
    const struct row *row = &rows[mutant_active];
    return row->function && seen == row->from && strcmp(row->function, function) == 0 ? row->to : seen;
}

long wrong(const char *function, long result)
{
    if (mutant_active && result == -1)
        errno = other_errno(function, errno);
    return result;
}

int wrong_number(const char *function, int result)
{
    return mutant_active && result ? other_errno(function, result) : result;
}

int fail_with(int errnum)
{
    errno = errnum;
    return -1;
}

int sys_close(int fd)
{
    return (int)syscall(SYS_close, fd);
}

int sys_fstat(int fd, struct stat *st)
{
    return (int)syscall(SYS_fstat, fd, st);
}

int sys_ftruncate(int fd, off_t size)
{
    return (int)syscall(SYS_ftruncate, fd, size);
}

ssize_t sys_pread(int fd, void *bytes, size_t size, off_t at)
{
    return syscall(SYS_pread64, fd, bytes, size, at);
}

ssize_t sys_pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return syscall(SYS_pwrite64, fd, bytes, size, at);
}

int sys_unlink(const char *path)
{
    return (int)syscall(SYS_unlinkat, -100, path, 0);
}

void sys_pause_ms(unsigned ms)
{
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    syscall(SYS_nanosleep, &time, NULL);
}
