/* A line of /proc/PID/maps: taken apart by hand. */
#define _GNU_SOURCE
#include "shm/maps_line.h"

#include <string.h>
#include <sys/sysmacros.h>

/* A number in this base, and what must follow it; *at moves behind that. */
static bool number(const char **at, unsigned base, char end, uint64_t *value)
{
    const char *start = *at;
    *value = 0;
    for (;; (*at)++) {
        char c = **at;
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : base;
        if (digit >= base)
            break;
        *value = *value * base + digit;
    }
    bool good = *at > start && (**at == end || (end == ' ' && **at == '\n'));
    *at += good && **at == end;
    return good;
}

/* The kernel writes a line's end that is part of a name as \012, and nothing else in another way than it is. */
static void restore_newlines(char *path)
{
    char *to = path;
    for (const char *from = path; *from; to++) {
        bool end = strncmp(from, "\\012", 4) == 0;
        *to = end ? '\n' : *from;
        from += end ? 4 : 1;
    }
    *to = '\0';
}

bool maps_line_parse(char *line, struct maps_line *parsed)
{
    const char *at = line;
    uint64_t major, minor, inode;
    if (!number(&at, 16, '-', &parsed->from) || !number(&at, 16, ' ', &parsed->to) || strnlen(at, 5) < 5 || at[4] != ' ')
        return false;
    memcpy(parsed->rights, at, 4);
    parsed->rights[4] = '\0';
    at += 5;
    if (!number(&at, 16, ' ', &parsed->offset) || !number(&at, 16, ':', &major) || !number(&at, 16, ' ', &minor) ||
        !number(&at, 10, ' ', &inode) || inode == 0)
        return false;
    parsed->device = makedev((unsigned)major, (unsigned)minor);
    parsed->inode = (ino_t)inode;
    at += strspn(at, " ");
    line[strcspn(line, "\n")] = '\0';
    restore_newlines(line + (at - line));
    parsed->path = at;
    return true;
}
