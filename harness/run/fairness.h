/* Fairness: how a crew shared the primitive among its workers, writers and readers apart.
 *
 * A worker's part is its rate: operations over the time in which it was under way. Throughput alone does not tell a lock that
 * serves all from one that a single process keeps to itself.
 */
#ifndef RUN_FAIRNESS_H
#define RUN_FAIRNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "run/result.h"
#include "run/spec.h"

/* Less than this part of an equal share is starvation. */
#define FAIRNESS_STARVED 0.1
#define FAIRNESS_NAMED 16

struct fairness {
    uint32_t workers;   /* of the role */
    double jain;        /* (sum of rates)^2 / (workers * sum of their squares): 1 all alike, 1/workers one had all */
    double min_max;     /* slowest rate over fastest */
    double least;       /* the slowest one's part of an equal share */
    uint32_t least_worker;
    uint32_t starved_count;
    uint32_t starved[FAIRNESS_NAMED]; /* indexes of the first of them */
};

/* False: it cannot be told: fewer than two of that role, a crew that did not get through, or members that were replaced. */
bool fairness_of(const struct trial_spec *spec, const struct trial_result *result, bool writers, struct fairness *fairness);

#endif
