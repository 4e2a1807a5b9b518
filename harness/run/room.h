/* Shortages on purpose: what a fault may take away from a crew, so that nobody else goes short of it.
 *
 *     room_prepare(needs of all trials)     once, before the first trial: a /dev/shm of the run's own, if one is needed
 *     room_refuses(needs)                   NULL, or why a trial cannot have what its fault needs
 *     room_fill_shm(), room_limit_memory(), room_deny_forks()      while the crew runs
 *     room_restore()                        when the trial has been judged, and whatever has happened
 */
#ifndef RUN_ROOM_H
#define RUN_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/crew.h"

void room_prepare(unsigned needs);
const char *room_refuses(unsigned needs);

/* Each returns 0 or an errno. */
int room_fill_shm(bool full);
int room_limit_memory(const struct crew *crew, uint64_t bytes);
int room_deny_forks(bool denied);

void room_restore(void);

/* Has the OOM killer struck in the crew's group? Writes a sentence; else `text` is empty. */
bool room_explains_kill(char *text, size_t size);

#endif
