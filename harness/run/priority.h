/* Priority: the harness must be able to end a crew that keeps every CPU busy. */
#ifndef RUN_PRIORITY_H
#define RUN_PRIORITY_H

#include <stdbool.h>
#include <stddef.h>

/* Raises the calling process's priority, where the system lets it: its nice value, and one level in a real-time class if it was started
 * in one. */
void priority_raise(void);

/* In a child: back to the priority that the program was started with; in a real-time class, below that of who raised its own. */
void priority_restore(void);

/* Is the crew in a real-time class? Writes in a sentence what that makes of its figures. After priority_raise(). */
bool priority_realtime(char *text, size_t size);

#endif
