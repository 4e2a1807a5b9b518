/* A program for exec: cat, between the two ends of a peer's channel. */
#define _GNU_SOURCE
#include "workloads/check/program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define GREETING 4711

void program_become(struct check *c, const char *path)
{
    char name[] = "cat";
    char *arguments[] = {name, NULL};
    dup2(c->channel, STDIN_FILENO);
    dup2(c->channel, STDOUT_FILENO);
    execvp(path ? path : name, arguments);
    check_unsupported(c, "needs the program cat: exec: %s", error_name(errno));
}

void program_await(struct check *c, const struct check_peer *peer)
{
    tell(peer->channel, GREETING);
    if (hear(peer->channel) != GREETING)
        check_unsupported(c, "needs the program cat: it did not answer");
}

void program_end(struct check *c, struct check_peer *peer)
{
    check_hang_up(peer);
    expect_number(c, check_end_of(c, peer), 0, "exit status of the program");
}

bool program_has_open(pid_t pid, const char *name)
{
    char folder[64], link[384], target[512];
    bool found = false;
    snprintf(folder, sizeof folder, "/proc/%d/fd", (int)pid);
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && !found && (entry = readdir(list));) {
        snprintf(link, sizeof link, "%s/%s", folder, entry->d_name);
        ssize_t length = readlink(link, target, sizeof target - 1);
        if (length > 0) {
            target[length] = '\0';
            found = strstr(target, name) != NULL;
        }
    }
    if (list)
        closedir(list);
    return found;
}

void program_find(struct check *c, char *path, size_t size)
{
    static const char *const places[] = {"/bin/cat", "/usr/bin/cat"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (access(places[i], X_OK) == 0) {
            snprintf(path, size, "%s", places[i]);
            return;
        }
    check_unsupported(c, "needs the program cat: it is in neither /bin nor /usr/bin");
}
