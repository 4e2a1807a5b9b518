/* The place of a memory fault, found with nothing but open, read and close: it is looked for in a signal handler. */
#define _GNU_SOURCE
#include "run/fault_place.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shm/maps_line.h"

#define LINE 600

/* Is the address in this region? Then its file and offset are noted. */
static bool note_line(struct slot_fault *fault, char *line)
{
    struct maps_line parsed;
    if (!maps_line_parse(line, &parsed) || fault->address < parsed.from || fault->address >= parsed.to)
        return false;
    strncpy(fault->object, parsed.path, sizeof fault->object - 1);
    fault->object_offset = fault->address - parsed.from + parsed.offset;
    return true;
}

void fault_place_note(struct slot_fault *fault)
{
    static char line[LINE], chunk[2048];
    size_t used = 0;
    bool found = false;
    ssize_t n;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    fault->object[0] = '\0';
    while (fd >= 0 && !found && (n = read(fd, chunk, sizeof chunk)) > 0)
        for (ssize_t i = 0; i < n && !found; i++) {
            line[used] = chunk[i];
            used += used < LINE - 1; /* of a longer line, the path is cut */
            if (chunk[i] == '\n') {
                line[used] = '\0';
                found = note_line(fault, line);
                used = 0;
            }
        }
    if (fd >= 0)
        close(fd);
}
