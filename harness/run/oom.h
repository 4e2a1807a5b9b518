/* The OOM killer: did it strike in this memory cgroup since the run began? A full cgroup ends a worker so, and not with
 * SIGBUS. */
#ifndef RUN_OOM_H
#define RUN_OOM_H

#include <stddef.h>
#include <stdint.h>

/* Notes how many it has killed until now. */
void oom_begin(void);

/* How many more it has killed since; 0 where that cannot be seen, or oom_begin() was not called. Writes half a sentence with
 * the cgroup, or an empty string for 0. */
uint64_t oom_explain(char *text, size_t size);

#endif
