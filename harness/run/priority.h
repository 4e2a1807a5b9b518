/* Priority: the harness must be able to end a crew that keeps every CPU busy. */
#ifndef RUN_PRIORITY_H
#define RUN_PRIORITY_H

/* Raises the calling process's priority, where the system lets it. */
void priority_raise(void);

/* In a child: back to the priority that the program was started with. */
void priority_restore(void);

#endif
