/* Testing: what the unit tests share; a main() over a list of tests, children, a census and a /dev/shm of their own.
 *
 *     START_TEST(numbers_add_up) { ck_assert_int_eq(1 + 1, 2); } END_TEST
 *     int main(void) { return testing_run("arithmetic", (const TTest *[]){numbers_add_up, NULL}); }
 *
 * Each test is a process of its own. An assertion of libcheck leaves a mark in a file each time: a loop of many thousand rounds
 * compares by itself and calls ck_abort_msg() for what is wrong.
 */
#ifndef BASE_TESTING_H
#define BASE_TESTING_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

/* So long may one test take before it is killed: far beyond what the slowest needs on a busy machine under a sanitizer. */
#define TESTING_SECONDS 120

#define TESTING_UNUSED __attribute__((unused))

/* The process that runs the tests: in the names of all their objects. */
static pid_t testing_runner;

/* What the tests left in /dev/shm, since they failed or were ended in the middle, is removed. Returns how many objects. */
TESTING_UNUSED static int testing_sweep(void)
{
    char mark[32];
    int count = 0;
    DIR *folder = opendir("/dev/shm");
    snprintf(mark, sizeof mark, "shmoo-test.%d.", (int)testing_runner);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (strncmp(entry->d_name, mark, strlen(mark)) == 0 && unlinkat(dirfd(folder), entry->d_name, 0) == 0)
            count++;
    if (folder)
        closedir(folder);
    return count;
}

/* Runs a NULL-ended list of tests. Returns the exit status of main(): no test failed, and none left an object. */
TESTING_UNUSED static int testing_run(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);
    TCase *all = tcase_create(name);
    tcase_set_timeout(all, TESTING_SECONDS);
    for (; *tests; tests++)
        tcase_add_test(all, *tests);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    testing_runner = getpid();
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    int left = testing_sweep();
    if (left)
        fprintf(stderr, "%s: %d objects were left in /dev/shm\n", name, left);
    return failed || left ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Fails unless `text` contains `part`. */
#define testing_has(text, part)                                                                                             \
    ck_assert_msg(strstr((text), (part)) != NULL, "\"%s\" lacks \"%s\"", (text), (part))
#define testing_lacks(text, part)                                                                                           \
    ck_assert_msg(strstr((text), (part)) == NULL, "\"%s\" holds \"%s\"", (text), (part))

/* Fails unless a call that takes `struct error error` went well. */
#define testing_ok(call) ck_assert_msg((call) == 0, "%s: %s", #call, error.text)

/* How many objects in /dev/shm have `part` in their names; semaphores too. */
TESTING_UNUSED static int testing_census(const char *part)
{
    int count = 0;
    DIR *folder = opendir("/dev/shm");
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strstr(entry->d_name, part) != NULL;
    closedir(folder);
    return count;
}

/* A name for an object of this process alone, with the slash in front; the next call overwrites it. */
TESTING_UNUSED static const char *testing_name(const char *what)
{
    static char name[96];
    snprintf(name, sizeof name, "/shmoo-test.%d.%d.%s", (int)testing_runner, (int)getpid(), what);
    return name;
}

/* Waits for a child. Returns its exit status, or the negative number of the signal that killed it. */
TESTING_UNUSED static int testing_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Forks a child that calls body(user) and exits with what it returns; it dies with the test. */
TESTING_UNUSED static pid_t testing_fork(int (*body)(void *user), void *user)
{
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL); /* libcheck's own handlers would end the whole test */
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        alarm(TESTING_SECONDS);
        _exit(body(user));
    }
    return pid;
}

/* The pid of a process that has ended and is reaped: nobody's, until the numbers come round again. */
TESTING_UNUSED static pid_t testing_dead_pid(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(testing_wait(pid), 0);
    return pid;
}

/* Reads a whole small file into a string that the caller frees. */
TESTING_UNUSED static char *testing_slurp(FILE *file)
{
    char *text = NULL, chunk[4096];
    size_t used = 0, n;
    rewind(file);
    do {
        n = fread(chunk, 1, sizeof chunk, file);
        text = realloc(text, used + n + 1);
        ck_assert_ptr_nonnull(text);
        memcpy(text + used, chunk, n);
        used += n;
    } while (n);
    text[used] = '\0';
    return text;
}

TESTING_UNUSED static void testing_put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, text, strlen(text)) < 0)
        fprintf(stderr, "%s: %s\n", path, error_name(errno));
    close(fd);
}

#ifdef CLONE_NEWNS
/* For files that define _GNU_SOURCE. Gives the calling process a /dev/shm of its own, a tmpfs with these mount options
 * ("size=64k"). Returns 0, or an errno with a message that the test is skipped. Only for the process of a test or a child of
 * it. */
TESTING_UNUSED static int testing_private_shm(const char *options)
{
    char map[64];
    int rc = unshare(CLONE_NEWNS);
    if (rc != 0) {
        unsigned user = (unsigned)geteuid();
        rc = unshare(CLONE_NEWUSER | CLONE_NEWNS);
        if (rc == 0) {
            testing_put_file("/proc/self/setgroups", "deny");
            snprintf(map, sizeof map, "0 %u 1", user);
            testing_put_file("/proc/self/uid_map", map);
        }
    }
    if (rc == 0)
        rc = mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (rc == 0)
        rc = mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, options);
    if (rc == 0)
        return 0;
    int errnum = errno;
    fprintf(stderr, "skipped: no mount namespace to be had for a /dev/shm with %s: %s\n", options, error_name(errnum));
    return errnum;
}
#endif

#endif
