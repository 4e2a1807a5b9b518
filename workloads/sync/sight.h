/* What a diagnosis shows of the states that several rows share: their words, and the owner named in them. */
#ifndef WORKLOADS_SYNC_SIGHT_H
#define WORKLOADS_SYNC_SIGHT_H

#include "contract/sync.h"

/* A pthread_mutex_t, a pthread_rwlock_t, a sem_t, at the state's beginning. */
void sight_mutex(const void *state, const struct sync_setup *setup, struct sync_sight *sight);
void sight_rwlock(const void *state, const struct sync_setup *setup, struct sync_sight *sight);
void sight_semaphore(const void *state, const struct sync_setup *setup, struct sync_sight *sight);

/* A futex's word that holds the owner's thread number; one that only says whether it is held: 0 free, 1 held, 2 and awaited. */
void sight_owner_word(const void *state, const struct sync_setup *setup, struct sync_sight *sight);
void sight_held_word(const void *state, const struct sync_setup *setup, struct sync_sight *sight);

#endif
