/* Terminals, judged by TERM and NO_COLOR. */
#include "report/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_capable(int fd)
{
    const char *kind = getenv("TERM");
    return isatty(fd) && kind && *kind && strcmp(kind, "dumb") != 0;
}

bool terminal_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    return terminal_capable(fd) && !(no_colour && *no_colour);
}

unsigned terminal_lines(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}
