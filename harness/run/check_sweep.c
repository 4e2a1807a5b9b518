/* Names that checks have left behind, removed by prefix: it holds the pid and start time of the harness, so all are its own. */
#define _GNU_SOURCE
#include "run/check_sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/check.h"
#include "shm/region.h"

/* So often, so many milliseconds apart: what dies with the harness may take a moment, and create a name in it. */
#define JANITOR_ROUNDS 20
#define JANITOR_PAUSE_MS 10

void check_sweep(const char *prefix)
{
    DIR *folder = opendir(REGION_FOLDER);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        const char *name = entry->d_name;
        if (strncmp(name, "sem.", 4) == 0)
            name += 4;
        if (strncmp(name, prefix, strlen(prefix)) == 0 && unlinkat(dirfd(folder), entry->d_name, 0) != 0 && errno == EISDIR)
            unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
    }
    closedir(folder);
}

/* Stands outside the harness's session and process group, so that what is meant for those does not end it. Holds neither
 * standard output nor standard error: their readers must see the harness's end. */
_Noreturn static void be_janitor(int line, const char *prefix)
{
    char word;
    ssize_t rc;
    setsid();
    for (int signal_number = 1; signal_number < NSIG; signal_number++)
        signal(signal_number, SIG_IGN);
    for (int fd = 0; fd <= 2; fd++)
        close(fd);
    do
        rc = read(line, &word, 1);
    while (rc < 0 && errno == EINTR);
    for (int i = 0; rc <= 0 && i < JANITOR_ROUNDS; i++) {
        check_sweep(prefix);
        check_cgroup_sweep(prefix);
        check_pause_ms(JANITOR_PAUSE_MS);
    }
    _exit(0);
}

int check_janitor_start(struct check_janitor *janitor, const char *prefix, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set(error, STATUS_ENVIRONMENT, errno, "pipe: %s; raise `ulimit -n`", error_name(errno));
    janitor->pid = fork();
    if (janitor->pid == 0) {
        close(ends[1]);
        be_janitor(ends[0], prefix);
    }
    int errnum = errno;
    close(ends[0]);
    janitor->line = ends[1];
    if (janitor->pid > 0)
        return 0;
    close(ends[1]);
    return error_set(error, STATUS_ENVIRONMENT, errnum, "no process to be had: fork: %s; raise `ulimit -u`",
                     error_name(errnum));
}

void check_janitor_end(struct check_janitor *janitor)
{
    char word = 'q';
    if (write(janitor->line, &word, 1) != 1)
        kill(janitor->pid, SIGKILL);
    close(janitor->line);
    while (waitpid(janitor->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
