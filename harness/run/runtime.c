/* The runtime: marks in the environment, in files, in the paths of cgroups and of mounts, the surest first. */
#define _GNU_SOURCE
#include "run/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_LENGTH 12 /* of a container, shortened as far as any tool does */

static bool is_there(const char *root, const char *path)
{
    char whole[4200];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    return access(whole, F_OK) == 0;
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
    size_t length = strlen(text), suffix = strlen(with);
    return length > suffix && strcmp(text + length - suffix, with) == 0;
}

/* "docker", "podman", "lxc", "systemd-nspawn": what the manager of this container calls itself. */
static enum runtime runtime_of_word(const char *word)
{
    if (word && strcmp(word, "docker") == 0)
        return RUNTIME_DOCKER;
    if (word && strcmp(word, "podman") == 0)
        return RUNTIME_PODMAN;
    return RUNTIME_HOST;
}

static bool is_id(const char *text)
{
    return strspn(text, "0123456789abcdef") >= ID_LENGTH;
}

/* What one part of a cgroup's path tells; RUNTIME_HOST for nothing. `next` is the part behind it, or "". The services of the
 * engines themselves, "docker.service", are no containers. */
static enum runtime runtime_of_part(const char *part, const char *next)
{
    if (starts(part, "kubepods") || starts(part, "cri-containerd-") || starts(part, "crio-"))
        return RUNTIME_KUBERNETES;
    if ((starts(part, "docker-") && is_id(part + 7)) || (strcmp(part, "docker") == 0 && is_id(next)))
        return RUNTIME_DOCKER;
    if (strcmp(part, "libpod_parent") == 0 ||
        (starts(part, "libpod-") && (is_id(part + 7) || (starts(part, "libpod-payload-") && is_id(part + 15)))))
        return RUNTIME_PODMAN;
    return RUNTIME_HOST;
}

/* The deepest service in the path that is none of systemd's own managers. Its name must be one that systemd gives: it is
 * pasted into commands. */
static bool is_service(const char *part)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
    return ends(part, ".service") && !starts(part, "user@") && strlen(part) < RUNTIME_UNIT &&
           strspn(part, letters) == strlen(part);
}

/* One path of a cgroup, which is taken apart. */
static enum runtime runtime_of_group(char *path, char unit[RUNTIME_UNIT], bool *of_user)
{
    enum runtime found = RUNTIME_HOST;
    char *rest = path;
    for (char *part = strsep(&rest, "/"); part; part = strsep(&rest, "/")) {
        char next[128] = "";
        if (rest)
            snprintf(next, sizeof next, "%.*s", (int)strcspn(rest, "/"), rest);
        enum runtime here = runtime_of_part(part, next);
        if (here == RUNTIME_KUBERNETES || found == RUNTIME_HOST)
            found = here; /* a container of Docker's in a pod is the pod's */
        *of_user |= starts(part, "user@");
        if (is_service(part))
            snprintf(unit, RUNTIME_UNIT, "%s", part);
    }
    return found;
}

static enum runtime runtime_of_groups(const char *root, char unit[RUNTIME_UNIT], bool *of_user)
{
    char path[4200], *line = NULL;
    size_t room = 0;
    enum runtime found = RUNTIME_HOST;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        enum runtime here = group ? runtime_of_group(group + 1, unit, of_user) : RUNTIME_HOST;
        if (here == RUNTIME_KUBERNETES || found == RUNTIME_HOST)
            found = here;
    }
    free(line);
    if (file)
        fclose(file);
    return found;
}

/* In a cgroup namespace the paths tell nothing; but the files that a runtime mounts into a container come from its own
 * folders. */
static enum runtime runtime_of_mounts(const char *root)
{
    static const struct {
        const char *part;
        enum runtime runtime;
    } marks[] = {{"/kubelet/pods/", RUNTIME_KUBERNETES},
                 {"/docker/containers/", RUNTIME_DOCKER},
                 {"/overlay-containers/", RUNTIME_PODMAN}};
    char path[4200], *line = NULL;
    size_t room = 0;
    enum runtime found = RUNTIME_HOST;
    snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
    FILE *file = fopen(path, "re");
    while (file && found == RUNTIME_HOST && getline(&line, &room, file) > 0) {
        char from[1024], at[256];
        if (sscanf(line, "%*d %*d %*s %1023s %255s", from, at) != 2 || !starts(at, "/etc/"))
            continue;
        for (size_t i = 0; i < sizeof marks / sizeof marks[0] && found == RUNTIME_HOST; i++)
            if (strstr(from, marks[i].part))
                found = marks[i].runtime;
    }
    free(line);
    if (file)
        fclose(file);
    return found;
}

/* What systemd, or a manager that follows its interface, has written about the container. */
static enum runtime runtime_of_manager(const char *root)
{
    char path[4200], word[64] = "";
    snprintf(path, sizeof path, "%s/run/systemd/container", root);
    enum runtime found = finding_line(path, word, sizeof word) ? runtime_of_word(word) : RUNTIME_HOST;
    return found == RUNTIME_HOST && !*root ? runtime_of_word(getenv("container")) : found;
}

enum runtime runtime_detect(const char *root, char unit[RUNTIME_UNIT], bool *of_user)
{
    unit[0] = '\0';
    *of_user = false;
    enum runtime group = runtime_of_groups(root, unit, of_user), found = group;
    if ((!*root && getenv("KUBERNETES_SERVICE_HOST")) || is_there(root, "/var/run/secrets/kubernetes.io") ||
        group == RUNTIME_KUBERNETES)
        found = RUNTIME_KUBERNETES;
    else if (is_there(root, "/run/.containerenv"))
        found = RUNTIME_PODMAN;
    else if (is_there(root, "/.dockerenv"))
        found = RUNTIME_DOCKER;
    if (found == RUNTIME_HOST)
        found = runtime_of_manager(root);
    if (found == RUNTIME_HOST)
        found = runtime_of_mounts(root);
    if (found == RUNTIME_HOST && unit[0])
        found = RUNTIME_SYSTEMD;
    if (found != RUNTIME_SYSTEMD)
        unit[0] = '\0';
    return found;
}
