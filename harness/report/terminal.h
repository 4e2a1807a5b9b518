/* Terminals: what can be written to one besides text. */
#ifndef REPORT_TERMINAL_H
#define REPORT_TERMINAL_H

#include <stdbool.h>

/* Is the descriptor a terminal that can move its cursor? */
bool terminal_capable(int fd);

/* How many lines it shows; 0: unknown. */
unsigned terminal_lines(int fd);

/* May colours be used on it? NO_COLOR (no-color.org) is respected. */
bool terminal_colour(int fd);

#endif
