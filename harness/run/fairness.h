/* Fairness: how a crew shared the primitive among its workers, writers and readers apart.
 *
 * A worker's part is its rate: operations over the time in which it was under way. Throughput alone does not tell a lock that
 * serves all from one that a single process keeps to itself.
 *
 * A small part has two reasons. Who had a CPU, or slept in the primitive, while the others had it again and again, was passed over
 * by the primitive: it starved. Who could have run and had no CPU was passed over by the scheduler, or was stopped by a fault, and that
 * tells nothing about the primitive. The kernel's own account of that delay tells the two apart.
 */
#ifndef RUN_FAIRNESS_H
#define RUN_FAIRNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "run/result.h"
#include "run/spec.h"

/* Less than this part of an equal share is starvation, of an equal share of so many operations at least. */
#define FAIRNESS_STARVED 0.1
#define FAIRNESS_TURNS 10
#define FAIRNESS_NAMED 16

struct fairness {
    uint32_t workers;   /* of the role */
    /* of those who began before the crew was asked to end: */
    double jain;        /* (sum of rates)^2 / (workers * sum of their squares): 1 all alike, 1/workers one had all */
    double min_max;     /* slowest rate over fastest */
    double least;       /* the slowest one's part of an equal share */
    uint32_t least_worker;
    uint32_t starved_count;
    uint32_t starved[FAIRNESS_NAMED]; /* indexes of the first of them */
    uint32_t most_starved;      /* of them, the one with the least rate */
    double most_starved_least;  /* and its part of an equal share */
    uint32_t late_count;        /* began when the crew had been asked to end already: the scheduler never ran them before */
    uint32_t unscheduled_count; /* these, and who had too small a part and no CPU for half of the time or more, but did not starve */
};

/* False: it cannot be told: fewer than two of that role that ran, a crew that did not get through, or members that were
 * replaced. */
bool fairness_of(const struct trial_spec *spec, const struct trial_result *result, bool writers, struct fairness *fairness);

#endif
