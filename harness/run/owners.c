/* The owners of locks: one pass over the processes, their mappings, and the numbers of their threads in all pid namespaces. */
#define _GNU_SOURCE
#include "run/owners.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/process.h"
#include "shm/maps_line.h"

/* Which of the looks' objects does the process map? Fills in `held` for each. False: it may not be looked into. */
static bool read_held(pid_t pid, const struct owner_look *looks, size_t count, bool *held)
{
    char path[64], *line = NULL;
    size_t room = 0;
    memset(held, 0, count * sizeof *held);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "re");
    bool allowed = file || (errno != EACCES && errno != EPERM);
    while (file && getline(&line, &room, file) > 0) {
        struct maps_line parsed;
        if (!maps_line_parse(line, &parsed))
            continue;
        for (size_t i = 0; i < count; i++)
            held[i] |= parsed.inode == looks[i].mapping->inode && parsed.device == looks[i].mapping->device;
    }
    free(line);
    if (file)
        fclose(file);
    return allowed;
}

/* The thread's numbers in the pid namespaces it is in, "NSpid:" of its status; how many. */
static size_t read_numbers(pid_t pid, pid_t thread, pid_t numbers[32])
{
    char path[64], line[512];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)thread);
    FILE *file = fopen(path, "re");
    while (file && count == 0 && fgets(line, sizeof line, file)) {
        if (strncmp(line, "NSpid:", 6) != 0)
            continue;
        for (char *at = line + 6, *end; count < 32; at = end) {
            long number = strtol(at, &end, 10);
            if (end == at)
                break;
            numbers[count++] = (pid_t)number;
        }
    }
    if (file)
        fclose(file);
    return count;
}

static bool is_alive(pid_t thread)
{
    char state = process_look(thread).state;
    return state && state != 'Z' && state != 'X';
}

/* Holds one living thread against every look. */
static void judge_thread(struct owner_look *looks, size_t count, const bool *held, bool allowed, pid_t pid, pid_t thread)
{
    pid_t numbers[32];
    size_t known = read_numbers(pid, thread, numbers);
    for (size_t i = 0; i < count; i++) {
        bool has = false;
        for (size_t k = 0; k < known; k++)
            has |= numbers[k] == looks[i].number;
        if (!has || looks[i].answer == OWNER_FOUND || !is_alive(thread))
            continue;
        if (held[i] || !allowed) {
            looks[i].answer = held[i] ? OWNER_FOUND : OWNER_DENIED;
            looks[i].process = pid;
            looks[i].thread = thread;
        }
    }
}

static void judge_process(struct owner_look *looks, size_t count, bool *held, pid_t pid)
{
    char path[64];
    bool allowed = read_held(pid, looks, count, held), any = !allowed;
    for (size_t i = 0; i < count; i++) {
        looks[i].holders += held[i];
        any |= held[i] && looks[i].number;
    }
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *stream = any ? opendir(path) : NULL;
    for (struct dirent *entry; stream && (entry = readdir(stream));)
        if (isdigit((unsigned char)entry->d_name[0]))
            judge_thread(looks, count, held, allowed, pid, (pid_t)atoi(entry->d_name));
    if (stream)
        closedir(stream);
}

/* The process here that has a living thread of that number, whatever it maps; 0: none. */
static pid_t process_of(pid_t number)
{
    char path[64], line[256];
    int process = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)number);
    FILE *file = is_alive(number) ? fopen(path, "re") : NULL;
    while (file && !process && fgets(line, sizeof line, file))
        if (sscanf(line, "Tgid: %d", &process) == 1)
            break;
    if (file)
        fclose(file);
    return process;
}

void owners_find(struct owner_look *looks, size_t count, uint64_t deadline_ns)
{
    bool late = false, *held = count ? calloc(count, sizeof *held) : NULL;
    for (size_t i = 0; i < count; i++) {
        looks[i].answer = held ? OWNER_NONE : OWNER_UNASKED;
        looks[i].process = looks[i].thread = looks[i].bystander = 0;
        looks[i].holders = 0;
    }
    DIR *stream = held ? opendir("/proc") : NULL;
    for (struct dirent *entry; stream && !late && (entry = readdir(stream));) {
        late = clock_ns() > deadline_ns;
        if (isdigit((unsigned char)entry->d_name[0]) && !late)
            judge_process(looks, count, held, (pid_t)atoi(entry->d_name));
    }
    for (size_t i = 0; i < count; i++)
        if (looks[i].answer == OWNER_NONE) {
            looks[i].answer = late || !stream ? OWNER_UNASKED : OWNER_NONE;
            looks[i].bystander = looks[i].number ? process_of(looks[i].number) : 0;
        }
    if (stream)
        closedir(stream);
    free(held);
}
