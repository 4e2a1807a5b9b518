/* A process as /proc shows it: stat and wchan of proc(5). */
#include "run/process.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static FILE *open_proc(pid_t pid, const char *name)
{
    char path[64];
    if (pid)
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    else
        snprintf(path, sizeof path, "/proc/self/%s", name);
    return fopen(path, "re");
}

struct process_look process_look(pid_t pid)
{
    struct process_look p = {0};
    char text[1024];
    uint64_t user, system;
    FILE *file = open_proc(pid, "stat");
    if (!file)
        return p;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *rest = strrchr(text, ')'); /* the name before it may hold anything */
    int got = rest ? sscanf(rest + 1,
                            " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                            " %*d %*d %*d %*d %*d %*d %" SCNu64,
                            &p.state, &user, &system, &p.start)
                   : 0;
    if (got != 4)
        return (struct process_look){0};
    p.ticks = user + system;
    return p;
}

uint64_t process_cpu_ns(pid_t pid)
{
    uint64_t ns = 0;
    FILE *file = open_proc(pid, "schedstat");
    bool got = file && fscanf(file, "%" SCNu64, &ns) == 1;
    if (file)
        fclose(file);
    return got ? ns : process_look(pid).ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

void process_wchan(pid_t pid, char *text, int size)
{
    text[0] = '\0';
    FILE *file = open_proc(pid, "wchan");
    if (!file)
        return;
    if (!fgets(text, size, file) || strcmp(text, "0") == 0)
        text[0] = '\0';
    fclose(file);
}
