/* The ledger: gate, slots, histograms and courses of one trial, in memory that the harness and its workers share.
 *
 * It is an anonymous shared mapping, inherited by fork: it takes nothing from /dev/shm, and no death can leave it behind.
 */
#ifndef RUN_LEDGER_H
#define RUN_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "contract/fault.h"
#include "contract/slot.h"
#include "run/gate.h"
#include "shm/course.h"
#include "shm/histogram.h"

/* So many workers keep a course at the most; of larger crews every second one, every third ... */
#define LEDGER_COURSES 512u

struct ledger {
    void *base;
    size_t bytes;
    struct gate *gate;
    struct slot *slots;  /* one a worker, and a last one for the auditor */
    void *commons;       /* FAULT_COMMONS_BYTES for the trial's fault */
    char *histograms;    /* see ledger_histograms() */
    size_t stride;       /* bytes of one worker's histograms, whole pages */
    char *courses;       /* see ledger_course() */
    uint32_t workers;
    uint32_t kinds;
};

/* What ledger_create() will map, at the most; untouched histogram pages cost nothing. */
size_t ledger_bytes(uint32_t workers, uint32_t kinds);

int ledger_create(struct ledger *ledger, uint32_t workers, uint32_t kinds, struct error *error);

/* Processes that are forked from now on do not have it: a primitive's destroy() and later trials have no business with it. */
void ledger_retire(const struct ledger *ledger);

void ledger_destroy(struct ledger *ledger); /* idempotent */

/* Worker `index`'s array of `kinds` histograms. */
struct histogram *ledger_histograms(const struct ledger *ledger, uint32_t index);

/* Worker `index`'s course, in pages of its own; NULL where it keeps none. */
struct course *ledger_course(const struct ledger *ledger, uint32_t index);

/* The auditor's slot: evidence that belongs to no worker. */
struct slot *ledger_auditor(const struct ledger *ledger);

/* One look at all workers. */
struct ledger_view {
    uint64_t ops;
    uint64_t progress; /* moves whenever any worker does anything that counts as progress */
    uint32_t started, inside, acquiring, done;
    bool violated; /* somebody has evidence */
};
struct ledger_view ledger_look(const struct ledger *ledger);

#endif
